package serve

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	testpb "google.golang.org/grpc/interop/grpc_testing"
)

// actor makes this test's own program a plugin.
const actor = "SERVE_TEST_PLUGIN"

func TestMain(m *testing.M) {
	if os.Getenv(actor) == "" {
		os.Exit(m.Run())
	}
	stderr := os.Stderr
	if err := Plugin(context.Background(), echoes()); err != nil {
		fmt.Fprintln(stderr, err)
		os.Exit(1)
	}
}

// echoes is a plugin that says what it is told.
func echoes() Config {
	return Config{
		Addresses: []string{"example.com/test/echo"},
		Handshake: plugin.HandshakeConfig{ProtocolVersion: 6, MagicCookieKey: "SERVE_TEST_COOKIE", MagicCookieValue: "chocolate"},
		Plugin:    echo{},
		Options:   []grpc.ServerOption{grpc.MaxRecvMsgSize(1 << 20)},
	}
}

// echo is both sides of the plugin.
type echo struct {
	plugin.NetRPCUnsupportedPlugin
	testpb.UnimplementedTestServiceServer
}

// GRPCServer implements plugin.GRPCPlugin.
func (e echo) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	testpb.RegisterTestServiceServer(s, e)
	return nil
}

// GRPCClient implements plugin.GRPCPlugin.
func (echo) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, c *grpc.ClientConn) (any, error) {
	return testpb.NewTestServiceClient(c), nil
}

// UnaryCall implements testpb.TestServiceServer.
func (echo) UnaryCall(_ context.Context, q *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
	switch said := string(q.GetPayload().GetBody()); said {
	case "close":
		return &testpb.SimpleResponse{}, errors.Join(os.Stdout.Close(), os.Stderr.Close())
	default:
		fmt.Println("out:" + said)
		fmt.Fprintln(os.Stderr, "err:"+said)
		return &testpb.SimpleResponse{Payload: q.GetPayload()}, nil
	}
}

// client is go-plugin's own, with the plugin that it starts.
type client struct {
	*plugin.Client

	cmd      *exec.Cmd
	sockets  string // where the plugin has them
	out, err *said
}

// start runs the plugin for a client that is set up by change.
func start(t *testing.T, change func(*plugin.ClientConfig)) client {
	t.Helper()
	c := client{sockets: t.TempDir(), out: heard(), err: heard()}
	c.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0])
	c.cmd.Env = append(os.Environ(), actor+"=1", plugin.EnvUnixSocketDir+"="+c.sockets, "PLUGIN_MIN_PORT=10000", "PLUGIN_MAX_PORT=25000")
	config := &plugin.ClientConfig{
		HandshakeConfig:  echoes().Handshake,
		VersionedPlugins: map[int]plugin.PluginSet{5: {"echo": echo{}}, 6: {"echo": echo{}}},
		Cmd:              c.cmd, AutoMTLS: true,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		SyncStdout:       c.out, SyncStderr: c.err,
		Logger: hclog.NewNullLogger(),
	}
	change(config)
	c.Client = plugin.NewClient(config)
	t.Cleanup(c.Kill)
	return c
}

// say calls the plugin, which must answer the same.
func say(t *testing.T, c *plugin.Client, words string) {
	t.Helper()
	protocol, err := c.Client()
	if err != nil {
		t.Fatal(err)
	}
	if err := protocol.Ping(); err != nil {
		t.Errorf("ping: %v", err)
	}
	raw, err := protocol.Dispense("echo")
	if err != nil {
		t.Fatal(err)
	}
	service, ok := raw.(testpb.TestServiceClient)
	if !ok {
		t.Fatalf("the plugin is %T", raw)
	}
	answer, err := service.UnaryCall(t.Context(), &testpb.SimpleRequest{Payload: &testpb.Payload{Body: []byte(words)}})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(answer.GetPayload().GetBody()); got != words && words != "close" {
		t.Errorf("answered %q, want %q", got, words)
	}
}

func TestPlugin(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*plugin.ClientConfig)
	}{
		{"with certificates", func(*plugin.ClientConfig) {}},
		{"without", func(c *plugin.ClientConfig) { c.AutoMTLS = false }},
		{"client of one version", func(c *plugin.ClientConfig) {
			c.VersionedPlugins, c.Plugins = nil, plugin.PluginSet{"echo": echo{}}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := start(t, tt.change)
			say(t, c.Client, "hello")
			c.out.has(t, "out:hello\n")
			c.err.has(t, "err:hello\n")
			c.Kill()
			if !c.cmd.ProcessState.Success() {
				t.Errorf("the plugin did not end by itself: %s", c.cmd.ProcessState)
			}
			if left, err := filepath.Glob(filepath.Join(c.sockets, "*")); err != nil || len(left) > 0 {
				t.Errorf("sockets are left: %q, %v", left, err)
			}
		})
	}
}

// An interrupt that reaches all processes of a terminal is for the client to act
// upon.
func TestInterruptIsTheClients(t *testing.T) {
	t.Parallel()
	c := start(t, func(*plugin.ClientConfig) {})
	say(t, c.Client, "before")
	for range 3 {
		if err := c.cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
	}
	say(t, c.Client, "after")
}

// Streams that something in the process closes take nothing with them.
func TestClosedStreams(t *testing.T) {
	t.Parallel()
	c := start(t, func(*plugin.ClientConfig) {})
	for _, words := range []string{"close", "after", "long after"} {
		say(t, c.Client, words)
	}
	c.Kill()
	if !c.cmd.ProcessState.Success() {
		t.Errorf("the plugin did not end by itself: %s", c.cmd.ProcessState)
	}
}

// What the plugin cannot do for a client, the client is told.
func TestClientsThatAreNotServed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*plugin.ClientConfig)
		want   string
	}{
		{"an older protocol", func(c *plugin.ClientConfig) { delete(c.VersionedPlugins, 6) }, "Plugin version: 6, Client versions: [5]"},
		{"net/rpc", func(c *plugin.ClientConfig) { c.AllowedProtocols = []plugin.Protocol{plugin.ProtocolNetRPC} }, `unsupported plugin protocol "grpc"`},
		{"many streams over one connection", func(c *plugin.ClientConfig) { c.GRPCBrokerMultiplex = true }, "multiplex"},
		{"another cookie", func(c *plugin.ClientConfig) { c.MagicCookieValue = "vanilla" }, "Unrecognized remote plugin message"},
		{"a group's sockets", func(c *plugin.ClientConfig) { c.UnixSocketConfig = &plugin.UnixSocketConfig{Group: "staff"} }, "Unrecognized remote plugin message"},
		{"a broken certificate", func(c *plugin.ClientConfig) {
			c.AutoMTLS = false
			c.Cmd.Env = append(c.Cmd.Env, "PLUGIN_CLIENT_CERT=x")
		}, "Unrecognized remote plugin message"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := start(t, tt.change).Client.Client()
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// Whoever finds the socket and has no certificate of the client's is not served.
func TestStrangers(t *testing.T) {
	t.Parallel()
	c := start(t, func(*plugin.ClientConfig) {})
	say(t, c.Client, "hello")
	at := c.ReattachConfig().Addr
	strangers := credentials.NewTLS(&tls.Config{InsecureSkipVerify: true})
	conn, err := grpc.NewClient("passthrough:///plugin", grpc.WithTransportCredentials(strangers),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, at.Network(), at.String())
		}))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answer, err := testpb.NewTestServiceClient(conn).UnaryCall(t.Context(), &testpb.SimpleRequest{})
	if err == nil {
		t.Errorf("a stranger is answered: %v", answer)
	}
}

func TestByHand(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), actor+"=1"), &out, &errs
	failed, ok := errors.AsType[*exec.ExitError](cmd.Run())
	if !ok || failed.ExitCode() != 1 || out.Len() > 0 || !strings.Contains(errs.String(), ErrByHand.Error()) {
		t.Errorf("run by hand: %v, %q, %q", failed, out.String(), errs.String())
	}
}

// said is what was written, for somebody who waits for it.
type said struct {
	mu   sync.Mutex
	more *sync.Cond
	text []byte
}

func heard() *said {
	s := &said{}
	s.more = sync.NewCond(&s.mu)
	return s
}

// Write implements io.Writer.
func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = append(s.text, p...)
	s.more.Broadcast()
	return len(p), nil
}

// has waits for words; without them the test does not end.
func (s *said) has(t *testing.T, words string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for !bytes.Contains(s.text, []byte(words)) {
		s.more.Wait()
	}
}
