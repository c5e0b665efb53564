// Package containers plays the containers of steps on a simulated AWS account, in which
// none runs: every test and bench that applies a pipeline there uses the one player.
//
// It knows how the provider describes a step to its job, and where the job's outputs
// are. It refuses to know what a step is for: what is written, whoever plays says.
package containers
