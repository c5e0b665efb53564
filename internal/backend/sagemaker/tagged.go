package sagemaker

import (
	"context"
	"fmt"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// tagged is an object that carries its record in its tags.
type tagged struct {
	record record
	tags   map[string]string
}

func (t tagged) kept() record { return t.record }

func (t tagged) leaving() bool { return t.tags[tagDeleting] != "" }

// tagged reads the tags of an object of SageMaker, and the record in them.
func (s scene) tagged(ctx context.Context) (tagged, error) {
	tags, err := sagemakerTagsOf(ctx, s.c, s.arn)
	if err != nil {
		return tagged{}, err
	}
	r, err := recordOf(tags)
	if err != nil {
		err = invalid(fmt.Errorf("%s: %w", s.arn, err))
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
	return b.tagsFor(environment, labels, pieces), nil
}

// matches reports whether a record says the same, for the same owner.
func (r record) matches(other record) bool {
	return r.Revision == other.Revision && r.Owner == other.Owner
}

// change is the receipt for the record's spec.
func (r record) change() mlops.Change { return mlops.Change{Ref: r.ID, Revision: r.Revision} }

// idAt is the ID in the record of an object of SageMaker, where it is one of an
// environment's own.
func (b *backend) idAt(ctx context.Context, c *clients, arn string, environment mlops.ID) (mlops.ID, error) {
	tags, err := sagemakerTagsOf(ctx, c, arn)
	if err != nil && !b.is(err, mlops.NotFound) {
		return "", err
	}
	r, err := recordOf(tags)
	if err != nil || r.ID.Parent() != environment {
		return "", nil //nolint:nilerr // somebody else's
	}
	return r.ID, nil
}
