package kubernetes

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/verbs"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// prefix stands before the labels and annotations that are the provider's own.
const prefix = "terraform-mlops.github.io/"

// The labels of every object, by which it is found.
const (
	labelManagedBy   = "app.kubernetes.io/managed-by"
	labelEnvironment = prefix + "environment"
	labelStage       = prefix + "stage"
	labelResource    = prefix + "resource" // the noun that the object is, or is a part of
	labelName        = prefix + "name"     // of the noun's object
)

// The annotations of an object: whose it is, and from which spec it was made.
const (
	noteID       = prefix + "id"
	noteOwner    = prefix + "owner"
	noteRevision = prefix + "revision"
	noteRecord   = prefix + "record"
	noteClaim    = prefix + "claimed-by" // whose an object is while nothing else says so; never changed
	noteLeaving  = prefix + "leaving"    // it was deleted, and parts of it are not gone yet
)

// Limits of annotations: all of an object's together, that from which a record is
// compressed, which people can then not read, and what such a record may become again.
const (
	maxAnnotations = 256 << 10
	maxPlain       = 32 << 10
	maxUnpacked    = 16 << 20
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

// newRecord is the record of a spec that was just accepted, and holds no secret. Old
// is the record that it takes the place of, zero for none.
func (b *backend) newRecord(id mlops.ID, spec any, old record) (record, error) {
	raw, err := json.Marshal(spec)
	if err != nil {
		return record{}, err
	}
	r := record{ID: id, Owner: b.options.Owner, Revision: revisionOf(spec), Spec: raw, Created: old.Created}
	if old.ID == "" {
		r.Created = time.Now().UTC().Truncate(time.Millisecond)
	}
	return r, nil
}

// revisionOf is the mark of a spec.
func revisionOf(spec any) string {
	return strings.TrimPrefix(mlops.DigestOf(spec), "sha256:")[:16]
}

// into reads the spec.
func (r record) into(spec any) error { return json.Unmarshal(r.Spec, spec) }

// matches reports whether a record says the same, for the same owner.
func (r record) matches(other record) bool {
	return r.Revision == other.Revision && r.Owner == other.Owner && bytes.Equal(r.Extra, other.Extra)
}

// change is the receipt for the record's spec.
func (r record) change() mlops.Change { return mlops.Change{Ref: r.ID, Revision: r.Revision} }

// annotations writes the record. One that does not fit is Invalid.
func (r record) annotations() (map[string]string, error) {
	raw, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	text := string(raw)
	if len(raw) > maxPlain {
		if text, err = pack(raw); err != nil {
			return nil, err
		}
	}
	notes := map[string]string{noteID: string(r.ID), noteOwner: r.Owner, noteRevision: r.Revision, noteRecord: text}
	size := 0
	for key, value := range notes {
		size += len(key) + len(value)
	}
	if size > maxAnnotations-maxPlain { // leaves room for those of others
		return nil, invalid(fmt.Errorf("the description of this object is too large to be kept with it: %d bytes when compressed, and %d fit", size, maxAnnotations-maxPlain))
	}
	return notes, nil
}

// recordIn reads what annotations wrote. An object without is one that something else
// made; one with an ID alone is one whose creation was interrupted, or a part.
func recordIn(o *unstructured.Unstructured) (record, error) {
	notes := o.GetAnnotations()
	id, text := notes[noteID], notes[noteRecord]
	if id == "" {
		return record{}, invalid(fmt.Errorf("%s: %w", identityOf(o).words(), verbs.ErrNoRecord))
	}
	r := record{ID: mlops.ID(id), Owner: cmp.Or(notes[noteOwner], notes[noteClaim])}
	if text == "" {
		return r, nil
	}
	raw := []byte(text)
	if !strings.HasPrefix(text, "{") {
		var err error
		if raw, err = unpack(text); err != nil {
			return r, fmt.Errorf("the record of %s cannot be read: %w", identityOf(o).words(), err)
		}
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, fmt.Errorf("the record of %s cannot be read: %w", identityOf(o).words(), err)
	}
	return r, nil
}

// labelsFor are the labels of an object of an environment: the provider's, and the
// users' of environment and object.
func labelsFor(environment mlops.EnvironmentSpec, noun mlops.Noun, of string, labels map[string]string) map[string]string {
	out := map[string]string{}
	for _, given := range []map[string]string{environment.Labels, labels} {
		for key, value := range given {
			out[labelValue(key)] = labelValue(value)
		}
	}
	maps.Copy(out, map[string]string{
		labelManagedBy:   agent,
		labelEnvironment: labelValue(environment.Name),
		labelStage:       labelValue(environment.Stage),
		labelResource:    string(noun),
		labelName:        labelValue(of),
	})
	return out
}

// selects is the selector of a noun's objects in a namespace.
func selects(noun mlops.Noun) string {
	return labelManagedBy + "=" + agent + "," + labelResource + "=" + string(noun)
}

// labelValue is a text as a label may hold it; the record has the exact text.
func labelValue(text string) string {
	text = strings.Map(func(r rune) rune {
		if isPlain(r) || strings.ContainsRune("-_.", r) {
			return r
		}
		return '_'
	}, text)
	if len(text) > 63 {
		text = text[:63]
	}
	return strings.TrimFunc(text, func(r rune) bool { return !isPlain(r) })
}

func isPlain(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// pack compresses bytes to text that an annotation may hold.
func pack(raw []byte) (string, error) {
	if len(raw) > maxUnpacked {
		return "", invalid(fmt.Errorf("the description of this object is too large to be kept with it: %d bytes, and %d are read", len(raw), maxUnpacked))
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
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
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(mlops.Bounded(r, maxUnpacked))
}
