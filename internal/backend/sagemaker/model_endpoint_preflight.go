package sagemaker

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Bounds of SageMaker's endpoints, from its published model.
const (
	longestRequest   = 60 * time.Second
	shortestStartup  = time.Minute
	longestStartup   = time.Hour
	maxEndpointParts = 10 // variants
	maxDiskGB        = 512
	maxEnvironment   = 100  // variables
	maxEnvironText   = 1024 // characters of a name, and of a value
)

// environName is what a container's environment takes as a name.
var environName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// Preflight refuses what only SageMaker does not have; see mlops.Preflighter.
func (k modelEndpointKind) Preflight(ctx context.Context, spec mlops.ModelEndpointSpec, c *mlops.Checker) error {
	checkEndpoint(c, spec)
	checkCompleteEndpoint(ctx, c, spec)
	return errors.Join(k.preflightTags(ctx, c, spec), k.checkBecoming(ctx, spec, c))
}

// checkBecoming refuses what an endpoint cannot be in its environment, and warns of
// what it cannot become.
func (k modelEndpointKind) checkBecoming(ctx context.Context, spec mlops.ModelEndpointSpec, c *mlops.Checker) error {
	if !anyServerless(spec) || len(spec.Variants) != 1 {
		return nil
	}
	s, err := k.scene(ctx, spec.ID())
	if err != nil {
		return k.unlessNotFound(err) // of an environment that is planned too
	}
	checkServerlessPlace(c, s.place, spec)
	state, err := k.look(ctx, s)
	if err != nil {
		return k.unlessNotFound(err)
	}
	if err := state.becomes(spec); err != nil {
		// Not refused: nobody can tell here whether it is to be replaced.
		for name := range spec.Variants {
			c.Warn(mlops.At("variants", mlops.Key(name), "scaling", "min"), "Not possible in place", "%s.", mlops.Message(err))
		}
	}
	return nil
}

// unlessNotFound passes over what is not there yet.
func (k modelEndpointKind) unlessNotFound(err error) error {
	if k.is(err, mlops.NotFound) {
		return nil
	}
	return err
}

// checkEndpoint refuses what an endpoint cannot be on SageMaker.
func checkEndpoint(c *mlops.Checker, spec mlops.ModelEndpointSpec) {
	if t := time.Duration(spec.Timeout); t > longestRequest {
		c.Add(mlops.At("request_timeout"), "Timeout too long", "SageMaker ends a request after 60s; this is %s.", t)
	} else if t != 0 && t < time.Second {
		c.Add(mlops.At("request_timeout"), "Timeout too short", "The server counts in seconds; this is %s.", t)
	}
	if n := len(spec.Variants); n > maxEndpointParts {
		c.Add(mlops.At("variants"), "Too many variants", "An endpoint of SageMaker has at most %d variants; these are %d.", maxEndpointParts, n)
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Variants)) {
		checkEndpointVariant(c, mlops.At("variants", mlops.Key(name)), spec.Variants[name])
	}
	checkEndpointMachines(c, spec)
	checkServerless(c, spec)
	checkEndpointSize(c, spec)
	checkEndpointRollout(c, spec)
	checkEndpointOverrides(c, spec)
}

// checkEndpointSize refuses what does not fit into the endpoint's tags, which keep
// its description: what is asked for, and what is in force meanwhile.
func checkEndpointSize(c *mlops.Checker, spec mlops.ModelEndpointSpec) {
	raw, err := json.Marshal([]any{spec, spec.Variants})
	if err != nil {
		return
	}
	const room = (maxPieces - 6) * maxTagValue // the rest is the provider's
	if text, err := pack(raw); err != nil || len(text) > room {
		at := mlops.At("variants")
		if spec.SmokeTest != nil && len(spec.SmokeTest.Request) > room {
			at = mlops.At("smoke_test", "request")
		}
		c.Add(at, "Endpoint too large", "On SageMaker the description of an endpoint is kept in its tags, where compressed %d bytes fit; this has %d.", room, len(text))
	}
}

func checkEndpointVariant(c *mlops.Checker, at mlops.Path, v mlops.Variant) {
	if s := time.Duration(v.Startup); s != 0 && (s < shortestStartup || s > longestStartup) {
		c.Add(at.With("startup_timeout"), "Timeout out of bounds", "SageMaker waits from 1m to 1h for a server to start; this is %s.", s)
	}
	if v.Scaling != nil && v.Scaling.IdleAfter != 0 {
		c.Add(at.With("scaling", "idle_after"), "Not available on sagemaker", "SageMaker itself says when a variant with min = 0 sleeps, and others do not sleep: leave it out.")
	}
	checkEndpointEnv(c, at.With("env"), v.Env)
	if !isServerless(v) {
		checkEndpointCompute(c, at.With("compute"), v.Compute)
	}
}

func checkEndpointEnv(c *mlops.Checker, at mlops.Path, env map[string]string) {
	if len(env) >= maxEnvironment {
		c.Add(at, "Too many variables", "A container on SageMaker has at most %d environment variables.", maxEnvironment)
	}
	for _, key := range slices.Sorted(maps.Keys(env)) {
		if !environName.MatchString(key) || len(key) > maxEnvironText {
			c.Add(at.With(mlops.Key(key)), "Invalid variable", "Names of environment variables are letters, digits and underscores, and do not start with a digit.")
		}
		if len([]rune(env[key])) > maxEnvironText {
			c.Add(at.With(mlops.Key(key)), "Value too long", "SageMaker takes values of at most %d characters.", maxEnvironText)
		}
	}
}

func checkEndpointCompute(c *mlops.Checker, at mlops.Path, a *mlops.Compute) {
	machine := checkMachine(c, at, mlops.UseHosting, a)
	if machine == "" || a == nil {
		return
	}
	if a.Spot {
		c.Add(at.With("spot"), "Not available on sagemaker", "Endpoints of SageMaker run on machines that are not taken away: leave spot out.")
	}
	if a.Disk > 0 && hasLocalDisk(machine) {
		c.AddIf(at.With("disk"), []mlops.Path{at}, "Disk is fixed", "%s has a disk of its own, whose size cannot be chosen: leave disk out, or take another type.", machine)
	} else if diskGB(a.Disk) > maxDiskGB {
		c.Add(at.With("disk"), "Disk too large", "A machine of an endpoint has a disk of at most %dGi.", maxDiskGB)
	}
}

// hasLocalDisk reports whether machines of a type have disks of their own, which
// take neither a size nor a key. Source: the EC2 families with instance store.
func hasLocalDisk(machine string) bool {
	family, _, _ := strings.Cut(strings.TrimPrefix(machine, "ml."), ".")
	return slices.Contains([]string{
		"m5d", "m5dn", "m6id", "m6idn", "m6gd", "m7gd", "c5d", "c6id", "c6gd", "c7gd", "r5d", "r5dn", "r6id", "r6gd", "r7gd",
		"g4dn", "g5", "g6", "g6e", "gr6", "p3dn", "p4d", "p4de", "p5", "p5e", "p5en", "trn1", "trn1n", "trn2",
	}, family)
}
