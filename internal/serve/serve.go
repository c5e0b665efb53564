package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

// Config is a plugin, and how its clients know it. Every field is needed.
type Config struct {
	Addresses []string               // in registries
	Handshake plugin.HandshakeConfig // the one version of the protocol, and the cookie
	Plugin    plugin.Plugin          // one that is served over gRPC
	Options   []grpc.ServerOption
}

// ErrByHand is what a plugin answers a person who runs it.
var ErrByHand = errors.New("this program is a plugin: Terraform and OpenTofu run it, where a configuration asks for it")

// Plugin serves a plugin to the client that started this process, until the
// client ends it, or ctx does. What is written to os.Stdout and os.Stderr from then on goes to
// the client; an interrupt is the client's business too, and is ignored here.
func Plugin(ctx context.Context, c Config) error {
	if os.Getenv(c.Handshake.MagicCookieKey) != c.Handshake.MagicCookieValue {
		return ErrByHand
	}
	secured, certificate, err := mutualTLS(os.Getenv("PLUGIN_CLIENT_CERT"))
	if err != nil {
		return err
	}
	s, err := open(ctx, c, secured)
	if err != nil {
		return err
	}
	if _, err := fmt.Println(s.line(certificate)); err != nil {
		return fmt.Errorf("telling the client where to dial: %w", err)
	}
	signal.Notify(make(chan os.Signal, 1), os.Interrupt) // not ignored for good: the processes started here would inherit that
	os.Stdout, os.Stderr = s.stdout, s.stderr
	return s.run(ctx)
}

// Debug serves a plugin to whoever dials, until ctx ends, and writes how to.
func Debug(ctx context.Context, c Config, out io.Writer) error {
	s, err := open(ctx, c, nil)
	if err != nil {
		return err
	}
	notice, err := s.attach()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprint(out, notice); err != nil {
		return fmt.Errorf("telling how to attach: %w", err)
	}
	return s.run(ctx)
}

// server is a plugin at a socket.
type server struct {
	Config

	grpc           *grpc.Server
	listener       net.Listener
	stdout, stderr *os.File // what is written there goes to the client
}

// open prepares a server; nobody is answered yet.
func open(ctx context.Context, c Config, secured *tls.Config) (*server, error) {
	s := &server{Config: c}
	var out, errs io.Reader
	var err error
	if s.listener, err = listen(ctx); err != nil {
		return nil, fmt.Errorf("opening a socket for the client: %w", err)
	}
	if out, s.stdout, err = stream(); err != nil {
		return nil, err
	}
	if errs, s.stderr, err = stream(); err != nil {
		return nil, err
	}
	theirs := plugin.GRPCServer{
		Plugins: map[string]plugin.Plugin{"provider": c.Plugin},
		Server: func(more []grpc.ServerOption) *grpc.Server {
			s.grpc = grpc.NewServer(append(more, c.Options...)...)
			return s.grpc
		},
		TLS: secured, Stdout: out, Stderr: errs,
	}
	if err := theirs.Init(); err != nil {
		return nil, fmt.Errorf("preparing the plugin: %w", err)
	}
	return s, nil
}

// run answers until the client, or a debugging person, has had enough. It is not
// go-plugin's Serve, which has no logger here and would need it.
func (s *server) run(ctx context.Context) error {
	defer context.AfterFunc(ctx, s.grpc.Stop)()
	if err := s.grpc.Serve(s.listener); err != nil {
		return fmt.Errorf("answering the client: %w", err)
	}
	return nil
}

// stream returns both ends of a pipe.
func stream() (io.Reader, *os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("opening a pipe: %w", err)
	}
	return endless{r}, w, nil
}

// endless never tells that a stream is over, or broken: go-plugin would tell its
// logger, and has none here.
type endless struct{ stream io.Reader }

// Read implements io.Reader.
func (e endless) Read(p []byte) (int, error) {
	n, err := e.stream.Read(p)
	if n == 0 && err != nil {
		select {}
	}
	return n, nil
}
