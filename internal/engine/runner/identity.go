package runner

import (
	"strconv"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// tokenDigits is how many hex digits of a request's digest name a run.
const tokenDigits = 10

// token names the run that a request asks for. A repeated request has the same
// token, so that it finds the run that the first one started.
func token(spec mlops.PipelineRunSpec, pipelineVersion string) string {
	digest := mlops.DigestOf(struct {
		Pipeline   mlops.ID
		Version    string
		Parameters map[string]string
		Triggers   map[string]string
		After      mlops.ID
	}{spec.Pipeline, pipelineVersion, filled(spec.Parameters), filled(spec.Triggers), spec.After})
	_, hex, _ := strings.Cut(digest, ":")
	return "r-" + hex[:tokenDigits]
}

// filled makes the nil map, which has another JSON form, the empty one.
func filled(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// attemptName is the name of the nth run of a token: those before it failed.
func attemptName(token string, n int) string {
	if n == 1 {
		return token
	}
	return token + "-" + strconv.Itoa(n)
}

// tokenOf is the token that a run's name was made from.
func tokenOf(name string) string {
	parts := strings.SplitN(name, "-", 3) // r, digits, attempt
	if len(parts) < 3 {
		return name
	}
	return parts[0] + "-" + parts[1]
}

// sameInputs reports whether two specs ask for the same work.
func sameInputs(a, b mlops.PipelineRunSpec) bool {
	return token(mlops.PipelineRunSpec{Pipeline: a.Pipeline, Parameters: a.Parameters, Triggers: a.Triggers}, "") ==
		token(mlops.PipelineRunSpec{Pipeline: b.Pipeline, Parameters: b.Parameters, Triggers: b.Triggers}, "")
}

// engineName is how lineage names what ran a run.
func engineName(version string) string {
	return "terraform-provider-mlops " + version
}
