package main

import (
	"context"
	"os"
	"runtime/debug"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/provider"
)

// inertServer has the provider's schema and does nothing with it: what is read
// is what was known, what is planned is what was proposed. What it costs is the
// price of the protocol and of the shape of the schema.
type inertServer struct{ tfprotov6.ProviderServer }

// serveNothing serves it to Terraform, set up as the real provider is.
func serveNothing(context.Context, []string) error {
	if err := os.Setenv("TF_LOG_SDK", "OFF"); err != nil {
		return err
	}
	debug.SetGCPercent(75)
	return tf6server.Serve("registry.terraform.io/terraform-mlops/mlops", func() tfprotov6.ProviderServer {
		return inertServer{provider.NewServer("bench", backend.All())}
	})
}

// ConfigureProvider accepts any configuration.
func (inertServer) ConfigureProvider(context.Context, *tfprotov6.ConfigureProviderRequest) (*tfprotov6.ConfigureProviderResponse, error) {
	return &tfprotov6.ConfigureProviderResponse{}, nil
}

// ValidateResourceConfig finds nothing wrong.
func (inertServer) ValidateResourceConfig(context.Context, *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	return &tfprotov6.ValidateResourceConfigResponse{}, nil
}

// ReadResource finds what it was told.
func (inertServer) ReadResource(_ context.Context, q *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	return &tfprotov6.ReadResourceResponse{NewState: q.CurrentState, Private: q.Private, NewIdentity: q.CurrentIdentity}, nil
}

// PlanResourceChange plans what it was proposed.
func (inertServer) PlanResourceChange(_ context.Context, q *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	return &tfprotov6.PlanResourceChangeResponse{
		PlannedState: q.ProposedNewState, PlannedPrivate: q.PriorPrivate, PlannedIdentity: q.PriorIdentity,
	}, nil
}
