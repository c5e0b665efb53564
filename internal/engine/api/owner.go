package api

import "context"

type ownerKey struct{}

// WithOwner returns a context in which a configuration acts.
func WithOwner(ctx context.Context, owner string) context.Context {
	return context.WithValue(ctx, ownerKey{}, owner)
}

// Owner returns the stamp of the configuration that acts, or "" where the
// engine acts for itself.
func Owner(ctx context.Context) string {
	owner, _ := ctx.Value(ownerKey{}).(string)
	return owner
}
