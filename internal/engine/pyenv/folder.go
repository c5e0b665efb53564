package pyenv

import (
	"os"
	"path/filepath"
	"strings"
)

// marker is the file that a folder has once its environment is complete.
const marker = ".complete"

// short begins the names of an environment's folders and of its lock.
func (e Env) short() string { return e.Digest[:20] }

// at is the environment in a folder.
func (e Env) at(dir string) Env {
	return Env{Dir: dir, Digest: e.Digest, python: filepath.Join(dir, "bin", "python")}
}

// find looks for the complete environment of a digest.
func (b *Builder) find(e Env) (found Env, ok bool) {
	for _, dir := range b.folders(e) {
		if isComplete(dir) {
			return e.at(dir), true
		}
	}
	return Env{}, false
}

// removeIncomplete removes what interrupted builds left, under their lock. What cannot
// be removed, since an installer without its engine still writes there, is in nobody's
// way.
func (b *Builder) removeIncomplete(e Env) {
	for _, dir := range b.folders(e) {
		if isComplete(dir) {
			continue
		}
		if err := os.RemoveAll(dir); err != nil {
			b.log.Warn("an incomplete Python environment is left", "directory", dir, "error", err)
		}
	}
}

// folders are those of a digest, complete or not, by name.
func (b *Builder) folders(e Env) []string {
	entries, _ := os.ReadDir(b.dir) // what is not there, or cannot be read, has none
	var dirs []string
	for _, entry := range entries {
		name := entry.Name()
		if entry.IsDir() && (name == e.short() || strings.HasPrefix(name, e.short()+"-")) {
			dirs = append(dirs, filepath.Join(b.dir, name))
		}
	}
	return dirs
}

func isComplete(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, marker))
	return err == nil
}
