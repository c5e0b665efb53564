package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// review is a promotion while it is judged.
type review struct {
	spec   mlops.PromotionSpec
	source versionSeen
	now    time.Time

	serving  []endpointSeen          // endpoints of the source's environment that serve it
	watching []monitorSeen           // monitors of those
	compared mlops.ID                // what the target serves now
	measured map[string]float64      // metrics of compared
	monitors map[mlops.ID]string     // state of watching
	results  []mlops.GateResult      // in the order of the attributes
	places   map[string][]mlops.Path // of a gate: its attribute, and what it was judged from
}

type monitorSeen = mlops.Observed[mlops.MonitorSpec, mlops.MonitorStatus]

// Review judges the gates as they stand now and reports those that are not
// passed, and a source that cannot be promoted. It moves and changes nothing: it
// is for plans. The spec must be valid, with From and To known.
func (p Promotion) Review(ctx context.Context, spec mlops.PromotionSpec, c *mlops.Checker) error {
	from := p.source(spec.From)
	source, err := from.Read(ctx, spec.From)
	switch {
	case mlops.CodeOf(err) == mlops.NotFound:
		c.Add(mlops.At("from"), "No such version", "There is no %q to promote.", spec.From)
		return nil
	case err != nil:
		return err
	case source.Phase == mlops.PhasePending:
		return nil // what it will be cannot be judged yet
	}
	if err := promotable(source); err != nil {
		c.Add(mlops.At("from"), "Cannot be promoted", "%s.", mlops.Message(err))
		return nil
	}
	r, err := p.review(ctx, spec, source)
	if err != nil {
		return from.fault(ctx, from.begin(ctx, opPromote, spec.From), err)
	}
	for _, g := range r.results {
		if at := r.places[g.Gate]; !g.Passed {
			c.AddIf(at[0], append(at, mlops.At("from"), mlops.At("to")), "Gate not passed", "%s.", g.Detail)
		}
	}
	return p.warn(ctx, spec, source, c)
}

// review judges every gate.
func (p Promotion) review(ctx context.Context, spec mlops.PromotionSpec, source versionSeen) (*review, error) {
	r := &review{spec: spec, source: source, now: time.Now(), monitors: map[mlops.ID]string{}, places: map[string][]mlops.Path{}}
	if err := p.readSource(ctx, r); err != nil {
		return nil, err
	}
	g := spec.Gates
	if g == nil {
		return r, nil
	}
	if len(g.Relative) > 0 {
		if err := p.readTarget(ctx, r); err != nil {
			return nil, err
		}
	}
	r.judgeMetrics("min", g.Min, r.atLeast)
	r.judgeMetrics("max", g.Max, r.atMost)
	r.judgeMetrics("relative", g.Relative, r.noWorse)
	if g.Approval {
		passed := spec.ApprovedBy != ""
		r.note("approval", passed, cmp.Or(spec.ApprovedBy, "nobody")+" approved it", mlops.At("approved_by"))
	}
	if g.ServedFor > 0 {
		r.judgeService(time.Duration(g.ServedFor))
	}
	return r, nil
}

// refusal is all gates that are not passed as one error, or nil.
func (r *review) refusal() error {
	var broken []string
	for _, g := range r.results {
		if !g.Passed {
			broken = append(broken, g.Gate+": "+g.Detail)
		}
	}
	if broken == nil {
		return nil
	}
	return &mlops.Error{Code: mlops.Failed, Field: "gates", Err: errors.New(strings.Join(broken, "\n"))}
}

func (r *review) note(gate string, passed bool, detail string, at ...mlops.Path) {
	r.results = append(r.results, mlops.GateResult{Gate: gate, Passed: passed, Detail: detail})
	r.places[gate] = at
}

// judgeMetrics judges limits by metric, in the order of their names.
func (r *review) judgeMetrics(kind string, limits map[string]float64, judge func(name string, limit, value float64) (bool, string)) {
	for _, name := range slices.Sorted(maps.Keys(limits)) {
		at := mlops.At("gates", kind, mlops.Key(name))
		value, ok := r.source.Status.Metrics[name]
		if !ok {
			known := slices.Sorted(maps.Keys(r.source.Status.Metrics))
			detail := fmt.Sprintf("%s has no metric %q; it has %s.%s", r.spec.From, name, cmp.Or(strings.Join(known, ", "), "none"), mlops.DidYouMean(name, known))
			r.note(kind+"."+name, false, strings.TrimSuffix(detail, "."), at)
			continue
		}
		passed, detail := judge(name, limits[name], value)
		r.note(kind+"."+name, passed, detail, at)
	}
}

// atLeast and atMost hold for no figure that is not a number.
func (r *review) atLeast(name string, limit, value float64) (passed bool, detail string) {
	return value >= limit, fmt.Sprintf("%s is %g, and must be at least %g", name, value, limit)
}

func (r *review) atMost(name string, limit, value float64) (passed bool, detail string) {
	return value <= limit, fmt.Sprintf("%s is %g, and must be at most %g", name, value, limit)
}

// noWorse compares with what the target serves now. The room is a share of the
// amount, so that it is the same way round for negative metrics.
func (r *review) noWorse(name string, percent, value float64) (passed bool, detail string) {
	if r.compared == "" {
		return true, fmt.Sprintf("%s is %g; there is nothing to compare with, for %s serves nothing of this model", name, value, r.spec.To.Environment())
	}
	now, ok := r.measured[name]
	if !ok {
		return false, fmt.Sprintf("%s is %g, and cannot be compared: %s, which is served now, has no such metric", name, value, r.compared)
	}
	room := math.Abs(now) * percent / 100
	least, most := now-room, math.Inf(1)
	bound := "least"
	if slices.Contains(r.spec.Gates.Lower, name) {
		least, most, bound = math.Inf(-1), now+room, "most"
	}
	limit := least
	if bound == "most" {
		limit = most
	}
	return value >= least && value <= most,
		fmt.Sprintf("%s is %g, and %g for %s, which is served now; with a margin of %g %% it must be at %s %.6g", name, value, now, r.compared, percent, bound, limit)
}

// judgeService asks for so long a service without a violated monitor.
func (r *review) judgeService(needed time.Duration) {
	at := mlops.At("gates", "served_for")
	longest, by := time.Duration(-1), mlops.ID("")
	for _, e := range r.serving {
		if since := servedSince(e, r.source.Ref); !since.IsZero() && r.now.Sub(since) > longest {
			longest, by = r.now.Sub(since), e.Ref
		}
	}
	if by == "" {
		r.note("served_for", false, fmt.Sprintf("no endpoint of %s is known to serve %s; it must have been served for %s", r.source.Ref.Environment(), r.source.Ref, needed), at)
		return
	}
	detail := fmt.Sprintf("%s has served it for %s, and must have for %s", by, tidy(longest), needed)
	violated := r.violatedSince(r.now.Add(-needed))
	switch {
	case len(violated) > 0:
		detail += "; in that time these monitors were violated: " + strings.Join(violated, ", ")
	case len(r.watching) == 0:
		detail += "; no monitor watches it"
	default:
		detail += fmt.Sprintf("; none of its %d monitors was violated in that time", len(r.watching))
	}
	r.note("served_for", longest >= needed && len(violated) == 0, detail, at)
}

// violatedSince lists the monitors that found a violation since a time.
func (r *review) violatedSince(since time.Time) []string {
	var out []string
	for _, m := range r.watching {
		if m.Status.State == mlops.MonitorViolated || m.Status.LastViolated.After(since) {
			out = append(out, string(m.Ref))
		}
	}
	slices.Sort(out)
	return out
}

// servedSince is from when on an endpoint has served a version; zero if it does
// not, or if that is not known.
func servedSince(e endpointSeen, version mlops.ID) time.Time {
	var since time.Time
	for _, s := range e.Status.Serving {
		if s.Version == version && s.Traffic > 0 && (since.IsZero() || s.Since.Before(since)) {
			since = s.Since
		}
	}
	return since
}

// readSource finds who serves and watches the source.
func (p Promotion) readSource(ctx context.Context, r *review) error {
	environment := r.spec.From.Environment()
	endpoints, err := listed(ctx, p.Source, environment, mlops.NounModelEndpoint, p.Source.ModelEndpoints())
	if err != nil {
		return err
	}
	serves := map[mlops.ID]bool{}
	for _, e := range endpoints {
		for _, s := range e.Status.Serving {
			if s.Version == r.spec.From && !serves[e.Ref] {
				serves[e.Ref] = true
				r.serving = append(r.serving, e)
			}
		}
	}
	monitors, err := listed(ctx, p.Source, environment, mlops.NounMonitor, p.Source.Monitors())
	for _, m := range monitors {
		if serves[m.Spec.Endpoint] {
			r.watching = append(r.watching, m)
			r.monitors[m.Ref] = string(m.Status.State)
		}
	}
	return err
}

// readTarget finds the version of the target's model that gets most of the
// traffic in its environment now.
func (p Promotion) readTarget(ctx context.Context, r *review) error {
	endpoints, err := listed(ctx, p.Target, r.spec.To.Environment(), mlops.NounModelEndpoint, p.Target.ModelEndpoints())
	if err != nil {
		return err
	}
	traffic := map[mlops.ID]int64{}
	for _, e := range endpoints {
		for _, s := range e.Status.Serving {
			if s.Version.Parent() == r.spec.To && s.Traffic > 0 {
				traffic[s.Version] += s.Traffic
			}
		}
	}
	if len(traffic) == 0 {
		return nil
	}
	r.compared = slices.MaxFunc(slices.Sorted(maps.Keys(traffic)), func(a, b mlops.ID) int { return cmp.Compare(traffic[a], traffic[b]) })
	seen, err := p.target(r.spec.To).look(ctx, r.compared)
	r.measured = seen.Status.Metrics
	return err
}

// listed is what is under a parent; nothing where the platform does not list.
func listed[Spec, Status any](ctx context.Context, b mlops.Backend, parent mlops.ID, noun mlops.Noun, kind mlops.Kind[Spec, Status]) ([]mlops.Observed[Spec, Status], error) {
	if _, ok := kind.(mlops.Lister[Spec, Status]); !ok {
		return nil, nil
	}
	return Target[Spec, Status]{Kind: kind, Code: b.Code, Backend: parent.Backend(), Noun: noun}.List(ctx, parent)
}
