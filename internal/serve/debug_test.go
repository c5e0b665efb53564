package serve

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
)

// described is what Terraform reads from TF_REATTACH_PROVIDERS.
type described struct {
	Protocol        string `json:"Protocol"`
	ProtocolVersion int    `json:"ProtocolVersion"`
	Pid             int    `json:"Pid"`
	Test            bool   `json:"Test"`
	Addr            socket `json:"Addr"`
}

type socket struct {
	Network string `json:"Network"`
	String  string `json:"String"`
}

func TestDebug(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	notice, out := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- Debug(ctx, echoes(), out) }()
	at := attached(t, notice)
	if diff := cmp.Diff(described{"grpc", 6, os.Getpid(), true, at.Addr}, at); diff != "" {
		t.Errorf("described (-want +got):\n%s", diff)
	}
	c := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: echoes().Handshake, Plugins: plugin.PluginSet{"echo": echo{}},
		Reattach: &plugin.ReattachConfig{
			Protocol: plugin.ProtocolGRPC, ProtocolVersion: at.ProtocolVersion, Pid: at.Pid, Test: at.Test,
			Addr: &net.UnixAddr{Net: at.Addr.Network, Name: at.Addr.String},
		},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, Logger: hclog.NewNullLogger(),
	})
	say(t, c, "hello")
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	if _, err := os.Stat(at.Addr.String); !os.IsNotExist(err) {
		t.Errorf("the socket is left: %v", err)
	}
}

// attached reads the notice as a shell would.
func attached(t *testing.T, notice io.Reader) described {
	t.Helper()
	text := make([]byte, 1<<12)
	n, err := notice.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	setting := regexp.MustCompile(`TF_REATTACH_PROVIDERS='(.*)'`).FindSubmatch(text[:n])
	if setting == nil {
		t.Fatalf("it does not say how to attach: %s", text[:n])
	}
	var plugins map[string]described
	if err := json.Unmarshal(setting[1], &plugins); err != nil {
		t.Fatal(err)
	}
	at, ok := plugins[echoes().Addresses[0]]
	if !ok {
		t.Fatalf("it does not name the plugin: %s", setting[1])
	}
	return at
}

func TestPorts(t *testing.T) { //nolint:paralleltest // the ports are this process's environment
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, full, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	last, err := strconv.Atoi(full)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, first, last string
		wants             bool
	}{
		{"any", "", "", true},
		{"taken", full, full, false},
		{"the next", strconv.Itoa(last - 9), full, true},
		{"none", full, "1", false},
		{"no number", "x", full, false},
		{"beyond", "70000", "70001", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("PLUGIN_MIN_PORT", tt.first)
			t.Setenv("PLUGIN_MAX_PORT", tt.last)
			l, err := listenAtPort(t.Context())
			if (err == nil) != tt.wants {
				t.Errorf("listens: %v, %v", l, err)
			}
			if err == nil {
				_ = l.Close()
			}
		})
	}
}
