// Command schemajson prints the provider's schema as
// `terraform providers schema -json` does, for the generator of docs/.
//
// It asks the provider in this very process, so that docs can be generated with
// no Terraform binary and no network, and do not depend on the version of
// either. It refuses to leave anything out silently: a kind of schema that it
// does not know is an error.
package main
