package sagemaker

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	smtypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// policyOfRole is the name of the inline policy of an environment's role.
const policyOfRole = "mlops"

// putRole makes the role, or brings one of this environment to what it should be.
func (k environmentKind) putRole(ctx context.Context, c *clients, p place, tags map[string]string) error {
	role := roleName(p.Record.ID)
	out, err := c.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &role})
	switch {
	case k.is(err, mlops.NotFound):
		_, err = c.iam.CreateRole(ctx, &iam.CreateRoleInput{
			RoleName: &role, Path: aws.String(rolePath), Tags: iamTags(tags), AssumeRolePolicyDocument: aws.String(trustPolicy(p.Account).String()),
			Description: aws.String("What jobs and endpoints of the environment " + p.spec.Name + " run as"),
		})
	case err == nil:
		err = k.restateRole(ctx, c, p, out.Role, tags)
	}
	if err != nil {
		return err
	}
	_, err = c.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
		RoleName: &role, PolicyName: aws.String(policyOfRole), PolicyDocument: aws.String(rolePolicy(c, p).String()),
	})
	return err
}

// restateRole brings a role that is there. A trust that is as it should be is left
// alone: each change takes a while to be in effect.
func (k environmentKind) restateRole(ctx context.Context, c *clients, p place, have *types.Role, want map[string]string) error {
	role := roleName(p.Record.ID)
	old := map[string]string{}
	for _, t := range have.Tags {
		old[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	if old[tagID] != string(p.Record.ID) {
		return errForeign("the role " + role)
	}
	trust := trustPolicy(p.Account).String()
	if now, err := url.QueryUnescape(aws.ToString(have.AssumeRolePolicyDocument)); err != nil || now != trust {
		if _, err := c.iam.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: &role, PolicyDocument: &trust}); err != nil {
			return err
		}
	}
	t := tagger{
		write: func(ctx context.Context, tags map[string]string) error {
			_, err := c.iam.TagRole(ctx, &iam.TagRoleInput{RoleName: &role, Tags: iamTags(tags)})
			return err
		},
		remove: func(ctx context.Context, keys []string) error {
			_, err := c.iam.UntagRole(ctx, &iam.UntagRoleInput{RoleName: &role, TagKeys: keys})
			return err
		},
	}
	return t.retag(ctx, old, want)
}

// dropRole removes the role with the policy that it was given, if it is ours.
func (k environmentKind) dropRole(ctx context.Context, c *clients, p place) error {
	role := roleName(p.Record.ID)
	out, err := c.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &role})
	if err != nil {
		return err
	}
	ours := slices.ContainsFunc(out.Role.Tags, func(t types.Tag) bool {
		return aws.ToString(t.Key) == tagID && aws.ToString(t.Value) == string(p.Record.ID)
	})
	if !ours {
		return nil
	}
	_, err = c.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &role, PolicyName: aws.String(policyOfRole)})
	if err != nil && !k.is(err, mlops.NotFound) {
		return err
	}
	_, err = c.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &role})
	return err
}

// probeRole proves that SageMaker can take the role: IAM's changes reach other
// services after a while. Making a model takes the role and costs nothing; what
// is made is removed at once.
func (k environmentKind) probeRole(ctx context.Context, c *clients, p place) (effective bool, err error) {
	model := fit("mlops-probe-"+nativeName(p.Record.ID, maxName), maxName, string(p.Record.ID))
	image, err := c.analyzerImage()
	if err != nil {
		image = p.Account + ".dkr.ecr." + c.region + "." + dnsSuffix(c.partition) + "/probe" // is not pulled
	}
	_, err = c.sagemaker.CreateModel(ctx, &sagemaker.CreateModelInput{
		ModelName: &model, ExecutionRoleArn: &p.Role, PrimaryContainer: &smtypes.ContainerDefinition{Image: &image},
		Tags: sagemakerTags(withoutRecord(k.tagsFor(p.spec, nil, nil))),
	})
	switch {
	case err != nil && strings.Contains(strings.ToLower(err.Error()), "assume role"):
		return false, nil
	case err != nil && !k.is(err, mlops.AlreadyExists):
		return false, err
	}
	_, err = c.sagemaker.DeleteModel(ctx, &sagemaker.DeleteModelInput{ModelName: &model})
	if k.is(err, mlops.NotFound) {
		err = nil
	}
	return err == nil, err
}

func iamTags(tags map[string]string) []types.Tag {
	var out []types.Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return out
}
