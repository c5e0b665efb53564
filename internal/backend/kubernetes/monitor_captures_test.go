package kubernetes

import (
	"bufio"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// The credentials of the test's storage.
const (
	storageUser = "user"
	storageKey  = "correct-horse-battery"
)

// rclone is the program that the job's image has, built from its module.
func rclone(t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join("..", "..", "tools", "build.sh"), "rclone")
	cmd.Stderr = os.Stderr // minutes pass when it builds
	path, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(path))
}

// serveS3 serves a folder of buckets as S3, by rclone's own server, and returns its URL.
// It looks at the folder each time, which a test may have changed.
func serveS3(t *testing.T, folder string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), rclone(t), "serve", "s3", "--addr", "127.0.0.1:0", "--auth-key", storageUser+","+storageKey, "--dir-cache-time", "0s", "--log-level", "NOTICE", folder)
	cmd.Env = append(os.Environ(), "RCLONE_CONFIG=/notfound")
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // the test's end kills it
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+`)
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if url := address.FindString(lines.Text()); url != "" {
			return url
		}
	}
	t.Fatal("rclone does not serve")
	return ""
}

// fetch runs the container that fetches captures, with a folder for its volume.
func fetch(t *testing.T, s scene, key string) (folder string, err error) {
	t.Helper()
	spec := watchSpec()
	spec.DataDrift = &mlops.DriftCheck{}
	folder = t.TempDir()
	return folder, fetchInto(t, s.fetchCaptures(spec), folder, key)
}

// fetchInto runs a container that fetches captures, with a folder for its volume and a
// key for its secret's.
func fetchInto(t *testing.T, c namedContainer, folder, key string) error {
	t.Helper()
	args := slices.Clone(c.Args)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], captureFolder, folder)
	}
	bin := t.TempDir()
	if err := os.Symlink(rclone(t), filepath.Join(bin, "rclone")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), c.Command[0], append(c.Command[1:], args...)...)
	cmd.Env = []string{"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	for name, value := range environmentOf(c.Env) {
		switch value {
		case "keys:" + keyOfS3User:
			value = storageUser
		case "keys:" + keyOfS3Key:
			value = key
		}
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Stderr = t.Output()
	return cmd.Run()
}

// TestFetchCaptures has the container of a job fetch captures from S3: those of its
// endpoint and of its window, with their times, wherever KServe puts them.
func TestFetchCaptures(t *testing.T) {
	t.Parallel()
	store, now := t.TempDir(), time.Now().Truncate(time.Second)
	const server = "bucket/ml/dev/churn-0123456789/predictor/captures/churn/"
	for file, age := range map[string]time.Duration{
		server + "a-request.json": 30 * time.Minute, server + "old-request.json": 3 * time.Hour,
		"bucket/ml/dev/churn-abcdefabcd/predictor/captures/churn/b-response.json":    time.Minute,
		"bucket/ml/dev/churn-2-abcdefabcd/predictor/captures/churn-2/c-request.json": time.Minute,
		"bucket/ml/other/churn-0123456789/predictor/captures/churn/d-request.json":   time.Minute,
		"bucket/ml/dev/churn/predictor/captures/churn/k-request.json":                time.Minute,
		"bucket/ml/dev/churn-2/predictor/captures/churn-2/l-request.json":            time.Minute,
	} {
		path := filepath.Join(store, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	settings := mlops.Settings{targetStorage: "s3://bucket/ml", targetStorageURL: serveS3(t, store), targetStorageSecret: "keys", targetStorageRegion: "us-east-1"}
	folder, err := fetch(t, watchScene(settings), storageKey)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]time.Duration{
		"churn-0123456789/predictor/captures/churn/a-request.json": 30 * time.Minute, "churn-abcdefabcd/predictor/captures/churn/b-response.json": time.Minute,
	}
	if diff := cmp.Diff(want, agesIn(t, folder, now)); diff != "" {
		t.Errorf("files, and how old they are (-want +got):\n%s", diff)
	}
	settings[targetMode] = modeKnative
	if folder, err = fetch(t, watchScene(settings), storageKey); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]time.Duration{"churn/predictor/captures/churn/k-request.json": time.Minute}, agesIn(t, folder, now)); diff != "" {
		t.Errorf("in Knative mode, files, and how old they are (-want +got):\n%s", diff)
	}
	if _, err := fetch(t, watchScene(settings), "wrong"); err == nil {
		t.Error("with a wrong key nothing is wrong")
	}
	settings[targetStorage] = "s3://bucket/elsewhere"
	if folder, err := fetch(t, watchScene(settings), storageKey); err != nil || len(agesIn(t, folder, now)) > 0 {
		t.Errorf("where nothing was captured: %v, %v", agesIn(t, folder, now), err)
	}
}

// agesIn are the files of a folder, with how long before a time each was changed.
func agesIn(t *testing.T, folder string, now time.Time) map[string]time.Duration {
	t.Helper()
	out := map[string]time.Duration{}
	err := fs.WalkDir(os.DirFS(folder), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			out[path] = now.Sub(info.ModTime().Truncate(time.Second))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
