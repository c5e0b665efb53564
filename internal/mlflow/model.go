package mlflow

import (
	"context"
	"maps"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Models is the kind of models; see mlops.Kind.
type Models struct {
	*Registry

	owner string
}

// ObservedModel is one look at a model.
type ObservedModel = mlops.Observed[mlops.ModelSpec, mlops.ModelStatus]

// Create makes a registered model, or adopts its owner's own. One that another
// owner has, or that something else made, is AlreadyExists.
func (m *Models) Create(ctx context.Context, spec mlops.ModelSpec) (mlops.Change, error) {
	if err := checkModel(spec); err != nil {
		return mlops.Change{}, err
	}
	unlock, err := m.lock(ctx, RegisteredName(spec.ID()))
	if err != nil {
		return mlops.Change{}, err
	}
	defer unlock()
	change, err := m.adopt(ctx, spec)
	if !is(err, mlops.NotFound) {
		return change, err
	}
	change, err = m.make(ctx, spec)
	if is(err, mlops.AlreadyExists) { // another process may have made it since
		if adopted, found := m.adopt(ctx, spec); !is(found, mlops.NotFound) {
			return adopted, found
		}
	}
	return change, err
}

// adopt brings a registered model that the owner has to a spec.
func (m *Models) adopt(ctx context.Context, spec mlops.ModelSpec) (mlops.Change, error) {
	native, err := m.client.registeredModel(ctx, RegisteredName(spec.ID()))
	if err != nil {
		return mlops.Change{}, err
	}
	rec, err := recordOf[mlops.ModelSpec](native.Tags)
	if err != nil {
		return mlops.Change{}, err
	}
	if rec == nil || rec.ID != spec.ID() || rec.Owner != m.owner {
		return mlops.Change{}, taken(native.Name, spec.ID(), rec)
	}
	return m.bring(ctx, native, *rec, spec)
}

// taken says whose a registered model is.
func taken(name string, id mlops.ID, rec *record[mlops.ModelSpec]) error {
	switch {
	case rec == nil:
		return refuse(mlops.AlreadyExists, "the registered model %s already exists in MLflow and was made by something else; choose another name for the model or the environment", name)
	case rec.ID != id:
		return refuse(mlops.AlreadyExists, "the registered model %s already exists in MLflow and is %s; choose another name for the model or the environment", name, rec.ID)
	}
	return refuse(mlops.AlreadyExists, "%s already exists in MLflow and belongs to another configuration; import it, or choose another name", id)
}

func checkModel(spec mlops.ModelSpec) error {
	c := mlops.NewChecker()
	mlops.PortableName().CheckName(c, mlops.At("name"), spec.Name)
	spec.Validate(c)
	checkText(c, spec.Labels, spec.Description)
	return c.Err()
}

// Preflight reports at plan what the server does not take of a model, and a name that
// something else has there; see mlops.Preflighter.
func (m *Models) Preflight(ctx context.Context, spec mlops.ModelSpec, c *mlops.Checker) error {
	checkText(c, spec.Labels, spec.Description)
	if spec.ID() == "" {
		return nil
	}
	native, err := m.client.registeredModel(ctx, RegisteredName(spec.ID()))
	if err != nil {
		return unlessGone(err)
	}
	rec, err := recordOf[mlops.ModelSpec](native.Tags)
	if err == nil && (rec == nil || rec.ID != spec.ID()) {
		c.AddIf(mlops.At("name"), []mlops.Path{mlops.At("name"), mlops.At("environment")}, "Taken", "%s.", mlops.Message(taken(native.Name, spec.ID(), rec)))
	}
	return err
}

// make makes what is not there: the experiment first, which nobody sees as a model.
func (m *Models) make(ctx context.Context, spec mlops.ModelSpec) (mlops.Change, error) {
	home, err := m.experiment(ctx, spec.ID())
	if err != nil {
		return mlops.Change{}, err
	}
	wanted, err := modelTags(record[mlops.ModelSpec]{ID: spec.ID(), Owner: m.owner, Spec: spec, Experiment: home})
	if err != nil {
		return mlops.Change{}, err
	}
	native := registeredModel{Name: RegisteredName(spec.ID()), Description: spec.Description, Tags: wanted}
	_, err = m.client.createRegisteredModel(ctx, native)
	change := mlops.Change{Ref: spec.ID(), Revision: mlops.DigestOf(spec)}
	if err != nil && !is(err, mlops.Unavailable) {
		return mlops.Change{}, err
	}
	return change, err // an answer that was lost may have been a success
}

// experiment finds or makes the experiment of a model.
func (r *Registry) experiment(ctx context.Context, model mlops.ID) (id string, err error) {
	name := RegisteredName(model)
	found, err := r.client.experimentNamed(ctx, name)
	if is(err, mlops.NotFound) {
		t := tags{tagManagedBy: managedBy, tagEnvironment: string(model.Environment()), tagModel: string(model)}
		return r.client.createExperiment(ctx, name, t)
	}
	if err != nil {
		return "", err
	}
	if found.Tags[tagModel] != string(model) {
		return "", refuse(mlops.AlreadyExists, "the experiment %s already exists in MLflow and was made by something else; rename it, or choose another name", name)
	}
	if found.Stage == stageDeleted {
		return found.ID, r.client.restoreExperiment(ctx, found.ID)
	}
	return found.ID, nil
}

func modelTags(rec record[mlops.ModelSpec]) (tags, error) {
	out, err := rec.tags()
	if err != nil {
		return nil, err
	}
	maps.Copy(out, rec.Spec.Labels)
	out[tagManagedBy], out[tagEnvironment] = managedBy, string(rec.ID.Environment())
	return out, nil
}

// bring puts a spec in force for a registered model that is there.
func (m *Models) bring(ctx context.Context, native registeredModel, former record[mlops.ModelSpec], spec mlops.ModelSpec) (mlops.Change, error) {
	change := mlops.Change{Ref: spec.ID(), Revision: mlops.DigestOf(spec)}
	wanted, err := modelTags(record[mlops.ModelSpec]{ID: former.ID, Owner: m.owner, Spec: spec, Experiment: former.Experiment})
	if err != nil {
		return mlops.Change{}, err
	}
	if native.Description != spec.Description {
		if err := m.client.describeRegisteredModel(ctx, native.Name, spec.Description); err != nil {
			return change, err
		}
	}
	return change, tagger{
		set:   func(k, v string) error { return m.client.tagRegisteredModel(ctx, native.Name, k, v) },
		unset: func(k, _ string) error { return m.client.untagRegisteredModel(ctx, native.Name, k) },
	}.bring(native.Tags, wanted, former.Spec.Labels)
}

// Get takes one look.
func (m *Models) Get(ctx context.Context, ref mlops.ID) (ObservedModel, error) {
	native, rec, err := m.model(ctx, ref)
	if err != nil {
		return ObservedModel{}, err
	}
	latest, err := m.newest(ctx, ours(ref.Environment())+" and name = "+quote(native.Name))
	if err != nil {
		return ObservedModel{}, err
	}
	return m.observe(native, *rec, latest[native.Name]), nil
}

// List returns the models of an environment.
func (m *Models) List(ctx context.Context, environment mlops.ID) ([]ObservedModel, error) {
	all, err := m.client.searchRegisteredModels(ctx, ours(environment))
	if err != nil {
		return nil, err
	}
	latest, err := m.newest(ctx, ours(environment))
	if err != nil {
		return nil, err
	}
	out := []ObservedModel{}
	for _, native := range all {
		rec, err := recordOf[mlops.ModelSpec](native.Tags)
		if err != nil {
			return nil, err
		}
		if rec != nil && rec.ID.Environment() == environment && native.Name == RegisteredName(rec.ID) {
			out = append(out, m.observe(native, *rec, latest[native.Name]))
		}
	}
	return out, nil
}

// newest finds the newest version of each registered model that a filter finds.
func (r *Registry) newest(ctx context.Context, filter string) (map[string]string, error) {
	out, highest := map[string]string{}, map[string]int{}
	err := r.client.eachModelVersion(ctx, filter, func(native modelVersion) error {
		v, err := versionOf(native)
		if err == nil && v.record != nil && v.number() > highest[native.Name] {
			out[native.Name], highest[native.Name] = native.Version, v.number()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// observe reads the spec from MLflow where MLflow has it.
func (m *Models) observe(native registeredModel, rec record[mlops.ModelSpec], latest string) ObservedModel {
	spec := rec.Spec
	spec.Description = native.Description
	spec.Labels = labelsNow(spec.Labels, native.Tags)
	return ObservedModel{
		Ref: rec.ID, Spec: spec, Phase: mlops.PhaseReady, Revision: mlops.DigestOf(spec),
		Status: mlops.ModelStatus{CreatedAt: native.Created.time(), Latest: latest},
		Native: map[string]string{"registered_model": native.Name, "experiment_id": rec.Experiment, "uri": m.client.host()},
	}
}

// Update puts a spec in force. Whoever changes a model by its ID has it from now on.
func (m *Models) Update(ctx context.Context, ref mlops.ID, spec mlops.ModelSpec) (mlops.Change, error) {
	if err := checkModel(spec); err != nil {
		return mlops.Change{}, err
	}
	if ref != spec.ID() {
		return mlops.Change{}, mlops.InvalidField("name", "%s cannot become %s", ref, spec.ID())
	}
	unlock, err := m.lock(ctx, RegisteredName(ref))
	if err != nil {
		return mlops.Change{}, err
	}
	defer unlock()
	native, rec, err := m.model(ctx, ref)
	if err != nil {
		return mlops.Change{}, err
	}
	return m.bring(ctx, native, *rec, spec)
}

// Delete removes a model and the versions that were superseded. One that has a
// version which somebody still has, or that something else made, is a Conflict.
func (m *Models) Delete(ctx context.Context, ref mlops.ID) error {
	unlock, err := m.lock(ctx, RegisteredName(ref))
	if err != nil {
		return err
	}
	defer unlock()
	native, rec, err := m.model(ctx, ref)
	if err != nil {
		return err
	}
	history, others, err := m.siblings(ctx, ref)
	if err != nil {
		return err
	}
	if len(others) > 0 {
		return refuse(mlops.Conflict, "the registered model %s has versions that something else made: %s; delete them in MLflow first", native.Name, strings.Join(others, ", "))
	}
	for _, v := range history {
		if v.record.Owner != "" {
			return refuse(mlops.Conflict, "%s still has the version %s; delete it first", ref, v.id())
		}
	}
	for _, v := range history {
		if err := m.remove(ctx, v); err != nil {
			return err
		}
	}
	if err := m.leave(ctx, rec.Experiment, native.Name); err != nil {
		return err
	}
	return m.client.deleteRegisteredModel(ctx, native.Name)
}

// leave puts a model's experiment into the trash, with what interrupted
// registrations left there, unless it holds somebody else's runs. It is renamed
// before, as MLflow keeps the names of what is in its trash.
func (r *Registry) leave(ctx context.Context, id, name string) error {
	runs, err := r.client.activeRuns(ctx, id)
	if err != nil {
		return unlessGone(err)
	}
	kept := 0
	for _, run := range runs {
		left, err := r.removeRun(ctx, run)
		if err != nil {
			return err
		}
		if left {
			kept++
		}
	}
	if kept > 0 {
		return nil
	}
	found, err := r.client.experimentNamed(ctx, name)
	if err != nil || found.ID != id || found.Stage == stageDeleted {
		return unlessGone(err)
	}
	if err := r.client.renameExperiment(ctx, id, name+" (deleted "+id+")"); err != nil {
		return err
	}
	return r.client.deleteExperiment(ctx, id)
}
