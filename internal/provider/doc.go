// Package provider is the Terraform edge: the provider, its resources, data
// sources and functions. It is the only package that knows Terraform.
//
// Every resource is a [definition], a struct literal over one generic envelope
// that reads, plans, creates, updates, deletes and imports. Attributes become
// specs, and specs attributes, by pure functions written by hand, next to the
// schema they belong to.
//
// All rules that can be checked without changing anything are checked at
// validate or at plan, at the attribute's path. Specs are planned; what the
// platform owns never is: computed attributes keep their value until a change
// of the spec can change them.
//
// The package refuses to wait, to retry and to know any backend: the first two
// are the lifecycle's, and backends come in as factories.
package provider
