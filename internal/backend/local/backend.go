package local

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/client"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Factory describes the backend.
func Factory() mlops.Factory {
	return mlops.Factory{
		Name:         name,
		Summary:      "An engine that is embedded in the provider: pipelines and endpoints as processes of this machine.",
		Settings:     settings(),
		Target:       target(),
		Capabilities: capabilities(),
		Scope:        func(_, _ mlops.Settings) ([]string, error) { return nil, nil },
		Open: func(_ context.Context, o mlops.Options) (mlops.Backend, error) {
			return open(o)
		},
	}
}

// backend is the engine of one directory, as one owner sees it.
type backend struct {
	engine *client.Client
	agent  string // how the provider calls itself
}

func open(o mlops.Options) (*backend, error) {
	to, err := options(o)
	if err != nil {
		return nil, err
	}
	engine, err := client.New(to)
	return &backend{engine, "terraform-provider-mlops/" + o.Version}, err
}

// Close lets go of connections. The engine goes on.
func (b *backend) Close() error { return b.engine.Close() }
