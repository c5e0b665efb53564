package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// modelsModule is the Go module that AWS published its service models in.
const modelsModule = "github.com/aws/aws-sdk-go@v1.55.8"

// Models finds AWS's published service models in the Go module cache, and fetches
// them if need be. It needs the go command and this package's sources: it is for
// tests.
func Models(ctx context.Context) (fs.FS, error) {
	_, source, _, ok := runtime.Caller(0)
	if !ok {
		return nil, errors.New("this binary does not know where it was built from")
	}
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", modelsModule)
	cmd.Dir = filepath.Join(filepath.Dir(source), "..", "..", "tools", "aws-models")
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("fetch AWS's service models, %s: %w: %s", modelsModule, err, out)
	}
	var module struct {
		Dir string `json:"Dir"`
	}
	if err := json.Unmarshal(out, &module); err != nil {
		return nil, fmt.Errorf("read what go mod download says: %w", err)
	}
	return os.DirFS(filepath.Join(module.Dir, "models", "apis")), nil
}
