package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// modelVersionKind is the kind of model versions: model packages of the model's
// group. They are found by content: the same owner's same bytes, served the same
// way, are the same version. The record is in a package's metadata, for packages
// in a group have no tags.
type modelVersionKind struct{ *backend }

// Create registers bytes, or finds the version that has them.
func (k modelVersionKind) Create(ctx context.Context, spec mlops.ModelVersionSpec) (mlops.Change, error) {
	return k.register(ctx, "", spec)
}

// Update changes what is said of a version in place. Other content becomes a
// successor, and ref stays as history.
func (k modelVersionKind) Update(ctx context.Context, ref mlops.ID, spec mlops.ModelVersionSpec) (mlops.Change, error) {
	s, arn, err := k.packageScene(ctx, ref)
	if err != nil {
		return mlops.Change{}, err
	}
	if _, err := k.describePackage(ctx, s, arn); err != nil {
		return mlops.Change{}, err
	}
	if ref.Parent() != spec.Model {
		return mlops.Change{}, mlops.InvalidField("model", "%s cannot move to the model %s", ref, spec.Model)
	}
	return k.register(ctx, ref, spec)
}

// packageScene finds the place of a version, which may not be there.
func (k modelVersionKind) packageScene(ctx context.Context, ref mlops.ID) (s scene, arn string, err error) {
	if _, err := ref.ParseAs(mlops.NounModelVersion); err != nil {
		return s, "", invalid(err)
	}
	if n, err := strconv.Atoi(ref.Name()); err != nil || n < 1 {
		return s, "", mlops.NewError(mlops.NotFound, fmt.Errorf("there is no %s: versions are numbers", ref))
	}
	if s, err = modelKind(k).scene(ctx, ref.Parent()); err != nil {
		return s, "", err
	}
	return s, s.c.arn("sagemaker", s.place.Account, "model-package/"+s.name+"/"+ref.Name()), nil
}

// Get takes one look.
func (k modelVersionKind) Get(ctx context.Context, ref mlops.ID) (mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus], error) {
	s, arn, err := k.packageScene(ctx, ref)
	if err != nil {
		return mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus]{}, err
	}
	seen, err := k.describePackage(ctx, s, arn)
	if err != nil {
		return mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus]{}, err
	}
	return seen.observed(), nil
}

// observed is a package in the contract's words.
func (v packageSeen) observed() mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus] {
	o := mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus]{
		Ref: v.id, Spec: v.spec, Revision: v.record.Revision,
		Status: mlops.ModelVersionStatus{
			Version: v.id.Name(), Digest: v.facts.Digest, URI: v.facts.URI, Size: v.facts.Size,
			Metrics: v.facts.Metrics, Packages: v.facts.Packages, Lineage: v.facts.Lineage, CreatedAt: v.created.UTC(),
		},
		Native: map[string]string{"model_package_arn": v.arn, "image": v.image},
	}
	if marked := revisionOf(v.spec); marked != o.Revision {
		o.Revision = marked // changed by another hand
	}
	o.Phase, o.Reason = phaseOfPackage(v.nativePackage)
	return o
}

// phaseOfPackage is a package's status in the contract's words.
func phaseOfPackage(n nativePackage) (mlops.Phase, string) {
	switch n.status {
	case types.ModelPackageStatusCompleted:
		return mlops.PhaseReady, ""
	case types.ModelPackageStatusFailed:
		return mlops.PhaseFailed, failureOf(n.details)
	case types.ModelPackageStatusDeleting:
		return mlops.PhaseDeleting, ""
	case types.ModelPackageStatusPending, types.ModelPackageStatusInProgress:
	}
	return mlops.PhasePending, "SageMaker is registering the package"
}

// failureOf says why a package failed.
func failureOf(details *types.ModelPackageStatusDetails) string {
	if details == nil {
		return "SageMaker gives no reason"
	}
	var reasons []string
	for _, items := range [][]types.ModelPackageStatusItem{details.ValidationStatuses, details.ImageScanStatuses} {
		for _, i := range items {
			if i.Status == types.DetailedModelPackageStatusFailed {
				reasons = append(reasons, aws.ToString(i.Name)+": "+aws.ToString(i.FailureReason))
			}
		}
	}
	return strings.Join(reasons, "; ")
}

// register brings the bytes of a spec to where they are kept, and puts the spec in
// force for the version that has them, which may be new.
func (k modelVersionKind) register(ctx context.Context, from mlops.ID, spec mlops.ModelVersionSpec) (mlops.Change, error) {
	if err := capabilities().Admit(name, mlops.NounModelVersion, "", spec); err != nil {
		return mlops.Change{}, err
	}
	s, err := modelKind(k).scene(ctx, spec.Model)
	if err != nil {
		return mlops.Change{}, err
	}
	if _, err := modelKind(k).look(ctx, s); err != nil {
		if k.is(err, mlops.NotFound) {
			return mlops.Change{}, mlops.InvalidField("model", "there is no model %s", spec.Model)
		}
		return mlops.Change{}, err
	}
	if err := checkServing(s.place, spec); err != nil {
		return mlops.Change{}, err
	}
	unlock, err := k.registering.Take(ctx, string(spec.Model))
	if err != nil {
		return mlops.Change{}, err
	}
	defer unlock()
	return k.settle(ctx, s, from, spec)
}

// checkServing refuses what cannot be served where it is to be.
func checkServing(p place, spec mlops.ModelVersionSpec) error {
	check := mlops.NewChecker()
	checkVersionOverrides(check, spec)
	checkIsolated(check, p, spec)
	checkVersionImage(check, spec)
	return check.Err()
}

// settle finds the version that has the content of a spec, or makes one, and
// moves the aliases to it. What was interrupted is found and ended by the next
// attempt: the winner has its aliases before others lose theirs.
func (k modelVersionKind) settle(ctx context.Context, s scene, from mlops.ID, spec mlops.ModelVersionSpec) (mlops.Change, error) {
	found, err := k.versionSource(ctx, s, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	if p := spec.Promotion; p != nil && p.Digest != found.digest {
		return mlops.Change{}, mlops.InvalidField("promotion.digest", "the bytes have the digest %s; those that were promoted from %s have %s", found.digest, p.From, p.Digest)
	}
	siblings, err := k.packages(ctx, s)
	if err != nil {
		return mlops.Change{}, err
	}
	var change mlops.Change
	if at, ok := k.adoptable(siblings, from, spec, found); ok {
		change, err = k.restatePackage(ctx, s, at.arn, spec, found)
	} else {
		change, err = k.newPackage(ctx, s, siblings, spec, found)
	}
	if err != nil {
		return change, err
	}
	return change, k.displace(ctx, s, siblings, from, change.Ref, spec.Aliases)
}

// adoptable finds the version that has some content: first the one that is to be
// changed, then one of the same owner or of nobody.
func (k modelVersionKind) adoptable(siblings []packageSeen, from mlops.ID, spec mlops.ModelVersionSpec, found versionSource) (packageSeen, bool) {
	same := func(v packageSeen) bool {
		return v.facts.Digest == found.digest && v.spec.SameBytes(spec) && slices.Equal(v.facts.Packages, found.packages)
	}
	i := slices.IndexFunc(siblings, func(v packageSeen) bool { return v.id == from && same(v) })
	if i < 0 {
		i = slices.IndexFunc(siblings, func(v packageSeen) bool {
			return same(v) && (v.superseded() || v.record.Owner == k.options.Owner)
		})
	}
	if i < 0 {
		return packageSeen{}, false
	}
	return siblings[i], true
}

// restatePackage puts another spec in force for the content of a package.
func (k modelVersionKind) restatePackage(ctx context.Context, s scene, arn string, spec mlops.ModelVersionSpec, found versionSource) (mlops.Change, error) {
	v, err := k.describePackage(ctx, s, arn)
	if err != nil {
		return mlops.Change{}, err
	}
	facts := v.facts
	facts.Metrics, facts.Packages, facts.Lineage = found.metrics, found.packages, found.lineage
	r, err := k.versionRecord(s.id, spec, facts)
	if err != nil {
		return mlops.Change{}, err
	}
	r.Created = v.record.Created
	return mlops.Change{Ref: v.id, Revision: r.Revision}, k.writePackage(ctx, s, v, r, facts, spec)
}

// writePackage writes a record and an approval, where they are not there already.
func (k modelVersionKind) writePackage(ctx context.Context, s scene, v packageSeen, r record, facts versionFacts, spec mlops.ModelVersionSpec) error {
	properties, err := k.properties(ctx, s, r, facts, spec.Aliases)
	if err != nil {
		return err
	}
	in := &sagemaker.UpdateModelPackageInput{
		ModelPackageArn: &v.arn, ModelApprovalStatus: nativeApproval(spec.Approval), ApprovalDescription: aws.String(approvalText(spec)),
	}
	if mlops.DigestOf(ours(v.properties)) != mlops.DigestOf(properties) {
		in.CustomerMetadataProperties, in.CustomerMetadataPropertiesToRemove = properties, staleProperties(v.properties, properties)
	} else if v.approval == in.ModelApprovalStatus && v.approvalText == approvalText(spec) {
		return nil
	}
	if _, err := s.c.sagemaker.UpdateModelPackage(ctx, in); err != nil {
		return err
	}
	k.written.note(v.arn, properties)
	return k.dropRecordAside(ctx, s, v.properties[propertyRecordKey], properties[propertyRecordKey])
}

// dropRecordAside removes a record from S3 that is not in force any more.
func (k modelVersionKind) dropRecordAside(ctx context.Context, s scene, old, fresh string) error {
	if old == "" || old == fresh {
		return nil
	}
	files, err := k.store(ctx, s.id)
	if err != nil {
		return err
	}
	return files.remove(ctx, old)
}

// approvalText is what the package shows beside its approval.
func approvalText(spec mlops.ModelVersionSpec) string {
	return strings.Join(strings.Fields(spec.ApprovedBy), " ")
}

// displace takes aliases from the siblings of the version that has them now, and
// the place in the configuration from the one that it succeeds.
func (k modelVersionKind) displace(ctx context.Context, s scene, siblings []packageSeen, from, winner mlops.ID, aliases []string) error {
	for _, v := range siblings {
		loses := slices.ContainsFunc(v.spec.Aliases, func(a string) bool { return slices.Contains(aliases, a) })
		succeeded := v.id == from && !v.superseded()
		if v.id == winner || !loses && !succeeded {
			continue
		}
		err := k.displaceOne(ctx, s, v.arn, aliases, succeeded)
		if err != nil && !k.is(err, mlops.NotFound) {
			return err
		}
	}
	return nil
}

func (k modelVersionKind) displaceOne(ctx context.Context, s scene, arn string, aliases []string, succeeded bool) error {
	v, err := k.describePackage(ctx, s, arn)
	if err != nil {
		return err
	}
	spec := v.spec
	spec.Aliases = slices.DeleteFunc(slices.Clone(spec.Aliases), func(a string) bool { return slices.Contains(aliases, a) })
	r, err := k.versionRecord(s.id, spec, v.facts)
	if err != nil {
		return err
	}
	r.Created, r.Owner = v.record.Created, v.record.Owner
	if succeeded {
		r.Owner = ""
	}
	return k.writePackage(ctx, s, v, r, v.facts, spec)
}

// Delete removes a version, and its bytes if no other version has them. One that
// an endpoint serves, or is about to, is a Conflict.
func (k modelVersionKind) Delete(ctx context.Context, ref mlops.ID) error {
	s, arn, err := k.packageScene(ctx, ref)
	if err != nil {
		return err
	}
	unlock, err := k.registering.Take(ctx, string(ref.Parent()))
	if err != nil {
		return err
	}
	defer unlock()
	v, err := k.describePackage(ctx, s, arn)
	if err != nil {
		return err
	}
	served, err := k.servedVersions(ctx, s.id)
	if err != nil {
		return err
	}
	if endpoint, ok := served[ref]; ok {
		return mlops.NewError(mlops.Conflict, fmt.Errorf("%s is served by the endpoint %s", ref, endpoint))
	}
	siblings, err := k.packages(ctx, s)
	if err != nil {
		return err
	}
	if _, err := s.c.sagemaker.DeleteModelPackage(ctx, &sagemaker.DeleteModelPackageInput{ModelPackageName: &arn}); err != nil {
		return err
	}
	return k.dropBytes(ctx, s, v, siblings)
}

// dropBytes removes what was kept of a deleted version and nothing else has.
func (k modelVersionKind) dropBytes(ctx context.Context, s scene, v packageSeen, siblings []packageSeen) error {
	shared := slices.ContainsFunc(siblings, func(o packageSeen) bool { return o.id != v.id && o.facts.Folder == v.facts.Folder })
	err := k.dropRecordAside(ctx, s, v.properties[propertyRecordKey], "")
	if shared {
		return err
	}
	files, errStore := k.store(ctx, s.id)
	if errStore != nil {
		return errors.Join(err, errStore)
	}
	return errors.Join(err, files.remove(ctx, strings.TrimSuffix(v.facts.Folder, "/"))) // and the archive beside it
}

// Export copies the bytes of a version to this machine. Whether they are those
// that were registered is the caller's to check.
func (k modelVersionKind) Export(ctx context.Context, ref mlops.ID, directory string) (string, error) {
	s, arn, err := k.packageScene(ctx, ref)
	if err != nil {
		return "", err
	}
	v, err := k.describePackage(ctx, s, arn)
	if err != nil {
		return "", err
	}
	files, err := k.store(ctx, s.id)
	if err != nil {
		return "", err
	}
	path, err := files.download(ctx, v.facts.URI, directory)
	if k.is(err, mlops.NotFound) {
		err = invalid(fmt.Errorf("the bytes of %s are gone from %s", ref, v.facts.URI))
	}
	return path, err
}
