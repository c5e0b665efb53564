package kubetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// To install the definitions takes the API server half a minute of work, and to find
// them in etcd a second. So etcd's files are kept in the user's cache as they are
// when the definitions are installed, beside the programs that wrote them, and every
// cluster begins with a copy.

// seed returns where etcd's files are kept for these definitions.
func (c *Cluster) seed() (string, error) {
	tools, err := tools()
	if err != nil {
		return "", err
	}
	pins, err := os.ReadFile(filepath.Join(tools, "kubernetes-crds", "go.sum"))
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256(fmt.Appendf(pins, "%v", definitions()))
	return filepath.Join(filepath.Dir(string(c.programs)), fmt.Sprintf("definitions-%x", digest[:8])), nil
}

// startSeeded starts the control plane with the definitions installed. One binary
// at a time makes a seed; the others wait for it.
func (c *Cluster) startSeeded(ctx context.Context) error {
	seed, err := c.seed()
	if err != nil {
		return err
	}
	lock := flock.New(seed + ".lock")
	if _, err := lock.TryLockContext(ctx, 200*time.Millisecond); err != nil {
		return err
	}
	defer func() { _ = lock.Unlock() }()
	if _, err := os.Stat(seed); errors.Is(err, os.ErrNotExist) {
		return c.sow(ctx, seed)
	}
	if err := os.CopyFS(c.file(etcd), os.DirFS(seed)); err != nil {
		return err
	}
	_ = lock.Unlock() // what follows is nobody else's
	return errors.Join(c.runEtcd(ctx), c.runAPIServer(ctx), c.connect())
}

// sow installs the definitions and keeps etcd's files. They are copied while nobody
// writes them.
func (c *Cluster) sow(ctx context.Context, seed string) error {
	fmt.Fprintln(os.Stderr, "==> installing resource definitions in a test cluster, once ...")
	if err := errors.Join(c.runEtcd(ctx), c.runAPIServer(ctx), c.connect()); err != nil {
		return err
	}
	if err := c.installDefinitions(ctx); err != nil {
		return err
	}
	if err := errors.Join(c.processes[apiServer].kill(), c.processes[etcd].end()); err != nil {
		return err
	}
	part := fmt.Sprintf("%s.%d", seed, os.Getpid())
	if err := os.CopyFS(part, os.DirFS(c.file(etcd))); err != nil {
		return errors.Join(err, os.RemoveAll(part))
	}
	if err := os.Rename(part, seed); err != nil {
		return err
	}
	return errors.Join(c.runEtcd(ctx), c.runAPIServer(ctx), c.connect())
}

// end lets a program end in its own way.
func (p *process) end() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := p.signal(syscall.SIGTERM)
	select {
	case <-p.ended:
		return errors.Join(err, p.watch.remove(p.cmd.Process.Pid))
	case <-ctx.Done():
		return errors.Join(err, p.kill(), errors.New("it did not end when asked to: "+p.log))
	}
}
