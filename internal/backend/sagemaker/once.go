package sagemaker

import (
	"context"
	"sync"
)

// once remembers a first success. Failures, a cancelled context among them, are
// tried again by the next call.
func once[T any](get func(context.Context) (T, error)) func(context.Context) (T, error) {
	var mu sync.Mutex
	var value T
	var done bool
	return func(ctx context.Context) (T, error) {
		mu.Lock()
		defer mu.Unlock()
		if done {
			return value, nil
		}
		got, err := get(ctx)
		if err == nil {
			value, done = got, true
		}
		return got, err
	}
}
