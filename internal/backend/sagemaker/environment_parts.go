package sagemaker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	rgt "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// plan says what an environment will be made of.
func (k environmentKind) plan(ctx context.Context, c *clients, spec mlops.EnvironmentSpec, old *place) (place, error) {
	account, err := c.account(ctx)
	if err != nil {
		return place{}, err
	}
	r, err := k.newRecord(spec.ID, spec)
	if err != nil {
		return place{}, err
	}
	s := spec.Target.Settings
	p := place{
		Record: r, Account: account, spec: spec,
		Key: s.String(targetKey), Subnets: s.List(targetSubnets), Groups: s.List(targetSecurityGroups), Isolated: s.Bool(targetNetworkIsolation),
	}
	own := func(part, brought, made string) string {
		if brought != "" {
			return brought
		}
		p.Made = append(p.Made, part)
		return made
	}
	p.Bucket = own(partBucket, s.String(targetBucket), bucketName(spec.ID, account, c.region))
	p.Role = own(partRole, s.String(targetRole), fmt.Sprintf("arn:%s:iam::%s:role%s%s", c.partition, account, rolePath, roleName(spec.ID)))
	p.Topic = own(partTopic, s.String(targetTopic), c.arn("sns", account, topicName(spec.ID)))
	if spec.Budget != nil {
		p.Made = append(p.Made, partBudget)
	}
	if s.String(targetBucket) != "" {
		p.Prefix = "mlops/" + spec.Name + "/"
	}
	if old != nil {
		p.Record.Created = old.Record.Created
		p.Effective = old.Effective && old.Role == p.Role
	}
	return p, nil
}

// The names of what is made for an environment.
const rolePath = "/mlops/"

func roleName(id mlops.ID) string {
	region, _ := regionOf(id) // the ID was parsed; roles are of all regions
	return fit("mlops-"+nativeName(id, maxName)+"-"+region, maxName, string(id))
}

func topicName(id mlops.ID) string { return "mlops-" + nativeName(id, maxName) }

func budgetName(id mlops.ID) string { return "mlops-" + nativeName(id, maxName) }

// bucketName is unique among all accounts by the account and the region.
func bucketName(id mlops.ID, account, region string) string {
	return fit("mlops-"+nativeName(id, maxName)+"-"+account+"-"+region, maxName, string(id)+account)
}

// fit shortens a name that is too long, with a mark of what it stands for.
func fit(text string, longest int, of string) string {
	if len(text) <= longest {
		return text
	}
	mark := shortHash(of)
	return strings.TrimRight(text[:longest-len(mark)-1], "-") + "-" + mark
}

// write keeps the record. A new one must not be there yet.
func (k environmentKind) write(ctx context.Context, c *clients, p place, isNew bool) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	in := &ssm.PutParameterInput{
		Name: aws.String(parameterName(p.Record.ID)), Value: aws.String(string(text)), Type: types.ParameterTypeString,
		Tier: types.ParameterTierIntelligentTiering, Overwrite: aws.Bool(!isNew),
		Description: aws.String("Record of the environment " + p.spec.Name + " of terraform-provider-mlops; do not edit"),
	}
	if isNew {
		for key, value := range withoutRecord(k.tagsFor(p.spec, nil, map[string]string{tagID: string(p.Record.ID)})) {
			in.Tags = append(in.Tags, types.Tag{Key: aws.String(key), Value: aws.String(value)})
		}
	}
	if _, err := c.ssm.PutParameter(ctx, in); err != nil {
		return err
	}
	k.remember(p.Record.ID, p)
	return nil
}

// makeParts makes what is missing and brings what is there to the spec.
func (k environmentKind) makeParts(ctx context.Context, c *clients, p *place) error {
	tags := k.tagsFor(p.spec, nil, map[string]string{tagID: string(p.Record.ID)})
	steps := []struct {
		part string
		put  func(context.Context, *clients, place, map[string]string) error
	}{
		{partRole, k.putRole}, {partBucket, k.putBucket}, {partTopic, k.putEnvironmentTopic}, {partBudget, k.putBudget},
	}
	for _, s := range steps {
		if !slices.Contains(p.Made, s.part) {
			continue
		}
		if err := s.put(ctx, c, *p, tags); err != nil {
			return fmt.Errorf("%s: %w", s.part, err)
		}
	}
	return nil
}

// dropParts removes the parts that were made and are chosen.
func (k environmentKind) dropParts(ctx context.Context, c *clients, p place, chosen func(part string) bool) error {
	steps := []struct {
		part string
		drop func(context.Context, *clients, place) error
	}{
		{partBucket, k.dropBucket}, {partTopic, k.dropEnvironmentTopic}, {partBudget, k.dropBudget}, {partRole, k.dropRole},
	}
	for _, s := range steps {
		if !slices.Contains(p.Made, s.part) || !chosen(s.part) {
			continue
		}
		if err := s.drop(ctx, c, p); err != nil && !k.is(err, mlops.NotFound) {
			return fmt.Errorf("%s: %w", s.part, err)
		}
	}
	return nil
}

// removeStep empties the bucket by a batch, or removes the parts, the record
// last.
func (k environmentKind) removeStep(ctx context.Context, c *clients, p place) error {
	files := &store{k.backend, c.s3, p}
	more, err := files.removeSome(ctx, p.Prefix)
	if err != nil && !k.is(err, mlops.NotFound) {
		return err
	}
	if more {
		return nil
	}
	if err := k.dropParts(ctx, c, p, func(string) bool { return true }); err != nil {
		return err
	}
	_, err = c.ssm.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: aws.String(parameterName(p.Record.ID))})
	k.forget(p.Record.ID)
	if k.is(err, mlops.NotFound) {
		return nil
	}
	return err
}

// whole looks whether the bucket is still there: without it nothing works.
func (k environmentKind) whole(ctx context.Context, c *clients, p place) (mlops.Phase, string, error) {
	_, err := c.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &p.Bucket})
	if k.is(err, mlops.NotFound) {
		return mlops.PhaseFailed, "the bucket " + p.Bucket + " is gone", nil
	}
	return mlops.PhaseReady, "", err
}

// native is what the environment is made of, for other providers' resources.
func (p place) native(c *clients) map[string]string {
	out := map[string]string{
		"account": p.Account, "region": c.region, "bucket": p.Bucket, "execution_role_arn": p.Role, "topic_arn": p.Topic,
		"parameter": parameterName(p.Record.ID),
	}
	if p.Key != "" {
		out["kms_key_arn"] = p.Key
	}
	return out
}

// inhabitant names something that is in the environment, or nothing.
func (k environmentKind) inhabitant(ctx context.Context, c *clients, p place) (string, error) {
	pages := resourcegroupstaggingapi.NewGetResourcesPaginator(c.tagging, &resourcegroupstaggingapi.GetResourcesInput{
		TagFilters: []rgt.TagFilter{{Key: aws.String(tagEnvironment), Values: []string{p.spec.Name}}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", err
		}
		for _, r := range page.ResourceTagMappingList {
			for _, t := range r.Tags {
				if id := aws.ToString(t.Value); aws.ToString(t.Key) == tagID && strings.HasPrefix(id, string(p.Record.ID)+"/") {
					return id, nil
				}
			}
		}
	}
	return k.dataset(ctx, c, p)
}

// dataset names a dataset, which is objects in the bucket alone.
func (k environmentKind) dataset(ctx context.Context, c *clients, p place) (string, error) {
	prefix := p.key("datasets/")
	out, err := c.s3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &p.Bucket, Prefix: &prefix, Delimiter: aws.String("/"), MaxKeys: aws.Int32(1)})
	if err != nil || len(out.CommonPrefixes) == 0 {
		if k.is(err, mlops.NotFound) {
			return "", nil
		}
		return "", err
	}
	folder := strings.TrimPrefix(aws.ToString(out.CommonPrefixes[0].Prefix), prefix)
	return string(p.Record.ID.Child(mlops.NounDataset, strings.TrimSuffix(folder, "/"))), nil
}

// folders are where the provider puts things in a bucket.
func folders() []string {
	return []string{"captures/", "code/", "datasets/", "experiments/", "models/", "monitors/", "pipelines/", "runs/"}
}

// foreignObject names an object that the provider did not put there, or nothing.
func (k environmentKind) foreignObject(ctx context.Context, c *clients, p place) (string, error) {
	out, err := c.s3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &p.Bucket, Delimiter: aws.String("/")})
	if k.is(err, mlops.NotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	for _, o := range out.Contents {
		return "s3://" + p.Bucket + "/" + aws.ToString(o.Key), nil
	}
	for _, prefix := range out.CommonPrefixes {
		if folder := aws.ToString(prefix.Prefix); !slices.Contains(folders(), folder) {
			return "s3://" + p.Bucket + "/" + folder, nil
		}
	}
	return "", nil
}

// errForeign refuses a part that has the name of ours and is somebody else's.
func errForeign(what string) error {
	return mlops.NewError(mlops.AlreadyExists, errors.New(what+" exists and is not of this environment"))
}
