package kubernetes

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// TestUnpackOutput proves what an archive of an output becomes, and what is refused.
func TestUnpackOutput(t *testing.T) {
	t.Parallel()
	file := func(name, text string) func(*tar.Writer) error {
		return func(w *tar.Writer) error {
			err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(text)), Mode: 0o600})
			_, writeErr := w.Write([]byte(text))
			return errors.Join(err, writeErr)
		}
	}
	link := func(w *tar.Writer) error {
		return w.WriteHeader(&tar.Header{Name: "model", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"})
	}
	for _, tt := range []struct {
		name    string
		entries []func(*tar.Writer) error
		want    string // below the directory
		words   string // of a refusal
	}{
		{name: "a file", entries: []func(*tar.Writer) error{file("model.pkl", "bytes")}, want: "model.pkl"},
		{name: "a folder", entries: []func(*tar.Writer) error{file("model/a", "a"), file("model/b", "b")}, want: "model"},
		{name: "a folder without its name", entries: []func(*tar.Writer) error{file("a", "a"), file("b", "b")}, want: "."},
		{name: "a path that leads out", entries: []func(*tar.Writer) error{file("../model", "a")}, words: `an entry is called "../model"`},
		{name: "a link", entries: []func(*tar.Writer) error{link}, words: "neither a file nor a directory"},
		{name: "more than the disk has", entries: []func(*tar.Writer) error{file("model", strings.Repeat("0", 65<<20))}, words: "it unpacks to more than 67108864 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			archive, into := filepath.Join(dir, "output.tgz"), filepath.Join(dir, "unpacked")
			writeArchive(t, archive, tt.entries)
			got, err := unpackOutput(archive, into)
			if tt.words != "" {
				if mlops.CodeOf(err) != mlops.Invalid || !strings.Contains(err.Error(), tt.words) {
					t.Errorf("error %v, want %q", err, tt.words)
				}
				return
			}
			if err != nil || got != filepath.Join(into, tt.want) {
				t.Errorf("got %s, %v; want %s", got, err, tt.want)
			}
		})
	}
}

func writeArchive(t *testing.T, path string, entries []func(*tar.Writer) error) {
	t.Helper()
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	zipped := gzip.NewWriter(out)
	archive := tar.NewWriter(zipped)
	for _, write := range entries {
		err = errors.Join(err, write(archive))
	}
	if err := errors.Join(err, archive.Close(), zipped.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
}
