package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Clients look for a moment whether the lock is free by taking it: only one that
// stays taken is another engine's.
const (
	holdLimit = 3 * time.Second
	holdRetry = 20 * time.Millisecond
)

// hold locks a directory for one engine.
func hold(ctx context.Context, l layout.Layout) (*flock.Flock, error) {
	lock := flock.New(l.Lock())
	trying, cancel := context.WithTimeout(ctx, holdLimit)
	defer cancel()
	held, err := lock.TryLockContext(trying, holdRetry)
	switch {
	case held:
		return lock, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return nil, mlops.NewError(mlops.Conflict, fmt.Errorf("an engine%s runs in %s already", pidIn(l.Info()), l.Root))
	}
	return nil, fmt.Errorf("the engine's directory cannot be locked: %w", err)
}

// pidIn names the process that an info file tells of, if it does.
func pidIn(path string) string {
	var e api.Engine
	b, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(b, &e) != nil {
		return ""
	}
	return fmt.Sprintf(" (process %d)", e.PID)
}

// listen makes the control socket, for the owner only. Whoever holds the
// directory may remove what an earlier engine left.
func listen(ctx context.Context, path string) (net.Listener, error) {
	dir := filepath.Dir(path)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// writeInfo writes the info file, whole or not at all.
func writeInfo(path string, e api.Engine) error {
	b, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return err
	}
	part := path + ".part"
	if err := os.WriteFile(part, append(b, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(part, path)
}
