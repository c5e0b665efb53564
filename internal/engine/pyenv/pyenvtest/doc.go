// Package pyenvtest gives tests Python environments with packages from the index. They
// are kept where the engine of the same user keeps its own, so that a package that a
// dozen test binaries use is installed, and compiled by Python, once per machine.
//
// It is not for tests of how environments are made: those need an empty directory.
package pyenvtest
