package mlflow

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Snapshot is one version of a dataset: a file, which is an artifact of a run in the
// experiment that carries the dataset, and the run's input in MLflow's words.
type Snapshot struct {
	Path    string            // of the file on this machine
	Name    string            // of the file among the artifacts
	Dataset string            // name
	Version string            // number
	Digest  string            // of the bytes
	Rows    int64             //
	Schema  map[string]string // types of the columns, by name
}

// Kept is where a snapshot is.
type Kept struct {
	Run string // ID of the run
	URI string // of the file
}

// dataFolder is the folder of a run's artifacts in which a snapshot is.
const dataFolder = "data"

// maxDatasetDigest is how much of a digest MLflow has room for.
const maxDatasetDigest = 36

// Keep uploads a snapshot into the experiment of a carrier. The run that has the same
// bytes already, or to which an interrupted upload was to bring them, is taken again.
// Bytes that change meanwhile are a Conflict.
func (c *Client) Keep(ctx context.Context, into Carrier, s Snapshot) (Kept, error) {
	home, err := c.snapshotRun(ctx, into, s)
	if err != nil {
		return Kept{}, err
	}
	kept := Kept{home.Info.ID, strings.TrimSuffix(home.Info.Artifacts, "/") + "/" + dataFolder + "/" + s.Name}
	at, err := artifactAt(kept.URI)
	if err != nil {
		return Kept{}, errors.Join(err, c.deleteRun(ctx, home.Info.ID))
	}
	if whole, err := c.whole(ctx, home, at); whole || err != nil {
		return kept, err
	}
	if err := c.upload(ctx, s.Path, at); err != nil {
		return Kept{}, err
	}
	// What was read for the digest and what was read for the server must be the same.
	if now, _, err := mlops.ContentDigest(s.Path); err != nil || now != s.Digest {
		return Kept{}, errors.Join(refuse(mlops.Conflict, "%s changed while it was read", s.Path), err, c.forget(ctx, home))
	}
	if err := c.logDataset(ctx, kept, s); err != nil {
		return Kept{}, err
	}
	return kept, c.finishRun(ctx, kept.Run, time.Now().UnixMilli())
}

// snapshotRun finds the run of a snapshot, or makes it.
func (c *Client) snapshotRun(ctx context.Context, into Carrier, s Snapshot) (run, error) {
	all, err := c.activeRuns(ctx, into.ID)
	if err != nil {
		return run{}, err
	}
	for _, r := range all {
		if r.Data.Tags[tagManagedBy] == managedBy && r.Data.Tags[tagDigest] == s.Digest {
			return r, nil
		}
	}
	t := tags{tagManagedBy: managedBy, tagDigest: s.Digest}
	return c.createRun(ctx, into.ID, s.Dataset+" "+s.Version, time.Now().UnixMilli(), t)
}

// whole reports whether a run has a snapshot already: it is finished last.
func (c *Client) whole(ctx context.Context, home run, at string) (bool, error) {
	if home.Info.Status != stateFinished {
		return false, nil
	}
	files, err := c.folder(ctx, path.Dir(at))
	return slices.ContainsFunc(files, func(f artifact) bool { return f.Name == path.Base(at) }), err
}

// logDataset tells MLflow which dataset a run has, where it is and what is in it.
func (c *Client) logDataset(ctx context.Context, at Kept, s Snapshot) error {
	type column struct {
		Type     string `json:"type"`
		Name     string `json:"name"`
		Required bool   `json:"required"`
	}
	columns := []column{}
	for name, of := range s.Schema {
		columns = append(columns, column{colspecType(of), name, false})
	}
	slices.SortFunc(columns, func(a, b column) int { return cmp.Compare(a.Name, b.Name) })
	dataset := map[string]any{"name": s.Dataset, "digest": shortened(s.Digest), "source_type": "local"}
	for key, value := range map[string]any{
		"source": map[string]any{"uri": at.URI}, "schema": map[string]any{"mlflow_colspec": columns}, "profile": map[string]any{"num_rows": s.Rows},
	} {
		raw, err := json.Marshal(value)
		if err != nil {
			return err
		}
		dataset[key] = string(raw)
	}
	in := map[string]any{"run_id": at.Run, "datasets": []any{map[string]any{"dataset": dataset, "tags": []any{}}}}
	return c.send(ctx, http.MethodPost, runsPath+"log-inputs", in, nil)
}

// colspecType is the type of a column in MLflow's words.
func colspecType(of string) string {
	types := map[string]string{"integer": "long", "number": "double", "boolean": "boolean", "timestamp": "datetime"}
	return cmp.Or(types[of], "string")
}

func shortened(digest string) string {
	digest = strings.TrimPrefix(digest, "sha256:")
	return digest[:min(len(digest), maxDatasetDigest)]
}

// Holding is which of the runs that keep snapshots are still there, by carrier: the IDs
// of the provider's own runs that are not in MLflow's trash.
func (c *Client) Holding(ctx context.Context, of ...Carrier) (map[string][]string, error) {
	out := map[string][]string{}
	for chunk := range slices.Chunk(of, experimentsOfSearch) {
		var ids []string
		for _, one := range chunk {
			ids = append(ids, one.ID)
		}
		all, err := c.activeRuns(ctx, ids...)
		if err != nil {
			return nil, err
		}
		for _, r := range all {
			if r.Data.Tags[tagManagedBy] == managedBy {
				out[r.Info.Experiment] = append(out[r.Info.Experiment], r.Info.ID)
			}
		}
	}
	return out, nil
}

// experimentsOfSearch is in how many experiments runs are searched at once.
const experimentsOfSearch = 100

// Drop removes the provider's own runs from a carrier's experiment with what they keep,
// but for some.
func (c *Client) Drop(ctx context.Context, from Carrier, but ...string) error {
	all, err := c.activeRuns(ctx, from.ID)
	if err != nil {
		return unlessGone(err)
	}
	for _, r := range all {
		if r.Data.Tags[tagManagedBy] != managedBy || slices.Contains(but, r.Info.ID) {
			continue
		}
		if err := c.forget(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// forget removes a run with the snapshot that it keeps.
func (c *Client) forget(ctx context.Context, r run) error {
	if at, err := artifactAt(strings.TrimSuffix(r.Info.Artifacts, "/") + "/" + dataFolder); err == nil {
		if err := c.removeArtifacts(ctx, at); err != nil {
			return err
		}
	}
	return unlessGone(c.deleteRun(ctx, r.Info.ID))
}

// IsArtifact reports whether a URI is of what an MLflow server hands on.
func IsArtifact(uri string) bool { return strings.HasPrefix(uri, artifactScheme) }
