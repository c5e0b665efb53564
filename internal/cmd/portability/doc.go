// Command portability fills the guide on portability with what the backends
// answer: which feature each has, how it does what it has not by nature, and
// which names it allows.
//
// It refuses to know any of that itself: everything comes from the backends'
// capability tables, as do the errors at plan and the sentences in the docs of
// attributes.
package main
