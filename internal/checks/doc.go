// Package checks computes what a monitor's checks find: drift of features and of
// predictions, violations of the baseline's schema, the quality of predictions whose
// truth is known, and differences between groups. The embedded engine and the job of a
// monitor on a cluster compute the same with it, from the same requests to the same
// figures.
//
// A check is an Examination: it is given a baseline and the truth, takes captured
// requests one by one, in the order in which they came, and makes a report of them.
// Memory depends on the number of features, and of requests whose truth is known, and
// not on the number of rows.
//
// It decides what a figure means; how distributions are compared is internal/drift's.
// It does not know where requests are captured, nor what follows from a report.
package checks
