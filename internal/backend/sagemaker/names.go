package sagemaker

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// maxName is the longest name of most SageMaker objects.
const maxName = 63

// maxPipelineName is the longest name of a pipeline.
const maxPipelineName = 256

// separator stands between an environment's name and that of what is in it. Names
// of one account and region share one space.
const separator = "--"

// nativeName is the name of an object in its account and region:
// "environment--name", at most longest characters. A name that is too long, or
// would be ambiguous, ends in a hash of the ID instead.
func nativeName(id mlops.ID, longest int) string {
	p, err := id.Parse()
	if err != nil {
		return ""
	}
	full := p.Environment
	if p.Noun != mlops.NounEnvironment {
		full += separator + p.Name
	}
	ambiguous := strings.Contains(p.Environment, separator) || strings.Contains(p.Name, separator)
	if len(full) <= longest && !ambiguous {
		return full
	}
	mark := shortHash(string(id))
	return strings.TrimRight(full[:min(len(full), longest-len(mark)-1)], "-") + "-" + mark
}

// shortHash is a mark of some text: twelve hex digits.
func shortHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}

// pipelineName is the native name of a pipeline.
func pipelineName(id mlops.ID) string { return nativeName(id, maxPipelineName) }

// jsonText is a value's JSON form. It panics on one that has none, which nothing
// that is written in this package is.
func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("sagemaker: no JSON form: " + err.Error())
	}
	return string(b)
}
