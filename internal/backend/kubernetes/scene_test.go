package kubernetes

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/verbs"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// cards is a noun as the nouns of this package are written, of the smallest object
// that there is: an experiment that is a config map.
type cards struct{ *backend }

func (k cards) noun() verbs.Noun[mlops.ExperimentSpec, scene, held] {
	return verbs.Noun[mlops.ExperimentSpec, scene, held]{
		Owner: k.options.Owner, Turns: &k.turns, Code: k.Code, ID: mlops.ExperimentSpec.ID, Kept: held.kept,
		Admit: func(context.Context, mlops.ExperimentSpec) error { return nil },
		Scene: func(ctx context.Context, id mlops.ID) (scene, error) { return k.sceneOf(ctx, id, mlops.NounExperiment) },
		Look:  func(ctx context.Context, s scene) (held, error) { return s.look(ctx, cardOf(s)) },
		Add: func(ctx context.Context, s scene, spec mlops.ExperimentSpec) (mlops.Change, error) {
			return k.write(ctx, s, spec, held{})
		},
		Change: k.write,
		Drop:   func(ctx context.Context, s scene, h held) error { return s.cluster.remove(ctx, h.object) },
	}
}

func cardOf(s scene) identity { return s.of(kindConfigMap, s.id.Name()) }

func (k cards) write(ctx context.Context, s scene, spec mlops.ExperimentSpec, old held) (mlops.Change, error) {
	m, r, err := k.carrier(s, cardOf(s), map[string]any{"data": map[string]string{"description": spec.Description}}, spec, spec.Labels, old.record)
	if err != nil {
		return mlops.Change{}, err
	}
	return r.change(), k.bring(ctx, s.cluster, s.id, m, origins{"data": "description"})
}

// card is the spec of one.
func (e estate) card(of string) mlops.ExperimentSpec {
	return mlops.ExperimentSpec{Environment: e.spec.ID, Name: of, Description: "as it was", Labels: map[string]string{"team": "search"}}
}

// TestNounLife takes a noun's object through the verbs, with the label selector that
// lists it.
func TestNounLife(t *testing.T) {
	t.Parallel()
	e := newEstate(t, nil)
	e.apply()
	noun, spec := cards{e.backend}.noun(), e.card("one")
	made, err := noun.Create(t.Context(), spec)
	e.must(err)
	labels := control.Get(t, e.ref("configmaps", "one")).GetLabels()
	if labels["team"] != "search" || labels[labelResource] != "experiment" || labels[labelName] != "one" {
		t.Errorf("labels are %v", labels)
	}
	spec.Description = "changed"
	changed, err := noun.Update(t.Context(), spec.ID(), spec)
	e.must(err)
	if changed.Revision == made.Revision {
		t.Errorf("a change kept the revision %s", made.Revision)
	}
	p, err := e.place(t.Context(), spec.ID())
	e.must(err)
	all, err := p.all(t.Context(), kindConfigMap, mlops.NounExperiment)
	e.must(err)
	if len(all) != 1 || all[0].record.Revision != changed.Revision {
		t.Fatalf("listed are %+v", all)
	}
	var got mlops.ExperimentSpec
	e.must(all[0].record.into(&got))
	if diff := cmp.Diff(spec, got); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
	e.must(noun.Remove(t.Context(), spec.ID()))
	e.wantCode("removing it again", noun.Remove(t.Context(), spec.ID()), mlops.NotFound)
}

// TestNounOwnership proves that what is somebody else's is left alone.
func TestNounOwnership(t *testing.T) {
	t.Parallel()
	e := newEstate(t, nil)
	e.apply()
	_, err := cards{openAs("them")}.noun().Create(t.Context(), e.card("theirs"))
	e.must(err)
	control.Apply(t, e.spec.Name, `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "foreign"}}`)
	for _, of := range []string{"theirs", "foreign", nameOfRecord} {
		_, err := cards{e.backend}.noun().Create(t.Context(), e.card(of))
		e.wantCode("creation of "+of, err, mlops.AlreadyExists)
	}
}

// TestListInChunks proves that a list goes on where a chunk ends.
func TestListInChunks(t *testing.T) {
	t.Parallel()
	e := newEstate(t, nil)
	e.apply()
	c, err := e.in(e.spec.ID)
	e.must(err)
	const many = chunk + 20
	for i := range many {
		e.must(c.claim(t.Context(), manifest{identity: identity{kindConfigMap, e.spec.Name, "m" + strconv.Itoa(i)}, labels: map[string]string{"many": "yes"}}))
	}
	all, err := c.list(t.Context(), kindConfigMap, e.spec.Name, "many=yes")
	e.must(err)
	if len(all) != many {
		t.Errorf("%d listed, want %d", len(all), many)
	}
}

// TestRehearse proves that what the API server would refuse shows at plan, at the
// attribute that it is about, and that nothing is made.
func TestRehearse(t *testing.T) {
	t.Parallel()
	e := newEstate(t, nil)
	e.apply()
	c, err := e.in(e.spec.ID)
	e.must(err)
	from := origins{"spec": "compute", "spec.resources": "compute.disk"}
	claim := func(content map[string]any) manifest {
		return manifest{identity: identity{kindClaim, e.spec.Name, "data"}, content: map[string]any{"spec": content}}
	}
	modes := []string{"ReadWriteOnce"}
	control.Apply(t, e.spec.Name, `{"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "tight"}, "spec": {"hard": {"requests.storage": "1Gi"}}}`)
	e.settle("a quota counted", func() bool {
		_, ok := control.Get(t, e.ref("resourcequotas", "tight")).Object["status"].(map[string]any)["hard"]
		return ok
	})
	for _, tt := range []struct {
		name    string
		m       manifest
		at      string
		summary string
		words   string
	}{
		{name: "fine", m: claim(map[string]any{"accessModes": modes, "resources": map[string]any{"requests": map[string]string{"storage": "1Mi"}}})},
		{
			name: "invalid", m: claim(map[string]any{"accessModes": modes, "resources": map[string]any{"requests": map[string]string{"storage": "0"}}}),
			at: "compute.disk", summary: "Refused by the cluster", words: "must be greater than zero",
		},
		{
			name: "over the quota", m: claim(map[string]any{"accessModes": modes, "resources": map[string]any{"requests": map[string]string{"storage": "2Gi"}}}),
			summary: "Over a quota of the cluster", words: "exceeded quota: tight",
		},
		{
			name: "unknown field", m: claim(map[string]any{"accessModes": modes, "sise": "1Gi"}),
			summary: "Refused by the cluster", words: "sise",
		},
	} {
		check := mlops.NewChecker()
		e.must(e.rehearse(t.Context(), check, c, from, tt.m))
		got := check.Problems()
		if tt.summary == "" {
			if len(got) != 0 {
				t.Errorf("%s: %v", tt.name, got)
			}
			continue
		}
		if len(got) != 1 || got[0].Path.String() != tt.at || got[0].Summary != tt.summary || !strings.Contains(got[0].Detail, tt.words) {
			t.Errorf("%s: problems are %v", tt.name, got)
		}
	}
	if control.Exists(t, e.ref("persistentvolumeclaims", "data")) {
		t.Error("a rehearsal made something")
	}
}

// TestRemaining reads what a namespace says that is left in it.
func TestRemaining(t *testing.T) {
	t.Parallel()
	got := resourcesIn("Some resources are remaining: configmaps. has 1 resource instances, workflows.argoproj.io has 2 resource instances")
	if !slices.Equal(got, []string{"configmaps", "workflows.argoproj.io"}) {
		t.Errorf("resources are %q", got)
	}
}
