package driftjob

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// archived is a .tgz of files.
func archived(t *testing.T, files ...string) string {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	archive := tar.NewWriter(zipped)
	for i := 0; i < len(files); i += 2 {
		name, text := files[i], files[i+1]
		err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(text)), Typeflag: tar.TypeReg})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestBaselines: whichever form a baseline comes in, the figures are the same.
func TestBaselines(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(customers())
	if err != nil {
		t.Fatal(err)
	}
	data := string(text)
	archive := archived(t, "./._hidden", "x", "data/customers.csv", data)
	tests := []struct {
		name  string
		files map[string]string
		given string // path of --baseline
		uri   string
		words string // of a refusal
	}{
		{name: "a file", files: map[string]string{"b.csv": data}, given: "b.csv"},
		{name: "a file without a name of its own", files: map[string]string{"baseline": data}, given: "baseline"},
		{name: "a gzipped file", files: map[string]string{"b.csv.gz": gzipped(t, data)}, given: "b.csv.gz"},
		{name: "a folder", files: map[string]string{"in/part-0/b.csv": data, "in/_SUCCESS": "", "in/.b.crc": "x"}, given: "in"},
		{name: "an archive", files: map[string]string{"b.tgz": archive}, given: "b.tgz"},
		{name: "an archive without a name of its own", files: map[string]string{"baseline": archive}, given: "baseline"},
		{name: "an archive in a folder", files: map[string]string{"in/output.tgz": archive}, given: "in"},
		{name: "an archive of a path that leads out", files: map[string]string{"b.tgz": archived(t, "../../b.csv", data)}, given: "b.tgz"},
		{name: "nothing", given: "b.csv", words: "no such file"},
		{name: "two files", files: map[string]string{"in/a.csv": data, "in/b.csv": data}, given: "in", words: "more than one file, a.csv and b.csv"},
		{name: "an empty folder", files: map[string]string{"in/_SUCCESS": ""}, given: "in", words: "the folder has no file"},
		{name: "an archive of two files", files: map[string]string{"b.tgz": archived(t, "a.csv", data, "b.csv", data)}, given: "b.tgz", words: "more than one file"},
		{name: "an archive that breaks off", files: map[string]string{"b.tgz": archive[:len(archive)-40]}, given: "b.tgz", words: "cut short or damaged"},
		{name: "an empty archive", files: map[string]string{"b.tgz": archived(t, "_SUCCESS", "")}, given: "b.tgz", words: "the archive has no file"},
		{name: "an archive that would fill the disk", files: map[string]string{"b.tgz": archived(t, "b.csv", strings.Repeat("0", 65<<20))}, given: "b.tgz", words: "it unpacks to more than 67108864 bytes"},
		{name: "another format than the URI says", files: map[string]string{"baseline": data}, given: "baseline", uri: "s3://bucket/b.parquet", words: "the baseline cannot be read"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.sendAll(noon().Add(-time.Hour), people(t, 30))
			for name, text := range tt.files {
				b.file(name, text, noon())
			}
			out := b.run(spec(func(s *mlops.MonitorSpec) { s.Baseline.URI = tt.uri }), "--baseline", b.path(tt.given))
			if tt.words != "" {
				out.want(t, exitFailed, "broken", "", tt.words)
				return
			}
			out.want(t, exitOK, "violated", "", "drifted: age (psi")
		})
	}
}

// TestBaselineIsNeeded: without it no check of it can be made.
func TestBaselineIsNeeded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.sendAll(noon().Add(-time.Hour), people(t, 0))
	out := b.run(spec(nil), "--baseline", "")
	out.want(t, exitFailed, "broken", "", "--baseline is needed")
}
