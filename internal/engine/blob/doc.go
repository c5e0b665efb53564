// Package blob gives bytes their content digest and keeps them by it, so that
// equal bytes are kept once and a name can never come to mean other bytes.
//
// A blob is a file or a directory tree. Symbolic links and special files are
// refused: their content is somewhere else.
package blob
