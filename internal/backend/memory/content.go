package memory

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// errNotYet is that bytes are still to be made.
var errNotYet = errors.New("the run has not succeeded")

// facts is what the platform found out about bytes, and the bytes.
type facts struct {
	digest string
	size   int64
	name   string // of the file that they came from
	text   []byte // of a file; a directory is not kept
	folder string // that they came from, for a directory
}

func factsOf(name string, text []byte) facts {
	sum := sha256.Sum256(text)
	return facts{digest: "sha256:" + hex.EncodeToString(sum[:]), size: int64(len(text)), name: name, text: text}
}

// write puts the bytes below a directory.
func (f facts) write(directory string) (string, error) {
	if f.folder != "" {
		to := filepath.Join(directory, filepath.Base(f.folder))
		return to, os.CopyFS(to, os.DirFS(f.folder))
	}
	to := filepath.Join(directory, f.name)
	return to, os.WriteFile(to, f.text, 0o600)
}

// source says where bytes come from.
type source struct {
	uri    string
	run    mlops.ID
	output string
}

// resolve finds bytes.
func resolve(p *Platform, from source) (facts, error) {
	if from.run != "" {
		return resolveRun(p, from.run, from.output)
	}
	if id, ok := strings.CutPrefix(from.uri, "memory://"); ok {
		return resolveOwn(p, mlops.ID(id))
	}
	path, isFile := strings.CutPrefix(from.uri, "file://")
	if !isFile && !strings.HasPrefix(path, "/") {
		return factsOf("artifact", []byte(path)), nil
	}
	return resolveFile(path)
}

func resolveFile(path string) (facts, error) {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		digest, size, err := mlops.ContentDigest(path)
		return facts{digest: digest, size: size, folder: path}, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return facts{}, mlops.InvalidField("artifact_uri", "cannot read the artifact: %w", err)
	}
	return factsOf(filepath.Base(path), text), nil
}

// resolveOwn finds the bytes of a version or a dataset, or of a run's output, by
// their URI in memory.
func resolveOwn(p *Platform, id mlops.ID) (facts, error) {
	if r, ok := p.records[id]; ok && (r.noun == mlops.NounModelVersion || r.noun == mlops.NounDataset) {
		return r.facts, nil
	}
	i := strings.LastIndexByte(string(id), '/')
	if i < 0 {
		return facts{}, mlops.InvalidField("artifact_uri", "memory has no %q", id)
	}
	return resolveRun(p, id[:i], string(id[i+1:]))
}

// resolveRun finds the output of a run. Nothing ran: what stands for it is what
// it would have been made from.
func resolveRun(p *Platform, id mlops.ID, output string) (facts, error) {
	r, ok := p.records[id]
	if !ok || r.noun != mlops.NounPipelineRun {
		return facts{}, mlops.InvalidField("run", "memory has no %q", id)
	}
	run := runs{}.status(p, r, decode[mlops.PipelineRunSpec](r.spec))
	if run.State != mlops.RunSucceeded {
		return facts{}, &mlops.Error{Code: mlops.Invalid, Field: "run", Err: errNotYet}
	}
	for full := range run.Outputs {
		step, short, _ := strings.Cut(full, ".")
		if full == output || short == output {
			text, err := json.Marshal(outputOf(run.Lineage, step, short))
			return factsOf(short, text), err
		}
	}
	return facts{}, mlops.InvalidField("output", "the run %q has no output %q", id, output)
}
