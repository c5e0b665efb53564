package artifact

import (
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// URI writes an absolute path as a file URI.
func URI(path string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String()
}

// Path returns the path that a user's URI names: a file URI of this machine, or a
// path. A relative path starts at folder, and is refused where folder is "". Errors
// are Invalid or Unsupported, and name the attribute that gave the URI.
func Path(field, folder, uri string) (string, error) {
	path, err := mlops.LocalPath(field, folder, uri)
	if mlops.CodeOf(err) == mlops.Unsupported {
		err = &mlops.Error{Code: mlops.Unsupported, Field: field, Err: fmt.Errorf("the embedded engine reads files of this machine only; download %s first", uri)}
	}
	return path, err
}

// Kept returns the path of bytes that the engine keeps, of which it wrote the URI.
func Kept(uri string) (string, error) { return mlops.LocalPath("", "", uri) }
