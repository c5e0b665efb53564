package memory

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Factory describes the backend on a platform of its own, which all backends
// that it opens share.
func Factory() mlops.Factory { return NewPlatform(Config{}).Factory() }

// Factory describes the backend on this platform.
func (p *Platform) Factory() mlops.Factory {
	return mlops.Factory{
		Name:         name,
		Summary:      "Keeps everything in the provider's own memory; for tests.",
		Settings:     settings(),
		Target:       target(),
		Capabilities: capabilities(),
		Scope:        func(_, _ mlops.Settings) ([]string, error) { return nil, nil },
		Open: func(_ context.Context, o mlops.Options) (mlops.Backend, error) {
			return p.open(o), nil
		},
	}
}

// backend is a Platform as one owner sees it.
type backend struct {
	platform *Platform
	owner    string
	looks    int
}

func (p *Platform) open(o mlops.Options) *backend {
	b := &backend{platform: p, owner: o.Owner, looks: p.config.Looks}
	if _, ok := o.Settings[settingLooks]; ok {
		b.looks = int(o.Settings.Int(settingLooks))
	}
	return b
}

// Close does nothing: there is no connection.
func (b *backend) Close() error { return nil }
