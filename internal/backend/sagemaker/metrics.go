package sagemaker

import "strconv"

// errorShare is the share of failed requests, in percent, as CloudWatch computes
// it; 0 where fewer than least were made.
func errorShare(least int64) string {
	return "IF(requests >= " + strconv.FormatInt(max(least, 1), 10) + ", 100 * FILL(failed, 0) / requests, 0)"
}
