package sagemaker

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/smithy-go"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// checkComplete refuses a request that lacks what SageMaker requires, as the SDK finds
// before it sends one. Nothing is sent.
func checkComplete(ctx context.Context, c *mlops.Checker, request string, call func(context.Context, *sagemaker.Client) error) {
	lacking, ok := errors.AsType[smithy.InvalidParamsError](call(ctx, unsentClient()))
	if !ok {
		return
	}
	for _, err := range lacking.Errs() {
		if missing, ok := errors.AsType[smithy.InvalidParamError](err); ok {
			_, member, _ := strings.Cut(missing.Field(), ".")
			c.Add(mlops.At("overrides"), "Missing member", "%s.%s is required by SageMaker beside what is given.", request, member)
		}
	}
}

// unsentClient is a client of SageMaker whose requests end where they would leave
// the machine.
func unsentClient() *sagemaker.Client {
	return sagemaker.New(sagemaker.Options{
		Region: "us-east-1", Credentials: aws.AnonymousCredentials{}, Retryer: aws.NopRetryer{}, HTTPClient: unsent{},
	})
}

// unsent sends no requests.
type unsent struct{}

var errUnsent = errors.New("the request is not to be sent")

func (unsent) Do(*http.Request) (*http.Response, error) { return nil, errUnsent }
