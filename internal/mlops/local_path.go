package mlops

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// hasScheme tells a URI from a path.
var hasScheme = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]*:`)

// LocalPath returns the path that a URI names on this machine: that of a file URI, or
// the URI itself where it is a path. A relative path starts at folder, and is refused
// where folder is "".
//
// Errors name the attribute that gave the URI. They are Invalid, but for what other
// schemes name: that is Unsupported, and the caller knows what to give instead.
func LocalPath(field, folder, uri string) (string, error) {
	refuse := func(format string, args ...any) (string, error) {
		return "", InvalidField(field, format, args...)
	}
	switch isPath := uri != "" && !hasScheme.MatchString(uri); {
	case filepath.IsAbs(uri):
		return filepath.Clean(uri), nil
	case isPath && folder == "":
		return refuse("%q is a relative path, which names no file here", uri)
	case isPath:
		return filepath.Abs(filepath.Join(folder, uri))
	}
	u, err := url.Parse(uri)
	switch {
	case err != nil || uri == "":
		return refuse("%q is not a URI", uri)
	case u.Scheme != "file":
		return "", &Error{Code: Unsupported, Field: field, Err: fmt.Errorf("%s is not on this machine", uri)}
	case u.Host != "" && u.Host != "localhost":
		return refuse("%q is on the machine %q; only files of this one can be read", uri, u.Host)
	case !filepath.IsAbs(filepath.FromSlash(u.Path)):
		return refuse("%q names no absolute path; write file:///…", uri)
	}
	return filepath.FromSlash(u.Path), nil
}

// HomePath returns a path with the user's home in place of a leading "~", as a shell
// writes it: neither HCL nor environment variables do. Other paths stay as they are,
// those of other users' homes ("~name/…") among them.
//
// The error names the attribute that gave the path.
func HomePath(field, path string) (string, error) {
	rest, ok := strings.CutPrefix(path, "~")
	if !ok || rest != "" && !os.IsPathSeparator(rest[0]) {
		return path, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", InvalidField(field, "%s begins with the user's home, which is not known here; write an absolute path: %w", path, err)
	}
	return filepath.Join(home, rest), nil
}
