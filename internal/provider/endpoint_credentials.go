package provider

import (
	"context"
	"errors"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// credentialsOf asks a backend for what a client of an endpoint needs. Where the
// backend gives no credentials out, that is the URL alone, if that is enough.
func credentialsOf(ctx context.Context, p *platforms, id mlops.ID) (mlops.Credentials, error) {
	target, err := targetOf(ctx, p, id.Backend(), mlops.NounModelEndpoint, mlops.Backend.ModelEndpoints)
	if err != nil {
		return mlops.Credentials{}, err
	}
	if giver, ok := target.Kind.(mlops.Credentialer); ok {
		c, err := giver.Credentials(ctx, id)
		if err != nil {
			return c, refusedCredentials(target.Code(err), id, mlops.Message(err))
		}
		return c, nil
	}
	seen, err := target.Read(ctx, id)
	if err != nil {
		return mlops.Credentials{}, during("get credentials of", err)
	}
	if seen.Spec.Access == mlops.AccessToken {
		return mlops.Credentials{}, refusedCredentials(mlops.Unsupported, id, "this backend gives no tokens out; get one from the platform's own tools")
	}
	return mlops.Credentials{URL: seen.Status.URL}, nil
}

func refusedCredentials(code mlops.Code, id mlops.ID, words string) error {
	return &mlops.Error{
		Code: code, Op: "get credentials of", Resource: mlops.NounModelEndpoint, Name: id, Backend: id.Backend(),
		Field: "endpoint", Err: errors.New(words),
	}
}
