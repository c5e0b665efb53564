// Package drift tells whether data still look like a baseline: statistics over
// streams, in bounded memory.
//
// A Collector reads the baseline once and leaves a Profile, which is small and
// has a JSON form. A Window reads later data against a profile, and Compare
// judges it. What a column costs does not depend on the number of rows: a few
// tens of kilobytes in a Profile and a Window, half a megabyte in a Collector.
//
// # What is computed
//
// Numbers are counted in fine bins whose edges are quantiles of the baseline, so
// that each holds about a thousandth of it; a value that is common has a bin of
// its own. The Kolmogorov–Smirnov and Wasserstein statistics are those of the two
// binned distributions, which differ from those of the values by at most the
// mass of one bin, and by its mass times the widest gap within it. The population
// stability index, Jensen–Shannon distance and chi-square use ten groups of those
// bins, of a tenth of the baseline each, or the categories. A baseline of more
// than SampleSize rows is represented by a uniform sample of that size.
//
// # How often it cries wolf
//
// A feature has drifted if the statistic has reached its threshold and the
// difference is significant as well: its p-value is below Alpha divided by the
// number of features. Unchanged data are therefore reported as drifted in at most
// one check of a hundred, whatever the number of features or the size of the
// window; in practice far more seldom, because of the threshold. A small window
// does not raise false alarms; it needs a larger change to raise a true one.
//
// It knows nothing of files, schedules or endpoints.
package drift
