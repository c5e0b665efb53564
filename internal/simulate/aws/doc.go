// Package aws simulates the parts of AWS that this project uses: an HTTP server
// that speaks the services' own protocols, keeps state as they do, and holds
// every request and every answer to AWS's published service models. It is never
// looser than those.
//
// It refuses to guess: an operation without a handler is answered as unknown.
//
// # SageMaker
//
// Jobs, models and endpoints run nobody's code: tests play it by Hooks. Time passes
// by looks, not by the clock: waits in deployment policies, retries of steps and
// timeouts of jobs do not pass. Steps of pipelines other than Processing, Training,
// Model, RegisterModel, Condition and Fail are accepted, and fail when they run.
// Schedules of monitoring start nothing by themselves: Monitored adds what they
// would have done. Permissions of roles are not judged, only whom they trust.
// Inference components, asynchronous requests and endpoints' data capture are not
// there.
package aws
