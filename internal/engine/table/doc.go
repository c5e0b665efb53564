// Package table reads tables from files — comma-separated values, JSON lines,
// Parquet, the first two gzipped as well — as a stream of rows with typed cells.
//
// Scan looks at a whole file once and finds the type of each column; Read goes
// through it in batches, in bounded memory, which Collect makes a baseline of
// for internal/drift. A file that is no table is refused with the line at fault.
//
// It does not repair data: a row that is too short or too long is an error, a
// value that does not fit its column's type is missing and counted.
package table
