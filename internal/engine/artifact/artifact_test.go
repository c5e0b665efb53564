package artifact

import (
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestPath(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, uri, want string
		code            mlops.Code
	}{
		{"path", "/a/b c", "/a/b c", ""},
		{"percent in a path", "/a/100%", "/a/100%", ""},
		{"uri", "file:///a/b%20c", "/a/b c", ""},
		{"localhost", "file://localhost/a", "/a", ""},
		{"relative", "a/b", "/folder/a/b", ""},
		{"dot", "./m:1", "/folder/m:1", ""},
		{"relative uri", "file:a", "", mlops.Invalid},
		{"other host", "file://elsewhere/a", "", mlops.Invalid},
		{"bucket", "s3://b/k", "", mlops.Unsupported},
		{"no uri", "file:%zz", "", mlops.Invalid},
		{"empty", "", "", mlops.Invalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := Path("/folder", tt.uri)
			if got != tt.want || mlops.CodeOf(err) != tt.code {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestURIAndBack(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/a", "/a b/größe", "/100%/?#"} {
		if got, err := Path("", URI(path)); err != nil || got != path {
			t.Errorf("%q came back as %q, %v", path, got, err)
		}
	}
}

func TestRelativePathsNeedAFolder(t *testing.T) {
	t.Parallel()
	if got, err := Path("", "a/b"); mlops.CodeOf(err) != mlops.Invalid {
		t.Errorf("got %q, %v", got, err)
	}
}
