package sagemaker

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// newPackage keeps the bytes of a spec and registers them. Bytes that were kept for
// nothing lie where the next attempt puts them, and go with the model at the
// latest.
func (k modelVersionKind) newPackage(ctx context.Context, s scene, siblings []packageSeen, spec mlops.ModelVersionSpec, found versionSource) (mlops.Change, error) {
	files, err := k.store(ctx, s.id)
	if err != nil {
		return mlops.Change{}, err
	}
	packages, err := found.asked(ctx, files, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	code, err := servingOf(s, spec, packages)
	if err != nil {
		return mlops.Change{}, err
	}
	folder := versionFolder(s.place, s.id, found.digest, code)
	uri, err := found.put(ctx, files, s.place, folder+"model/", found.digest)
	if err != nil {
		return mlops.Change{}, err
	}
	if err := code.put(ctx, files, folder+"code/"); err != nil {
		return mlops.Change{}, err
	}
	facts := versionFacts{
		Digest: found.digest, Size: found.size, URI: uri, Folder: folder,
		Metrics: found.metrics, Packages: found.packages, Lineage: found.lineage,
	}
	r, err := k.versionRecord(s.id, spec, facts)
	if err != nil {
		return mlops.Change{}, err
	}
	in, err := k.packageInput(ctx, s, spec, facts, r, code)
	if err != nil {
		return mlops.Change{}, err
	}
	in.ClientToken = aws.String(packageToken(siblings, k.options.Owner, spec, facts))
	return k.createPackage(ctx, s, in, spec, r.Revision)
}

// packageToken makes a repeated registration find the first one's package. It is
// another one after versions came or went, for what was deleted is made anew.
func packageToken(siblings []packageSeen, owner string, spec mlops.ModelVersionSpec, facts versionFacts) string {
	newest := int32(0)
	for _, v := range siblings {
		newest = max(newest, v.version)
	}
	mark := mlops.DigestOf([]any{spec.Model, owner, facts.Folder, spec.Image, spec.Command, spec.Signature, spec.Overrides, facts.Packages, newest, len(siblings)})
	return strings.TrimPrefix(mark, "sha256:")[:32]
}

func (k modelVersionKind) createPackage(ctx context.Context, s scene, in *sagemaker.CreateModelPackageInput, spec mlops.ModelVersionSpec, revision string) (mlops.Change, error) {
	out, err := s.c.sagemaker.CreateModelPackage(ctx, in)
	if err != nil {
		return mlops.Change{}, err
	}
	arn := aws.ToString(out.ModelPackageArn)
	k.written.note(arn, in.CustomerMetadataProperties)
	change := mlops.Change{Ref: s.id.Child(mlops.NounModelVersion, arn[strings.LastIndex(arn, "/")+1:]), Revision: revision}
	if approvalText(spec) == "" {
		return change, nil
	}
	_, err = s.c.sagemaker.UpdateModelPackage(ctx, &sagemaker.UpdateModelPackageInput{
		ModelPackageArn: &arn, ModelApprovalStatus: in.ModelApprovalStatus, ApprovalDescription: aws.String(approvalText(spec)),
	})
	return change, err
}

// packageInput describes a package. Description and metrics cannot be changed on
// AWS: the package shows those that it was registered with, and the record has
// those in force.
func (k modelVersionKind) packageInput(ctx context.Context, s scene, spec mlops.ModelVersionSpec, facts versionFacts, r record, code serving) (*sagemaker.CreateModelPackageInput, error) {
	properties, err := k.properties(ctx, s, r, facts, spec.Aliases)
	if err != nil {
		return nil, err
	}
	metrics, err := k.putMetrics(ctx, s, facts)
	if err != nil {
		return nil, err
	}
	in := &sagemaker.CreateModelPackageInput{
		ModelPackageGroupName:      &s.name,
		ModelPackageDescription:    nativeDescription(spec.Description),
		ModelApprovalStatus:        nativeApproval(spec.Approval),
		CustomerMetadataProperties: properties,
		ModelMetrics:               metrics,
		MetadataProperties:         generatedBy(spec),
		InferenceSpecification: &types.InferenceSpecification{
			Containers:                 []types.ModelPackageContainerDefinition{code.container(s.place, facts)},
			SupportedContentTypes:      []string{jsonType},
			SupportedResponseMIMETypes: []string{jsonType},
		},
		SkipModelValidation: types.SkipModelValidationAll,
	}
	return in, overridePackage(in, spec)
}

const jsonType = "application/json"

// generatedBy says what made the bytes.
func generatedBy(spec mlops.ModelVersionSpec) *types.MetadataProperties {
	if spec.Run == "" {
		return nil
	}
	return &types.MetadataProperties{GeneratedBy: aws.String(string(spec.Run))}
}

// putMetrics keeps metrics in the form that SageMaker shows beside a package, nil
// where there are none.
func (k modelVersionKind) putMetrics(ctx context.Context, s scene, facts versionFacts) (*types.ModelMetrics, error) {
	if len(facts.Metrics) == 0 {
		return nil, nil //nolint:nilnil // no metrics is a value
	}
	raw, err := metricsReport(facts.Metrics)
	if err != nil {
		return nil, err
	}
	files, err := k.store(ctx, s.id)
	if err != nil {
		return nil, err
	}
	key := facts.Folder + "metrics/" + shortHash(string(raw)) + ".json"
	if err := files.putBytes(ctx, key, raw); err != nil {
		return nil, err
	}
	return &types.ModelMetrics{ModelQuality: &types.ModelQuality{
		Statistics: &types.MetricsSource{ContentType: aws.String(jsonType), S3Uri: aws.String(s.place.uriOf(key))},
	}}, nil
}

// metricsReport is metrics as SageMaker's registry reads them: each with its value
// and no standard deviation.
func metricsReport(metrics map[string]float64) ([]byte, error) {
	values := map[string]any{}
	for name, v := range metrics {
		values[name] = map[string]any{"value": json.Number(strconv.FormatFloat(v, 'g', -1, 64)), "standard_deviation": "NaN"}
	}
	return json.Marshal(map[string]any{"metrics": values})
}
