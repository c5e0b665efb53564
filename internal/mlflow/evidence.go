package mlflow

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Evidence is by what artifacts are known to be those that were fetched before, without
// fetching them again. MLflow keeps no digest of an artifact, no time and no tag; what it
// has are sizes, and the run that wrote the artifact. So there is evidence of what a run
// wrote that is over: that run must not have gone on since, and its files must be those
// of before, by name and size. Of anything else there is none, which is its zero value.
//
// Who puts other bytes of the same size in the place of a finished run's, without going
// on with the run, is not found out.
type Evidence struct {
	Run   string `json:"run,omitempty"`
	Ended int64  `json:"ended,omitempty"` // milliseconds since 1970
	Files string `json:"files,omitempty"` // digest of names and sizes
}

// Proves reports whether there is evidence at all, and it is the same.
func (e Evidence) Proves(before Evidence) bool { return e.Run != "" && e == before }

// ofRun finds the run that wrote what is at a path: MLflow keeps it in the folder
// "artifacts" of one that is called like the run.
var ofRun = regexp.MustCompile(`(?:^|/)([0-9a-f]{32})/artifacts/.`)

// Evidence looks at what an mlflow-artifacts URI names: at its run, and at each folder.
// It is to be taken before the bytes are. Of what is not there, there is none.
func (c *Client) Evidence(ctx context.Context, uri string) (Evidence, error) {
	at, err := artifactAt(uri)
	if err != nil {
		return Evidence{}, err
	}
	found := ofRun.FindStringSubmatch(at)
	if found == nil {
		return Evidence{}, nil
	}
	home, err := c.runOf(ctx, found[1])
	if err != nil || home.Info.Status != stateFinished || home.Info.Ended == 0 {
		return Evidence{}, unlessGone(err)
	}
	if below, err := artifactAt(home.Info.Artifacts); err != nil || !strings.HasPrefix(at, below+"/") {
		return Evidence{}, nil //nolint:nilerr // it is no run's, and only looks like it
	}
	files, err := c.sizes(ctx, at)
	if err != nil || len(files) == 0 {
		return Evidence{}, err
	}
	slices.Sort(files)
	return Evidence{home.Info.ID, int64(home.Info.Ended), mlops.DigestOf(files)}, nil
}

// runOf is a run by its ID.
func (c *Client) runOf(ctx context.Context, id string) (run, error) {
	var out struct {
		Run run `json:"run"`
	}
	err := c.get(ctx, runsPath+"get", url.Values{"run_id": {id}}, &out)
	return out.Run, err
}

// sizes lists the files at a path, and below it where it is a folder, each with its size.
func (c *Client) sizes(ctx context.Context, at string) ([]string, error) {
	siblings, err := c.folder(ctx, path.Dir(at))
	if err != nil {
		return nil, err
	}
	for _, a := range siblings {
		if a.Name == path.Base(at) {
			return c.sizesOf(ctx, a, at)
		}
	}
	return nil, nil
}

func (c *Client) sizesOf(ctx context.Context, a artifact, at string) ([]string, error) {
	if !a.Folder {
		return []string{fmt.Sprintf("%q %d", at, int64(a.Size))}, nil
	}
	children, err := c.folder(ctx, at)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, child := range children {
		below, err := c.sizesOf(ctx, child, at+"/"+child.Name)
		if err != nil {
			return nil, err
		}
		all = append(all, below...)
	}
	return all, nil
}
