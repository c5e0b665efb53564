package mlops

import (
	"fmt"
	"strings"
)

// DidYouMean returns " Did you mean \"x\"?" for the candidate nearest to a
// word, or "" if none is near enough to be worth saying.
func DidYouMean(word string, candidates []string) string {
	best, distance := "", len(word)/3+2
	for _, c := range candidates {
		if len(word) >= 3 && strings.HasPrefix(c, word) {
			return fmt.Sprintf(" Did you mean %q?", c)
		}
		if d := editDistance(word, c); d < distance {
			best, distance = c, d
		}
	}
	if best == "" || word == "" {
		return ""
	}
	return fmt.Sprintf(" Did you mean %q?", best)
}

// editDistance is Levenshtein's, in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
