package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/shirou/gopsutil/v4/process"
	"google.golang.org/grpc"
)

const mega = 1e6 // bytes

// protocol is the version of Terraform's plugin protocol.
const protocol = 6

// measureStart starts the provider as Terraform does and asks for its schema.
func measureStart(ctx context.Context, s site) ([]result, error) {
	repeat := 15
	if s.short {
		repeat = 5
	}
	var took []time.Duration
	var memory uint64
	for range repeat {
		one, err := startOnce(ctx, s.binary)
		if err != nil {
			return nil, err
		}
		took = append(took, one.took)
		memory = max(memory, one.memory)
	}
	slices.Sort(took)
	info, err := os.Stat(s.binary)
	if err != nil {
		return nil, err
	}
	return []result{
		atMost("provider start and schema, median", float64(took[repeat/2].Milliseconds()), "ms", 150).
			because("quickest %d ms, slowest %d ms of %d", took[0].Milliseconds(), took[repeat-1].Milliseconds(), repeat),
		atMost("provider start and schema, peak memory", float64(memory)/mega, "MB", 80),
		atMost("provider binary", float64(info.Size())/mega, "MB", 90),
	}, nil
}

type started struct {
	took   time.Duration
	memory uint64 // most that was resident, bytes
}

// startOnce starts the provider, has it send its schema, and ends it.
func startOnce(ctx context.Context, binary string) (started, error) {
	cmd := exec.CommandContext(ctx, binary)
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			ProtocolVersion:  protocol,
			MagicCookieKey:   "TF_PLUGIN_MAGIC_COOKIE",
			MagicCookieValue: "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
		},
		VersionedPlugins: map[int]plugin.PluginSet{protocol: {}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:         true,
		Cmd:              cmd,
		Logger:           hclog.NewNullLogger(),
	})
	defer client.Kill()
	begin := time.Now()
	if err := fetchSchema(ctx, client); err != nil {
		return started{}, err
	}
	took := time.Since(begin)
	p, err := process.NewProcessWithContext(ctx, int32(cmd.Process.Pid)) //nolint:gosec // a process id fits
	if err != nil {
		return started{}, err
	}
	memory, err := p.MemoryInfoWithContext(ctx)
	if err != nil {
		return started{}, err
	}
	return started{took, max(memory.HWM, memory.RSS)}, nil
}

func fetchSchema(ctx context.Context, client *plugin.Client) error {
	rpc, err := client.Client()
	if err != nil {
		return fmt.Errorf("start the provider: %w", err)
	}
	connection, ok := rpc.(*plugin.GRPCClient)
	if !ok {
		return fmt.Errorf("the provider speaks %T, not gRPC", rpc)
	}
	var schema message
	err = connection.Conn.Invoke(ctx, "/tfplugin6.Provider/GetProviderSchema", &message{}, &schema,
		grpc.ForceCodec(unread{}), grpc.MaxCallRecvMsgSize(256<<20))
	if err != nil {
		return fmt.Errorf("ask for the schema: %w", err)
	}
	if len(schema) == 0 {
		return errors.New("the provider sent an empty schema")
	}
	return nil
}

// message is a protocol message as it is sent.
type message []byte

// unread is a gRPC codec that leaves messages as they are: the generated types
// of the plugin protocol are nobody's to import.
type unread struct{}

func (unread) Name() string { return "proto" }

func (unread) Marshal(v any) ([]byte, error) {
	m, ok := v.(*message)
	if !ok {
		return nil, fmt.Errorf("cannot send a %T", v)
	}
	return *m, nil
}

func (unread) Unmarshal(data []byte, v any) error {
	m, ok := v.(*message)
	if !ok {
		return fmt.Errorf("cannot receive a %T", v)
	}
	*m = slices.Clone(data)
	return nil
}
