package mlflow

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// The tags that are written on every object beside the user's labels, which have
// no dots in their names.
const (
	tagPrefix      = "mlops."
	tagManagedBy   = "mlops.managed-by"
	tagEnvironment = "mlops.environment"
	tagModel       = "mlops.model"
	tagFormat      = "mlops.format"
	tagDigest      = "mlops.digest"
	tagApproval    = "mlops.approval"
	tagOwner       = "mlops.owner" // of runs; others have it in their record
	tagRecord      = "mlops.record"
)

const managedBy = "terraform-provider-mlops"

// Limits of the databases below MLflow: the narrowest that a version of it made.
const (
	maxTag         = 4900 // characters of a value; 5000 in registered models, and in versions before MLflow 2.16
	maxDescription = 5000 // characters
)

// record is what MLflow has no place for.
type record[Spec any] struct {
	ID    mlops.ID `json:"id"`    // of the model, also in the record of a version
	Owner string   `json:"owner"` // "" where a successor took a version's place
	Spec  Spec     `json:"spec"`

	Experiment string   `json:"experiment,omitempty"` // of a model
	Content    *content `json:"content,omitempty"`    // of a version
}

// content is what is known of a version's bytes.
type content struct {
	Digest   string             `json:"digest"`
	Size     int64              `json:"size"`
	Source   string             `json:"source"`            // the folder of artifacts that they are in
	Name     string             `json:"name"`              // of the file or the directory that was registered
	IsFile   bool               `json:"is_file"`           // one file, which is in the folder of the artifacts
	Archive  string             `json:"archive,omitempty"` // where they are once more, as one file; "" for nowhere
	Metrics  map[string]float64 `json:"metrics"`
	Packages []string           `json:"packages"`
	Lineage  *mlops.Lineage     `json:"lineage,omitempty"`
	Evidence *Evidence          `json:"evidence,omitempty"` // of what was registered, where it was
}

// head stands in the place of a record that is longer than a tag may be. It
// names the pieces, so that writing it puts all of them in force at once.
type head struct {
	Pieces     int    `json:"pieces"`
	Generation string `json:"generation"`
}

func pieceKey(generation string, i int) string {
	return tagRecord + "." + generation + "." + strconv.Itoa(i)
}

// tags writes the record.
func (r record[Spec]) tags() (tags, error) {
	raw, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	text := string(raw)
	if utf8.RuneCountInString(text) <= maxTag {
		return tags{tagRecord: text}, nil
	}
	pieces := cut(text, maxTag)
	h := head{len(pieces), strings.TrimPrefix(mlops.DigestOf(text), "sha256:")[:12]}
	out := tags{}
	for i, piece := range pieces {
		out[pieceKey(h.Generation, i)] = piece
	}
	raw, err = json.Marshal(h)
	out[tagRecord] = string(raw)
	return out, err
}

// cut takes a text apart into pieces of so many bytes at most, between characters.
func cut(text string, size int) []string {
	var out []string
	for len(text) > size {
		at := size
		for !utf8.RuneStart(text[at]) {
			at--
		}
		out, text = append(out, text[:at]), text[at:]
	}
	return append(out, text)
}

// recordOf reads what tags wrote; nil if there is none.
func recordOf[Spec any](t tags) (*record[Spec], error) {
	text, ok := t[tagRecord]
	if !ok {
		return nil, nil //nolint:nilnil // no record is an answer
	}
	var h head
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return nil, damaged(err)
	}
	if h.Pieces > 0 {
		var b strings.Builder
		for i := range h.Pieces {
			piece, ok := t[pieceKey(h.Generation, i)]
			if !ok {
				return nil, damaged(fmt.Errorf("piece %d of %d is missing", i, h.Pieces))
			}
			b.WriteString(piece)
		}
		text = b.String()
	}
	var r record[Spec]
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return nil, damaged(err)
	}
	return &r, nil
}

func damaged(err error) error {
	return mlops.NewError(mlops.Failed, fmt.Errorf("the tag %s was changed by something else and cannot be read: %w", tagRecord, err))
}

// labelsNow are the labels of a record as the tags have them now.
func labelsNow(recorded map[string]string, now tags) map[string]string {
	if recorded == nil {
		return nil
	}
	out := map[string]string{}
	for k := range recorded {
		if v, ok := now[k]; ok {
			out[k] = v
		}
	}
	return out
}

// aliasesNow are the aliases of a record that are still where they were, in its
// order. Those that somebody else added are not ours to tell.
func aliasesNow(recorded, now []string) []string {
	if recorded == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(recorded), func(a string) bool { return !slices.Contains(now, a) })
}

// stale lists the tags that are ours and not wanted any more: former labels and
// pieces of a former record.
func stale(now, wanted tags, formerLabels map[string]string) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(now)) {
		_, was := formerLabels[k]
		if _, stays := wanted[k]; !stays && (was || strings.HasPrefix(k, tagPrefix)) {
			out = append(out, k)
		}
	}
	return out
}

// tagger writes and removes the tags of one object.
type tagger struct {
	set, unset func(key, value string) error
}

// bring writes the wanted tags: the pieces of a record, then the rest, then what
// puts the record in force, and removes what is stale at last.
func (w tagger) bring(now, wanted tags, formerLabels map[string]string) error {
	keys := slices.Sorted(maps.Keys(wanted))
	slices.SortStableFunc(keys, func(a, b string) int { return rank(a) - rank(b) })
	for _, k := range keys {
		if v, ok := now[k]; ok && v == wanted[k] {
			continue
		}
		if err := w.set(k, wanted[k]); err != nil {
			return err
		}
	}
	for _, k := range stale(now, wanted, formerLabels) {
		if err := unlessGone(w.unset(k, "")); err != nil {
			return err
		}
	}
	return nil
}

func rank(key string) int {
	if key == tagRecord {
		return 1
	}
	return 0
}
