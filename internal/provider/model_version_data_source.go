package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/datasourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	dsschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func modelVersionLookup(d *definition[modelVersionModel, mlops.ModelVersionSpec, mlops.ModelVersionStatus]) lookup[modelVersionModel, mlops.ModelVersionSpec, mlops.ModelVersionStatus] {
	return lookup[modelVersionModel, mlops.ModelVersionSpec, mlops.ModelVersionStatus]{
		definition: d,
		extras: map[string]dsschema.Attribute{
			"alias": dsschema.StringAttribute{MarkdownDescription: "With `model`: looks up the version that has this alias now.", Optional: true},
		},
		keys: []string{"model", "version", "alias"},
		rules: []datasource.ConfigValidator{
			datasourcevalidator.ExactlyOneOf(path.MatchRoot("id"), path.MatchRoot("version"), path.MatchRoot("alias")),
			datasourcevalidator.ExactlyOneOf(path.MatchRoot("id"), path.MatchRoot("model")),
		},
		find: findModelVersion,
	}
}

// findModelVersion finds a version by its number or its alias.
func findModelVersion(ctx context.Context, kind mlops.Kind[mlops.ModelVersionSpec, mlops.ModelVersionStatus], given map[string]string) (mlops.ID, error) {
	model := mlops.ID(given["model"])
	if _, err := model.ParseAs(mlops.NounModel); err != nil {
		return "", &mlops.Error{Code: mlops.Invalid, Field: "model", Err: err}
	}
	if number := given["version"]; number != "" {
		return model.Child(mlops.NounModelVersion, number), nil
	}
	lister, ok := kind.(mlops.Lister[mlops.ModelVersionSpec, mlops.ModelVersionStatus])
	if !ok {
		return "", mlops.NewError(mlops.Unsupported, errors.New("this backend cannot look versions up by alias"))
	}
	all, err := lister.List(ctx, model)
	if err != nil {
		return "", fmt.Errorf("listing the versions of %q: %w", model, err)
	}
	i := slices.IndexFunc(all, func(seen mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus]) bool {
		return slices.Contains(seen.Spec.Aliases, given["alias"])
	})
	if i < 0 {
		return "", &mlops.Error{Code: mlops.NotFound, Field: "alias", Err: fmt.Errorf("no version of %q has the alias %q", model, given["alias"])}
	}
	return all[i].Ref, nil
}
