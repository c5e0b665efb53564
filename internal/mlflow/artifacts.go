package mlflow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const (
	artifactsPath = "/mlflow-artifacts/artifacts"
	// artifactScheme begins the URIs of what the server itself hands on.
	artifactScheme = "mlflow-artifacts:/"
)

// artifact is one entry of a folder of artifacts.
type artifact struct {
	Name   string `json:"path"` // the last element alone
	Folder bool   `json:"is_dir"`
	Size   number `json:"file_size"` // bytes; some servers write it as text
}

// artifactAt is the path of a URI below the server's artifacts.
func artifactAt(uri string) (string, error) {
	rest, ok := strings.CutPrefix(uri, artifactScheme)
	at := path.Clean(strings.TrimPrefix(rest, "//")) // an empty host
	if !ok || !fs.ValidPath(at) || at == "." {
		return "", refuse(mlops.Unsupported, "the artifacts are at %s, and not handed on by the MLflow server: start it with --serve-artifacts and a default artifact root of mlflow-artifacts:/", uri)
	}
	return at, nil
}

// escape writes a path for a URL.
func escape(at string) string {
	elements := strings.Split(at, "/")
	for i, e := range elements {
		elements[i] = url.PathEscape(e)
	}
	return artifactsPath + "/" + strings.Join(elements, "/")
}

// storable refuses names that MLflow refuses or, unescaping them more than once,
// bends.
func storable(name string) error {
	plain, err := url.PathUnescape(name)
	if err != nil || plain != name || strings.ContainsAny(name, "#\\") {
		return mlops.InvalidField("artifact_uri", "MLflow cannot keep a file of the name %q: its names have no #, no backslash and no %% before two hexadecimal digits", name)
	}
	return nil
}

// upload writes a file, in the place of one that is there.
func (c *Client) upload(ctx context.Context, from, to string) (err error) {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ignoreClosed(f.Close())) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	req, err := c.request(ctx, http.MethodPut, escape(to), nil, f)
	if err != nil {
		return err
	}
	req.ContentLength = info.Size()
	if info.Size() == 0 {
		req.Body = http.NoBody
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	return c.answer(req, nil)
}

// ignoreClosed forgets that the transport closed a file already.
func ignoreClosed(err error) error {
	if errors.Is(err, fs.ErrClosed) {
		return nil
	}
	return err
}

// uploadAll writes files into a folder, given by their paths in it.
func (c *Client) uploadAll(ctx context.Context, files map[string]string, to string) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := c.upload(ctx, files[name], to+"/"+name); err != nil {
			return err
		}
	}
	return nil
}

// folder lists what is in a folder; nothing where there is none.
func (c *Client) folder(ctx context.Context, at string) ([]artifact, error) {
	var out struct {
		Files []artifact `json:"files"`
	}
	err := c.get(ctx, artifactsPath, url.Values{"path": {at}}, &out)
	for _, f := range out.Files {
		if !filepath.IsLocal(f.Name) || strings.ContainsAny(f.Name, `/\`) {
			return nil, refuse(mlops.Failed, "the MLflow server at %s names an artifact %q, which is no name of a file", c.host(), f.Name)
		}
	}
	return out.Files, unlessGone(err)
}

// removeArtifacts removes what is below a path. What is not there is no error.
func (c *Client) removeArtifacts(ctx context.Context, at string) error {
	req, err := c.request(ctx, http.MethodDelete, escape(at), nil, nil)
	if err != nil {
		return err
	}
	return unlessGone(c.answer(req, nil))
}

// Download writes what an mlflow-artifacts URI names below a directory, and returns
// where it is there. What is not there is NotFound.
func (c *Client) Download(ctx context.Context, uri, directory string) (string, error) {
	at, err := artifactAt(uri)
	if err != nil {
		return "", err
	}
	return c.download(ctx, at, directory)
}

// urlOf is where anybody with the server's leave gets an artifact.
func (c *Client) urlOf(at string) string {
	return strings.TrimSuffix(c.base.String(), "/") + apiPath + escape(at)
}

// download writes a file or a folder of artifacts into a directory, under its own
// name, and returns where it is there.
func (c *Client) download(ctx context.Context, at, directory string) (string, error) {
	siblings, err := c.folder(ctx, path.Dir(at))
	if err != nil {
		return "", err
	}
	for _, a := range siblings {
		if a.Name == path.Base(at) {
			to := filepath.Join(directory, a.Name)
			return to, c.fetch(ctx, a, at, to)
		}
	}
	return "", refuse(mlops.NotFound, "the MLflow server at %s has no artifact %s", c.host(), at)
}

func (c *Client) fetch(ctx context.Context, a artifact, at, to string) error {
	if !a.Folder {
		return c.fetchFile(ctx, at, to, int64(a.Size))
	}
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	children, err := c.folder(ctx, at)
	if err != nil {
		return err
	}
	for _, child := range children {
		if err := c.fetch(ctx, child, at+"/"+child.Name, filepath.Join(to, child.Name)); err != nil {
			return err
		}
	}
	return nil
}

// fetchFile reads no more than the file was said to have.
func (c *Client) fetchFile(ctx context.Context, at, to string, size int64) (err error) {
	req, err := c.request(ctx, http.MethodGet, escape(at), nil, nil)
	if err != nil {
		return err
	}
	resp, err := c.do(req)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	n, err := io.Copy(out, io.LimitReader(resp.Body, size+1))
	if _, isPath := errors.AsType[*fs.PathError](err); err != nil && !isPath {
		return c.unreached(ctx, err)
	}
	if err == nil && n != size {
		return mlops.NewError(mlops.Failed, fmt.Errorf("the artifact %s has another size than the %d bytes that MLflow says", at, size))
	}
	return err
}
