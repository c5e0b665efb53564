package checks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/table"
)

// mostKinds is how many different labels are kept once for all requests that have
// them.
const mostKinds = 10_000

// truth joins what turned out to be true with what was predicted. It remembers a
// label for each request that has one: some fifty bytes where labels are classes,
// some two hundred where each is a number of its own.
type truth struct {
	quality

	check   mlops.ModelQualityCheck
	dueTill time.Time // requests before this time should have a label by now

	seed   maphash.Seed
	labels map[uint64][]table.Cell // by a hash of the request's id; one for each instance
	kinds  map[string][]table.Cell // labels by their JSON

	twice   int64 // labels that took the place of an earlier one
	due     int64 // instances that should have a label
	missing int64 // of those, such that have none
	absent  bool  // there is no file or folder where the truth is to be
}

// Truth is where labels are read from.
type Truth struct {
	Files

	// IsFinished says that nobody writes the files any more: a last line counts even
	// without an end.
	IsFinished bool
	// IsAbsent says that there is no file or folder where the truth is to be.
	IsAbsent bool
}

// OpenTruth opens the labels of a file, or of the files of JSON lines in a folder, by
// name. That there is none yet is no error.
func OpenTruth(path string) (Truth, error) {
	out, paths := Truth{IsFinished: true}, []string{path}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		out.IsAbsent = true
		return out, nil
	case err != nil:
		return out, err
	case info.IsDir():
		if paths, err = tablesIn(path); err != nil {
			return out, err
		}
	}
	for _, path := range paths {
		f, there, err := OpenIfThere(path)
		if err != nil {
			return out, errors.Join(err, out.Close())
		}
		if there {
			out.Files = append(out.Files, f)
		}
	}
	return out, nil
}

// ReadTruth reads the labels of model_quality, before the first request, and closes
// their files. It returns how many lines were damaged: those are passed over.
func (x *Examination) ReadTruth(ctx context.Context, from Truth) (damaged int64, err error) {
	defer func() { err = errors.Join(err, from.Close()) }()
	x.truth.absent = from.IsAbsent
	for _, file := range from.Files {
		broken, err := EachLine(ctx, file, from.IsFinished, x.truth.read)
		if damaged += broken; err != nil {
			return damaged, fmt.Errorf("read the ground truth: %w", err)
		}
	}
	return damaged, nil
}

func newTruth(check mlops.ModelQualityCheck, dueTill time.Time) *truth {
	return &truth{
		check: check, dueTill: dueTill, seed: maphash.MakeSeed(), labels: map[uint64][]table.Cell{}, kinds: map[string][]table.Cell{},
		quality: quality{positive: canonical(check.Positive)},
	}
}

// tablesIn lists the files of JSON lines in a folder, by name.
func tablesIn(dir string) (paths []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if name := strings.TrimSuffix(e.Name(), ".gz"); filepath.Ext(name) == ".jsonl" && !e.IsDir() {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	slices.Sort(paths)
	return paths, err
}

// read takes one line. Of several for one request the last counts.
func (t *truth) read(line []byte) bool {
	var l struct {
		RequestID string          `json:"request_id"`
		Label     json.RawMessage `json:"label"`
	}
	if json.Unmarshal(line, &l) != nil || l.RequestID == "" || len(l.Label) == 0 {
		return false
	}
	cells, known := t.kinds[string(l.Label)]
	if !known {
		if cells = t.cells(l.Label); len(t.kinds) < mostKinds {
			t.kinds[string(l.Label)] = cells
		}
	}
	key := maphash.String(t.seed, l.RequestID)
	if _, seen := t.labels[key]; seen {
		t.twice++
	}
	t.labels[key] = cells
	return true
}

// cells are the labels of a request's instances. A number in text form is one
// where numbers are asked for.
func (t *truth) cells(label json.RawMessage) []table.Cell {
	var list []any
	if json.Unmarshal(label, &list) != nil {
		var one any
		_ = json.Unmarshal(label, &one) // it is part of valid JSON
		list = []any{one}
	}
	cells := make([]table.Cell, len(list))
	for i, v := range list {
		if cells[i] = table.JSONCell(v); t.check.Task == regression && cells[i].Type == table.String {
			cells[i] = table.Parse(cells[i].Text)
		}
	}
	return cells
}

// take joins one instance, and returns its label.
func (t *truth) take(row instance) (label table.Cell, known bool) {
	if t == nil {
		return label, false
	}
	if labels := t.labels[maphash.String(t.seed, row.request)]; row.place < len(labels) {
		label = labels[row.place]
	}
	isDue := row.at.Before(t.dueTill)
	if isDue {
		t.due++
	}
	if label.Type == table.Empty {
		if isDue {
			t.missing++
		}
		return label, false
	}
	if t.check.Task == regression {
		t.regress(row.prediction, label)
	} else {
		t.classify(row.predicted, label)
	}
	return label, true
}

// canonical is a class as values of it are shown: "1.0" is the number 1. Empty is
// what counts where nobody says.
func canonical(class string) string {
	if class == "" {
		return "1"
	}
	if c := table.Parse(class); c.Type == table.Number || c.Type == table.Integer {
		return table.NumberCell(c.Number).Text
	}
	return class
}
