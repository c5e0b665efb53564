package mlflow

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"math"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// modelFolder is the folder of a run's artifacts in which a version's bytes are.
const modelFolder = "model"

// locate finds the bytes of a spec: at this server, or by the finder.
func (r *Registry) locate(ctx context.Context, spec mlops.ModelVersionSpec) (Found, error) {
	var found Found
	var err error
	if strings.HasPrefix(spec.ArtifactURI, artifactScheme) {
		found, err = r.own(ctx, spec)
	} else {
		found, err = r.find(ctx, spec)
	}
	if found.Release == nil {
		found.Release = func() {}
	}
	return found, err
}

// own fetches artifacts of the server itself.
func (r *Registry) own(ctx context.Context, spec mlops.ModelVersionSpec) (Found, error) {
	at, err := artifactAt(spec.ArtifactURI)
	if err != nil {
		return Found{}, mlops.InvalidField("artifact_uri", "%w", err)
	}
	directory, err := os.MkdirTemp("", "mlops-mlflow-")
	if err != nil {
		return Found{}, err
	}
	found := Found{Packages: spec.Packages, Metrics: spec.Metrics, Release: func() { _ = os.RemoveAll(directory) }}
	if found.Evidence, err = r.evidence(ctx, spec.ArtifactURI); err != nil {
		found.Release()
		return Found{}, err
	}
	found.Path, err = r.client.download(ctx, at, directory)
	if err == nil {
		return found, nil
	}
	found.Release()
	if is(err, mlops.NotFound) {
		err = mlops.InvalidField("artifact_uri", "%w", err)
	}
	return Found{}, err
}

// evidence is what there is of artifacts, or nil.
func (r *Registry) evidence(ctx context.Context, uri string) (*Evidence, error) {
	e, err := r.client.Evidence(ctx, uri)
	if err != nil || e.Run == "" {
		return nil, err
	}
	return &e, nil
}

// contentOf looks at bytes.
func contentOf(found Found) (*content, error) {
	info, err := os.Lstat(found.Path)
	if err != nil {
		return nil, err
	}
	digest, size, err := mlops.ContentDigest(found.Path)
	return &content{
		Digest: digest, Size: size, Name: filepath.Base(found.Path), IsFile: !info.IsDir(),
		Metrics: found.Metrics, Packages: found.Packages, Lineage: found.Lineage, Evidence: found.Evidence,
	}, err
}

// filesOf lists the files of bytes by their paths among the artifacts.
func filesOf(root string, c *content) (map[string]string, error) {
	if c.IsFile {
		return map[string]string{c.Name: root}, storable(c.Name)
	}
	files := map[string]string{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, p)
		name := filepath.ToSlash(rel)
		files[name] = p
		return errors.Join(err, storable(name))
	})
	if err == nil && len(files) == 0 {
		err = mlops.InvalidField("artifact_uri", "%s has no file, and MLflow keeps no empty directories", root)
	}
	return files, err
}

// keep uploads bytes to a run, notes where they are, and logs their metrics. The same owner's same bytes
// that an interrupted registration left are kept in its run.
func (v *ModelVersions) keep(ctx context.Context, experiment string, registered []version, found Found, c *content) (runID string, err error) {
	files, err := filesOf(found.Path, c)
	if err != nil {
		return "", err
	}
	home, err := v.run(ctx, experiment, registered, c)
	if err != nil {
		return "", err
	}
	c.Source = strings.TrimSuffix(home.Info.Artifacts, "/") + "/" + modelFolder
	at, err := artifactAt(c.Source)
	if err != nil {
		return "", errors.Join(err, v.client.deleteRun(ctx, home.Info.ID))
	}
	if err := v.client.uploadAll(ctx, files, at); err != nil {
		return "", err
	}
	if v.archives {
		c.Archive = archiveAt(home.Info.Artifacts)
		if err := v.client.pack(ctx, files, c.Archive); err != nil {
			return "", err
		}
	}
	// What was read for the digest and what was read for the server must be the same.
	if now, _, err := mlops.ContentDigest(found.Path); err != nil || now != c.Digest {
		return "", errors.Join(refuse(mlops.Conflict, "%s changed while it was registered", found.Path), err)
	}
	if err := v.logged(ctx, home.Info.ID, c.Metrics); err != nil {
		return "", err
	}
	return home.Info.ID, v.client.finishRun(ctx, home.Info.ID, time.Now().UnixMilli())
}

// run finds the run that an interrupted registration left, or makes one.
func (v *ModelVersions) run(ctx context.Context, experiment string, registered []version, c *content) (run, error) {
	all, err := v.client.activeRuns(ctx, experiment)
	if err != nil {
		return run{}, err
	}
	for _, r := range all {
		of := func(s version) bool { return s.native.RunID == r.Info.ID }
		if r.Data.Tags[tagDigest] == c.Digest && r.Data.Tags[tagOwner] == v.owner && !slices.ContainsFunc(registered, of) {
			return r, nil
		}
	}
	t := tags{tagManagedBy: managedBy, tagDigest: c.Digest, tagOwner: v.owner}
	return v.client.createRun(ctx, experiment, c.Name, time.Now().UnixMilli(), t)
}

// metricName is what MLflow takes as a metric's name. The record has those that
// have other names, too.
var metricName = regexp.MustCompile(`^[\w.\- /:]{1,250}$`)

// logged shows metrics as those of a run.
func (r *Registry) logged(ctx context.Context, runID string, metrics map[string]float64) error {
	var batch []metric
	for _, name := range slices.Sorted(maps.Keys(metrics)) {
		value := metrics[name]
		if metricName.MatchString(name) && path.Clean(name) == name && !path.IsAbs(name) && !math.IsNaN(value) && !math.IsInf(value, 0) {
			batch = append(batch, metric{name, value, time.Now().UnixMilli()})
		}
	}
	for chunk := range slices.Chunk(batch, runsPage) {
		if err := r.client.logMetrics(ctx, runID, chunk); err != nil {
			return err
		}
	}
	return nil
}

// Digest returns the digest that the spec's bytes have now; see mlops.Planner.
// Those of a version at this server are known without fetching them, and so are those
// that one was made of and that have not changed since, as far as Evidence tells.
func (v *ModelVersions) Digest(ctx context.Context, spec mlops.ModelVersionSpec) (string, error) {
	if strings.HasPrefix(spec.ArtifactURI, artifactScheme) {
		for _, tell := range []func(context.Context, mlops.ModelVersionSpec) (string, error){v.registeredAt, v.registeredFrom} {
			if known, err := tell(ctx, spec); known != "" || err != nil {
				return known, err
			}
		}
	}
	found, err := v.locate(ctx, spec)
	if err != nil {
		return "", err
	}
	defer found.Release()
	digest, _, err := mlops.ContentDigest(found.Path)
	return digest, err
}

// registeredAt is the digest of the version whose bytes are at a URI, "" if there
// is none.
func (r *Registry) registeredAt(ctx context.Context, spec mlops.ModelVersionSpec) (string, error) {
	uri := spec.ArtifactURI
	for _, source := range []string{uri, path.Dir(uri)} { // a folder, or the folder of a file
		all, err := r.client.searchModelVersions(ctx, "source_path = "+quote(source))
		if err != nil {
			return "", err
		}
		for _, native := range all {
			v, err := versionOf(native)
			if err == nil && v.record != nil && v.uri() == uri {
				return v.record.Content.Digest, nil
			}
		}
	}
	return "", nil
}

// registeredFrom is the digest of the model's version that was made of the same
// artifacts, "" if there is none, or nothing tells that they are as they were.
func (r *Registry) registeredFrom(ctx context.Context, spec mlops.ModelVersionSpec) (string, error) {
	siblings, _, err := r.siblings(ctx, spec.Model)
	if err != nil {
		return "", err
	}
	from := func(v version) bool {
		return v.record.Spec.ArtifactURI == spec.ArtifactURI && v.record.Content.Evidence != nil
	}
	if !slices.ContainsFunc(siblings, from) {
		return "", nil
	}
	now, err := r.client.Evidence(ctx, spec.ArtifactURI)
	if err != nil {
		return "", err
	}
	for _, v := range siblings {
		if from(v) && now.Proves(*v.record.Content.Evidence) {
			return v.record.Content.Digest, nil
		}
	}
	return "", nil
}

// Export writes a version's bytes below an empty directory; see mlops.Exporter.
// Bytes that are not those that were registered are Failed.
func (v *ModelVersions) Export(ctx context.Context, ref mlops.ID, directory string) (string, error) {
	found, err := v.version(ctx, ref)
	if err != nil {
		return "", err
	}
	at, err := artifactAt(found.uri())
	if err != nil {
		return "", err
	}
	to, err := v.client.download(ctx, at, directory)
	if err != nil {
		return "", err
	}
	digest, _, err := mlops.ContentDigest(to)
	if want := found.record.Content.Digest; err == nil && digest != want {
		err = refuse(mlops.Failed, "the bytes of %s at %s have the digest %s; those that were registered had %s", ref, path.Base(at), digest, want)
	}
	if err != nil {
		return "", err
	}
	return named(to, found.record.Content)
}

// named gives a directory the name that it was registered by.
func named(at string, c *content) (string, error) {
	to := filepath.Join(filepath.Dir(at), c.Name)
	if c.IsFile || to == at || c.Name != filepath.Base(to) {
		return at, nil
	}
	return to, os.Rename(at, to)
}

// remove removes a version: its bytes and its run first, so that a removal that was
// interrupted is seen, and can be repeated.
func (r *Registry) remove(ctx context.Context, v version) error {
	used, err := r.client.searchModelVersions(ctx, "run_id = "+quote(v.native.RunID))
	if err != nil {
		return err
	}
	elsewhere := func(u modelVersion) bool { return u.Name != v.native.Name || u.Version != v.native.Version }
	if !slices.ContainsFunc(used, elsewhere) {
		if err := r.removeBytes(ctx, v.native.RunID, v.native.Source, archiveHome(v.record.Content.Archive)); err != nil {
			return err
		}
	}
	return r.client.deleteModelVersion(ctx, v.native.Name, v.native.Version)
}

// removeBytes removes a run and what was uploaded to it, which is nothing where
// the server does not hand artifacts on.
func (r *Registry) removeBytes(ctx context.Context, runID string, uploaded ...string) error {
	for _, uri := range uploaded {
		at, err := artifactAt(uri)
		if err != nil {
			continue
		}
		if err := r.client.removeArtifacts(ctx, at); err != nil {
			return err
		}
	}
	return unlessGone(r.client.deleteRun(ctx, runID))
}

// removeRun removes a run that no version has. It is left where it is not ours, or
// where a version still has it.
func (r *Registry) removeRun(ctx context.Context, run run) (left bool, err error) {
	if run.Data.Tags[tagManagedBy] != managedBy {
		return true, nil
	}
	used, err := r.client.searchModelVersions(ctx, "run_id = "+quote(run.Info.ID))
	if err != nil || len(used) > 0 {
		return true, err
	}
	uploaded := []string{strings.TrimSuffix(run.Info.Artifacts, "/") + "/" + modelFolder}
	if r.archives {
		uploaded = append(uploaded, archiveHome(archiveAt(run.Info.Artifacts)))
	}
	return false, r.removeBytes(ctx, run.Info.ID, uploaded...)
}
