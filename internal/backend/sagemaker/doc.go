// Package sagemaker runs the nouns on Amazon SageMaker AI.
//
// # Mapping
//
// An environment is an S3 bucket, an IAM role, an SNS topic and, on demand, a
// budget; its record is an SSM parameter. A pipeline is a SageMaker pipeline with
// a schedule of EventBridge Scheduler, a run its execution; steps are processing jobs,
// and training jobs on spot capacity. A model is a model
// package group and a version a model package; bytes are kept in the bucket under
// their digest. An endpoint is an endpoint whose models and configuration are
// named by a hash of their content and removed when nothing refers to them. A variant
// that may have no replica is serverless, of an archive of the version's folder.
//
// Every object carries its record: the spec as the user gave it, who owns it, and
// a mark of it. It travels in the object's own tags, or in the metadata of a model
// package, which has none.
//
// # Authentication
//
// The SDK's default chain, or a profile, or an assumed role; see settings.
//
// # Permissions
//
// Those of the calls in this package: to make, read, change, tag and remove what
// the mapping lists, sagemaker:InvokeEndpoint for smoke tests, tag:GetResources and
// sns:ListTopics to know what is in an environment, application-autoscaling:* with
// iam:CreateServiceLinkedRole for scaling, cloudwatch:GetMetricData for figures, and
// iam:PassRole. Unless the environment brings its own role, also iam:CreateRole and
// iam:PutRolePolicy for roles below /mlops/. Plans warn of quotas that are too small
// where servicequotas:ListServiceQuotas is allowed, and count what is in use where
// cloudwatch:GetMetricData is; of images that are not there, where ecr:DescribeImages is.
//
// # Differences
//
// See capabilities.
//
// # Overrides
//
// An endpoint's overrides are merged into CreateModel, CreateEndpointConfig and
// UpdateEndpoint, a version's into CreateModelPackage, a monitor's, which are given by
// check, into that check's job definition, before what is made is named by its
// content. They are held to the SDK's request structures at plan: members that
// there are none of, and members that the provider or another attribute gives, are
// refused. Of pipelines, definition is the whole; the rest is reached by other
// providers' resources through native.
package sagemaker
