package kubernetes

import "time"

// looks yields until patience ends, at first often and then twice a second: each look
// costs the API server, which all tests share, a few lists.
func looks(patience time.Duration) func(yield func() bool) {
	return func(yield func() bool) {
		start := time.Now()
		for pause := 50 * time.Millisecond; time.Since(start) < patience; pause = min(pause*3/2, time.Second/2) {
			if !yield() {
				return
			}
			time.Sleep(pause)
		}
	}
}
