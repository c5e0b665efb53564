package provider

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// wholeServer is all that the framework's server can do. The slim server must
// not hide a part of it: what is optional is found by type assertion.
type wholeServer interface {
	tfprotov6.ProviderServer
	tfprotov6.ListResourceServer
	tfprotov6.ActionServer
	tfprotov6.StateStoreServer
}

// slimServer lets go of each request's context when the request ends. The
// framework (v1.19.0) keeps a cancel function of every request for the life of
// the process, and through it all that the request's context holds: 170 MB
// after 1,000 resources, where 31 MB are enough.
type slimServer struct {
	wholeServer

	calms map[string]quiet           // by resource type
	ready *atomic.Pointer[platforms] // nil until the provider is configured
}

// quiet is a resource that answers by itself where nothing has happened.
type quiet interface {
	calm
	still
	sound
	recoder
}

// slim wraps the framework's server of a provider, unless it is one that cannot
// be wrapped without loss.
func slim(ctx context.Context, s tfprotov6.ProviderServer, p *mlopsProvider) tfprotov6.ProviderServer {
	whole, ok := s.(wholeServer)
	if !ok {
		return s
	}
	calms := map[string]quiet{}
	for _, construct := range p.Resources(ctx) {
		r := construct()
		var named resource.MetadataResponse
		r.Metadata(ctx, resource.MetadataRequest{}, &named)
		if c, ok := r.(quiet); ok {
			calms[named.TypeName] = c
		}
	}
	return slimServer{whole, calms, &p.ready}
}

// ValidateResourceConfig implements tfprotov6.ResourceServer.
func (s slimServer) ValidateResourceConfig(ctx context.Context, q *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	if c, known := s.calms[q.TypeName]; known && c.valid(ctx, q) {
		return &tfprotov6.ValidateResourceConfigResponse{}, nil
	}
	return letGo(ctx, q, s.wholeServer.ValidateResourceConfig)
}

// UpgradeResourceState implements tfprotov6.ResourceServer.
func (s slimServer) UpgradeResourceState(ctx context.Context, q *tfprotov6.UpgradeResourceStateRequest) (*tfprotov6.UpgradeResourceStateResponse, error) {
	if c, known := s.calms[q.TypeName]; known {
		if resp := c.recoded(q); resp != nil {
			return resp, nil
		}
	}
	return letGo(ctx, q, s.wholeServer.UpgradeResourceState)
}

// UpgradeResourceIdentity implements tfprotov6.ResourceServer.
func (s slimServer) UpgradeResourceIdentity(ctx context.Context, q *tfprotov6.UpgradeResourceIdentityRequest) (*tfprotov6.UpgradeResourceIdentityResponse, error) {
	return letGo(ctx, q, s.wholeServer.UpgradeResourceIdentity)
}

// ReadResource implements tfprotov6.ResourceServer.
func (s slimServer) ReadResource(ctx context.Context, q *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	c, known := s.calms[q.TypeName]
	if p := s.ready.Load(); p != nil && known {
		resp, seen := c.unmoved(ctx, p, q)
		if resp != nil {
			return resp, nil
		}
		ctx = seen
	}
	return letGo(ctx, q, s.wholeServer.ReadResource)
}

// PlanResourceChange implements tfprotov6.ResourceServer.
func (s slimServer) PlanResourceChange(ctx context.Context, q *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	c, known := s.calms[q.TypeName]
	if p := s.ready.Load(); p != nil && known {
		resp, seen := c.unchanged(ctx, p, q)
		if resp != nil {
			return resp, nil
		}
		ctx = seen
	}
	return letGo(ctx, q, s.wholeServer.PlanResourceChange)
}

// ApplyResourceChange implements tfprotov6.ResourceServer.
func (s slimServer) ApplyResourceChange(ctx context.Context, q *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	return letGo(ctx, q, s.wholeServer.ApplyResourceChange)
}

// letGo makes a call with a context that holds the request's own only until the
// call returns.
func letGo[Q, R any](ctx context.Context, q *Q, call func(context.Context, *Q) (*R, error)) (*R, error) {
	c := &requestContext{}
	c.held.Store(&ctx)
	defer c.end()     //nolint:contextcheck // what remains must not hold the request
	return call(c, q) //nolint:contextcheck // c stands for ctx
}

// requestContext stands for a request's context until the request ends, and for
// one that is cancelled afterwards.
type requestContext struct {
	held atomic.Pointer[context.Context]
}

func (c *requestContext) end() {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	c.held.Store(&ended)
}

func (c *requestContext) get() context.Context { return *c.held.Load() }

// Deadline implements context.Context.
func (c *requestContext) Deadline() (time.Time, bool) { return c.get().Deadline() }

// Done implements context.Context.
func (c *requestContext) Done() <-chan struct{} { return c.get().Done() }

// Err implements context.Context.
func (c *requestContext) Err() error { return c.get().Err() }

// Value implements context.Context.
func (c *requestContext) Value(key any) any { return c.get().Value(key) }
