package layout

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// maxSocketPath is the longest path that every platform takes for a unix
// socket (104 bytes on macOS, 108 on Linux, the final NUL included), with room.
const maxSocketPath = 100

// Layout is an engine's directory.
type Layout struct {
	Root string // absolute path
}

// Database is the store's file.
func (l Layout) Database() string { return filepath.Join(l.Root, "engine.db") }

// Info is the file that tells how to reach the running engine.
func (l Layout) Info() string { return filepath.Join(l.Root, "engine.json") }

// Lock is the file that the running engine holds locked.
func (l Layout) Lock() string { return filepath.Join(l.Root, "engine.lock") }

// StartLock is held by whoever starts an engine, while it starts.
func (l Layout) StartLock() string { return filepath.Join(l.Root, "engine.start") }

// Log is the engine's log file.
func (l Layout) Log() string { return filepath.Join(l.Root, "engine.log") }

// Socket is the control socket: in the engine's directory, or, where that path
// is too long for a socket, in a directory of its own below the system's
// temporary directory, named by digest.
func (l Layout) Socket() string {
	path := filepath.Join(l.Root, "engine.sock")
	if len(path) <= maxSocketPath {
		return path
	}
	sum := sha256.Sum256([]byte(l.Root))
	return filepath.Join(os.TempDir(), "mlops-"+hex.EncodeToString(sum[:8]), "engine.sock")
}

// EnvironmentDir is the directory of an environment's files.
func (l Layout) EnvironmentDir(spec mlops.EnvironmentSpec) string {
	if dir := spec.Target.Settings.String("directory"); dir != "" {
		return dir
	}
	return filepath.Join(l.Root, "environments", spec.Name)
}

// BlobDir holds an environment's model bytes by digest.
func BlobDir(envDir string) string { return filepath.Join(envDir, "blobs") }

// RunDir holds a run's scripts, logs and outputs.
func RunDir(envDir, pipeline, run string) string {
	return filepath.Join(envDir, "runs", pipeline, run)
}

// CaptureDir holds the captured requests of an endpoint.
func CaptureDir(envDir, endpoint string) string {
	return filepath.Join(envDir, "captures", endpoint)
}

// EndpointDir holds the records and logs of an endpoint's replicas.
func EndpointDir(envDir, endpoint string) string {
	return filepath.Join(envDir, "endpoints", endpoint)
}

// MonitorDir holds a monitor's baseline and reports.
func MonitorDir(envDir, monitor string) string {
	return filepath.Join(envDir, "monitors", monitor)
}

// Contents lists all that the engine makes in an environment's directory.
func Contents(envDir string) []string {
	return []string{BlobDir(envDir), RunDir(envDir, "", ""), CaptureDir(envDir, ""), EndpointDir(envDir, ""), MonitorDir(envDir, "")}
}

// CacheDir is the user's cache for what survives environments: virtual
// environments.
func CacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the user's cache directory: %w", err)
	}
	return filepath.Join(dir, "terraform-provider-mlops"), nil
}
