package pyenvtest

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv"
)

// Builder is that of the user's environments. Binaries that want the same one take
// turns.
func Builder() (*pyenv.Builder, error) {
	cache, err := layout.CacheDir()
	if err != nil {
		return nil, err
	}
	return pyenv.New("", cache, slog.New(slog.DiscardHandler)), nil
}

// Ensure returns an environment with packages (pip requirements), which nobody may
// change.
func Ensure(ctx context.Context, packages ...string) (pyenv.Env, error) {
	builder, err := Builder()
	if err != nil {
		return pyenv.Env{}, err
	}
	env, err := builder.Ensure(ctx, packages)
	if err != nil {
		return pyenv.Env{}, fmt.Errorf("install %v, without which nothing else says what is right: %w", packages, err)
	}
	return env, nil
}
