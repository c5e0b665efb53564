package mlflow

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Connect returns a client of the server that an environment's spec names, without
// asking anything of it. Errors name the attribute of the environment.
func Connect(server mlops.MLflow, agent string) (*Client, error) {
	c, err := NewClient(Options{URI: server.URI, Username: server.Username, Token: server.Token, UserAgent: agent})
	if err != nil {
		return nil, blame(server, err)
	}
	return c, nil
}

// Probe asks the server of an environment for as little as can be, so that an
// address that is wrong, or a token, is known before anything depends on it. Errors
// name the attribute of the environment.
func Probe(ctx context.Context, server mlops.MLflow, agent string) error {
	c, err := Connect(server, agent)
	if err != nil {
		return err
	}
	defer c.Close()
	err = c.get(ctx, modelsPath+"search", url.Values{"max_results": {"1"}}, &struct{}{})
	return blame(server, err)
}

// Preflight reports at plan what Probe finds. A server that does not answer now is
// a warning: it may be made by the same apply. What is not said here, but kept by
// the backend, is not asked with.
func Preflight(ctx context.Context, server mlops.MLflow, agent string, c *mlops.Checker) error {
	if server.Token == "" && server.Mark != "" {
		return nil
	}
	err := Probe(ctx, server, agent)
	problem, ok := errors.AsType[*mlops.Error](err)
	if !ok || problem.Field == "" {
		return err
	}
	attribute := "uri"
	if problem.Field == server.At("token").String() {
		attribute = "token"
	}
	if problem.Code == mlops.Unavailable {
		c.Warn(server.At(attribute), "The registry does not answer", "%s. It has to when this is applied.", mlops.Message(err))
		return nil
	}
	c.Add(server.At(attribute), "The registry cannot be used", "%s.", mlops.Message(err))
	return nil
}

// blame names the attribute that an error is about: the token where the server
// refuses it, else the address. Context errors stay as they are.
func blame(server mlops.MLflow, err error) error {
	problem, ok := errors.AsType[*mlops.Error](err)
	if !ok {
		return err
	}
	out := *problem
	out.Field = server.At("uri").String()
	if out.Code == mlops.Unauthenticated || out.Code == mlops.PermissionDenied {
		out.Field = server.At("token").String()
		if server.Token == "" {
			out.Err = fmt.Errorf("%w; no token is given", out.Err)
		}
	}
	return &out
}
