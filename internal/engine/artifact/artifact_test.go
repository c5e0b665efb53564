package artifact

import (
	"errors"
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestURIAndBack(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/a", "/a b/größe", "/100%/?#"} {
		if got, err := Kept(URI(path)); err != nil || got != path {
			t.Errorf("%q came back as %q, %v", path, got, err)
		}
	}
}

func TestPathSaysWhatToDo(t *testing.T) {
	t.Parallel()
	got, err := Path("uri", "/folder", "s3://b/k")
	e, _ := errors.AsType[*mlops.Error](err)
	if e == nil || e.Code != mlops.Unsupported || e.Field != "uri" || !strings.Contains(mlops.Message(err), "download s3://b/k first") {
		t.Errorf("got %q, %v", got, err)
	}
}
