package mlflow

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Found is the bytes that a version is to hold, and the evidence that comes with
// them.
type Found struct {
	Path     string // of a file or a directory of this machine
	Packages []string
	Metrics  map[string]float64
	Lineage  *mlops.Lineage
	Evidence *Evidence // of artifacts of the server, nil where there is none
	Release  func()    // lets go of the bytes; may be nil
}

// Finder finds the bytes of a spec. What is not there is Invalid, and names the
// attribute.
type Finder func(ctx context.Context, spec mlops.ModelVersionSpec) (Found, error)

// Registry keeps models and versions at one server. It is safe for concurrent
// use, and all who write to a server should share one.
type Registry struct {
	client   *Client
	find     Finder
	archives bool

	mu    sync.Mutex
	locks map[string]*lock // by registered model
}

// NewRegistry returns a registry on a server. Bytes that are this server's own
// artifacts are found by itself; finder finds the others.
func NewRegistry(c *Client, finder Finder) *Registry {
	return &Registry{client: c, find: finder, locks: map[string]*lock{}}
}

// WithArchives has the registry keep what is registered from now on as one archive
// too, for servers of models that fetch one file: version.Native's "serving_uri".
func (r *Registry) WithArchives() *Registry {
	r.archives = true
	return r
}

// Models is the kind of models, as an owner sees it.
func (r *Registry) Models(owner string) *Models { return &Models{r, owner} }

// ModelVersions is the kind of versions, as an owner sees it.
func (r *Registry) ModelVersions(owner string) *ModelVersions { return &ModelVersions{r, owner} }

// Holdings are the models of an environment that the server has, and the versions
// with their digests.
func (r *Registry) Holdings(ctx context.Context, environment mlops.ID) (map[mlops.ID]string, error) {
	models, err := r.Models("").List(ctx, environment)
	if err != nil {
		return nil, err
	}
	versions, err := r.ModelVersions("").List(ctx, environment)
	out := map[mlops.ID]string{}
	for _, m := range models {
		out[m.Ref] = ""
	}
	for _, v := range versions {
		out[v.Ref] = v.Status.Digest
	}
	return out, err
}

// lock makes changes to one registered model follow each other.
type lock struct {
	held  chan struct{} // of one, taken by whoever has it
	users int
}

// lock waits for a registered model, or for the context to end.
func (r *Registry) lock(ctx context.Context, name string) (unlock func(), err error) {
	r.mu.Lock()
	l := r.locks[name]
	if l == nil {
		l = &lock{held: make(chan struct{}, 1)}
		r.locks[name] = l
	}
	l.users++
	r.mu.Unlock()
	leave := func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(r.locks, name)
		}
	}
	if err := ctx.Err(); err != nil {
		leave()
		return nil, err
	}
	select {
	case l.held <- struct{}{}:
		return func() { <-l.held; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}

// Turn waits for the turn to change a model, or for the context to end. Those take
// turns who keep something of their own beside a model, and change both as one; the
// verbs of the kinds need none.
func (r *Registry) Turn(ctx context.Context, model mlops.ID) (done func(), err error) {
	return r.lock(ctx, "turn of "+RegisteredName(model)) // no registered model has a space in its name
}

// RegisteredName is the name that a model has at the server. No environment's and
// no model's name has a dot.
func RegisteredName(model mlops.ID) string { return model.Environment().Name() + "." + model.Name() }

// quote writes a value of a filter. No ID and no name has a quotation mark.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "") + "'" }

// ours is a filter for what was made here in an environment.
func ours(environment mlops.ID) string {
	return fmt.Sprintf("tags.`%s` = %s and tags.`%s` = %s", tagManagedBy, quote(managedBy), tagEnvironment, quote(string(environment)))
}

// checkText reports labels and a description that MLflow does not take.
func checkText(c *mlops.Checker, labels map[string]string, description string) {
	if n := len([]rune(description)); n > maxDescription {
		c.Add(mlops.At("description"), "Description too long", "MLflow keeps descriptions of at most %d characters; this one has %d.", maxDescription, n)
	}
	for k := range labels {
		if strings.Contains(k, ".") {
			c.Add(mlops.At("labels"), "Invalid label", "Labels become tags of their own names, which have no dots.")
		}
	}
}

// model finds a registered model that was made here. One that was not is
// NotFound, as one that is not there.
func (r *Registry) model(ctx context.Context, id mlops.ID) (registeredModel, *record[mlops.ModelSpec], error) {
	m, err := r.client.registeredModel(ctx, RegisteredName(id))
	if err != nil {
		return m, nil, err
	}
	rec, err := recordOf[mlops.ModelSpec](m.Tags)
	if err == nil && (rec == nil || rec.ID != id) {
		err = refuse(mlops.NotFound, "there is no model %s; the registered model %s is another's", id, m.Name)
	}
	return m, rec, err
}

// siblings lists the versions of a registered model, oldest first: those that
// were made here, and the numbers of the others.
func (r *Registry) siblings(ctx context.Context, model mlops.ID) (mine []version, others []string, err error) {
	all, err := r.client.searchModelVersions(ctx, "name = "+quote(RegisteredName(model)))
	if err != nil {
		return nil, nil, err
	}
	for _, native := range all {
		v, err := versionOf(native)
		if err != nil {
			return nil, nil, err
		}
		if v.record == nil || v.record.ID != model {
			others = append(others, native.Version)
			continue
		}
		mine = append(mine, v)
	}
	slices.SortFunc(mine, func(a, b version) int { return a.number() - b.number() })
	slices.Sort(others)
	return mine, others, nil
}
