package serving

import (
	_ "embed" // the adapter
	"errors"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/process"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

//go:embed adapter.py
var adapter string

// custom is the format whose server is the user's own.
const custom = "custom"

// adapterFor is the program that serves a format, "" for the user's own.
func adapterFor(format string) string {
	if format == custom {
		return ""
	}
	return adapter
}

// launch is how a fleet's servers are started.
type launch struct {
	endpoint string
	variant  string
	content  string
	model    model
	env      map[string]string
	compute  mlops.Compute
}

func launchOf(endpoint string, v planned) launch {
	l := launch{endpoint: endpoint, variant: v.name, content: v.content, model: v.model, env: v.share.Env}
	if v.share.Compute != nil {
		l.compute = *v.share.Compute
	}
	return l
}

func (l launch) protocol() gateway.Protocol {
	if l.model.Format == custom {
		return gateway.Passthrough
	}
	return gateway.Inference
}

// readiness returns the path to look at and which statuses say that the server
// is ready.
func (l launch) readiness() (path string, enough func(status int) bool) {
	if l.model.Format == custom {
		return "/", func(status int) bool { return status < http.StatusInternalServerError }
	}
	return "/v2/models/" + l.endpoint + "/ready", func(status int) bool { return status == http.StatusOK }
}

// process returns the server's process, with its program in dir.
func (l launch) process(python pyenv.Env, dir, log string, port int) (process.Spec, error) {
	info, err := os.Stat(l.model.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return process.Spec{}, errors.New("the model's bytes are gone: " + l.model.Path)
	}
	if err != nil {
		return process.Spec{}, err
	}
	cwd := l.model.Path
	if !info.IsDir() {
		cwd = filepath.Dir(cwd)
	}
	args, err := l.args(python, dir, port)
	return process.Spec{
		Args: args, Dir: cwd, Env: l.vars(python, port).Environ(), Log: log, State: dir,
		MemoryLimit: int64(l.compute.Memory),
	}, err
}

// args is the server's command line.
func (l launch) args(python pyenv.Env, dir string, port int) ([]string, error) {
	if l.model.Format != custom {
		program := filepath.Join(dir, "adapter.py")
		return []string{python.Python(), program}, os.WriteFile(program, []byte(adapter), 0o600)
	}
	expand := strings.NewReplacer(
		"$PORT", strconv.Itoa(port), "${PORT}", strconv.Itoa(port),
		"$MODEL_PATH", l.model.Path, "${MODEL_PATH}", l.model.Path)
	args := make([]string, len(l.model.Command))
	for i, a := range l.model.Command {
		args[i] = expand.Replace(a)
	}
	return args, nil
}

// vars is the server's environment. What the engine says about port and model
// cannot be overridden.
func (l launch) vars(python pyenv.Env, port int) process.Vars {
	v := process.Inherited()
	v.Set(
		"PYTHONUNBUFFERED=1",        // the log is whole even if the server is killed
		"PYTHONDONTWRITEBYTECODE=1", // registered bytes stay as they are
	)
	v.HintThreads(l.compute.CPU)
	if len(l.model.Packages) > 0 {
		v.Set(python.Vars(v["PATH"])...)
	}
	maps.Copy(v, l.env)
	v.Set("PORT="+strconv.Itoa(port), "MODEL_PATH="+l.model.Path, "MODEL_NAME="+l.endpoint, "MODEL_FORMAT="+l.model.Format)
	return v
}

// written is when a file was last written, or the zero time.
func written(d os.DirEntry) time.Time {
	info, err := d.Info()
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
