package aws

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"
)

// smMaxMetadata is how many properties a model package may have (model,
// CustomerMetadataMap).
const smMaxMetadata = 50

// smRelease is what only a model package has.
type smRelease struct {
	group   string // the group's ARN; "" for a package without versions
	version int
}

// smVersion is the version of a model package, or 0.
func smVersion(o *smObject) int {
	if r, ok := o.detail.(*smRelease); ok {
		return r.version
	}
	return 0
}

// smGroupOf is the ARN of a model package's group, or "".
func smGroupOf(o *smObject) string {
	if r, ok := o.detail.(*smRelease); ok {
		return r.group
	}
	return ""
}

func (w *World) smPackageHandlers() map[string]Handler {
	return map[string]Handler{
		"CreateModelPackage":        w.smCreatePackage,
		"DescribeModelPackage":      w.smDescribePackage,
		"UpdateModelPackage":        w.smUpdatePackage,
		"DeleteModelPackage":        w.smDeletePackage,
		"ListModelPackages":         w.smListPackages,
		"BatchDescribeModelPackage": w.smBatchDescribePackages,
	}
}

func (w *World) smCreatePackage(c *Call) (Params, error) {
	if arn, ok := w.smRepeated(c, "ClientToken"); ok {
		return Params{"ModelPackageArn": arn}, nil
	}
	if err := w.smPackageFault(c); err != nil {
		return nil, err
	}
	name, arn := text(c.In, "ModelPackageName"), smARN(c, smPackage, text(c.In, "ModelPackageName"))
	release := &smRelease{}
	if group := text(c.In, "ModelPackageGroupName"); group != "" {
		g, err := w.find(c, smGroup, group)
		if err != nil {
			return nil, err
		}
		versions, _ := g.detail.(*smVersions)
		versions.last++
		release.group, release.version = g.arn, versions.last
		// The model requires a name in the answer of Describe.
		name, arn = g.name, smARN(c, smPackage, fmt.Sprintf("%s/%d", g.name, versions.last))
	}
	o := w.add(c, smPackage, name, arn, smDigested(c.In))
	o.detail = release
	if _, given := o.in["ModelApprovalStatus"]; !given && release.version > 0 {
		o.in["ModelApprovalStatus"] = "PendingManualApproval"
	}
	w.pass(o, "Pending", func(time.Time) { o.status = "Completed" })
	w.smRepeat(c, "ClientToken", arn)
	return Params{"ModelPackageArn": arn}, nil
}

// smPackageFault refuses a request for a model package that no schema refuses. The
// words on the names are AWS's, as reported in moto's pull request 7165.
func (w *World) smPackageFault(c *Call) error {
	name, group := text(c.In, "ModelPackageName"), text(c.In, "ModelPackageGroupName")
	switch {
	case name != "" && group != "":
		return fault("ValidationException", "Both ModelPackageName and ModelPackageGroupName are provided in the input. Cannot determine which one to use.")
	case name == "" && group == "":
		return fault("ValidationException", "Missing ARN.")
	case group != "" && len(list(c.In, "Tags")) > 0:
		// API reference, CreateModelPackage: a versioned package uses its group's.
		return fault("ValidationException", "Tags cannot be supplied for a versioned model package: it uses the tags of its model package group.")
	case name != "" && w.sm().objects[smARN(c, smPackage, name)] != nil:
		return fault("ValidationException", "Model Package already exists: %s", smARN(c, smPackage, name))
	case name != "" && text(c.In, "ModelApprovalStatus") != "":
		// API reference, CreateModelPackage: approval is for versioned models.
		return fault("ValidationException", "ModelApprovalStatus does not apply to unversioned model packages.")
	}
	if err := smTagFault(c.In); err != nil {
		return err
	}
	if text(c.In, "SkipModelValidation") == "All" {
		return nil
	}
	for _, container := range structures(structure(c.In, "InferenceSpecification"), "Containers") {
		if err := w.modelDataFault(container); err != nil {
			return err
		}
	}
	return nil
}

// smDigested adds what the service adds to a package's containers: the digest of
// the image.
func smDigested(in Params) Params {
	spec := structure(in, "InferenceSpecification")
	if spec == nil {
		return in
	}
	var containers []any
	for _, container := range structures(spec, "Containers") {
		fresh := maps.Clone(container)
		if text(fresh, "ImageDigest") == "" {
			sum := sha256.Sum256([]byte(text(fresh, "Image")))
			fresh["ImageDigest"] = "sha256:" + hex.EncodeToString(sum[:])
		}
		containers = append(containers, fresh)
	}
	spec = maps.Clone(spec)
	spec["Containers"] = containers
	out := maps.Clone(in)
	out["InferenceSpecification"] = spec
	return out
}

func (w *World) smDescribePackage(c *Call) (Params, error) {
	o, err := w.find(c, smPackage, text(c.In, "ModelPackageName"))
	if err != nil {
		return nil, err
	}
	return smPackageView(w.look(o, c.Time)), nil
}

// smPackageView is a package as Describe shows it.
func smPackageView(o *smObject) Params {
	out := smPackageSummary(o)
	out["ModelPackageName"] = o.name
	out["LastModifiedTime"] = o.modified
	out["CreatedBy"] = Params{}
	out["CertifyForMarketplace"] = flag(o.in, "CertifyForMarketplace")
	out["ModelPackageStatusDetails"] = Params{"ValidationStatuses": []any{}, "ImageScanStatuses": []any{}}
	return smJoin(out, o.members(
		"InferenceSpecification", "SourceAlgorithmSpecification", "ValidationSpecification", "MetadataProperties", "ModelMetrics",
		"ApprovalDescription", "Domain", "Task", "SamplePayloadUrl", "CustomerMetadataProperties", "DriftCheckBaselines",
		"AdditionalInferenceSpecifications", "SkipModelValidation", "SourceUri", "SecurityConfig", "ModelCard",
	))
}

// smPackageSummary is a package as lists show it: of a versioned one they have no
// name (sagemaker-python-sdk, issue 5606).
func smPackageSummary(o *smObject) Params {
	out := smJoin(o.members("ModelPackageDescription", "ModelApprovalStatus"), Params{
		"ModelPackageArn": o.arn, "CreationTime": o.created, "ModelPackageStatus": o.status,
	})
	if version := smVersion(o); version > 0 {
		out["ModelPackageGroupName"], out["ModelPackageVersion"] = o.name, version
		return out
	}
	out["ModelPackageName"] = o.name
	return out
}

func (w *World) smUpdatePackage(c *Call) (Params, error) {
	o, err := w.find(c, smPackage, text(c.In, "ModelPackageArn"))
	if err != nil {
		return nil, err
	}
	if text(c.In, "ModelApprovalStatus") != "" && smVersion(o) == 0 {
		return nil, fault("ValidationException", "ModelApprovalStatus does not apply to unversioned model packages.")
	}
	// API reference, UpdateModelPackage: given properties are added or replaced,
	// those to remove are removed.
	properties := maps.Clone(structure(o.in, "CustomerMetadataProperties"))
	if properties == nil {
		properties = Params{}
	}
	maps.Copy(properties, structure(c.In, "CustomerMetadataProperties"))
	for _, key := range texts(c.In, "CustomerMetadataPropertiesToRemove") {
		delete(properties, key)
	}
	if len(properties) > smMaxMetadata {
		return nil, fault("ValidationException", "CustomerMetadataProperties may have at most %d entries.", smMaxMetadata)
	}
	in := maps.Clone(c.In)
	delete(in, "CustomerMetadataProperties")
	o.change(c.Time, smDigested(in), "ModelApprovalStatus", "ApprovalDescription", "InferenceSpecification", "SourceUri", "ModelCard")
	o.in["CustomerMetadataProperties"] = properties
	if len(properties) == 0 {
		delete(o.in, "CustomerMetadataProperties")
	}
	if more := list(c.In, "AdditionalInferenceSpecificationsToAdd"); len(more) > 0 {
		o.in["AdditionalInferenceSpecifications"] = slices.Concat(list(o.in, "AdditionalInferenceSpecifications"), more)
	}
	return Params{"ModelPackageArn": o.arn}, nil
}

func (w *World) smDeletePackage(c *Call) (Params, error) {
	o, err := w.find(c, smPackage, text(c.In, "ModelPackageName"))
	if err != nil {
		return nil, err
	}
	w.drop(o)
	return Params{}, nil
}

func (w *World) smListPackages(c *Call) (Params, error) {
	group, kind := text(c.In, "ModelPackageGroupName"), text(c.In, "ModelPackageType")
	if group != "" {
		g, err := w.find(c, smGroup, group)
		if err != nil {
			return nil, err
		}
		group = g.arn
	}
	approval := text(c.In, "ModelApprovalStatus")
	found := w.listed(c, smPackage, func(o *smObject) bool {
		versioned := smVersion(o) > 0
		// API reference, ListModelPackages: without a group and a type, only
		// packages without versions are listed.
		wanted := kind == "Both" || versioned == (kind == "Versioned" || (kind == "" && group != ""))
		return wanted && (group == "" || smGroupOf(o) == group) && (approval == "" || text(o.in, "ModelApprovalStatus") == approval)
	})
	return smPage(c.In, "ModelPackageSummaryList", found, smPageSize, smPackageSummary)
}

func (w *World) smBatchDescribePackages(c *Call) (Params, error) {
	found, failed := Params{}, Params{}
	for _, arn := range texts(c.In, "ModelPackageArnList") {
		o := w.sm().objects[arn]
		if o == nil || o.kind != smPackage {
			missing := smMissing(smPackage, arn)
			failed[arn] = Params{"ErrorCode": missing.Code, "ErrorResponse": missing.Message}
			continue
		}
		w.look(o, c.Time)
		out := smPackageSummary(o)
		delete(out, "ModelPackageName")
		out["ModelPackageGroupName"] = o.name
		found[arn] = smJoin(out, o.members("InferenceSpecification"))
	}
	return Params{"ModelPackageSummaries": found, "BatchDescribeModelPackageErrorMap": failed}, nil
}
