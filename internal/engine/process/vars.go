package process

import (
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// defaultPath serves an engine that was started without a PATH.
const defaultPath = "/usr/local/bin:/usr/bin:/bin"

// Vars is the environment of a program to be started, by name.
type Vars map[string]string

// Inherited returns what a program gets of the engine's own environment: where
// to find programs, files, packages and the way out through a proxy. The rest
// stays the engine's: how a program behaves should depend on what its
// specification says.
func Inherited() Vars {
	v := Vars{"PATH": defaultPath}
	for _, pair := range os.Environ() {
		if name, value, _ := strings.Cut(pair, "="); isInherited(name) {
			v[name] = value
		}
	}
	return v
}

func isInherited(name string) bool {
	for _, prefix := range []string{"LC_", "PIP_", "UV_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return slices.Contains([]string{
		"PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
		"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
	}, name)
}

// Set adds "NAME=value" pairs, replacing what has the same name.
func (v Vars) Set(pairs ...string) {
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		v[name] = value
	}
}

// HintThreads tells numeric libraries to use as many threads as there are
// CPUs. No CPUs leave it to them.
func (v Vars) HintThreads(cpus float64) {
	if cpus <= 0 {
		return
	}
	n := strconv.Itoa(int(math.Ceil(cpus)))
	for _, name := range []string{"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"} {
		v[name] = n
	}
}

// Environ returns the variables as Spec.Env takes them, in a stable order.
func (v Vars) Environ() []string {
	env := make([]string, 0, len(v))
	for _, name := range slices.Sorted(maps.Keys(v)) {
		env = append(env, name+"="+v[name])
	}
	return env
}
