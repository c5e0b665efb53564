package provider

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
)

// wire is the way to a server, which can be held: connections are open then, and
// nothing passes. What was under way when it was held is lost.
type wire struct {
	to       string
	listener net.Listener

	mu    sync.Mutex
	held  chan struct{} // closed when it is let go; nil while it is not held
	conns map[net.Conn]bool
}

// newWire makes a way to an address, which ends with the test.
func newWire(t *testing.T, to string) *wire {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{to: to, listener: listener, conns: map[net.Conn]bool{}}
	t.Cleanup(w.close)
	go w.serve()
	return w
}

func (w *wire) address() string { return w.listener.Addr().String() }

func (w *wire) serve() {
	for {
		near, err := w.listener.Accept()
		if err != nil {
			return
		}
		go w.connect(near)
	}
}

// connect lets what comes pass both ways, until either side ends.
func (w *wire) connect(near net.Conn) {
	var dialer net.Dialer
	far, err := dialer.DialContext(context.Background(), "tcp", w.to)
	if err != nil {
		_ = near.Close()
		return
	}
	w.mu.Lock()
	w.conns[near], w.conns[far] = true, true
	w.mu.Unlock()
	go w.pass(far, near)
	w.pass(near, far)
}

// pass ends a connection whose bytes came while the wire was held, for who waits for
// them has given up.
func (w *wire) pass(to io.WriteCloser, from io.ReadCloser) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		w.mu.Lock()
		held := w.held
		w.mu.Unlock()
		if held != nil {
			<-held
			return
		}
		if _, failed := to.Write(buffer[:n]); err != nil || failed != nil {
			return
		}
	}
}

// hold holds the wire until it is let go.
func (w *wire) hold() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held == nil {
		w.held = make(chan struct{})
	}
}

func (w *wire) letGo() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held != nil {
		close(w.held)
		w.held = nil
	}
}

func (w *wire) close() {
	_ = w.listener.Close()
	w.letGo()
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		_ = c.Close()
	}
}
