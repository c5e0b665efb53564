package sagemaker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/budgets"
	"github.com/aws/aws-sdk-go-v2/service/iam"
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
	if bucket := s.String(targetBucket); bucket != "" {
		if err := k.checkBucket(ctx, c, bucket); err != nil {
			return place{}, err
		}
	}
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
	if old == nil {
		return p, nil
	}
	return p.following(*old)
}

// following adds what is known of the environment as it was. A role or a topic that
// the spec replaces stays until the end: what was made with it goes on to use it.
func (p place) following(old place) (_ place, err error) {
	if p.Bucket != old.Bucket {
		return place{}, mlops.InvalidField(name+"."+targetBucket, "%s is in the bucket %s and cannot move to %s", p.Record.ID, old.Bucket, p.Bucket)
	}
	p.Record.Created = old.Record.Created
	p.Effective = old.Effective && old.Role == p.Role
	for _, part := range slices.Concat(old.Made, old.Left) {
		if !p.made(part) {
			p.Left = append(p.Left, part)
		}
	}
	p.Applied, p.Former = old.Applied, old.Former
	if old.inForce() {
		p.Former, err = pack(old.Record.Spec)
	}
	return p, err
}

// made reports whether a part is the provider's to remove.
func (p place) made(part string) bool {
	return slices.Contains(p.Made, part) || slices.Contains(p.Left, part)
}

// former is the spec that was in force before the change that was interrupted.
func (p place) former() (spec mlops.EnvironmentSpec, err error) {
	raw, err := unpack(p.Former)
	if err != nil {
		return spec, fmt.Errorf("the record of %s cannot be read: %w", p.Record.ID, err)
	}
	return spec, json.Unmarshal(raw, &spec)
}

// maxParameter is what a parameter holds in its larger tier, which
// Intelligent-Tiering picks where it must.
const maxParameter = 8192

// The names of what is made for an environment.
const rolePath = "/mlops/"

func roleName(id mlops.ID) string {
	region, _ := regionOf(id) // the ID was parsed; roles are of all regions
	return fit("mlops-"+nativeName(id, maxName)+"-"+region, maxName, string(id))
}

func topicName(id mlops.ID) string { return "mlops-" + nativeName(id, maxName) }

func budgetName(id mlops.ID) string {
	region, _ := regionOf(id) // as of roles
	return "mlops-" + nativeName(id, maxName) + "-" + region
}

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
	if len(text) > maxParameter {
		return invalid(fmt.Errorf("the description of %s is too large: it takes %d bytes of its parameter, which holds %d; shorten labels or e-mail addresses", p.Record.ID, len(text), maxParameter))
	}
	in := &ssm.PutParameterInput{
		Name: aws.String(parameterName(p.Record.ID)), Value: aws.String(string(text)), Type: types.ParameterTypeString,
		Tier: types.ParameterTierIntelligentTiering, Overwrite: aws.Bool(!isNew),
		Description: aws.String("Record of the environment " + p.spec.Name + " of terraform-provider-mlops; do not edit"),
	}
	if isNew {
		in.Tags = parameterTags(k.environmentTags(p))
	}
	if _, err := c.ssm.PutParameter(ctx, in); err != nil {
		return err
	}
	k.places.Keep(p.Record.ID, p)
	return nil
}

// environmentTags are those of each part.
func (k environmentKind) environmentTags(p place) map[string]string {
	return k.tagsFor(p.spec, nil, map[string]string{tagID: string(p.Record.ID)})
}

func parameterTags(tags map[string]string) []types.Tag {
	out := make([]types.Tag, 0, len(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return out
}

// tagParameter brings the tags of the record, which a new one got when it was
// written.
func (k environmentKind) tagParameter(ctx context.Context, c *clients, p place, tags map[string]string) error {
	id := aws.String(parameterName(p.Record.ID))
	out, err := c.ssm.ListTagsForResource(ctx, &ssm.ListTagsForResourceInput{ResourceType: types.ResourceTypeForTaggingParameter, ResourceId: id})
	if err != nil {
		return err
	}
	have := map[string]string{}
	for _, t := range out.TagList {
		have[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	if maps.Equal(have, tags) {
		return nil
	}
	if _, err := c.ssm.AddTagsToResource(ctx, &ssm.AddTagsToResourceInput{
		ResourceType: types.ResourceTypeForTaggingParameter, ResourceId: id, Tags: parameterTags(tags),
	}); err != nil {
		return err
	}
	gone := stale(have, tags)
	if len(gone) == 0 {
		return nil
	}
	_, err = c.ssm.RemoveTagsFromResource(ctx, &ssm.RemoveTagsFromResourceInput{
		ResourceType: types.ResourceTypeForTaggingParameter, ResourceId: id, TagKeys: gone,
	})
	return err
}

// makeParts makes what is missing and brings what is there to the spec.
func (k environmentKind) makeParts(ctx context.Context, c *clients, p place) error {
	tags := k.environmentTags(p)
	if p.Applied != "" {
		if err := k.tagParameter(ctx, c, p, tags); err != nil {
			return err
		}
	}
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
		if err := s.put(ctx, c, p, tags); err != nil {
			return fmt.Errorf("%s: %w", s.part, err)
		}
	}
	return nil
}

// dropParts removes what was made, now or for a former spec.
func (k environmentKind) dropParts(ctx context.Context, c *clients, p place) error {
	steps := []struct {
		part string
		drop func(context.Context, *clients, place) error
	}{
		{partBucket, k.dropBucket}, {partTopic, k.dropEnvironmentTopic}, {partBudget, k.dropBudget}, {partRole, k.dropRole},
	}
	for _, s := range steps {
		if !p.made(s.part) {
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
	more, err := k.emptySome(ctx, c, p)
	if err != nil && !k.is(err, mlops.NotFound) || more {
		return err
	}
	if err := k.dropParts(ctx, c, p); err != nil {
		return err
	}
	_, err = c.ssm.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: aws.String(parameterName(p.Record.ID))})
	k.places.Forget(p.Record.ID)
	if k.is(err, mlops.NotFound) {
		return nil
	}
	return err
}

// emptySome takes a batch of what the provider put into the bucket away, and
// reports whether there may be more.
func (k environmentKind) emptySome(ctx context.Context, c *clients, p place) (more bool, err error) {
	if p.made(partBucket) {
		if ours, err := k.ownsBucket(ctx, c, p); err != nil || !ours {
			return false, err
		}
	}
	files := &store{k.backend, c.s3, p}
	for _, folder := range folders() {
		if more, err := files.removeSome(ctx, p.key(folder)); err != nil || more {
			return more, err
		}
	}
	return false, nil
}

// whole looks whether the parts are still there: without the bucket and the role
// nothing works, and without the others nobody is told. Who may not look at a part
// is not told that it is gone.
func (k environmentKind) whole(ctx context.Context, c *clients, p place) (mlops.Phase, string, error) {
	for _, look := range []struct {
		needed bool
		words  string
		at     func() error
	}{
		{true, "the bucket " + p.Bucket, func() error {
			_, err := c.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &p.Bucket})
			return err
		}},
		{slices.Contains(p.Made, partRole), "the role " + p.Role, func() error {
			_, err := c.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String(roleName(p.Record.ID))})
			return err
		}},
		{slices.Contains(p.Made, partTopic), "the topic " + p.Topic, func() error {
			_, err := topicTags(ctx, c, p.Topic)
			return k.unlessDenied(err)
		}},
		{slices.Contains(p.Made, partBudget), "the budget " + budgetName(p.Record.ID), func() error {
			_, err := c.budgets.DescribeBudget(ctx, &budgets.DescribeBudgetInput{AccountId: &p.Account, BudgetName: aws.String(budgetName(p.Record.ID))})
			return k.unlessDenied(err)
		}},
	} {
		if !look.needed {
			continue
		}
		if err := look.at(); k.is(err, mlops.NotFound) {
			return mlops.PhaseFailed, look.words + " is gone", nil
		} else if err != nil {
			return mlops.PhaseReady, "", err
		}
	}
	return mlops.PhaseReady, "", nil
}

// unlessDenied passes over the error of a look at what an environment can be read
// without.
func (k environmentKind) unlessDenied(err error) error {
	if k.is(err, mlops.PermissionDenied) {
		return nil
	}
	return err
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

// errForeign refuses a part that has the name of ours and is somebody else's.
func errForeign(what string) error {
	return mlops.NewError(mlops.AlreadyExists, errors.New(what+" exists and is not of this environment"))
}
