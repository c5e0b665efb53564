// Package acceptance uses the built provider as a user does: through a real
// terraform or tofu, in folders of its own, on the embedded engine. It applies
// the examples, breaks things on purpose, and looks for what is left over.
//
// Its tests run when TF_ACC is set, as `make test` does; where CI is set they
// must run.
package acceptance
