package verbs

import (
	"context"
	"sync"
)

// Turns lets one goroutine at a time do something by the same key: what has to
// look first and write then, on a platform that has no way to do both at once.
// Its zero value is ready.
type Turns struct {
	mu   sync.Mutex
	held map[string]*turn
}

// turn is a key that somebody holds or waits for.
type turn struct {
	free  chan struct{} // holds one token while nobody has the key
	users int
}

// Take waits for a key, or until the context ends.
func (l *Turns) Take(ctx context.Context, key string) (unlock func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t := l.join(key)
	select {
	case <-t.free:
		return func() { t.free <- struct{}{}; l.leave(key, t) }, nil
	case <-ctx.Done():
		l.leave(key, t)
		return nil, ctx.Err()
	}
}

func (l *Turns) join(key string) *turn {
	l.mu.Lock()
	defer l.mu.Unlock()
	t, ok := l.held[key]
	if !ok {
		t = &turn{free: make(chan struct{}, 1)}
		t.free <- struct{}{}
		if l.held == nil {
			l.held = map[string]*turn{}
		}
		l.held[key] = t
	}
	t.users++
	return t
}

func (l *Turns) leave(key string, t *turn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.users--; t.users == 0 {
		delete(l.held, key)
	}
}
