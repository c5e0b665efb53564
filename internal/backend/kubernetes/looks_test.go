package kubernetes

import (
	"iter"
	"time"
)

// looks yields until patience ends, at first often and then twice a second: each look
// costs the API server, which all tests share, a few lists.
func looks(patience time.Duration) iter.Seq[time.Duration] {
	return func(yield func(waited time.Duration) bool) {
		start := time.Now()
		for pause := 50 * time.Millisecond; time.Since(start) < patience; pause = min(pause*3/2, time.Second/2) {
			if !yield(time.Since(start)) {
				return
			}
			time.Sleep(pause)
		}
	}
}
