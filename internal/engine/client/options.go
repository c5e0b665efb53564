package client

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
)

// The environment variables that say what Options say.
const (
	DirectoryVariable  = "MLOPS_LOCAL_DIRECTORY"
	PortVariable       = "MLOPS_LOCAL_PORT"
	PythonVariable     = "MLOPS_LOCAL_PYTHON"
	MailServerVariable = "MLOPS_SMTP_URL"
	ExecutableVariable = "MLOPS_ENGINE_EXECUTABLE"
)

// DefaultIdleExit is after how long without an environment an engine that was
// started by a client exits.
const DefaultIdleExit = 20 * time.Second

// anonymous acts where nobody says who acts: records of nobody are history.
const anonymous = "anonymous"

// Options say which engine is meant, and how to start it.
type Options struct {
	Directory  string        // absolute; the engine is the one of this directory
	Port       int           // of inference; 0 leaves it to the engine
	Python     string        // interpreter; "" leaves it to the engine
	Version    string        // of this program; an engine of an older one is replaced
	Executable string        // the program to start, with the argument "engine"; "" is this one
	Owner      string        // stamp of the configuration that acts
	MailServer string        // URL, a secret; "" leaves the one that the engine knows
	IdleExit   time.Duration // zero is DefaultIdleExit

	folder string // where relative paths start: the working directory
}

// DefaultDirectory is the engine's directory where none is given: ".mlops" in
// the user's home.
func DefaultDirectory() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find the home directory, where the engine would keep its files; say where in the provider's local.directory or in %s: %w", DirectoryVariable, err)
	}
	return filepath.Join(home, ".mlops"), nil
}

// layout is where the engine's files are.
func (o Options) layout() layout.Layout { return layout.Layout{Root: o.Directory} }

// existed reports whether an engine ever was in the directory. What cannot be
// told is for starting one to find out.
func (o Options) existed() bool {
	_, err := os.Stat(o.layout().Database())
	return !errors.Is(err, os.ErrNotExist)
}

// complete fills in what was left out.
func (o Options) complete() (Options, error) {
	var err error
	if o.Executable == "" {
		o.Executable, err = os.Executable()
	}
	if o.IdleExit == 0 {
		o.IdleExit = DefaultIdleExit
	}
	if o.Owner == "" {
		o.Owner = anonymous
	}
	if o.folder == "" && err == nil {
		o.folder, err = os.Getwd()
	}
	return o, err
}

// arguments are those of the engine's process.
func (o Options) arguments() []string {
	args := []string{"engine", "run", "-json", "-directory", o.Directory, "-idle-exit", o.IdleExit.String()}
	if o.Port != 0 {
		args = append(args, "-port", strconv.Itoa(o.Port))
	}
	if o.Python != "" {
		args = append(args, "-python", o.Python)
	}
	return args
}

// Build tells apart programs of one version: released ones do not differ,
// those that are being developed do by size and time of the file.
func Build(version, executable string) string {
	info, err := os.Stat(executable)
	if version != "dev" || err != nil {
		return version
	}
	return fmt.Sprintf("%s-%x-%x", version, info.Size(), info.ModTime().UnixNano())
}
