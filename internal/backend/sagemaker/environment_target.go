package sagemaker

import (
	"context"
	"fmt"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// bucketForm is the form of a bucket's name, without dots: those break TLS.
var bucketForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)

// checkTarget refuses settings that AWS would only refuse later, and one by one.
func checkTarget(c *mlops.Checker, s mlops.Settings, region string) {
	at := func(setting string) mlops.Path { return mlops.At(name, setting) }
	if b := s.String(targetBucket); b != "" && !bucketForm.MatchString(b) {
		c.Add(at(targetBucket), "Not a bucket", "%q is no name of a bucket: 3 to 63 lower-case letters, digits and hyphens.", b)
	}
	checkARN(c, at(targetRole), s.String(targetRole), "iam", "", region)
	checkARN(c, at(targetKey), s.String(targetKey), "kms", region, region)
	checkARN(c, at(targetTopic), s.String(targetTopic), "sns", region, region)
	subnets, groups := s.List(targetSubnets), s.List(targetSecurityGroups)
	if (len(subnets) > 0) != (len(groups) > 0) {
		c.AddIf(at(targetSubnets), []mlops.Path{at(targetSubnets), at(targetSecurityGroups)}, "Half a network", "Give both subnets and security_groups, or neither.")
	}
}

// checkBucket refuses a bucket that is not where the environment is.
func (k environmentKind) checkBucket(ctx context.Context, c *clients, bucket string) error {
	in, err := (&store{k.backend, c.s3, place{}}).bucketRegion(ctx, bucket)
	switch {
	case k.is(err, mlops.NotFound):
		err = fmt.Errorf("the bucket %s does not exist", bucket)
	case err == nil && in != c.region:
		err = fmt.Errorf("the bucket %s is in %s; the environment is in %s", bucket, in, c.region)
	default:
		return err
	}
	return &mlops.Error{Code: mlops.Invalid, Field: name + "." + targetBucket, Err: err}
}

// checkARN refuses what is not an ARN of a service, of another partition, or of
// another region.
func checkARN(c *mlops.Checker, at mlops.Path, text, service, in, region string) {
	if text == "" {
		return
	}
	a, err := arn.Parse(text)
	switch {
	case err != nil || a.Service != service:
		c.Add(at, "Not an ARN", "%q is no ARN of %s: arn:%s:%s:…", text, service, partitionOf(region), service)
	case a.Partition != partitionOf(region):
		c.Add(at, "Another partition", "%q is of the partition %s; the environment is in %s, of %s.", text, a.Partition, region, partitionOf(region))
	case in != "" && a.Region != in:
		c.Add(at, "Another region", "%q is in %s; the environment is in %s.", text, a.Region, in)
	}
}
