package provider

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// address is where the registry has the provider.
const address = "registry.terraform.io/terraform-mlops/mlops"

// gcPercent lets the heap grow a little more than Go would before it is
// collected. It is the balance of two budgets at 1,000 endpoints: with 400 a
// refresh takes 3.5 s of CPU and 95 MB, with this 4.0 s and 53 MB.
const gcPercent = 125

// Serve serves the provider to Terraform until Terraform ends it. With wait, it
// prints how to attach to it, for a debugger.
func Serve(version string, factories []mlops.Factory, wait bool) error {
	quietSDK(os.Environ(), os.Setenv)
	debug.SetGCPercent(gcPercent)
	var options []tf6server.ServeOpt
	if wait {
		options = append(options, tf6server.WithManagedDebug())
	}
	err := tf6server.Serve(address, func() tfprotov6.ProviderServer {
		return NewServer(version, factories)
	}, options...)
	if err != nil {
		return fmt.Errorf("serving the provider: %w", err)
	}
	return nil
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
