package mlflow

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Carrier is an experiment that carries the record of an object: an experiment of
// ours, or a dataset, whose runs are its versions. Its zero value is none.
type Carrier struct {
	ID          string            // of the experiment
	Name        string            // of the experiment
	Object      mlops.ID          // that it carries the record of; "" for an experiment that something else made
	Owner       string            // of the object
	Record      json.RawMessage   // what the object's noun keeps
	Description string            // as MLflow shows it
	Labels      map[string]string // of the object, as the tags have them now

	tags tags
}

// Content is what a carrier is to carry.
type Content struct {
	Object      mlops.ID
	Owner       string
	Record      any // written as JSON
	Description string
	Labels      map[string]string
}

const (
	tagNoun = "mlops.noun"
	tagNote = "mlflow.note.content" // where MLflow's pages show and change a description
)

// carried is what the record of a carrier has beside whose it is.
type carried struct {
	Record json.RawMessage `json:"record"`
	Labels []string        `json:"labels,omitempty"` // names, which tell them from the tags of others
}

// ExperimentName is the name of the experiment that carries an object. Those of models
// have a dot where this has a slash, so an experiment may be called what a model is.
func ExperimentName(object mlops.ID) string {
	p, err := object.Parse()
	if err != nil || p.Noun == mlops.NounExperiment {
		return object.Environment().Name() + "/" + object.Name()
	}
	return object.Environment().Name() + "/" + string(p.Noun) + "s/" + object.Name()
}

// nounOf is the noun of an object, as its carrier is tagged with it.
func nounOf(object mlops.ID) string {
	p, err := object.Parse()
	if err != nil {
		return ""
	}
	return string(p.Noun)
}

// tags are those of a carrier.
func (c Content) tags() (tags, error) {
	raw, err := json.Marshal(c.Record)
	if err != nil {
		return nil, err
	}
	spec := carried{raw, slices.Sorted(maps.Keys(c.Labels))}
	out, err := record[carried]{ID: c.Object, Owner: c.Owner, Spec: spec}.tags()
	if err != nil {
		return nil, err
	}
	maps.Copy(out, c.Labels)
	out[tagManagedBy], out[tagEnvironment], out[tagNoun] = managedBy, string(c.Object.Environment()), nounOf(c.Object)
	out[tagNote] = c.Description
	return out, nil
}

// carrierOf reads an experiment.
func carrierOf(e experiment) (Carrier, error) {
	out := Carrier{ID: e.ID, Name: e.Name, Description: e.Tags[tagNote], Labels: map[string]string{}, tags: e.Tags}
	rec, err := recordOf[carried](e.Tags)
	if err != nil || rec == nil {
		return out, err
	}
	out.Object, out.Owner, out.Record = rec.ID, rec.Owner, rec.Spec.Record
	for _, label := range rec.Spec.Labels {
		if value, ok := e.Tags[label]; ok {
			out.Labels[label] = value
		}
	}
	return out, nil
}

// Carrier finds what carries an object's record. One in MLflow's trash is NotFound; an
// experiment that has the name and no record, or another's, comes without an Object, or
// with that one.
func (c *Client) Carrier(ctx context.Context, object mlops.ID) (Carrier, error) {
	e, err := c.experimentNamed(ctx, ExperimentName(object))
	if err != nil {
		return Carrier{}, err
	}
	if e.Stage == stageDeleted {
		return Carrier{}, refuse(mlops.NotFound, "the experiment %s of %s is in MLflow's trash", e.Name, object)
	}
	return carrierOf(e)
}

// Carriers lists the carriers of a noun's objects in an environment, by one call for
// each page.
func (c *Client) Carriers(ctx context.Context, environment mlops.ID, noun mlops.Noun) ([]Carrier, error) {
	all, err := c.searchExperiments(ctx, ours(environment)+fmt.Sprintf(" and tags.`%s` = %s", tagNoun, quote(string(noun))))
	if err != nil {
		return nil, err
	}
	out := []Carrier{}
	for _, e := range all {
		found, err := carrierOf(e)
		if err != nil {
			return nil, err
		}
		if found.Object.Environment() == environment && e.Name == ExperimentName(found.Object) {
			out = append(out, found)
		}
	}
	return out, nil
}

// Carry makes the carrier of an object that has none. One that somebody put into
// MLflow's trash comes back from there, with its runs; any other experiment of that name
// is AlreadyExists.
func (c *Client) Carry(ctx context.Context, content Content) (Carrier, error) {
	wanted, err := content.tags()
	if err != nil {
		return Carrier{}, err
	}
	name := ExperimentName(content.Object)
	id, err := c.createExperiment(ctx, name, wanted)
	if err == nil {
		return carrierOf(experiment{ID: id, Name: name, Tags: wanted})
	}
	if !is(err, mlops.AlreadyExists) {
		return Carrier{}, err
	}
	there, found := c.experimentNamed(ctx, name)
	if found != nil || there.Stage != stageDeleted {
		return Carrier{}, err
	}
	return c.restore(ctx, there, content)
}

// restore takes a carrier from MLflow's trash.
func (c *Client) restore(ctx context.Context, e experiment, content Content) (Carrier, error) {
	old, err := carrierOf(e)
	if err != nil {
		return Carrier{}, err
	}
	if old.Object != content.Object {
		return Carrier{}, refuse(mlops.AlreadyExists, "an experiment %s that something else made is in MLflow's trash and keeps the name: remove it for good by mlflow gc, or choose another name", e.Name)
	}
	if err := c.restoreExperiment(ctx, e.ID); err != nil {
		return Carrier{}, err
	}
	return c.Bring(ctx, old, content)
}

// Bring puts a content in the place of a carrier's. Tags that are of others stay.
func (c *Client) Bring(ctx context.Context, old Carrier, content Content) (Carrier, error) {
	wanted, err := content.tags()
	if err != nil {
		return old, err
	}
	err = tagger{
		set:   func(k, v string) error { return c.tagExperiment(ctx, old.ID, k, v) },
		unset: func(k, _ string) error { return c.untagExperiment(ctx, old.ID, k) },
	}.bring(old.tags, wanted, old.Labels)
	if err != nil {
		return old, err
	}
	return carrierOf(experiment{ID: old.ID, Name: old.Name, Tags: wanted})
}

// Discard puts a carrier into MLflow's trash, with its runs. It is renamed before, since
// MLflow keeps the names of what is in its trash.
func (c *Client) Discard(ctx context.Context, old Carrier) error {
	if err := c.renameExperiment(ctx, old.ID, old.Name+discarded(old.ID)); err != nil {
		return err
	}
	return unlessGone(c.deleteExperiment(ctx, old.ID))
}

// discarded ends the name of an experiment that is on its way to the trash.
func discarded(id string) string { return " (deleted " + id + ")" }

// Sweep finishes the removal of an object's carriers that was interrupted between its
// two requests.
func (c *Client) Sweep(ctx context.Context, object mlops.ID) error {
	all, err := c.searchExperiments(ctx, ours(object.Environment())+" and name LIKE "+quote(ExperimentName(object)+" (deleted %"))
	if err != nil {
		return err
	}
	for _, e := range all {
		if e.Name != ExperimentName(object)+discarded(e.ID) {
			continue
		}
		if err := unlessGone(c.deleteExperiment(ctx, e.ID)); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) tagExperiment(ctx context.Context, id, key, value string) error {
	in := map[string]any{"experiment_id": id, "key": key, "value": value}
	return c.send(ctx, http.MethodPost, experimentsPath+"set-experiment-tag", in, nil)
}

// untagExperiment removes a tag. Servers before MLflow 2.22 cannot: there it is emptied.
func (c *Client) untagExperiment(ctx context.Context, id, key string) error {
	in := map[string]any{"experiment_id": id, "key": key}
	err := c.send(ctx, http.MethodPost, experimentsPath+"delete-experiment-tag", in, nil)
	if is(err, mlops.Unsupported) {
		return c.tagExperiment(ctx, id, key, "")
	}
	return err
}

// searchExperiments lists the experiments that a filter finds and that are not in the
// trash.
func (c *Client) searchExperiments(ctx context.Context, filter string) (all []experiment, err error) {
	err = c.pages(ctx, func(token string) (string, error) {
		in := map[string]any{"filter": filter, "view_type": "ACTIVE_ONLY", "max_results": cmp.Or(c.page, runsPage)}
		if token != "" {
			in["page_token"] = token
		}
		var out struct {
			Experiments []experiment `json:"experiments"`
			Next        string       `json:"next_page_token"`
		}
		err := c.send(ctx, http.MethodPost, experimentsPath+"search", in, &out)
		all = append(all, out.Experiments...)
		return out.Next, err
	})
	return all, err
}
