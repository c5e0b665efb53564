package sagemaker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/dataset"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// datasetSeen is a dataset as its record has it.
type datasetSeen struct {
	Record record              `json:"record"`
	Status mlops.DatasetStatus `json:"status"`
	Kept   []string            `json:"kept"` // folders of versions, oldest first

	etag string // of the record; empty if there is none
}

func (d datasetSeen) kept() record { return d.Record }

// leaving is never true: a deletion ends at once.
func (d datasetSeen) leaving() bool { return false }

func datasetRecordKey(s scene) string { return datasetFolder(s) + "record.json" }

func (k datasetKind) look(ctx context.Context, s scene) (seen datasetSeen, err error) {
	key := datasetRecordKey(s)
	out, err := s.c.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.place.Bucket, Key: &key})
	if err != nil {
		return seen, err
	}
	defer func() { err = errors.Join(err, out.Body.Close()) }()
	raw, err := io.ReadAll(mlops.Bounded(out.Body, maxRecordBytes))
	if err != nil {
		return seen, fmt.Errorf("read %s: %w", s.place.uriOf(key), err)
	}
	if err := json.Unmarshal(raw, &seen); err != nil {
		return seen, fmt.Errorf("%s does not hold the record of a dataset: %w", s.place.uriOf(key), err)
	}
	seen.etag = aws.ToString(out.ETag)
	return seen, nil
}

// write replaces the record, if it is still the one that was read. Another is a
// Conflict.
func (k datasetKind) write(ctx context.Context, s scene, seen datasetSeen) error {
	raw, err := json.Marshal(seen)
	if err != nil {
		return err
	}
	in := &s3.PutObjectInput{
		Bucket: &s.place.Bucket, Key: aws.String(datasetRecordKey(s)), Body: bytes.NewReader(raw), ContentType: aws.String(jsonType),
	}
	in.ServerSideEncryption, in.SSEKMSKeyId = s.files.encryption()
	if seen.etag == "" {
		in.IfNoneMatch = aws.String("*")
	} else {
		in.IfMatch = &seen.etag
	}
	_, err = s.c.s3.PutObject(ctx, in)
	if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != "PreconditionFailed" && e.ErrorCode() != "ConditionalRequestConflict" {
		return err
	}
	// The first of the SDK's attempts may have been carried out and its answer lost.
	if there, errLook := k.look(ctx, s); errLook == nil && there.Record.Created.Equal(seen.Record.Created) && there.Record.Revision == seen.Record.Revision && there.Record.Owner == seen.Record.Owner {
		return nil
	}
	return mlops.NewError(mlops.Conflict, fmt.Errorf("%s was changed by another at the same time: %w", s.id, err))
}

// judged reports whether the bytes of a digest are in force, and were held to the
// rules of a spec.
func (d datasetSeen) judged(spec mlops.DatasetSpec, digest string) bool {
	var former mlops.DatasetSpec
	if d.etag == "" || d.Status.Digest != digest || d.Record.into(&former) != nil {
		return false
	}
	return dataset.SameRules(spec, former)
}

func (k datasetKind) observe(_ context.Context, _ scene, d datasetSeen) (mlops.Observed[mlops.DatasetSpec, mlops.DatasetStatus], error) {
	o := mlops.Observed[mlops.DatasetSpec, mlops.DatasetStatus]{
		Ref: d.Record.ID, Status: d.Status, Phase: mlops.PhaseReady, Revision: d.Record.Revision,
		Native: map[string]string{"s3_uri": d.Status.URI},
	}
	return o, d.Record.into(&o.Spec)
}

// List returns the datasets of an environment.
func (k datasetKind) List(ctx context.Context, parent mlops.ID) ([]mlops.Observed[mlops.DatasetSpec, mlops.DatasetStatus], error) {
	return listAll(ctx, k, parent)
}

// within lists the folders of datasets, which may be those of unfinished ones.
func (k datasetKind) within(ctx context.Context, c *clients, p place) ([]mlops.ID, error) {
	files := &store{k.backend, c.s3, p}
	names, err := files.folders(ctx, p.key("datasets/"))
	if err != nil {
		return nil, err
	}
	ids := make([]mlops.ID, 0, len(names))
	for _, name := range names {
		ids = append(ids, p.Record.ID.Child(mlops.NounDataset, name))
	}
	return ids, nil
}

// folders lists the folders right below a prefix, by their names.
func (s *store) folders(ctx context.Context, prefix string) ([]string, error) {
	var names []string
	pages := s3.NewListObjectsV2Paginator(s.s3, &s3.ListObjectsV2Input{Bucket: &s.place.Bucket, Prefix: &prefix, Delimiter: aws.String("/")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, p := range page.CommonPrefixes {
			names = append(names, path.Base(aws.ToString(p.Prefix)))
		}
	}
	return names, nil
}

// shortDigest is enough of a digest to tell folders apart.
func shortDigest(digest string) string {
	hash := strings.TrimPrefix(digest, "sha256:")
	return hash[:min(len(hash), 12)]
}
