package provider

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"

	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
	"google.golang.org/grpc"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/serve"
)

// address is where the registry has the provider.
const address = "registry.terraform.io/terraform-mlops/mlops"

// gcPercent has the heap collected a little sooner than Go would. What an unchanged
// object leaves behind is little, and so is what it costs to collect it; see DESIGN.md.
const gcPercent = 75

// Serve serves the provider to Terraform until Terraform ends it. With wait, it
// prints how to attach to it, for a debugger, and ends with an interrupt.
func Serve(version string, factories []mlops.Factory, wait bool) error {
	quietSDK(os.Environ(), os.Setenv)
	debug.SetGCPercent(gcPercent)
	ctx, config := context.Background(), served(NewServer(version, factories))
	if !wait {
		return serve.Plugin(ctx, config) //nolint:wrapcheck // main says it as it is
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	if err := serve.Debug(ctx, config, os.Stdout); err != nil {
		return fmt.Errorf("serving the provider: %w", err)
	}
	return nil
}

// served says how Terraform knows a provider, as the SDK's own Serve would.
func served(s tfprotov6.ProviderServer) serve.Config {
	const mostBytes = 256 << 20 // of a message
	return serve.Config{
		Addresses: []string{address, "registry.opentofu.org/terraform-mlops/mlops"},
		Handshake: plugin.HandshakeConfig{
			ProtocolVersion:  6,
			MagicCookieKey:   "TF_PLUGIN_MAGIC_COOKIE",
			MagicCookieValue: "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
		},
		Plugin:  &tf6server.GRPCProviderPlugin{Name: address, GRPCProvider: func() tfprotov6.ProviderServer { return s }},
		Options: []grpc.ServerOption{grpc.MaxRecvMsgSize(mostBytes), grpc.MaxSendMsgSize(mostBytes)},
	}
}

// NewServer returns the protocol server that Serve serves.
func NewServer(version string, factories []mlops.Factory) tfprotov6.ProviderServer {
	p := &mlopsProvider{version: version, factories: factories}
	return slim(context.Background(), providerserver.NewProtocol6(p)(), p)
}

// quietSDK turns the SDK's own trace log off unless some log is asked for: it
// costs half the CPU time of provider and core even when nobody reads it.
func quietSDK(environ []string, set func(key, value string) error) {
	for _, e := range environ {
		if strings.HasPrefix(e, "TF_LOG") || strings.HasPrefix(e, "TF_ACC_LOG") {
			return
		}
	}
	_ = set("TF_LOG_SDK", "OFF") // a log that stays on is no reason to stop
}
