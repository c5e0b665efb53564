package verbs

import (
	"context"
	"sync"
	"time"
)

// Recent keeps for a moment what many need at once: one at a time reads it, the others
// wait for what that finds, and who comes a little later gets the same. What fails is
// kept for nobody. Its zero value is ready.
type Recent[Key ~string, Value any] struct {
	reading Turns
	mu      sync.Mutex
	known   map[Key]known[Value]
	lapses  int // how many times anything was said to have changed
}

type known[Value any] struct {
	value Value
	read  time.Time
}

// Get returns what was read for a key not longer ago than age, or reads it.
func (r *Recent[Key, Value]) Get(ctx context.Context, key Key, age time.Duration, read func(context.Context) (Value, error)) (Value, error) {
	if value, ok := r.recall(key, age); ok {
		return value, nil
	}
	unlock, err := r.reading.Take(ctx, string(key))
	if err != nil {
		var none Value
		return none, err
	}
	defer unlock()
	if value, ok := r.recall(key, age); ok { // somebody else has read it meanwhile
		return value, nil
	}
	lapses, begun := r.count(), time.Now()
	value, err := read(ctx)
	if err == nil {
		r.settle(key, known[Value]{value, begun}, lapses)
	}
	return value, err
}

// Forget drops what is known for a key, and what is being read for it.
func (r *Recent[Key, Value]) Forget(key Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.known, key)
	r.lapses++
}

// Keep makes a value what is known for a key from now on: what was just written.
func (r *Recent[Key, Value]) Keep(key Key, value Value) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lapses++
	r.set(key, known[Value]{value, time.Now()})
}

func (r *Recent[Key, Value]) recall(key Key, age time.Duration) (Value, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k, ok := r.known[key]
	return k.value, ok && time.Since(k.read) < age
}

func (r *Recent[Key, Value]) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lapses
}

// settle keeps what was read, unless something changed since the reading began: it may
// be from before that change.
func (r *Recent[Key, Value]) settle(key Key, k known[Value], lapses int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if lapses == r.lapses {
		r.set(key, k)
	}
}

func (r *Recent[Key, Value]) set(key Key, k known[Value]) {
	if r.known == nil {
		r.known = map[Key]known[Value]{}
	}
	r.known[key] = k
}
