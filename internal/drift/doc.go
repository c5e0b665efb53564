// Package drift tells whether data still look like a baseline: statistics over
// streams, in bounded memory.
//
// A Collector reads the baseline once and leaves a Profile, which is small and
// has a JSON form. A Window reads later data against a profile, and Compare
// judges it. Parts that were read apart can be merged. What a column costs does
// not depend on the number of rows: at most 64 kB in a Profile and as much again
// in a Window, half a megabyte in a Collector; of text, as much as the categories
// take that are told apart, each of at most 150 bytes.
//
// # Numbers
//
// Numbers are counted in fine bins whose edges are quantiles of the baseline, so
// that each holds about a thousandth of it. Up to a thousand different values
// have a bin each; of more, each that is common has. A baseline of more than
// SampleSize rows is represented by a uniform sample of that size, whose
// distribution is within 0.008 of the whole.
//
// The Kolmogorov–Smirnov statistic of the bins is at most that of the values, and
// less by no more than a thousandth. The Wasserstein distance is off by no more
// than the mean width of the bins that the values are in. The population
// stability index, Jensen–Shannon distance and chi-square use ten groups of bins,
// of a tenth of the baseline each, and fewer where a window has less than fifty
// rows.
//
// # Categories
//
// Categories are told apart while there are no more than 500 in the baseline, and
// no more than 2,000 others in the window; of more, all are hashed into 64
// buckets, and those are compared. To compare the baseline's most common ones
// would be wrong, for some of them are only common there by chance. A column in
// which nearly every value is another is not judged.
//
// Groups of numbers, categories and buckets that have less than five rows are
// taken together, and none of the statistics sees them apart.
//
// # How often it cries wolf
//
// A feature has drifted if the statistic has reached its threshold and the
// difference is significant as well: its p-value is below Alpha divided by the
// number of features that are judged. Unchanged data are therefore reported as
// drifted in at most one check (a call of Compare) of a hundred, whatever the
// number of features, the size of the window and the threshold. A small window
// does not raise false alarms; it needs a larger change to raise a true one.
// Fewer than five values are never judged.
//
// The p-value is, of Kolmogorov–Smirnov and Wasserstein, that of Kolmogorov's
// limit; of statistics of frequencies the greater of Pearson's chi-square and of
// the likelihood-ratio test; of the null rate, Fisher's exact one.
//
// The rate is an average over baselines, and rows are taken to be independent of
// each other. Where the baseline is not a fair sample of the same source — of
// another season, or sorted — data have changed, and it says so; where rows come
// in bursts of the same, they are fewer than they seem.
//
// It knows nothing of files, schedules or endpoints.
package drift
