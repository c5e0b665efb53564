package sagemaker

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Properties of a model package beside the pieces of its record.
const (
	propertyDigest  = "mlops:digest"
	propertyAliases = "mlops:aliases"
	// propertyRecordKey is the key of a record that is too large for properties.
	propertyRecordKey = "mlops:record-key"
)

// maxRecordBytes is how large a record in S3 may be.
const maxRecordBytes = 16 << 20

// versionFacts is what is known of a version beside its spec.
type versionFacts struct {
	Digest   string             `json:"digest"`
	Size     int64              `json:"size"`
	URI      string             `json:"uri"`    // of the bytes
	Folder   string             `json:"folder"` // key of what the server is given; ends in a slash
	Metrics  map[string]float64 `json:"metrics"`
	Packages []string           `json:"packages"`
	Lineage  *mlops.Lineage     `json:"lineage,omitempty"`
}

// nativePackage is a model package, however it was asked for.
type nativePackage struct {
	arn          string
	version      int32
	status       types.ModelPackageStatus
	details      *types.ModelPackageStatusDetails
	approval     types.ModelApprovalStatus
	approvalText string
	created      time.Time
	properties   map[string]string
	image        string
	containers   []types.ModelPackageContainerDefinition // of a look at it alone
}

// packageSeen is a model package with its record.
type packageSeen struct {
	nativePackage

	id     mlops.ID
	record record
	facts  versionFacts
	spec   mlops.ModelVersionSpec // as it is in force
}

// superseded reports whether a successor took the version's place: nobody has it
// any more. Whoever comes back to its content gets it again.
func (v packageSeen) superseded() bool { return v.record.Owner == "" }

// describePackage reads one package.
func (b *backend) describePackage(ctx context.Context, s scene, arn string) (packageSeen, error) {
	out, err := s.c.sagemaker.DescribeModelPackage(ctx, &sagemaker.DescribeModelPackageInput{ModelPackageName: &arn})
	if err != nil {
		return packageSeen{}, err
	}
	n := nativePackage{
		arn: arn, version: aws.ToInt32(out.ModelPackageVersion), status: out.ModelPackageStatus, details: out.ModelPackageStatusDetails,
		approval: out.ModelApprovalStatus, approvalText: aws.ToString(out.ApprovalDescription),
		created: aws.ToTime(out.CreationTime), properties: out.CustomerMetadataProperties, image: imageOf(out.InferenceSpecification),
	}
	if serving := out.InferenceSpecification; serving != nil {
		n.containers = serving.Containers
	}
	if b.written.late(arn, n.properties) {
		b.written.note(arn, n.properties) // somebody else wrote later
	}
	return b.readPackage(ctx, s, n)
}

// packageFound is a package as a search shows it.
func packageFound(p types.ModelPackage) nativePackage {
	return nativePackage{
		arn: aws.ToString(p.ModelPackageArn), version: aws.ToInt32(p.ModelPackageVersion), status: p.ModelPackageStatus,
		details: p.ModelPackageStatusDetails, approval: p.ModelApprovalStatus, approvalText: aws.ToString(p.ApprovalDescription),
		created: aws.ToTime(p.CreationTime), properties: p.CustomerMetadataProperties, image: imageOf(p.InferenceSpecification),
	}
}

func imageOf(s *types.InferenceSpecification) string {
	if s == nil || len(s.Containers) == 0 {
		return ""
	}
	return aws.ToString(s.Containers[0].Image)
}

// readPackage reads the record of a package.
func (b *backend) readPackage(ctx context.Context, s scene, n nativePackage) (packageSeen, error) {
	seen := packageSeen{nativePackage: n, id: s.id.Child(mlops.NounModelVersion, strconv.Itoa(int(n.version)))}
	var err error
	if key := n.properties[propertyRecordKey]; key != "" {
		seen.record, err = b.recordAt(ctx, s, key)
	} else {
		seen.record, err = recordOf(n.properties)
	}
	if err != nil {
		return seen, packageWithout(n.arn, err)
	}
	if err := json.Unmarshal(seen.record.Extra, &seen.facts); err != nil {
		return seen, packageWithout(n.arn, err)
	}
	if err := seen.record.into(&seen.spec); err != nil {
		return seen, packageWithout(n.arn, err)
	}
	if n.approval != "" && n.approval != nativeApproval(seen.spec.Approval) {
		seen.spec.Approval = approvalOf(n.approval) // somebody decided elsewhere
	}
	return seen, nil
}

// packageWithout is the error of a package whose record cannot be read.
func packageWithout(arn string, err error) error {
	if errors.Is(err, errNoRecord) {
		return invalid(&packageError{arn, err})
	}
	return &packageError{arn, err}
}

type packageError struct {
	arn string
	err error
}

func (e *packageError) Error() string { return "the model package " + e.arn + ": " + e.err.Error() }
func (e *packageError) Unwrap() error { return e.err }

func (b *backend) recordAt(ctx context.Context, s scene, key string) (record, error) {
	files, err := b.store(ctx, s.id)
	if err != nil {
		return record{}, err
	}
	raw, err := files.getBytes(ctx, key, maxRecordBytes)
	if err != nil {
		return record{}, err
	}
	var r record
	return r, json.Unmarshal(raw, &r)
}

// versionRecord is the record of a spec and of what is known beside it.
func (b *backend) versionRecord(model mlops.ID, spec mlops.ModelVersionSpec, facts versionFacts) (record, error) {
	r, err := b.newRecord(model, spec)
	if err != nil {
		return r, err
	}
	r.Extra, err = json.Marshal(facts)
	return r, err
}

// properties writes a record as properties of a package. A large one goes to S3,
// named by its content, and the properties say where it is.
func (b *backend) properties(ctx context.Context, s scene, r record, facts versionFacts, aliases []string) (map[string]string, error) {
	properties, err := r.tags()
	if b.is(err, mlops.Invalid) {
		properties, err = b.recordAside(ctx, s, r)
	}
	if err != nil {
		return nil, err
	}
	properties[propertyDigest] = facts.Digest
	if text := strings.Join(aliases, " "); len(text) <= maxTagValue {
		properties[propertyAliases] = text
	}
	maps.DeleteFunc(properties, func(_, v string) bool { return v == "" }) // empty values are refused
	return properties, nil
}

func (b *backend) recordAside(ctx context.Context, s scene, r record) (map[string]string, error) {
	raw, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	files, err := b.store(ctx, s.id)
	if err != nil {
		return nil, err
	}
	key := modelFolder(s.place, s.id) + "records/" + strings.TrimPrefix(mlops.DigestOf(r), "sha256:") + ".json"
	if err := files.putBytes(ctx, key, raw); err != nil {
		return nil, err
	}
	return map[string]string{tagID: string(r.ID), tagOwner: clean(r.Owner), tagRevision: r.Revision, propertyRecordKey: key}, nil
}

// staleProperties lists the properties of ours that a new record does not have.
func staleProperties(old, fresh map[string]string) []string {
	var gone []string
	for _, key := range slices.Sorted(maps.Keys(old)) {
		if _, kept := fresh[key]; !kept && strings.HasPrefix(key, tagPrefix) {
			gone = append(gone, key)
		}
	}
	return gone
}

// ours are the tags, or properties of a package, that the provider wrote.
func ours(properties map[string]string) map[string]string {
	out := maps.Clone(properties)
	maps.DeleteFunc(out, func(key, _ string) bool { return !strings.HasPrefix(key, tagPrefix) })
	return out
}

// nativeApproval is an approval in SageMaker's words.
func nativeApproval(approval string) types.ModelApprovalStatus {
	switch approval {
	case "approved":
		return types.ModelApprovalStatusApproved
	case "rejected":
		return types.ModelApprovalStatusRejected
	}
	return types.ModelApprovalStatusPendingManualApproval
}

// approvalOf is the reverse of nativeApproval.
func approvalOf(status types.ModelApprovalStatus) string {
	switch status {
	case types.ModelApprovalStatusApproved:
		return "approved"
	case types.ModelApprovalStatusRejected:
		return "rejected"
	case types.ModelApprovalStatusPendingManualApproval:
	}
	return "pending"
}

// versions remembers what this process wrote last into packages' properties:
// searches show it late.
type versions struct {
	mu   sync.Mutex
	last map[string]string // ARN to a mark
}

func (v *versions) note(arn string, properties map[string]string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.last == nil {
		v.last = map[string]string{}
	}
	v.last[arn] = mlops.DigestOf(ours(properties))
}

// late reports whether properties are not what was written last.
func (v *versions) late(arn string, properties map[string]string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	mark, ok := v.last[arn]
	return ok && mark != mlops.DigestOf(ours(properties))
}
