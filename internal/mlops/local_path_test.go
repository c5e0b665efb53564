package mlops

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

func TestLocalPath(t *testing.T) {
	t.Parallel()
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, folder, uri, want string
		code                    Code
		words                   string
	}{
		{"path", "/folder", "/a/b c", "/a/b c", "", ""},
		{"percent in a path", "/folder", "/a/100%", "/a/100%", "", ""},
		{"uri", "/folder", "file:///a/b%20c", "/a/b c", "", ""},
		{"this machine by name", "/folder", "file://localhost/a", "/a", "", ""},
		{"relative", "/folder", "a/../b", "/folder/b", "", ""},
		{"relative with a colon", "/folder", "./m:1", "/folder/m:1", "", ""},
		{"relative to where the program runs", ".", "a", filepath.Join(here, "a"), "", ""},
		{"relative to nothing", "", "a/b", "", Invalid, "relative path"},
		{"absolute beside nothing", "", "/a", "/a", "", ""},
		{"relative uri", "/folder", "file:a", "", Invalid, "file:///"},
		{"other machine", "/folder", "file://elsewhere/a", "", Invalid, `the machine "elsewhere"`},
		{"bucket", "/folder", "s3://b/k", "", Unsupported, "s3://b/k"},
		{"no uri", "/folder", "file://%zz", "", Invalid, "not a URI"},
		{"empty", "/folder", "", "", Invalid, "not a URI"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := LocalPath("uri", tt.folder, tt.uri)
			if got != tt.want || CodeOf(err) != tt.code {
				t.Fatalf("got %q, %v", got, err)
			}
			if e, ok := errors.AsType[*Error](err); ok && (e.Field != "uri" || !strings.Contains(Message(err), tt.words)) {
				t.Errorf("the error is %v, of %q", err, e.Field)
			}
		})
	}
}

//nolint:paralleltest // it says where the user's home is
func TestHomePath(t *testing.T) {
	tests := []struct {
		name, home, path, want string
		code                   Code
	}{
		{"home", "/home/ada", "~", "/home/ada", ""},
		{"below home", "/home/ada", "~/.kube/config", "/home/ada/.kube/config", ""},
		{"another's home", "/home/ada", "~bob/.kube/config", "~bob/.kube/config", ""},
		{"absolute", "/home/ada", "/etc/~/config", "/etc/~/config", ""},
		{"relative", "/home/ada", "a/~", "a/~", ""},
		{"none", "/home/ada", "", "", ""},
		{"no home", "", "~/.kube/config", "", Invalid},
		{"no home and none needed", "", "/a", "/a", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("HOME", tt.home)
			got, err := HomePath("kubernetes.config_path", tt.path)
			if got != tt.want || CodeOf(err) != tt.code {
				t.Fatalf("got %q, %v; want %q", got, err, tt.want)
			}
			if e, ok := errors.AsType[*Error](err); ok && e.Field != "kubernetes.config_path" {
				t.Errorf("the error is of %q: %v", e.Field, err)
			}
		})
	}
}
