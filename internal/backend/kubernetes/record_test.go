package kubernetes

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestRecordRoundTrip(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		script string
		packed bool
	}{
		{name: "small", script: "print('Grüße')"},
		{name: "large", script: strings.Repeat("print(1)\n", 20_000), packed: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := open(mlops.Options{Owner: "us"})
			spec := mlops.PipelineSpec{Environment: "kubernetes/c/e", Name: "p", Steps: map[string]mlops.Step{"s": {Script: tt.script}}}
			want, err := b.newRecord(spec.ID(), spec, record{})
			if err != nil {
				t.Fatal(err)
			}
			notes, err := want.annotations()
			if err != nil {
				t.Fatal(err)
			}
			if packed := !strings.HasPrefix(notes[noteRecord], "{"); packed != tt.packed {
				t.Errorf("packed: %t, want %t", packed, tt.packed)
			}
			o := &unstructured.Unstructured{}
			o.SetAnnotations(notes)
			got, err := recordIn(o)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRecordTooLarge proves that what an annotation cannot hold is refused.
func TestRecordTooLarge(t *testing.T) {
	t.Parallel()
	var noise strings.Builder
	for i := range 400_000 {
		noise.WriteByte(byte('!' + (i*i*31+i/7)%90))
	}
	b := open(mlops.Options{})
	for size := 100_000; ; size *= 2 {
		r, err := b.newRecord("kubernetes/c/e", strings.Repeat(noise.String(), size/100_000)+mlops.DigestOf(size), record{})
		if err != nil {
			t.Fatal(err)
		}
		notes, err := r.annotations()
		if mlops.CodeOf(err) == mlops.Invalid {
			return
		}
		if err != nil || len(notes[noteRecord]) > maxAnnotations {
			t.Fatalf("%d bytes of annotations, error %v", len(notes[noteRecord]), err)
		}
		if size > 100_000_000 {
			t.Fatal("nothing is too large")
		}
	}
}

// TestPackedIsBounded proves that what would not be read is not written, and that what
// somebody else wrote cannot fill the memory.
func TestPackedIsBounded(t *testing.T) {
	t.Parallel()
	if _, err := pack(make([]byte, maxUnpacked+1)); mlops.CodeOf(err) != mlops.Invalid {
		t.Errorf("packed, with error %v; want a refusal", err)
	}
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(make([]byte, maxUnpacked+1)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := unpack(base64.StdEncoding.EncodeToString(out.Bytes())); mlops.CodeOf(err) != mlops.Invalid {
		t.Errorf("unpacked, with error %v; want a refusal", err)
	}
}

// TestSuccessor proves that a later record keeps when the object was made.
func TestSuccessor(t *testing.T) {
	t.Parallel()
	b := open(mlops.Options{Owner: "us"})
	made := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r, err := b.newRecord("kubernetes/c/e", "spec", record{ID: "kubernetes/c/e", Owner: "them", Created: made})
	if err != nil || !r.Created.Equal(made) || r.Owner != "us" {
		t.Errorf("record is %+v, %v", r, err)
	}
}

func TestLabels(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"as it is", "team-a.b_c", "team-a.b_c"},
		{"spaces", "Jane Doe", "Jane_Doe"},
		{"ends", "-a-", "a"},
		{"nothing left", "---", ""},
		{"letters beyond ASCII", "müller", "m_ller"},
		{"long", strings.Repeat("a", 62) + "-b", strings.Repeat("a", 62)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := labelValue(tt.text)
			if got != tt.want {
				t.Errorf("label is %q, want %q", got, tt.want)
			}
			if problems := validation.IsValidLabelValue(got); problems != nil {
				t.Errorf("%q is no label: %v", got, problems)
			}
		})
	}
}

// TestLabelsOfUsers proves that labels of users do not take the place of ours.
func TestLabelsOfUsers(t *testing.T) {
	t.Parallel()
	environment := mlops.EnvironmentSpec{Name: "churn", Stage: "dev", Labels: map[string]string{"team": "a", "cost-": "x y"}}
	got := labelsFor(environment, mlops.NounPipeline, "train", map[string]string{"team": "b"})
	want := map[string]string{
		"team": "b", "cost": "x_y", labelManagedBy: agent, labelEnvironment: "churn", labelStage: "dev", labelResource: "pipeline", labelName: "train",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}
