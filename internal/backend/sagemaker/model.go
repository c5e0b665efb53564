package sagemaker

import (
	"context"
	"errors"
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

// modelScene is what a model's verbs need to know.
type modelScene struct {
	c     *clients
	place place
	id    mlops.ID
	group string // native name
	arn   string
}

// modelSeen is a group as it is now.
type modelSeen struct {
	record  record
	tags    map[string]string
	status  types.ModelPackageGroupStatus
	created time.Time
}

func (b *backend) modelScene(ctx context.Context, id mlops.ID) (modelScene, error) {
	s := modelScene{id: id, group: nativeName(id, maxName)}
	if err := ctx.Err(); err != nil {
		return s, err
	}
	if _, err := id.ParseAs(mlops.NounModel); err != nil {
		return s, invalid(err)
	}
	err := nameable(id)
	if err != nil {
		return s, err
	}
	if s.place, err = b.place(ctx, id); err != nil {
		return s, err
	}
	if s.c, err = b.in(ctx, id); err != nil {
		return s, err
	}
	s.arn = s.c.arn("sagemaker", s.place.Account, "model-package-group/"+s.group)
	return s, nil
}

// look reads the group and its record.
func (s modelScene) look(ctx context.Context) (modelSeen, error) {
	out, err := s.c.sagemaker.DescribeModelPackageGroup(ctx, &sagemaker.DescribeModelPackageGroupInput{ModelPackageGroupName: &s.group})
	if err != nil {
		return modelSeen{}, err
	}
	seen := modelSeen{status: out.ModelPackageGroupStatus, created: aws.ToTime(out.CreationTime)}
	if seen.tags, err = sagemakerTagsOf(ctx, s.c, s.arn); err != nil {
		return seen, err
	}
	if seen.record, err = recordOf(seen.tags); err != nil {
		err = invalid(fmt.Errorf("the model package group %s: %w", s.group, err))
	}
	return seen, err
}

// Create makes the group, or brings its owner's own to the spec.
func (k modelKind) Create(ctx context.Context, spec mlops.ModelSpec) (mlops.Change, error) {
	if err := capabilities().Admit(name, mlops.NounModel, spec.Name, spec); err != nil {
		return mlops.Change{}, err
	}
	s, err := k.modelScene(ctx, spec.ID())
	if err != nil {
		return mlops.Change{}, err
	}
	seen, err := s.look(ctx)
	if k.is(err, mlops.NotFound) {
		var made mlops.Change
		if made, err = k.makeGroup(ctx, s, spec); err == nil {
			return made, nil
		}
		if !k.is(err, mlops.AlreadyExists) {
			return mlops.Change{}, err
		}
		seen, err = s.look(ctx) // another was faster
	}
	switch {
	case errors.Is(err, errNoRecord):
		return mlops.Change{}, mlops.NewError(mlops.AlreadyExists, errors.New(mlops.Message(err)))
	case err != nil:
		return mlops.Change{}, err
	case seen.record.Owner != k.options.Owner:
		return mlops.Change{}, mlops.NewError(mlops.AlreadyExists, fmt.Errorf("model %q belongs to another configuration", s.id))
	}
	return k.restate(ctx, s, seen, spec)
}

func (k modelKind) makeGroup(ctx context.Context, s modelScene, spec mlops.ModelSpec) (mlops.Change, error) {
	r, err := k.newRecord(s.id, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	tags, err := k.modelTags(s, spec, r)
	if err != nil {
		return mlops.Change{}, err
	}
	_, err = s.c.sagemaker.CreateModelPackageGroup(ctx, &sagemaker.CreateModelPackageGroupInput{
		ModelPackageGroupName: &s.group, ModelPackageGroupDescription: nativeDescription(spec.Description), Tags: sagemakerTags(tags),
	})
	return mlops.Change{Ref: s.id, Revision: r.Revision}, err
}

func (k modelKind) modelTags(s modelScene, spec mlops.ModelSpec, r record) (map[string]string, error) {
	pieces, err := r.tags()
	if err != nil {
		return nil, err
	}
	return k.tagsFor(s.place.spec, spec.Labels, pieces), nil
}

// restate writes another spec into a group's tags.
func (k modelKind) restate(ctx context.Context, s modelScene, seen modelSeen, spec mlops.ModelSpec) (mlops.Change, error) {
	r, err := k.newRecord(s.id, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	change := mlops.Change{Ref: s.id, Revision: r.Revision}
	if seen.record.Revision == r.Revision && seen.record.Owner == r.Owner {
		return change, nil
	}
	r.Created = seen.record.Created
	tags, err := k.modelTags(s, spec, r)
	if err != nil {
		return mlops.Change{}, err
	}
	return change, retagSagemaker(ctx, s.c, s.arn, seen.tags, tags)
}

// Get takes one look.
func (k modelKind) Get(ctx context.Context, ref mlops.ID) (mlops.Observed[mlops.ModelSpec, mlops.ModelStatus], error) {
	s, err := k.modelScene(ctx, ref)
	if err != nil {
		return mlops.Observed[mlops.ModelSpec, mlops.ModelStatus]{}, err
	}
	return k.observe(ctx, s)
}

func (k modelKind) observe(ctx context.Context, s modelScene) (mlops.Observed[mlops.ModelSpec, mlops.ModelStatus], error) {
	o := mlops.Observed[mlops.ModelSpec, mlops.ModelStatus]{Ref: s.id}
	seen, err := s.look(ctx)
	if err != nil {
		return o, err
	}
	if err := seen.record.into(&o.Spec); err != nil {
		return o, err
	}
	o.Revision, o.Phase = seen.record.Revision, phaseOfGroup(seen.status)
	o.Native = map[string]string{"model_package_group_arn": s.arn, "model_package_group_name": s.group}
	o.Status.CreatedAt = seen.created.UTC()
	o.Status.Latest, err = s.latest(ctx)
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
func (s modelScene) latest(ctx context.Context) (string, error) {
	out, err := s.c.sagemaker.ListModelPackages(ctx, &sagemaker.ListModelPackagesInput{
		ModelPackageGroupName: &s.group, MaxResults: aws.Int32(latestLooked),
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

// Update brings a group's tags to a spec.
func (k modelKind) Update(ctx context.Context, ref mlops.ID, spec mlops.ModelSpec) (mlops.Change, error) {
	if err := capabilities().Admit(name, mlops.NounModel, spec.Name, spec); err != nil {
		return mlops.Change{}, err
	}
	if spec.ID() != ref {
		return mlops.Change{}, invalid(fmt.Errorf("%s cannot become %s", ref, spec.ID()))
	}
	s, err := k.modelScene(ctx, ref)
	if err != nil {
		return mlops.Change{}, err
	}
	seen, err := s.look(ctx)
	if err != nil {
		return mlops.Change{}, err
	}
	return k.restate(ctx, s, seen, spec)
}

// Delete removes a model and the versions that were superseded. A version that
// somebody still has, or that is served, makes it a Conflict.
func (k modelKind) Delete(ctx context.Context, ref mlops.ID) error {
	s, err := k.modelScene(ctx, ref)
	if err != nil {
		return err
	}
	if _, err := s.look(ctx); err != nil {
		return err
	}
	unlock, err := k.registering.lock(ctx, string(ref))
	if err != nil {
		return err
	}
	defer unlock()
	if err := k.dropHistory(ctx, s); err != nil {
		return err
	}
	files, err := k.store(ctx, ref)
	if err != nil {
		return err
	}
	if err := files.remove(ctx, modelFolder(s.place, ref)); err != nil {
		return err
	}
	_, err = s.c.sagemaker.DeleteModelPackageGroup(ctx, &sagemaker.DeleteModelPackageGroupInput{ModelPackageGroupName: &s.group})
	return err
}

// dropHistory removes the versions that can go with their model, if all can.
func (k modelKind) dropHistory(ctx context.Context, s modelScene) error {
	versions, err := modelVersionKind(k).packages(ctx, s)
	if err != nil {
		return err
	}
	listed, err := s.listPackages(ctx)
	if err != nil {
		return err
	}
	if len(listed) > len(versions) {
		return mlops.NewError(mlops.Conflict, fmt.Errorf("the model package group %s has packages that something else registered; delete them first", s.group))
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
