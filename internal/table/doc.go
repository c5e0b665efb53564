// Package table reads tables from files — comma-separated values, JSON lines,
// Parquet, the first two gzipped as well — as a stream of rows with typed cells.
//
// Scan looks at a whole file once and finds the type of each column. Collect makes
// a baseline of it for internal/drift, Describe holds it to a schema and to checks.
// All go through the file row by row: memory depends on the number of columns, not
// of rows, but for some 20 bytes for each row where rows must be unique. A file
// that is no table is refused, with the line at fault.
//
// Types, and what counts as missing, are those that pandas finds by default; a
// column of numbers without a fraction in its notation is of integers, with or
// without missing values.
//
// It does not repair data: a row that is too short or too long is an error, a
// value that does not fit its column's type is missing and counted. Nested
// columns of Parquet files are refused.
package table
