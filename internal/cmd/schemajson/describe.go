package main

import (
	"context"
	"errors"
	"fmt"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// address is where the generator of docs looks for any provider's schema, by
// its short name alone.
const address = "registry.terraform.io/hashicorp/mlops"

// describe asks a provider for everything that it offers.
func describe(ctx context.Context, server tfprotov6.ProviderServer) (*tfjson.ProviderSchemas, error) {
	answer, err := server.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err == nil {
		err = diagnosed(answer.Diagnostics)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the schema: %w", err)
	}
	identities, err := server.GetResourceIdentitySchemas(ctx, &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err == nil {
		err = diagnosed(identities.Diagnostics)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the identities: %w", err)
	}
	schema, err := providerSchema(answer, identities)
	if err != nil {
		return nil, err
	}
	return &tfjson.ProviderSchemas{
		FormatVersion: "1.0",
		Schemas:       map[string]*tfjson.ProviderSchema{address: schema},
	}, nil
}

// providerSchema puts the two answers together.
func providerSchema(answer *tfprotov6.GetProviderSchemaResponse, identities *tfprotov6.GetResourceIdentitySchemasResponse) (*tfjson.ProviderSchema, error) {
	if len(answer.StateStoreSchemas) > 0 {
		return nil, errors.New("the provider has state stores, which this command does not print yet")
	}
	var c converter
	schema := &tfjson.ProviderSchema{
		ConfigSchema:             c.schema(answer.Provider),
		ResourceSchemas:          convert(answer.ResourceSchemas, c.schema),
		DataSourceSchemas:        convert(answer.DataSourceSchemas, c.schema),
		EphemeralResourceSchemas: convert(answer.EphemeralResourceSchemas, c.schema),
		ListResourceSchemas:      convert(answer.ListResourceSchemas, c.schema),
		ActionSchemas:            convert(answer.ActionSchemas, c.action),
		Functions:                convert(answer.Functions, c.function),
		ResourceIdentitySchemas:  convert(identities.IdentitySchemas, c.identity),
	}
	return schema, c.err
}

// diagnosed returns the first error among diagnostics.
func diagnosed(diagnostics []*tfprotov6.Diagnostic) error {
	for _, d := range diagnostics {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			return fmt.Errorf("%s: %s", d.Summary, d.Detail)
		}
	}
	return nil
}
