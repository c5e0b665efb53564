package artifact

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// hasScheme tells a URI from a path.
var hasScheme = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]*:`)

// URI writes an absolute path as a file URI.
func URI(path string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String()
}

// Path returns the path that an artifact's URI names: a file URI of this
// machine, or a path. A relative path starts at folder, and is refused where
// folder is "". Errors are Invalid or Unsupported.
func Path(folder, uri string) (string, error) {
	if filepath.IsAbs(uri) {
		return uri, nil
	}
	if uri != "" && !hasScheme.MatchString(uri) {
		if folder == "" {
			return "", refuse(mlops.Invalid, fmt.Errorf("%q is a relative path, which names no file here", uri))
		}
		return filepath.Join(folder, uri), nil
	}
	u, err := url.Parse(uri)
	switch {
	case err != nil || uri == "":
		return "", refuse(mlops.Invalid, fmt.Errorf("%q is not a URI", uri))
	case u.Scheme != "file":
		return "", refuse(mlops.Unsupported, errors.New("the embedded engine reads files of this machine only; download "+uri+" first"))
	case u.Host != "" && u.Host != "localhost":
		return "", refuse(mlops.Invalid, fmt.Errorf("%q is on the machine %q; the embedded engine reads files of this one only", uri, u.Host))
	case !filepath.IsAbs(filepath.FromSlash(u.Path)):
		return "", refuse(mlops.Invalid, fmt.Errorf("%q names no absolute path; write file:///…", uri))
	}
	return filepath.FromSlash(u.Path), nil
}

func refuse(code mlops.Code, err error) error {
	return &mlops.Error{Code: code, Field: "artifact_uri", Err: err}
}
