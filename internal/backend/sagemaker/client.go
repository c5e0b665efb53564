package sagemaker

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/budgets"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// agent names the provider to AWS.
const agent = "terraform-provider-mlops"

// maxAttempts is how often a call is tried by default.
const maxAttempts = 8

// clients are the services of one region. Retries are the SDK's own, adaptive to
// what the services say of their rates.
type clients struct {
	region    string
	partition string
	account   func(context.Context) (string, error) // asked for once

	sagemaker   *sagemaker.Client
	runtime     *sagemakerruntime.Client
	s3          *s3.Client
	iam         *iam.Client
	ssm         *ssm.Client
	sns         *sns.Client
	sts         *sts.Client
	scheduler   *scheduler.Client
	events      *eventbridge.Client
	cloudwatch  *cloudwatch.Client
	autoscaling *applicationautoscaling.Client
	budgets     *budgets.Client
	quotas      *servicequotas.Client
	tagging     *resourcegroupstaggingapi.Client
	ecr         *ecr.Client
}

// open makes the backend. Nothing is asked of AWS yet.
func open(o mlops.Options) *backend {
	return &backend{options: o, regions: map[string]*clients{}}
}

// in returns the services of the region that an ID names.
func (b *backend) in(ctx context.Context, id mlops.ID) (*clients, error) {
	region, err := regionOf(id)
	if err != nil {
		return nil, err
	}
	return b.inRegion(ctx, region)
}

// inRegion returns the services of a region.
func (b *backend) inRegion(ctx context.Context, region string) (*clients, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c, ok := b.regions[region]; ok {
		return c, nil
	}
	c, err := b.connect(ctx, region)
	if err == nil {
		b.regions[region] = c
	}
	return c, err
}

// connect reads the SDK's configuration for one region.
func (b *backend) connect(ctx context.Context, region string) (*clients, error) {
	s := b.options.Settings
	attempts := cmp.Or(int(s.Int(settingMaxAttempts)), maxAttempts)
	load := []func(*config.LoadOptions) error{
		config.WithRegion(region),
		config.WithRetryer(func() aws.Retryer {
			return retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
				o.StandardOptions = append(o.StandardOptions, func(o *retry.StandardOptions) { o.MaxAttempts = attempts })
			})
		}),
		config.WithAPIOptions(agents(b.options.Version)),
	}
	if p := s.String(settingProfile); p != "" {
		load = append(load, config.WithSharedConfigProfile(p))
	}
	if s.Bool(settingFIPS) {
		load = append(load, config.WithUseFIPSEndpoint(aws.FIPSEndpointStateEnabled))
	}
	if s.Bool(settingDualStack) {
		load = append(load, config.WithUseDualStackEndpoint(aws.DualStackEndpointStateEnabled))
	}
	if u := s.String(settingEndpoint); u != "" {
		load = append(load, config.WithBaseEndpoint(u))
	}
	c, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("read the AWS configuration: %w", err)
	}
	b.assume(&c)
	return b.services(c), nil
}

// assume changes the credentials to those of the role to assume, if there is
// one.
func (b *backend) assume(c *aws.Config) {
	s := b.options.Settings
	role := s.String(settingRole)
	if role == "" {
		return
	}
	provider := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(*c, endpoint[sts.Options](s, "sts", func(o *sts.Options, u *string) { o.BaseEndpoint = u })), role, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = cmp.Or(s.String(settingSession), agent)
		if id := s.String(settingExternalID); id != "" {
			o.ExternalID = &id
		}
	})
	c.Credentials = aws.NewCredentialsCache(provider)
}

// agents names the provider in the user agent of every call.
func agents(version string) []func(*middleware.Stack) error {
	return []func(*middleware.Stack) error{awsmiddleware.AddUserAgentKeyValue(agent, cmp.Or(version, "dev"))}
}

// endpoint sets the URL of one service where the settings have one.
func endpoint[O any](s mlops.Settings, service string, set func(*O, *string)) func(*O) {
	return func(o *O) {
		if u, ok := s.Map(settingEndpoints)[service]; ok {
			set(o, &u)
		}
	}
}

// services makes the clients.
func (b *backend) services(c aws.Config) *clients {
	s := b.options.Settings
	identity := sts.NewFromConfig(c, endpoint(s, "sts", func(o *sts.Options, u *string) { o.BaseEndpoint = u }))
	return &clients{
		region:    c.Region,
		partition: partitionOf(c.Region),
		account:   once(accountOf(identity)),

		sagemaker: sagemaker.NewFromConfig(c, endpoint(s, "sagemaker", func(o *sagemaker.Options, u *string) { o.BaseEndpoint = u })),
		runtime:   sagemakerruntime.NewFromConfig(c, endpoint(s, "sagemakerruntime", func(o *sagemakerruntime.Options, u *string) { o.BaseEndpoint = u })),
		s3: s3.NewFromConfig(c, endpoint(s, "s3", func(o *s3.Options, u *string) { o.BaseEndpoint = u }), func(o *s3.Options) {
			o.UsePathStyle = o.BaseEndpoint != nil             // proxies and simulations have one host
			o.DisableLogOutputChecksumValidationSkipped = true // large objects have checksums of their parts alone
		}),
		iam:         iam.NewFromConfig(c, endpoint(s, "iam", func(o *iam.Options, u *string) { o.BaseEndpoint = u })),
		ssm:         ssm.NewFromConfig(c, endpoint(s, "ssm", func(o *ssm.Options, u *string) { o.BaseEndpoint = u })),
		sns:         sns.NewFromConfig(c, endpoint(s, "sns", func(o *sns.Options, u *string) { o.BaseEndpoint = u })),
		sts:         identity,
		scheduler:   scheduler.NewFromConfig(c, endpoint(s, "scheduler", func(o *scheduler.Options, u *string) { o.BaseEndpoint = u })),
		events:      eventbridge.NewFromConfig(c, endpoint(s, "eventbridge", func(o *eventbridge.Options, u *string) { o.BaseEndpoint = u })),
		cloudwatch:  cloudwatch.NewFromConfig(c, endpoint(s, "cloudwatch", func(o *cloudwatch.Options, u *string) { o.BaseEndpoint = u })),
		autoscaling: applicationautoscaling.NewFromConfig(c, endpoint(s, "applicationautoscaling", func(o *applicationautoscaling.Options, u *string) { o.BaseEndpoint = u })),
		budgets:     budgets.NewFromConfig(c, endpoint(s, "budgets", func(o *budgets.Options, u *string) { o.BaseEndpoint = u })),
		quotas:      servicequotas.NewFromConfig(c, endpoint(s, "servicequotas", func(o *servicequotas.Options, u *string) { o.BaseEndpoint = u })),
		tagging:     resourcegroupstaggingapi.NewFromConfig(c, endpoint(s, "resourcegroupstaggingapi", func(o *resourcegroupstaggingapi.Options, u *string) { o.BaseEndpoint = u })),
		ecr:         ecr.NewFromConfig(c, endpoint(s, "ecr", func(o *ecr.Options, u *string) { o.BaseEndpoint = u })),
	}
}

// partitionOf returns the partition of a region: the second part of its ARNs.
func partitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// accountOf asks whose credentials these are.
func accountOf(c *sts.Client) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		out, err := c.GetCallerIdentity(ctx, nil)
		if err != nil {
			return "", err
		}
		return aws.ToString(out.Account), nil
	}
}

// arn builds an ARN in this partition, region and account.
func (c *clients) arn(service, account, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", c.partition, service, c.region, account, resource)
}
