package api

import "context"

type (
	ownerKey  struct{}
	folderKey struct{}
)

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

// WithFolder returns a context in which relative paths start at a directory.
func WithFolder(ctx context.Context, folder string) context.Context {
	return context.WithValue(ctx, folderKey{}, folder)
}

// Folder returns the absolute directory at which relative paths start, or ""
// where they are not allowed.
func Folder(ctx context.Context) string {
	folder, _ := ctx.Value(folderKey{}).(string)
	return folder
}
