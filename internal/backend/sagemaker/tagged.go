package sagemaker

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// tagged is an object that carries its record in its tags.
type tagged struct {
	record record
	tags   map[string]string
}

func (t tagged) kept() record { return t.record }

func (t tagged) leaving() bool { return t.tags[tagDeleting] != "" }

// carries reports whether an object has a record and its tags, and no others: an
// interrupted change may have left some.
func (t tagged) carries(r record, tags map[string]string) bool {
	if !r.matches(t.record) || len(stale(t.tags, tags)) > 0 {
		return false
	}
	for key, value := range tags {
		if t.tags[key] != value {
			return false
		}
	}
	return true
}

// tagged reads the tags of an object of SageMaker, and the record in them.
func (s scene) tagged(ctx context.Context) (tagged, error) {
	tags, err := sagemakerTagsOf(ctx, s.c, s.arn)
	if err != nil {
		return tagged{}, err
	}
	return taggedBy(s.arn, tags)
}

// taggedBy reads the record in the tags of an object.
func taggedBy(arn string, tags map[string]string) (tagged, error) {
	r, err := recordOf(tags)
	if err != nil {
		err = invalid(fmt.Errorf("%s: %w", arn, err))
	}
	return tagged{r, tags}, err
}

// stamp is the record of a spec that was just accepted, and all tags of the object
// that is to carry it. Old is the record that it has now, zero for none.
func (b *backend) stamp(s scene, spec any, labels map[string]string, old record) (record, map[string]string, error) {
	r, err := b.successor(s.id, spec, old)
	if err != nil {
		return record{}, nil, err
	}
	tags, err := b.tagsWith(s.place.spec, labels, r)
	if err != nil {
		return record{}, nil, err
	}
	return r, tags, nil
}

// successor is the record of a spec that takes the place of another, if there is
// one.
func (b *backend) successor(id mlops.ID, spec any, old record) (record, error) {
	r, err := b.newRecord(id, spec)
	if old.ID != "" {
		r.Created = old.Created
	}
	return r, err
}

// tagsWith are the tags of an object that carries a record.
func (b *backend) tagsWith(environment mlops.EnvironmentSpec, labels map[string]string, r record) (map[string]string, error) {
	pieces, err := r.tags()
	if err != nil {
		return nil, err
	}
	tags := b.tagsFor(environment, labels, pieces)
	if len(tags) > maxTags {
		return nil, mlops.InvalidField("labels", "the object needs %d tags, its labels and what describes it among them, and AWS allows %d", len(tags), maxTags)
	}
	return tags, nil
}

// matches reports whether a record says the same, for the same owner.
func (r record) matches(other record) bool {
	return r.Revision == other.Revision && r.Owner == other.Owner
}

// change is the receipt for the record's spec.
func (r record) change() mlops.Change { return mlops.Change{Ref: r.ID, Revision: r.Revision} }

// idsAt are the IDs in the records of objects of SageMaker, of those that are an
// environment's own.
func (b *backend) idsAt(ctx context.Context, c *clients, arns []string, environment mlops.ID) ([]mlops.ID, error) {
	ids := make([]mlops.ID, len(arns))
	err := each(ctx, arns, func(ctx context.Context, i int, arn string) error {
		tags, err := sagemakerTagsOf(ctx, c, arn)
		if err != nil && !b.is(err, mlops.NotFound) {
			return err
		}
		if r, err := recordOf(tags); err == nil && r.ID.Parent() == environment {
			ids[i] = r.ID
		}
		return nil
	})
	return slices.DeleteFunc(ids, func(id mlops.ID) bool { return id == "" }), err
}

// sagemakerTagsOf reads the tags of an object.
func sagemakerTagsOf(ctx context.Context, c *clients, arn string) (map[string]string, error) {
	tags := []types.Tag{}
	pages := sagemaker.NewListTagsPaginator(c.sagemaker, &sagemaker.ListTagsInput{ResourceArn: &arn, MaxResults: aws.Int32(pageSize)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		tags = append(tags, page.Tags...)
	}
	return tagMap(tags), nil
}

// retagSagemaker brings the tags of an object to what they should be.
func retagSagemaker(ctx context.Context, c *clients, arn string, old, fresh map[string]string) error {
	t := tagger{
		write: func(ctx context.Context, tags map[string]string) error {
			_, err := c.sagemaker.AddTags(ctx, &sagemaker.AddTagsInput{ResourceArn: &arn, Tags: sagemakerTags(tags)})
			return err
		},
		remove: func(ctx context.Context, keys []string) error {
			_, err := c.sagemaker.DeleteTags(ctx, &sagemaker.DeleteTagsInput{ResourceArn: &arn, TagKeys: keys})
			return err
		},
	}
	return t.retag(ctx, old, fresh)
}
