package sagemaker

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// modelKind is the kind of models: model package groups, with the record in
// their tags. A group's name and description cannot be changed on AWS; a new
// description is kept in the record, and the group goes on showing the first.
type modelKind struct{ *backend }

// modelSeen is a group as it is now.
type modelSeen struct {
	tagged

	status  types.ModelPackageGroupStatus
	created time.Time
}

func (k modelKind) scene(ctx context.Context, id mlops.ID) (scene, error) {
	return k.sceneOf(ctx, id, naming{mlops.NounModel, maxName, "model-package-group/"})
}

// Create makes the group, or brings its owner's own to the spec.
func (k modelKind) Create(ctx context.Context, spec mlops.ModelSpec) (mlops.Change, error) {
	return create(ctx, k, spec)
}

// Update brings a group's tags to a spec.
func (k modelKind) Update(ctx context.Context, ref mlops.ID, spec mlops.ModelSpec) (mlops.Change, error) {
	return update(ctx, k, ref, spec)
}

// Get takes one look.
func (k modelKind) Get(ctx context.Context, ref mlops.ID) (mlops.Observed[mlops.ModelSpec, mlops.ModelStatus], error) {
	return show(ctx, k, ref)
}

// Delete removes a model and the versions that were superseded. A version that
// somebody still has, or that is served, makes it a Conflict.
func (k modelKind) Delete(ctx context.Context, ref mlops.ID) error { return remove(ctx, k, ref) }

// Preflight refuses what a group has no room for; see mlops.Preflighter.
func (k modelKind) Preflight(ctx context.Context, spec mlops.ModelSpec, c *mlops.Checker) error {
	return k.preflightTags(ctx, c, spec)
}

func (k modelKind) admit(_ context.Context, spec mlops.ModelSpec) error {
	return capabilities().Admit(name, mlops.NounModel, spec.Name, spec)
}

func (k modelKind) look(ctx context.Context, s scene) (modelSeen, error) {
	out, err := s.c.sagemaker.DescribeModelPackageGroup(ctx, &sagemaker.DescribeModelPackageGroupInput{ModelPackageGroupName: &s.name})
	if err != nil {
		return modelSeen{}, err
	}
	seen := modelSeen{status: out.ModelPackageGroupStatus, created: aws.ToTime(out.CreationTime)}
	seen.tagged, err = s.tagged(ctx)
	return seen, err
}

func (k modelKind) add(ctx context.Context, s scene, spec mlops.ModelSpec) (mlops.Change, error) {
	r, tags, err := k.stamp(s, spec, spec.Labels, record{})
	if err != nil {
		return mlops.Change{}, err
	}
	_, err = s.c.sagemaker.CreateModelPackageGroup(ctx, &sagemaker.CreateModelPackageGroupInput{
		ModelPackageGroupName: &s.name, ModelPackageGroupDescription: nativeDescription(spec.Description), Tags: sagemakerTags(tags),
	})
	return r.change(), err
}

func (k modelKind) change(ctx context.Context, s scene, spec mlops.ModelSpec, old modelSeen) (mlops.Change, error) {
	r, tags, err := k.stamp(s, spec, spec.Labels, old.record)
	if err != nil || old.carries(r, tags) {
		return r.change(), err
	}
	return r.change(), retagSagemaker(ctx, s.c, s.arn, old.tags, tags)
}

func (k modelKind) observe(ctx context.Context, s scene, m modelSeen) (mlops.Observed[mlops.ModelSpec, mlops.ModelStatus], error) {
	o := mlops.Observed[mlops.ModelSpec, mlops.ModelStatus]{
		Ref: s.id, Revision: m.record.Revision, Phase: phaseOfGroup(m.status),
		Native: map[string]string{"model_package_group_arn": s.arn, "model_package_group_name": s.name},
	}
	err := m.record.into(&o.Spec)
	if err != nil {
		return o, err
	}
	o.Status.CreatedAt = m.created.UTC()
	o.Status.Latest, err = k.latest(ctx, s)
	return o, err
}

// phaseOfGroup is a group's status in the contract's words.
func phaseOfGroup(status types.ModelPackageGroupStatus) mlops.Phase {
	switch status {
	case types.ModelPackageGroupStatusCompleted:
		return mlops.PhaseReady
	case types.ModelPackageGroupStatusFailed, types.ModelPackageGroupStatusDeleteFailed:
		return mlops.PhaseFailed
	case types.ModelPackageGroupStatusDeleting:
		return mlops.PhaseDeleting
	case types.ModelPackageGroupStatusPending, types.ModelPackageGroupStatusInProgress:
	}
	return mlops.PhasePending
}

// latestLooked is how many of the newest versions are looked at: those made in
// the same moment come in any order.
const latestLooked = 10

// latest is the number of the newest version, "" if there is none.
func (k modelKind) latest(ctx context.Context, s scene) (string, error) {
	out, err := s.c.sagemaker.ListModelPackages(ctx, &sagemaker.ListModelPackagesInput{
		ModelPackageGroupName: &s.name, MaxResults: aws.Int32(latestLooked),
		SortBy: types.ModelPackageSortByCreationTime, SortOrder: types.SortOrderDescending,
	})
	if err != nil {
		return "", err
	}
	newest := int32(0)
	for _, p := range out.ModelPackageSummaryList {
		newest = max(newest, aws.ToInt32(p.ModelPackageVersion))
	}
	if newest == 0 {
		return "", nil
	}
	return strconv.Itoa(int(newest)), nil
}

func (k modelKind) drop(ctx context.Context, s scene, _ modelSeen) error {
	if err := k.dropHistory(ctx, s); err != nil {
		return err
	}
	if err := s.files.remove(ctx, modelFolder(s.place, s.id)); err != nil {
		return err
	}
	_, err := s.c.sagemaker.DeleteModelPackageGroup(ctx, &sagemaker.DeleteModelPackageGroupInput{ModelPackageGroupName: &s.name})
	return err
}

// dropHistory removes the versions that can go with their model, if all can.
func (k modelKind) dropHistory(ctx context.Context, s scene) error {
	versions, err := modelVersionKind(k).packages(ctx, s)
	if err != nil {
		return err
	}
	listed, err := listPackages(ctx, s)
	if err != nil {
		return err
	}
	if len(listed) > len(versions) {
		return mlops.NewError(mlops.Conflict, fmt.Errorf("the model package group %s has packages that something else registered; delete them first", s.name))
	}
	for _, v := range versions {
		if !v.superseded() {
			return mlops.NewError(mlops.Conflict, fmt.Errorf("%s still has the version %s; delete it first", s.id, v.id))
		}
	}
	if len(versions) == 0 {
		return nil
	}
	served, err := k.servedVersions(ctx, s.id)
	if err != nil {
		return err
	}
	for _, v := range versions {
		if endpoint, ok := served[v.id]; ok {
			return mlops.NewError(mlops.Conflict, fmt.Errorf("%s is served by the endpoint %s", v.id, endpoint))
		}
	}
	for _, v := range versions {
		if _, err := s.c.sagemaker.DeleteModelPackage(ctx, &sagemaker.DeleteModelPackageInput{ModelPackageName: &v.arn}); err != nil && !k.is(err, mlops.NotFound) {
			return err
		}
	}
	return nil
}
