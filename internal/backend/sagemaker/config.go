package sagemaker

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// name is the backend's name, in IDs and in HCL.
const name = "sagemaker"

// The provider's settings by name.
const (
	settingRegion      = "region"
	settingProfile     = "profile"
	settingRole        = "assume_role_arn"
	settingExternalID  = "assume_role_external_id"
	settingSession     = "assume_role_session_name"
	settingEndpoint    = "endpoint_url"
	settingEndpoints   = "endpoints"
	settingTags        = "default_tags"
	settingFIPS        = "use_fips_endpoint"
	settingDualStack   = "use_dualstack_endpoint"
	settingMaxAttempts = "max_attempts"
)

// The environment's settings by name; its region is settingRegion.
const (
	targetBucket           = "bucket"
	targetRole             = "execution_role_arn"
	targetKey              = "kms_key_arn"
	targetTopic            = "topic_arn"
	targetSubnets          = "subnets"
	targetSecurityGroups   = "security_groups"
	targetNetworkIsolation = "network_isolation"
)

// settings describes the backend's object in the provider block.
func settings() []mlops.Setting {
	return []mlops.Setting{
		{Name: settingRegion, Doc: "Region of environments that name none.", Env: "AWS_REGION"},
		{Name: settingProfile, Doc: "Profile of the shared configuration and credentials files.", Env: "AWS_PROFILE"},
		{Name: settingRole, Doc: "ARN of a role to assume, with the credentials found, for every call."},
		{Name: settingExternalID, Doc: "External ID that the role to assume asks for."},
		{Name: settingSession, Doc: "Session name of the assumed role. Default: `terraform-provider-mlops`."},
		{Name: settingEndpoint, Doc: "URL at which every service answers, instead of AWS's own: a proxy, or a simulation.", Env: "AWS_ENDPOINT_URL"},
		{Name: settingEndpoints, Doc: "URLs of single services, by the SDK's name: `sagemaker`, `sagemakerruntime`, `s3`, `iam`, `ssm`, `sns`, `sts`, `scheduler`, `eventbridge`, `cloudwatch`, `applicationautoscaling`, `budgets`, `servicequotas`, `resourcegroupstaggingapi`, `ecr`.", Type: mlops.MapSetting},
		{Name: settingTags, Doc: "Tags of everything that is made, beside those of the provider and the labels of the object.", Type: mlops.MapSetting},
		{Name: settingFIPS, Doc: "Whether to use endpoints with FIPS 140 validated cryptography.", Type: mlops.BoolSetting, Env: "AWS_USE_FIPS_ENDPOINT"},
		{Name: settingDualStack, Doc: "Whether to use endpoints that also answer over IPv6.", Type: mlops.BoolSetting, Env: "AWS_USE_DUALSTACK_ENDPOINT"},
		{Name: settingMaxAttempts, Doc: "How often a call is tried that was throttled or failed in passing. Default: 8.", Type: mlops.IntSetting, Env: "AWS_MAX_ATTEMPTS"},
	}
}

// target describes the backend's object in an environment.
func target() []mlops.Setting {
	return []mlops.Setting{
		{Name: settingRegion, Doc: "Region of the environment. Default: that of the provider block. Changing it replaces the environment.", Replace: true},
		{Name: targetBucket, Doc: "Name of a bucket to use instead of making one. What is in it is left alone, but for what the provider puts below `mlops/<environment>/`.", Replace: true},
		{Name: targetRole, Doc: "ARN of the role that jobs and endpoints run as, instead of making one with least privilege."},
		{Name: targetKey, Doc: "ARN of the KMS key that encrypts bucket, volumes and topic. Default: keys of AWS."},
		{Name: targetTopic, Doc: "ARN of the SNS topic for alerts, instead of making one."},
		{Name: targetSubnets, Doc: "Subnets that jobs and endpoints are attached to; needs `security_groups`.", Type: mlops.ListSetting},
		{Name: targetSecurityGroups, Doc: "Security groups of jobs and endpoints in `subnets`.", Type: mlops.ListSetting},
		{Name: targetNetworkIsolation, Doc: "Whether the containers of jobs and endpoints are cut off from every network. Steps with `packages` then cannot install them.", Type: mlops.BoolSetting},
	}
}

// scope is the region that an environment is in.
func scope(provider, target mlops.Settings) ([]string, error) {
	region := cmp.Or(target.String(settingRegion), provider.String(settingRegion))
	if region == "" {
		return nil, &mlops.Error{
			Code: mlops.Invalid, Field: name + "." + settingRegion,
			Err: errors.New("no region: give the environment's sagemaker block a region, or the provider's, or set AWS_REGION"),
		}
	}
	return []string{region}, nil
}

// regionOf returns the region in an ID of this backend.
func regionOf(id mlops.ID) (string, error) {
	p, err := id.Parse()
	if err != nil {
		return "", err
	}
	if p.Backend != name || len(p.Scope) != 1 {
		return "", mlops.NewError(mlops.Invalid, fmt.Errorf("%q is not of SageMaker", id))
	}
	return p.Scope[0], nil
}
