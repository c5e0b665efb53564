// Package mlops is the domain: the portable nouns, the contract that every
// backend fulfils, and all that can be known about a specification without
// asking anybody.
//
// It holds specs and statuses, IDs, the template language, the step graph,
// compute asks, the capability table and the error codes. It refuses to do
// I/O, to know Terraform, and to import anything but the standard library;
// internal/arch_test.go proves the last.
//
// Two rules run through it. A noun's Spec is what the user owns and is the only
// thing ever planned; its Status is what the platform owns and never causes a
// difference. And a noun's ID is a readable path that is known as soon as its
// inputs are, so that a dependent noun knows its backend at plan time.
package mlops
