// Package dataset is what becomes of the data of a dataset, wherever they are kept: what
// is known of a table, whether it keeps its rules, and which version it is.
//
// It reads files of this machine. It refuses to know where data come from, and where they
// are kept.
package dataset
