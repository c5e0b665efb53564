package sagemaker

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/verbs"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// The keys of what the provider writes on every object: who made it, for whom,
// and the record.
const (
	tagPrefix      = "mlops:"
	tagManagedBy   = "managed-by"
	tagEnvironment = "mlops:environment"
	tagStage       = "mlops:stage"
	tagID          = "mlops:id"
	tagOwner       = "mlops:owner"
	tagRevision    = "mlops:revision"
	tagRecord      = "mlops:record-" // and the number of the piece
)

// Limits of AWS's tags, and of the metadata of model packages.
const (
	maxTagValue = 256
	maxTags     = 50
	maxPieces   = 30 // leaves room for the user's own
)

// record is what an object carries of the provider's own: what the platform has
// no place for must come back as it was accepted.
type record struct {
	ID       mlops.ID        `json:"id"`
	Owner    string          `json:"owner"`
	Revision string          `json:"revision"`
	Spec     json.RawMessage `json:"spec"`
	Created  time.Time       `json:"created"`
	// Extra is what a noun keeps beside its spec.
	Extra json.RawMessage `json:"extra,omitempty"`
}

// newRecord is the record of a spec that was just accepted.
func (b *backend) newRecord(id mlops.ID, spec any) (record, error) {
	raw, err := json.Marshal(spec)
	if err != nil {
		return record{}, err
	}
	return record{ID: id, Owner: b.options.Owner, Revision: revisionOf(spec), Spec: raw, Created: time.Now().UTC()}, nil
}

// revisionOf is the mark of a spec.
func revisionOf(spec any) string {
	return strings.TrimPrefix(mlops.DigestOf(spec), "sha256:")[:16]
}

// into reads the spec.
func (r record) into(spec any) error { return json.Unmarshal(r.Spec, spec) }

// tags writes the record as tags. A record that does not fit is Invalid.
func (r record) tags() (map[string]string, error) {
	raw, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	text, err := pack(raw)
	if err != nil {
		return nil, err
	}
	tags := map[string]string{tagID: string(r.ID), tagOwner: clean(r.Owner), tagRevision: r.Revision}
	n := 0
	for piece := range slices.Chunk([]byte(text), maxTagValue) {
		tags[tagRecord+strconv.Itoa(n)] = string(piece)
		n++
	}
	if n > maxPieces {
		return nil, invalid(fmt.Errorf("the description of this object is too large to be kept with it: %d bytes when compressed, and at most %d fit", len(text), maxPieces*maxTagValue))
	}
	return tags, nil
}

// errNoRecord is the error of an object that the provider did not make.
var errNoRecord = verbs.ErrNoRecord

// recordOf reads what tags wrote.
func recordOf(tags map[string]string) (record, error) {
	var packed bytes.Buffer
	for i := 0; ; i++ {
		piece, ok := tags[tagRecord+strconv.Itoa(i)]
		if !ok {
			break
		}
		// By itself, for pieces of a former and longer record may follow: they are
		// removed after the fresh ones are written.
		b, err := base64.StdEncoding.DecodeString(piece)
		if err != nil {
			return record{}, fmt.Errorf("its record cannot be read: %w", err)
		}
		packed.Write(b)
	}
	if packed.Len() == 0 {
		return record{}, errNoRecord
	}
	raw, err := inflate(&packed) // ends where the record ends
	if err != nil {
		return record{}, fmt.Errorf("its record cannot be read: %w", err)
	}
	var r record
	if err := json.Unmarshal(raw, &r); err != nil {
		return record{}, fmt.Errorf("its record cannot be read: %w", err)
	}
	return r, nil
}

// stale lists the keys of pieces that a new record does not have, to be removed.
func stale(old, fresh map[string]string) []string {
	var keys []string
	for k := range old {
		if _, kept := fresh[k]; !kept && (strings.HasPrefix(k, tagRecord) || !strings.HasPrefix(k, "aws:")) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// pack compresses bytes to characters that tags may hold.
func pack(raw []byte) (string, error) {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := w.Write(raw); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

func unpack(text string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	return inflate(bytes.NewReader(b))
}

// inflaters are readers to be used again: each has a window of 40 kB, and a list
// has a thousand records.
var inflaters = sync.Pool{New: func() any { return flate.NewReader(nil) }}

// inflate reads what was compressed.
func inflate(packed io.Reader) ([]byte, error) {
	r, _ := inflaters.Get().(flate.Resetter)
	defer inflaters.Put(r)
	if err := r.Reset(packed, nil); err != nil {
		return nil, err
	}
	stream, _ := r.(io.Reader)
	return io.ReadAll(mlops.Bounded(stream, maxRecordBytes))
}

// tagsFor are the tags of an object: the provider's, the user's defaults, the
// labels, and the record's where there is one.
func (b *backend) tagsFor(environment mlops.EnvironmentSpec, labels, more map[string]string) map[string]string {
	tags := b.labelsFor(environment, labels)
	tags[tagManagedBy] = agent
	tags[tagEnvironment] = environment.Name
	tags[tagStage] = environment.Stage
	maps.Copy(tags, more)
	return tags
}

// labelsFor are the tags of an object that are the user's.
func (b *backend) labelsFor(environment mlops.EnvironmentSpec, labels map[string]string) map[string]string {
	tags := map[string]string{}
	for _, given := range []map[string]string{b.options.Settings.Map(settingTags), environment.Labels, labels} {
		for k, v := range given {
			tags[clean(k)] = clean(v)
		}
	}
	return tags
}

// clean replaces what AWS allows in no tag; the record has the exact text.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.Is(unicode.Z, r) || strings.ContainsRune("_.:/=+-@", r) {
			return r
		}
		return '_'
	}, text)
}
