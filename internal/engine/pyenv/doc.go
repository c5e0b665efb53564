// Package pyenv makes Python virtual environments and keeps them: one for each
// set of packages and interpreter, built once however many ask at a time, and
// shared by every engine of the user. It uses uv where that is on the PATH, else
// venv and pip. It never changes an environment that is complete, and never goes on with
// one that is not.
package pyenv
