package sagemaker

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/verbs"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// place is an environment as the nouns in it need it: what was made for it, or
// brought. It is kept, as JSON, in the environment's SSM parameter.
type place struct {
	Record    record   `json:"record"`
	Account   string   `json:"account"`
	Bucket    string   `json:"bucket"`
	Prefix    string   `json:"prefix"` // of every key in Bucket; ends in a slash, or is empty in a bucket of its own
	Role      string   `json:"role"`   // ARN that jobs, endpoints and schedules run as
	Key       string   `json:"key,omitempty"`
	Topic     string   `json:"topic,omitempty"`
	Subnets   []string `json:"subnets,omitempty"`
	Groups    []string `json:"security_groups,omitempty"`
	Isolated  bool     `json:"network_isolation,omitempty"`
	Made      []string `json:"made"`               // which of bucket, role, topic, budget are the provider's to remove
	Left      []string `json:"left,omitempty"`     // those it made for a former spec, that others may still use
	Effective bool     `json:"effective"`          // whether the role was seen to work
	Applied   string   `json:"applied,omitempty"`  // revision that all parts were brought to last
	Former    string   `json:"former,omitempty"`   // the spec of Applied, packed, where that is not Record's
	Deleting  bool     `json:"deleting,omitempty"` // the parts are being removed

	spec mlops.EnvironmentSpec
}

// placeAge is for how long a place is taken as it was read.
const placeAge = 5 * time.Second

// parameterName is the SSM parameter that holds an environment's record.
func parameterName(environment mlops.ID) string {
	p, err := environment.Parse()
	if err != nil {
		return ""
	}
	return "/mlops/environments/" + p.Environment
}

// place returns the environment of an ID. One that does not exist is NotFound.
func (b *backend) place(ctx context.Context, id mlops.ID) (place, error) {
	if err := verbs.CheckNames(capabilities(), id); err != nil {
		return place{}, err
	}
	id = id.Environment()
	return b.places.Get(ctx, id, placeAge, func(ctx context.Context) (place, error) { return b.readPlace(ctx, id) })
}

// readPlace reads the record anew.
func (b *backend) readPlace(ctx context.Context, id mlops.ID) (place, error) {
	c, err := b.in(ctx, id)
	if err != nil {
		return place{}, err
	}
	out, err := c.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(parameterName(id))})
	if err != nil {
		if b.is(err, mlops.NotFound) {
			return place{}, mlops.NewError(mlops.NotFound, fmt.Errorf("environment %q does not exist: %w", id, err))
		}
		return place{}, err
	}
	var p place
	if err := json.Unmarshal([]byte(aws.ToString(out.Parameter.Value)), &p); err != nil {
		return place{}, fmt.Errorf("the parameter %s does not hold the record of an environment: %w", parameterName(id), err)
	}
	return p, p.Record.into(&p.spec)
}

// key is the full key of an object below the environment's prefix.
func (p place) key(path string) string { return p.Prefix + path }

// uri is the URI of an object below the environment's prefix.
func (p place) uri(path string) string { return "s3://" + p.Bucket + "/" + p.key(path) }
