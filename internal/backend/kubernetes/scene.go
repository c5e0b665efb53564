package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/verbs"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// scene is what a noun's verbs need to know of an object of it: which noun, where it
// is, and whom to ask. Whether it is there, a look tells.
type scene struct {
	place

	noun mlops.Noun
	id   mlops.ID
}

// sceneOf finds the place of an object. An environment that is not there, or a name
// that nothing can have, is NotFound.
func (b *backend) sceneOf(ctx context.Context, id mlops.ID, noun mlops.Noun) (scene, error) {
	s := scene{noun: noun, id: id}
	if err := ctx.Err(); err != nil {
		return s, err
	}
	if _, err := id.ParseAs(noun); err != nil {
		return s, invalid(err)
	}
	var err error
	s.place, err = b.place(ctx, id)
	return s, err
}

// held is an object that carries its record, as a look finds it.
type held struct {
	object *unstructured.Unstructured
	record record
}

// kept is what verbs need of it.
func (h held) kept() verbs.Kept {
	return verbs.Kept{ID: h.record.ID, Owner: h.record.Owner, Leaving: isLeaving(h.object)}
}

// look reads the object that carries the record of the scene's.
func (s scene) look(ctx context.Context, of identity) (held, error) {
	object, err := s.cluster.get(ctx, of)
	if err != nil {
		return held{}, err
	}
	return s.heldBy(object)
}

// heldBy reads the record that an object carries. verbs.ErrNoRecord is in the error of
// one that is not the scene's.
func (s scene) heldBy(object *unstructured.Unstructured) (held, error) {
	r, err := recordIn(object)
	if err == nil && r.ID != s.id {
		err = fmt.Errorf("%s is of %q: %w", identityOf(object).words(), r.ID, verbs.ErrNoRecord)
	}
	return held{object, r}, err
}

// all lists the objects of a kind that carry records of the noun, in the scene's
// environment, by one call for each 500. Parts, which carry none, are left out.
func (p place) all(ctx context.Context, k kind, noun mlops.Noun) ([]held, error) {
	var out []held
	err := p.each(ctx, k, noun, func(h held) error {
		out = append(out, h)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// each calls take with each object that all would return, as the answers arrive.
func (p place) each(ctx context.Context, k kind, noun mlops.Noun, take func(held) error) error {
	return p.cluster.each(ctx, k, p.namespace, selects(noun), func(raw []byte) error {
		o, err := k.object(raw)
		if err != nil {
			return err
		}
		r, err := recordIn(&o)
		if err != nil || r.Spec == nil || r.ID.Environment() != p.spec.ID {
			return nil //nolint:nilerr // not one of them
		}
		return take(held{&o, r})
	})
}

// carrier is the object that carries the record of a spec that was just accepted.
// Old is the record that it has now, zero for none.
func (b *backend) carrier(s scene, of identity, content map[string]any, spec any, labels map[string]string, old record) (manifest, record, error) {
	r, err := b.newRecord(s.id, spec, old)
	if err != nil {
		return manifest{}, r, err
	}
	m := s.component(of, content, labels)
	m.annotations, err = r.annotations()
	return m, r, err
}

// component is an object that the scene's is made of beside the one that carries the
// record.
func (s scene) component(of identity, content map[string]any, labels map[string]string) manifest {
	return manifest{
		identity: of, content: content,
		labels:      labelsFor(s.spec, s.noun, s.id.Name(), labels),
		annotations: map[string]string{noteID: string(s.id)},
	}
}

// bring applies an object that is an environment's or a noun's, unless it is there and
// of something else, which is AlreadyExists.
//
// Two who make the same object at the same moment may both be let through, and the
// later wins; where that matters, claim it first.
func (b *backend) bring(ctx context.Context, c *cluster, id mlops.ID, m manifest, from origins) error {
	_, err := b.applied(ctx, c, id, m, from)
	return err
}

// applied is bring for who needs the object as the API server has it then.
func (b *backend) applied(ctx context.Context, c *cluster, id mlops.ID, m manifest, from origins) (*unstructured.Unstructured, error) {
	have, err := c.get(ctx, m.identity)
	switch {
	case isNotFound(err):
	case err != nil:
		return nil, err
	case !isPartOf(have, id):
		return nil, mlops.NewError(mlops.AlreadyExists, fmt.Errorf("%s exists in the namespace %s and is not of %s", m.words(), m.namespace, id))
	case have.GetDeletionTimestamp() != nil:
		return nil, mlops.NewError(mlops.Conflict, errors.New(lingering(have)))
	}
	applied, err := c.apply(ctx, m)
	return applied, b.explain(err, m.identity, from)
}

// dismiss begins to remove objects that are an environment's or a noun's, and leaves
// others alone.
func (b *backend) dismiss(ctx context.Context, c *cluster, id mlops.ID, parts []identity) error {
	for _, part := range parts {
		have, err := c.get(ctx, part)
		if err == nil && isPartOf(have, id) && have.GetDeletionTimestamp() == nil {
			err = c.remove(ctx, have)
		}
		if err != nil && !isNotFound(err) {
			return fmt.Errorf("%s: %w", part.words(), err)
		}
	}
	return nil
}

// left is the first of some objects that is still there and is an environment's or a
// noun's, or nil.
func (c *cluster) left(ctx context.Context, id mlops.ID, parts []identity) (*unstructured.Unstructured, error) {
	for _, part := range parts {
		have, err := c.get(ctx, part)
		if err == nil && isPartOf(have, id) {
			return have, nil
		}
		if err != nil && !isNotFound(err) {
			return nil, err
		}
	}
	return nil, nil //nolint:nilnil // there is none, and no error
}

// isPartOf reports whether an object was made for an environment or a noun's object.
func isPartOf(o *unstructured.Unstructured, id mlops.ID) bool {
	return o.GetAnnotations()[noteID] == string(id)
}

// isLeaving reports whether an object was deleted, and is not gone yet, or is on its
// way out by the provider's own word.
func isLeaving(o *unstructured.Unstructured) bool {
	return o.GetDeletionTimestamp() != nil || o.GetAnnotations()[noteLeaving] != ""
}

// rehearse has the API server judge objects at plan, and reports the first refusal as
// a problem of the attribute that it is about. What says nothing of the plan, such as
// a cluster that does not answer, is returned.
func (b *backend) rehearse(ctx context.Context, check *mlops.Checker, c *cluster, from origins, all ...manifest) error {
	for _, m := range all {
		if _, err := c.rehearse(ctx, m); err != nil {
			return b.report(check, b.explain(err, m.identity, from))
		}
	}
	return nil
}

// report turns an error that a plan can say something about into a problem of it. One
// that says nothing of the plan is returned.
func (b *backend) report(check *mlops.Checker, err error) error {
	summary, ok := refusals()[b.Code(err)]
	if err == nil || !ok {
		return err
	}
	at := mlops.Path{}
	if e, ok := errors.AsType[*mlops.Error](err); ok && e.Field != "" {
		at = pathOf(e.Field)
	}
	if at.String() == name+"."+settingCluster { // no cluster was asked
		summary = "No way to the cluster"
	}
	words := sentence(mlops.Message(err))
	if b.is(err, mlops.PermissionDenied) {
		words += " The guide \"On Kubernetes\" has a cluster role with all the rights that are needed."
	}
	check.Add(at, summary, "%s", words)
	return nil
}

// sentence ends words as a sentence ends; a command on a line of its own stays as it is.
func sentence(words string) string {
	last := words[strings.LastIndex(words, "\n")+1:]
	if strings.HasSuffix(words, ".") || strings.HasSuffix(words, "?") || strings.HasPrefix(last, "  ") {
		return words
	}
	return words + "."
}

// refusals are what a plan calls a cluster's answers.
func refusals() map[mlops.Code]string {
	return map[mlops.Code]string{
		mlops.Invalid:          "Refused by the cluster",
		mlops.Unsupported:      "Not installed in the cluster",
		mlops.AlreadyExists:    "Taken",
		mlops.QuotaExceeded:    "Over a quota of the cluster",
		mlops.Conflict:         "Owned by something else",
		mlops.PermissionDenied: "Not allowed",
		mlops.Unauthenticated:  "Not logged in",
	}
}
