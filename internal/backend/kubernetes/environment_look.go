package kubernetes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/verbs"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

type environmentObserved = mlops.Observed[mlops.EnvironmentSpec, mlops.EnvironmentStatus]

// look finds an environment: where it was the last time, or else in the namespace of
// its name, or else by the label of its record in whichever was brought.
func (k environmentKind) look(ctx context.Context, s environmentScene) (seenEnvironment, error) {
	if known, ok := k.noted(s.id); ok {
		return k.lookIn(ctx, s, known)
	}
	seen, err := k.lookIn(ctx, s, whereabouts{namespace: s.id.Name()})
	if err == nil || !k.is(err, mlops.NotFound) && !errors.Is(err, verbs.ErrNoRecord) {
		return seen, err
	}
	found, errFound := k.search(ctx, s)
	if errFound != nil {
		return seen, errFound
	}
	if found == "" {
		return seen, err
	}
	return k.lookIn(ctx, s, whereabouts{found, true})
}

// search finds the namespace that was brought for an environment, or "".
func (k environmentKind) search(ctx context.Context, s environmentScene) (string, error) {
	records, err := s.cluster.list(ctx, kindConfigMap, "", selects(mlops.NounEnvironment)+","+labelEnvironment+"="+labelValue(s.id.Name()))
	if k.is(err, mlops.PermissionDenied) {
		return "", mlops.NewError(mlops.PermissionDenied, fmt.Errorf("the environment %q is not in the namespace %s, and config maps may not be listed in all namespaces, by which one that was brought is found: %w", s.id, s.id.Name(), err))
	}
	i := slices.IndexFunc(records, func(o unstructured.Unstructured) bool { return isPartOf(&o, s.id) })
	if i < 0 {
		return "", err
	}
	return records[i].GetNamespace(), nil
}

// lookIn reads an environment in one namespace.
func (k environmentKind) lookIn(ctx context.Context, s environmentScene, where whereabouts) (seenEnvironment, error) {
	seen := seenEnvironment{whereabouts: where}
	home, err := s.cluster.get(ctx, identity{kind: kindNamespace, name: where.namespace})
	switch {
	case err == nil:
		seen.home = home
	case isNotFound(err):
		return seen, err
	case !k.is(err, mlops.PermissionDenied): // a namespace is seldom its users' to read
		return seen, err
	}
	note, err := s.cluster.get(ctx, identity{kindConfigMap, where.namespace, nameOfRecord})
	switch {
	case err == nil:
		seen.note = note
	case !isNotFound(err), where.brought, seen.home == nil:
		return seen, err
	}
	if seen.record, err = recordOfEnvironment(s.id, seen); err != nil {
		return seen, err
	}
	seen.brought = seen.home == nil || !isPartOf(seen.home, s.id)
	k.note(s.id, seen.whereabouts)
	return seen, nil
}

// recordOfEnvironment is the record in a namespace, or what the namespace says that
// was made for the environment. verbs.ErrNoRecord is in the error of another's.
func recordOfEnvironment(id mlops.ID, seen seenEnvironment) (record, error) {
	switch {
	case seen.note != nil && isPartOf(seen.note, id):
		return recordIn(seen.note)
	case seen.note != nil:
		return record{}, fmt.Errorf("the namespace %s is of the environment %q: %w", seen.namespace, seen.note.GetAnnotations()[noteID], verbs.ErrNoRecord)
	case isPartOf(seen.home, id):
		return recordIn(seen.home)
	}
	return record{}, fmt.Errorf("there is a namespace %s already, which you can bring by namespace = %q: %w", seen.namespace, seen.namespace, verbs.ErrNoRecord)
}

// observe says in the contract's words what a look found.
func (k environmentKind) observe(ctx context.Context, s environmentScene, e seenEnvironment) (environmentObserved, error) {
	seen := environmentObserved{Ref: s.id, Revision: e.record.Revision, Phase: mlops.PhaseReady}
	seen.Status.CreatedAt = e.record.Created
	if e.record.Spec == nil {
		seen.Phase, seen.Reason = mlops.PhaseFailed, "its creation was interrupted; apply again"
	} else if err := e.record.into(&seen.Spec); err != nil {
		return seen, err
	}
	l := layoutOf(seen.Spec)
	seen.Native = map[string]string{"cluster": s.cluster.name, "api_server": s.cluster.host, "namespace": e.namespace, "service_account": l.serviceAccount}
	var err error
	switch {
	case e.leaving():
		seen.Phase, seen.Due = mlops.PhaseDeleting, e.brought
		seen.Reason, err = k.remains(ctx, s, e)
	case e.record.Spec != nil:
		var flaw string
		if flaw, err = k.flaw(ctx, s.cluster, l); flaw != "" {
			seen.Phase, seen.Reason = mlops.PhaseFailed, flaw
		}
	}
	return seen, err
}

// List returns the environments of the clusters that the provider's settings name, in
// the order of their IDs. One whose creation was interrupted is among them when its
// record is there.
func (k environmentKind) List(ctx context.Context, _ mlops.ID) ([]environmentObserved, error) {
	names, err := clusters(k.options.Settings)
	if err != nil {
		return nil, err
	}
	out := []environmentObserved{}
	for _, of := range names {
		c, err := k.named(of)
		if err != nil {
			return nil, err
		}
		notes, err := c.list(ctx, kindConfigMap, "", selects(mlops.NounEnvironment))
		if err != nil {
			return nil, err
		}
		for _, id := range environmentsIn(c, notes) {
			seen, err := k.Get(ctx, id)
			if k.is(err, mlops.NotFound) {
				continue // gone meanwhile
			}
			if err != nil {
				return nil, err
			}
			out = append(out, seen)
		}
	}
	slices.SortFunc(out, func(a, b environmentObserved) int { return cmp.Compare(a.Ref, b.Ref) })
	return out, nil
}

// environmentsIn are the IDs that records name, each once. Environments that have another
// name for the cluster, which IDs begin with, are none by this one.
func environmentsIn(c *cluster, notes []unstructured.Unstructured) []mlops.ID {
	var out []mlops.ID
	for i := range notes {
		r, err := recordIn(&notes[i])
		if err != nil || notes[i].GetName() != nameOfRecord {
			continue // somebody else's
		}
		if of, err := clusterOf(r.ID); err == nil && of == c.name && !slices.Contains(out, r.ID) {
			out = append(out, r.ID)
		}
	}
	return out
}
