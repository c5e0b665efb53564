package memory

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Platform is the pretended platform: one table of records. All its methods,
// and all backends opened on it, are safe for concurrent use.
type Platform struct {
	config Config

	mu      sync.Mutex
	records map[mlops.ID]*record
	numbers map[mlops.ID]int // by parent, the last number given to a run or version
	calls   map[string]int
}

// NewPlatform returns an empty platform.
func NewPlatform(config Config) *Platform {
	return &Platform{
		config:  config,
		records: map[mlops.ID]*record{},
		numbers: map[mlops.ID]int{},
		calls:   map[string]int{},
	}
}

// Calls counts the calls made so far, by verb and noun: "get model_endpoint".
// The verbs are create, get, update, delete and list.
func (p *Platform) Calls() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.calls)
}

// Remove takes an object away, with all below it, as somebody else would.
func (p *Platform) Remove(id mlops.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop(id)
}

// IDs lists all that exists, sorted.
func (p *Platform) IDs() []mlops.ID {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(maps.Keys(p.records))
}

// enter locks the platform and counts a call.
func (p *Platform) enter(verb string, noun mlops.Noun) (leave func()) {
	p.mu.Lock()
	p.calls[verb+" "+string(noun)]++
	return p.mu.Unlock
}

// find returns an object after one look at it: time passes by looks here.
func (p *Platform) find(id mlops.ID) (*record, error) {
	r, ok := p.records[id]
	if !ok {
		return nil, noSuch(id)
	}
	if !p.advance(r) {
		return nil, noSuch(id)
	}
	return r, nil
}

// advance lets one look's time pass for a record. It returns false if the
// record is gone now.
func (p *Platform) advance(r *record) bool {
	switch {
	case r.looks > 0:
		r.looks--
	case r.deleting:
		p.drop(r.id)
		return false
	case r.asked != nil && !r.asked.whim.stuck:
		p.land(r)
	}
	return true
}

// land settles what was asked of a record, one way or the other.
func (p *Platform) land(r *record) {
	asked := *r.asked
	r.asked, r.reason, r.settled = nil, asked.whim.fail, now()
	bad := asked.whim.fail != ""
	if bad && r.inForce {
		return // back to what it had
	}
	if r.noun == mlops.NounModelEndpoint && r.inForce {
		p.leave(r, decode[mlops.ModelEndpointSpec](asked.spec))
	}
	r.spec, r.revision, r.facts = asked.spec, asked.revision, asked.facts
	if r.noun == mlops.NounDataset && !bad {
		r.remember()
	}
	r.inForce, r.failed = !bad, bad
	switch {
	case !r.inForce:
	case r.noun == mlops.NounModelVersion:
		p.moveAliases(r)
	case r.noun == mlops.NounModelEndpoint:
		p.serve(r)
	}
}

// accept takes on a change of an object, which is made if it does not exist.
func (p *Platform) accept(id mlops.ID, noun mlops.Noun, owner string, looks int, a ask) *record {
	r, ok := p.records[id]
	if !ok {
		r = &record{id: id, noun: noun, owner: owner, spec: a.spec, revision: a.revision, facts: a.facts, created: now()}
		p.records[id] = r
	}
	r.superseded = false
	if ok && r.has(a) {
		return r
	}
	r.asked, r.failed, r.looks = &a, false, looks
	if looks == 0 {
		p.advance(r)
	}
	return r
}

// remove starts the deletion of an object that nothing refers to.
func (p *Platform) remove(id mlops.ID, looks int) error {
	r, ok := p.records[id]
	if !ok {
		return noSuch(id)
	}
	if err := p.held(r); err != nil {
		return err
	}
	if !r.deleting {
		r.deleting, r.asked, r.looks = true, nil, looks
	}
	if looks == 0 {
		p.drop(id)
	}
	return nil
}

// held says why an object cannot be deleted now.
func (p *Platform) held(r *record) error {
	for _, other := range p.records {
		if other != r && p.holds(other, r) {
			return refuse(mlops.Conflict, "%q is in use by %q", r.id, other.id)
		}
	}
	return nil
}

// holds reports whether one object keeps another from being deleted. What was
// superseded is history, and goes with its parent.
func (p *Platform) holds(user, used *record) bool {
	switch used.noun {
	case mlops.NounEnvironment:
		return user.id.Environment() == used.id
	case mlops.NounModel:
		if user.noun == mlops.NounModelVersion {
			return user.id.Parent() == used.id && !user.superseded
		}
		return serves(user, func(v mlops.ID) bool { return v.Parent() == used.id })
	case mlops.NounModelVersion:
		return serves(user, func(v mlops.ID) bool { return v == used.id })
	default:
		return false
	}
}

// drop forgets an object and all below it.
func (p *Platform) drop(id mlops.ID) {
	for other := range p.records {
		if other == id || isBelow(other, id) {
			delete(p.records, other)
		}
	}
}

// under lists the records of a noun under a parent, oldest first.
func (p *Platform) under(parent mlops.ID, noun mlops.Noun) []*record {
	var out []*record
	for _, r := range p.records {
		if r.noun == noun && r.id.Parent() == parent {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *record) int {
		return cmp.Or(cmp.Compare(len(a.id), len(b.id)), cmp.Compare(a.id, b.id))
	})
	return out
}

// number gives the next ID under a parent. Numbers are never given twice.
func (p *Platform) number(parent mlops.ID, noun mlops.Noun) mlops.ID {
	p.numbers[parent]++
	return parent.Child(noun, strconv.Itoa(p.numbers[parent]))
}

// exists checks a reference.
func (p *Platform) exists(field string, id mlops.ID) error {
	if r, ok := p.records[id]; !ok || r.deleting {
		return mlops.InvalidField(field, "memory has no %q", id)
	}
	return nil
}

// record is one object of any noun.
type record struct {
	id       mlops.ID
	noun     mlops.Noun
	owner    string
	spec     json.RawMessage // in force, or the first that was asked for
	revision string          // of spec
	facts    facts           // of spec
	asked    *ask            // accepted, not settled
	reason   string          // why the last change failed
	looks    int             // for how many looks nothing happens

	inForce    bool // some spec came into force
	failed     bool // none did
	deleting   bool
	superseded bool // a successor took its place

	served   map[mlops.ID]time.Time   // of an endpoint: since when it serves each version
	previous map[string]mlops.Serving // of an endpoint: what it served before its last change
	history  []mlops.DatasetVersion   // of a dataset, newest first

	created, settled time.Time
}

// ask is a change that was accepted.
type ask struct {
	spec     json.RawMessage
	revision string
	facts    facts
	whim     whim
}

// has reports whether a change asks for nothing new.
func (r *record) has(a ask) bool {
	if r.asked != nil {
		return r.asked.revision == a.revision
	}
	return r.inForce && r.revision == a.revision
}

func (r *record) phase() mlops.Phase {
	switch {
	case r.deleting:
		return mlops.PhaseDeleting
	case r.asked != nil:
		return mlops.PhasePending
	case r.failed:
		return mlops.PhaseFailed
	default:
		return mlops.PhaseReady
	}
}

// decode reads a spec out of a record.
func decode[Spec any](raw json.RawMessage) Spec {
	var spec Spec
	if err := json.Unmarshal(raw, &spec); err != nil {
		panic("memory: a spec that cannot be read back: " + err.Error())
	}
	return spec
}

func isBelow(id, ancestor mlops.ID) bool {
	return len(id) > len(ancestor) && id[:len(ancestor)] == ancestor && id[len(ancestor)] == '/'
}

func now() time.Time { return time.Now().UTC().Round(0) }
