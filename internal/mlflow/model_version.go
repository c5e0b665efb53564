package mlflow

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// ModelVersions is the kind of versions; see mlops.Kind. They are found by
// content: the same owner's same bytes, served the same way, are the same version.
type ModelVersions struct {
	*Registry

	owner string
}

// ObservedVersion is one look at a version.
type ObservedVersion = mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus]

// version is a model version and its record, nil if something else made it.
type version struct {
	native modelVersion
	record *record[mlops.ModelVersionSpec]
}

// versionOf reads a record. A copy that somebody made has its tags too, and is not
// ours: it has another name, or says that it came from the original.
func versionOf(native modelVersion) (version, error) {
	rec, err := recordOf[mlops.ModelVersionSpec](native.Tags)
	if err != nil || rec == nil {
		return version{native: native}, err
	}
	if rec.Content == nil {
		return version{}, damaged(errors.New("it says nothing of the bytes"))
	}
	if native.Name != RegisteredName(rec.ID) || native.Source != rec.Content.Source {
		rec = nil
	}
	return version{native, rec}, nil
}

// number is the version's number; MLflow has no others.
func (v version) number() int {
	n, _ := strconv.Atoi(v.native.Version)
	return n
}

func (v version) id() mlops.ID { return v.record.ID.Child(mlops.NounModelVersion, v.native.Version) }

// Create registers bytes, or finds the version that has them.
func (v *ModelVersions) Create(ctx context.Context, spec mlops.ModelVersionSpec) (mlops.Change, error) {
	return v.register(ctx, "", spec)
}

// Update changes what is said of a version in place. Other content becomes a
// successor, and ref stays as history.
func (v *ModelVersions) Update(ctx context.Context, ref mlops.ID, spec mlops.ModelVersionSpec) (mlops.Change, error) {
	if _, err := v.version(ctx, ref); err != nil {
		return mlops.Change{}, err
	}
	if ref.Parent() != spec.Model {
		return mlops.Change{}, mlops.InvalidField("model", "%s cannot move to the model %s", ref, spec.Model)
	}
	return v.register(ctx, ref, spec)
}

// reserved are the aliases that MLflow keeps for itself.
var reserved = regexp.MustCompile(`^(latest|v[0-9]+)$`)

// CheckVersion reports what MLflow does not take of a version.
func CheckVersion(c *mlops.Checker, spec mlops.ModelVersionSpec) {
	checkText(c, spec.Labels, spec.Description)
	for i, a := range spec.Aliases {
		if reserved.MatchString(a) {
			c.Add(mlops.At("aliases", i), "Alias not free", "MLflow keeps the alias %q for itself; choose another.", a)
		}
	}
}

func checkVersion(spec mlops.ModelVersionSpec) error {
	c := mlops.NewChecker()
	spec.Validate(c)
	CheckVersion(c, spec)
	return c.Err()
}

// register puts a spec in force for the version that has its content, which may
// be new.
func (v *ModelVersions) register(ctx context.Context, from mlops.ID, spec mlops.ModelVersionSpec) (mlops.Change, error) {
	return v.registerAs(ctx, from, spec, v.locate)
}

// Register is Create, or Update of from, for bytes that were found before, which
// stay the caller's to release.
func (v *ModelVersions) Register(ctx context.Context, from mlops.ID, spec mlops.ModelVersionSpec, found Found) (mlops.Change, error) {
	found.Release = func() {}
	return v.registerAs(ctx, from, spec, func(context.Context, mlops.ModelVersionSpec) (Found, error) { return found, nil })
}

func (v *ModelVersions) registerAs(ctx context.Context, from mlops.ID, spec mlops.ModelVersionSpec, find Finder) (mlops.Change, error) {
	if err := checkVersion(spec); err != nil {
		return mlops.Change{}, err
	}
	unlock, err := v.lock(ctx, RegisteredName(spec.Model))
	if err != nil {
		return mlops.Change{}, err
	}
	defer unlock()
	model, home, err := v.model(ctx, spec.Model)
	if is(err, mlops.NotFound) {
		return mlops.Change{}, mlops.InvalidField("model", "there is no model %s", spec.Model)
	}
	if err != nil {
		return mlops.Change{}, err
	}
	found, err := find(ctx, spec)
	if err != nil {
		return mlops.Change{}, err
	}
	defer found.Release()
	bytes, err := contentOf(found)
	if err != nil {
		return mlops.Change{}, err
	}
	if p := spec.Promotion; p != nil && p.Digest != bytes.Digest {
		return mlops.Change{}, mlops.InvalidField("artifact_uri", "the bytes have the digest %s; those that were promoted from %s have %s", bytes.Digest, p.From, p.Digest)
	}
	rec := record[mlops.ModelVersionSpec]{ID: spec.Model, Owner: v.owner, Spec: spec, Content: bytes}
	return v.settle(ctx, model, home.Experiment, from, rec, found)
}

// settle finds the place of a record by its content, and brings it there.
func (v *ModelVersions) settle(ctx context.Context, model registeredModel, experiment string, from mlops.ID, rec record[mlops.ModelVersionSpec], found Found) (mlops.Change, error) {
	siblings, _, err := v.siblings(ctx, rec.ID)
	if err != nil {
		return mlops.Change{}, err
	}
	at, ok := adopt(siblings, from, rec)
	if !ok {
		if at, err = v.make(ctx, model.Name, experiment, siblings, rec, found); err != nil {
			return mlops.Change{}, err
		}
	}
	kept := at.record.Content
	rec.Content.Source, rec.Content.Name, rec.Content.IsFile, rec.Content.Archive = at.native.Source, kept.Name, kept.IsFile, kept.Archive
	change := mlops.Change{Ref: at.id(), Revision: mlops.DigestOf(rec.Spec)}
	if err := v.bring(ctx, model.aliasesOf(at.native.Version), at, rec); err != nil {
		return change, err
	}
	i := slices.IndexFunc(siblings, func(s version) bool { return s.id() == from })
	if i < 0 || from == change.Ref {
		return change, nil
	}
	return change, v.supersede(ctx, siblings[i], withoutAll(model.aliasesOf(siblings[i].native.Version), rec.Spec.Aliases))
}

// supersede leaves a version as it is, with the aliases that are left to it, and
// nobody's: a successor took its place.
func (v *ModelVersions) supersede(ctx context.Context, at version, aliases []string) error {
	former := *at.record
	former.Owner, former.Spec = "", v.observe(at, aliases).Spec
	return v.bring(ctx, former.Spec.Aliases, at, former)
}

func withoutAll(all, taken []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(a string) bool { return slices.Contains(taken, a) })
}

// adopt finds the version that has the content of a record: first the one that is
// to be changed, then one of the same owner or of nobody.
func adopt(siblings []version, from mlops.ID, rec record[mlops.ModelVersionSpec]) (version, bool) {
	is := func(mine bool) func(version) bool {
		return func(s version) bool {
			return sameContent(*s.record, rec) && (s.id() == from || !mine && (s.record.Owner == "" || s.record.Owner == rec.Owner))
		}
	}
	i := slices.IndexFunc(siblings, is(true))
	if i < 0 {
		i = slices.IndexFunc(siblings, is(false))
	}
	if i < 0 {
		return version{}, false
	}
	return siblings[i], true
}

// sameContent reports whether two versions would serve the same.
func sameContent(a, b record[mlops.ModelVersionSpec]) bool {
	return a.Content.Digest == b.Content.Digest && a.Spec.SameBytes(b.Spec) && slices.Equal(a.Content.Packages, b.Content.Packages)
}

// make registers bytes that no version has. The version appears with its record,
// or not at all.
func (v *ModelVersions) make(ctx context.Context, name, experiment string, siblings []version, rec record[mlops.ModelVersionSpec], found Found) (version, error) {
	runID, err := v.keep(ctx, experiment, siblings, found, rec.Content)
	if err != nil {
		return version{}, err
	}
	wanted, err := versionTags(rec)
	if err != nil {
		return version{}, err
	}
	native := modelVersion{Name: name, Source: rec.Content.Source, RunID: runID, Description: rec.Spec.Description, Tags: wanted}
	made, err := v.client.createModelVersion(ctx, native)
	if err != nil {
		return version{}, err
	}
	native.Version = made.Version
	return version{native, &rec}, nil
}

func versionTags(rec record[mlops.ModelVersionSpec]) (tags, error) {
	out, err := rec.tags()
	if err != nil {
		return nil, err
	}
	maps.Copy(out, rec.Spec.Labels)
	out[tagManagedBy], out[tagEnvironment], out[tagModel] = managedBy, string(rec.ID.Environment()), string(rec.ID)
	out[tagFormat], out[tagDigest], out[tagApproval] = rec.Spec.Format, rec.Content.Digest, rec.Spec.Approval
	return out, nil
}

// bring puts a record in force for a version that is there. MLflow takes an alias
// from the version that had it.
func (v *ModelVersions) bring(ctx context.Context, aliases []string, at version, rec record[mlops.ModelVersionSpec]) error {
	name, number := at.native.Name, at.native.Version
	wanted, err := versionTags(rec)
	if err != nil {
		return err
	}
	if at.native.Description != rec.Spec.Description {
		if err := v.client.describeModelVersion(ctx, name, number, rec.Spec.Description); err != nil {
			return err
		}
	}
	for _, alias := range withoutAll(rec.Spec.Aliases, aliases) {
		if err := v.client.setAlias(ctx, name, alias, number); err != nil {
			return err
		}
	}
	for _, alias := range withoutAll(aliasesNow(at.record.Spec.Aliases, aliases), rec.Spec.Aliases) {
		if err := unlessGone(v.client.deleteAlias(ctx, name, alias)); err != nil {
			return err
		}
	}
	if mlops.DigestOf(at.record.Content.Metrics) != mlops.DigestOf(rec.Content.Metrics) {
		if err := v.logged(ctx, at.native.RunID, rec.Content.Metrics); err != nil {
			return err
		}
	}
	return tagger{
		set:   func(k, value string) error { return v.client.tagModelVersion(ctx, name, number, k, value) },
		unset: func(k, _ string) error { return v.client.untagModelVersion(ctx, name, number, k) },
	}.bring(at.native.Tags, wanted, at.record.Spec.Labels)
}

// version finds a version that was made here.
func (v *ModelVersions) version(ctx context.Context, ref mlops.ID) (version, error) {
	native, err := v.client.modelVersion(ctx, RegisteredName(ref.Parent()), ref.Name())
	if err != nil {
		return version{}, err
	}
	found, err := versionOf(native)
	if err == nil && (found.record == nil || found.id() != ref) {
		err = refuse(mlops.NotFound, "there is no version %s; version %s of the registered model %s is another's", ref, native.Version, native.Name)
	}
	return found, err
}

// Get takes one look.
func (v *ModelVersions) Get(ctx context.Context, ref mlops.ID) (ObservedVersion, error) {
	found, err := v.version(ctx, ref)
	if err != nil {
		return ObservedVersion{}, err
	}
	return v.observe(found, found.native.Aliases), nil
}

// List returns the versions of a model, or of an environment.
func (v *ModelVersions) List(ctx context.Context, under mlops.ID) ([]ObservedVersion, error) {
	of := ours(under.Environment())
	if under != under.Environment() {
		of += " and name = " + quote(RegisteredName(under))
	}
	models, err := v.client.searchRegisteredModels(ctx, of)
	if err != nil {
		return nil, err
	}
	aliases := map[string]registeredModel{}
	for _, m := range models {
		aliases[m.Name] = m
	}
	out := []ObservedVersion{}
	err = v.client.eachModelVersion(ctx, of, func(native modelVersion) error {
		found, err := versionOf(native)
		if err == nil && found.record != nil && slices.Contains([]mlops.ID{found.record.ID, found.record.ID.Environment()}, under) {
			out = append(out, v.observe(found, aliases[native.Name].aliasesOf(native.Version)))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b ObservedVersion) int { return a.Status.CreatedAt.Compare(b.Status.CreatedAt) })
	return out, nil
}

// observe reads the spec from MLflow where MLflow has it.
func (v *ModelVersions) observe(found version, aliases []string) ObservedVersion {
	spec, bytes := found.record.Spec, found.record.Content
	spec.Description = found.native.Description
	spec.Labels = labelsNow(spec.Labels, found.native.Tags)
	spec.Aliases = aliasesNow(spec.Aliases, aliases)
	if said := found.native.Tags[tagApproval]; slices.Contains(mlops.Approvals(), said) {
		spec.Approval = said
	}
	phase, reason := phaseOf(found.native)
	out := ObservedVersion{
		Ref: found.id(), Spec: spec, Phase: phase, Reason: reason, Revision: mlops.DigestOf(spec),
		Status: mlops.ModelVersionStatus{
			Version: found.native.Version, Digest: bytes.Digest, URI: found.uri(), Size: bytes.Size, Metrics: bytes.Metrics,
			Packages: bytes.Packages, Lineage: bytes.Lineage, CreatedAt: found.native.Created.time(),
		},
		Native: map[string]string{
			"registered_model": found.native.Name, "model_version": found.native.Version, "run_id": found.native.RunID,
			"source": found.native.Source, "uri": v.client.host(),
		},
	}
	if at, err := artifactAt(bytes.Archive); err == nil {
		out.Native["serving_uri"] = v.client.urlOf(at)
	}
	return out
}

// uri is where the bytes are: the file itself, or the folder of them.
func (v version) uri() string {
	if v.record.Content.IsFile {
		return v.native.Source + "/" + v.record.Content.Name
	}
	return v.native.Source
}

func phaseOf(native modelVersion) (mlops.Phase, string) {
	switch native.Status {
	case stateReady, "":
		return mlops.PhaseReady, ""
	case statePending:
		return mlops.PhasePending, native.Message
	}
	return mlops.PhaseFailed, strings.TrimSpace(native.Status + " " + native.Message)
}

// Delete removes a version and its bytes, which stay only where somebody else's
// version refers to them.
func (v *ModelVersions) Delete(ctx context.Context, ref mlops.ID) error {
	unlock, err := v.lock(ctx, RegisteredName(ref.Parent()))
	if err != nil {
		return err
	}
	defer unlock()
	found, err := v.version(ctx, ref)
	if err != nil {
		return err
	}
	return v.remove(ctx, found)
}
