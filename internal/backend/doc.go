// Package backend lists the backends that users can choose. It is a list and
// nothing else: adding a backend is one package and one line here.
package backend
