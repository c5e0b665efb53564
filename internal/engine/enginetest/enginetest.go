package enginetest

import (
	"context"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
)

// Run runs an engine in a directory until the test ends, and returns when it answers.
func Run(t testing.TB, directory string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context())) // the test's own ends before the cleanup
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- engine.Run(ctx, engine.Config{Directory: directory, Version: "dev", Ready: func(api.Engine) { close(ready) }})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the engine ended with %v", err)
		}
	})
	select {
	case <-ready:
	case err := <-ended:
		ended <- nil // it was told here
		t.Fatalf("the engine did not start: %v", err)
	}
}
