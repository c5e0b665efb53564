package sagemaker

import (
	"slices"
)

// policy is an IAM policy document.
type policy struct {
	Version   string      `json:"Version"`
	Statement []statement `json:"Statement"`
}

type statement struct {
	Sid       string                         `json:"Sid"`
	Effect    string                         `json:"Effect"`
	Principal map[string][]string            `json:"Principal,omitempty"`
	Action    []string                       `json:"Action"`
	Resource  []string                       `json:"Resource,omitempty"`
	Condition map[string]map[string][]string `json:"Condition,omitempty"`
}

const policyVersion = "2012-10-17"

// String writes the document.
func (p policy) String() string {
	return jsonText(p)
}

// trustPolicy lets the services that act for an environment take its role: jobs
// and endpoints, schedules, and rules; for this account alone, so that no other
// customer's can.
func trustPolicy(account string) policy {
	return policy{policyVersion, []statement{{
		Sid: "services", Effect: "Allow", Action: []string{"sts:AssumeRole"},
		Principal: services("sagemaker.amazonaws.com", "scheduler.amazonaws.com", "events.amazonaws.com"),
		Condition: only("StringEquals", "aws:SourceAccount", account),
	}}}
}

// rolePolicy is what an environment's role may do: no more than its own jobs,
// endpoints, schedules and rules need.
func rolePolicy(c *clients, p place) policy {
	own := func(service, resource string) string { return c.arn(service, p.Account, resource) }
	mine := nameBegin(p.Record.ID) + "*"
	bucket := "arn:" + c.partition + ":s3:::" + p.Bucket
	all := []statement{
		allow("objects", []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:GetObjectTagging"}, bucket+"/"+p.Prefix+"*"),
		allow("bucket", []string{"s3:ListBucket", "s3:GetBucketLocation"}, bucket),
		allow("logs", []string{"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"}, own("logs", "log-group:/aws/sagemaker/*")),
		allow("images", []string{"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}, "arn:"+c.partition+":ecr:*:*:repository/*"),
		allow("registry", []string{"ecr:GetAuthorizationToken"}, "*"), // has no resource
		metrics(),
		allow("jobs", []string{
			"sagemaker:CreateProcessingJob", "sagemaker:DescribeProcessingJob", "sagemaker:StopProcessingJob",
			"sagemaker:CreateTrainingJob", "sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob", "sagemaker:AddTags", "sagemaker:ListTags",
		}, own("sagemaker", "processing-job/*"), own("sagemaker", "training-job/*")), // pipelines name jobs by themselves
		allow("tracking", []string{
			"sagemaker:DescribeExperiment", "sagemaker:CreateTrial", "sagemaker:DescribeTrial", "sagemaker:CreateTrialComponent",
			"sagemaker:UpdateTrialComponent", "sagemaker:DescribeTrialComponent", "sagemaker:AssociateTrialComponent",
		}, own("sagemaker", "experiment/"+mine), own("sagemaker", "experiment-trial/*"), own("sagemaker", "experiment-trial-component/*")), // named by the run
		allow("pipelines", []string{"sagemaker:StartPipelineExecution"}, own("sagemaker", "pipeline/"+mine)),
		allow("models", []string{"sagemaker:DescribeModelPackage", "sagemaker:DescribeModelPackageGroup"}, own("sagemaker", "model-package/"+mine), own("sagemaker", "model-package-group/"+mine)),
		allow("endpoints", []string{"sagemaker:InvokeEndpoint", "sagemaker:DescribeEndpoint", "sagemaker:DescribeEndpointConfig"}, own("sagemaker", "endpoint/"+mine), own("sagemaker", "endpoint-config/"+mine)),
		explaining(own, p),
		allow("alerts", []string{"sns:Publish"}, p.Topic),
		passRole(p.Role),
	}
	if p.Key != "" {
		all = append(all, allow("key", []string{"kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey", "kms:CreateGrant"}, p.Key))
	}
	if len(p.Subnets) > 0 {
		all = append(all, network())
	}
	return policy{policyVersion, all}
}

// explaining lets Clarify ask a model: it makes an endpoint for as long as a job
// takes, of a name that no other endpoint has. Its configuration may be called as
// Clarify calls them by itself.
func explaining(own func(service, resource string) string, p place) statement {
	prefix := shadowPrefix(p.Record.ID)
	return allow("explaining", []string{
		"sagemaker:DescribeModel", "sagemaker:CreateEndpointConfig", "sagemaker:DescribeEndpointConfig", "sagemaker:DeleteEndpointConfig",
		"sagemaker:CreateEndpoint", "sagemaker:DescribeEndpoint", "sagemaker:DeleteEndpoint", "sagemaker:InvokeEndpoint", "sagemaker:AddTags",
	}, own("sagemaker", "model/"+nameBegin(p.Record.ID)+"*"), own("sagemaker", "endpoint/"+prefix+"*"),
		own("sagemaker", "endpoint-config/"+prefix+"*"), own("sagemaker", "endpoint-config/sm-clarify*"))
}

// services are AWS's own, as those to whom something is allowed.
func services(names ...string) map[string][]string { return map[string][]string{"Service": names} }

// only is a condition on one key.
func only(operator, key string, values ...string) map[string]map[string][]string {
	return map[string]map[string][]string{operator: {key: values}}
}

func allow(sid string, actions []string, resources ...string) statement {
	slices.Sort(actions)
	return statement{Sid: sid, Effect: "Allow", Action: actions, Resource: resources}
}

// metrics has no resource to be bound to, but namespaces.
func metrics() statement {
	s := allow("metrics", []string{"cloudwatch:PutMetricData"}, "*")
	s.Condition = only("StringLike", "cloudwatch:namespace", "/aws/sagemaker/*", "aws/sagemaker/*", namespace)
	return s
}

// passRole lets a pipeline hand the role to its jobs, and to nothing else.
func passRole(role string) statement {
	s := allow("role", []string{"iam:PassRole"}, role)
	s.Condition = only("StringEquals", "iam:PassedToService", "sagemaker.amazonaws.com")
	return s
}

// network is what containers in subnets need; EC2 binds none of it to a resource.
func network() statement {
	return allow("network", []string{
		"ec2:CreateNetworkInterface", "ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface", "ec2:DeleteNetworkInterfacePermission",
		"ec2:DescribeDhcpOptions", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs",
	}, "*")
}

// bucketPolicy refuses whoever comes without TLS.
func bucketPolicy(c *clients, bucket string) policy {
	at := "arn:" + c.partition + ":s3:::" + bucket
	return policy{policyVersion, []statement{{
		Sid: "tls", Effect: "Deny", Principal: map[string][]string{"AWS": {"*"}}, Action: []string{"s3:*"}, Resource: []string{at, at + "/*"},
		Condition: only("Bool", "aws:SecureTransport", "false"),
	}}}
}

// topicPolicy lets CloudWatch, AWS Budgets and the rules of monitors publish, for
// this account.
func topicPolicy(topic, account string) policy {
	return policy{policyVersion, []statement{{
		Sid: "findings", Effect: "Allow", Action: []string{"sns:Publish"}, Resource: []string{topic},
		Principal: services("cloudwatch.amazonaws.com", "budgets.amazonaws.com", "events.amazonaws.com"),
		Condition: only("StringEquals", "aws:SourceAccount", account),
	}}}
}
