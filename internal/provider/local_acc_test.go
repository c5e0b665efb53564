package provider

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"golang.org/x/sys/unix"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/local"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/client"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/lifecycle"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/test/tfcli"
)

// localWorld is an engine in a directory of its own. It is started by the
// provider when something first needs it, as users have it started. At the end
// of the test it is stopped, and no process or file may be left.
func localWorld(t *testing.T) world {
	t.Helper()
	if os.Getenv(client.ExecutableVariable) == "" { // this test is no engine, and must not be started as one
		t.Fatalf("%s is not set; run acceptance tests with make testacc", client.ExecutableVariable)
	}
	const owner = "acc"
	e := &accEngine{directory: tfcli.New(t).Workspace(t).Engine, owner: owner}
	t.Cleanup(e.thaw)
	folder := t.TempDir()
	return world{
		backend:   "local",
		factories: []mlops.Factory{local.Factory()},
		provider:  fmt.Sprintf("provider \"mlops\" {\n  owner = %q\n  local = { directory = %q }\n}\n", owner, e.directory),
		folder:    folder,
		beyond:    withoutAccelerators(),
		changed:   `{}`,
		elsewhere: fmt.Sprintf("{ directory = %q }", folder+"/elsewhere"),
		remove:    e.remove,
		left:      e.left,
		spoil:     spoil,
		// An engine that stands still accepts nothing, so that nothing is there.
		freeze: func(config string) stuck {
			return stuck{config: config, begin: e.freeze, end: e.thaw, repair: plancheck.ResourceActionCreate}
		},
		endure: func(config string) stuck {
			return stuck{config: config, repair: plancheck.ResourceActionReplace}
		},
	}
}

// accEngine is the engine of one world, past the provider.
type accEngine struct {
	directory, owner string

	frozen int // PID of the engine while it stands still
}

// freeze makes the engine stand still, as a machine does that swaps or sleeps.
func (e *accEngine) freeze() error {
	running, err := client.Find(context.Background(), e.options())
	if err != nil {
		return err
	}
	if running == nil {
		return errors.New("there is no engine to freeze")
	}
	e.frozen = running.PID
	return unix.Kill(e.frozen, unix.SIGSTOP)
}

// thaw lets the engine go on, if it stands still.
func (e *accEngine) thaw() {
	if e.frozen != 0 {
		_ = unix.Kill(e.frozen, unix.SIGCONT) // it is gone, if it fails
		e.frozen = 0
	}
}

// left names what the engine still has. One that does not run has nothing: it
// ends by itself only then.
func (e *accEngine) left() ([]string, error) {
	running, err := client.Find(context.Background(), e.options())
	if err != nil || running == nil {
		return nil, err
	}
	var names []string
	for noun, n := range running.Objects {
		names = append(names, fmt.Sprintf("%d of %s", n, noun))
	}
	return names, nil
}

// remove deletes an object, and returns when it is gone.
func (e *accEngine) remove(id mlops.ID) error {
	b, err := local.Factory().Open(context.Background(), mlops.Options{
		Settings: mlops.Settings{"directory": e.directory}, Owner: e.owner, Version: accProviderVersion,
	})
	if err != nil {
		return err
	}
	defer func() { _ = b.Close() }()
	return removeAny(b, id)
}

// removeBy deletes an object, and returns when it is gone.
func removeBy[S, T any](k mlops.Kind[S, T], code func(error) mlops.Code, id mlops.ID) error {
	ctx, cancel := context.WithTimeout(context.Background(), readPatience)
	defer cancel()
	return lifecycle.Target[S, T]{Kind: k, Code: code, Backend: id.Backend()}.Delete(ctx, id)
}

func (e *accEngine) options() client.Options {
	return client.Options{
		Directory: e.directory, Version: accProviderVersion, Owner: e.owner, Executable: os.Getenv(client.ExecutableVariable),
	}
}
