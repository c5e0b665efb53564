package serving

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Ports that the gateway takes where none was asked for: below those that
// systems hand out for outgoing connections, which would get in the way.
const (
	firstPort = 17000
	portRange = 4000
)

const loopback = "127.0.0.1"

// listen opens the gateway's address: on the port that was asked for, on the
// one it had before, or on the next free one.
func (s *Service) listen(ctx context.Context) (net.Listener, error) {
	if s.Port != 0 {
		l, err := listenOn(ctx, s.Port)
		if err != nil {
			return nil, mlops.NewError(mlops.Conflict, fmt.Errorf("the inference port %d cannot be used: %w; free it, or choose another with the provider's local.port", s.Port, err))
		}
		return l, nil
	}
	before, err := s.portBefore()
	if err != nil {
		return nil, err
	}
	var last error
	for i := range portRange {
		port := firstPort + (before-firstPort+i)%portRange
		l, err := listenOn(ctx, port)
		if err == nil {
			return l, s.keepPort(port)
		}
		last = err
	}
	return nil, mlops.NewError(mlops.Conflict, fmt.Errorf("no free port for inference from %d to %d: %w", firstPort, firstPort+portRange-1, last))
}

func listenOn(ctx context.Context, port int) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(loopback, strconv.Itoa(port)))
}

// portFile keeps the port that was picked, so that URLs survive the engine.
func (s *Service) portFile() string { return filepath.Join(s.Layout.Root, "inference.port") }

// portBefore is the port of the engine before, or for the first one a port that
// differs between directories.
func (s *Service) portBefore() (int, error) {
	b, err := os.ReadFile(s.portFile())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	if port, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil && port >= firstPort && port < firstPort+portRange {
		return port, nil
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(s.Layout.Root)) // a hash never fails to write
	return firstPort + int(h.Sum32()%portRange), nil
}

func (s *Service) keepPort(port int) error {
	part := s.portFile() + ".part"
	if err := os.WriteFile(part, []byte(strconv.Itoa(port)+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(part, s.portFile())
}

// ports hands out ports to model servers, no two of ours the same. Somebody
// else may take one before the server does; the server then ends and is started
// again with another.
type ports struct {
	pick  func(ctx context.Context) (int, error)
	mu    sync.Mutex
	taken map[int]bool
}

// take returns a free port that is ours until release.
func (p *ports) take(ctx context.Context) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		port, err := p.pick(ctx)
		if err != nil {
			return 0, fmt.Errorf("find a free port for a model server: %w", err)
		}
		if !p.taken[port] {
			p.taken[port] = true
			return port, nil
		}
	}
}

// hold notes a port that a recovered server has.
func (p *ports) hold(port int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken[port] = true
}

func (p *ports) release(port int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.taken, port)
}

func freePort(ctx context.Context) (int, error) {
	l, err := listenOn(ctx, 0)
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return portOf(l.Addr()), nil
}

func portOf(a net.Addr) int {
	tcp, _ := a.(*net.TCPAddr)
	return tcp.Port
}
