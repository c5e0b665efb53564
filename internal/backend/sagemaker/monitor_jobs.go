package sagemaker

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// jobType is one of the things that Model Monitor can run for a monitor, each with
// a schedule and a definition of its own.
type jobType struct {
	word       string // of it, in names and in tagJobs
	monitoring types.MonitoringType
	checks     []string // which checks it makes
	api        definitionAPI
	// madeFrom is what a definition is made from, beside what all are.
	madeFrom func(monitorPlan) any
	// described is the job that has to describe the baseline before the definition can
	// be made; nil for types that need none.
	described func(monitorPlan) description
	// define makes the definition.
	define func(monitorKind, context.Context, monitorPlan, monitorJob) error
	// send asks for it: define's last step.
	send func(context.Context, *sagemaker.Client, monitorPlan, monitorJob, string, []types.Tag) error
}

// jobTypes lists them, in the order in which they are looked at.
func jobTypes() []jobType {
	return []jobType{
		{
			word: "data", monitoring: types.MonitoringTypeDataQuality, checks: []string{"data_drift", "data_quality"}, api: dataDefinitions(),
			madeFrom: monitorPlan.dataParts, described: monitorPlan.dataDescription, define: monitorKind.defineData, send: sendData,
		},
		{
			word: "predictions", monitoring: types.MonitoringTypeDataQuality, checks: []string{"prediction_drift"}, api: dataDefinitions(),
			madeFrom: monitorPlan.predictionParts, described: monitorPlan.dataDescription, define: monitorKind.definePredictions, send: sendData,
		},
		{
			word: "quality", monitoring: types.MonitoringTypeModelQuality, checks: []string{"model_quality"}, api: qualityDefinitions(),
			madeFrom: monitorPlan.qualityParts, define: monitorKind.defineQuality, send: sendQuality,
		},
		{
			word: "bias", monitoring: types.MonitoringTypeModelBias, checks: []string{"bias"}, api: biasDefinitions(),
			madeFrom: monitorPlan.biasParts, define: monitorKind.defineBias, send: sendBias,
		},
		{
			word: "explainability", monitoring: types.MonitoringTypeModelExplainability, checks: []string{"explainability"}, api: explainDefinitions(),
			madeFrom: monitorPlan.explainParts, described: monitorPlan.explainDescription, define: monitorKind.defineExplanations, send: sendExplanations,
		},
	}
}

// wanted reports whether a monitor needs jobs of the type.
func (t jobType) wanted(spec mlops.MonitorSpec) bool {
	return slices.ContainsFunc(spec.Checks(), func(check string) bool { return slices.Contains(t.checks, check) })
}

// needsTruth reports whether jobs of the type look at requests whose truth is known.
func (t jobType) needsTruth() bool {
	return t.monitoring == types.MonitoringTypeModelQuality || t.monitoring == types.MonitoringTypeModelBias
}

// schedule is the name of a monitor's schedule of the type. No other monitor's is
// called so: names with two separators end in a hash.
func (t jobType) schedule(id mlops.ID) string {
	if t.word == "data" {
		return nativeName(id, maxName)
	}
	return nativeName(id, maxName-len(separator)-len(t.word)) + separator + t.word
}

// begin is what the names of a monitor's definitions of the type begin with; a hash
// of what they are made from follows.
func (t jobType) begin(id mlops.ID) string {
	const mark = 1 // the word's first letter: types share a space of names
	return nativeName(id, maxName-1-mark-len(shortHash(""))) + "-" + t.word[:mark]
}

// needsModelMonitor reports whether a monitor has jobs of any type.
func needsModelMonitor(spec mlops.MonitorSpec) bool {
	return slices.ContainsFunc(jobTypes(), func(t jobType) bool { return t.wanted(spec) })
}

// tagJobs lists, on a monitor's topic, the types of jobs that there may be parts of.
const tagJobs = "mlops:jobs"

// jobWords reads tagJobs.
func jobWords(tags map[string]string) []string { return strings.Fields(tags[tagJobs]) }

// What tagJobs says beside the types, of what no look shows.
const (
	wordUntidy    = "untidy"    // there may be definitions as they were before a change
	wordUnwatched = "unwatched" // alarms and rules may be as they were before a change
)

// wordsAhead is what tagJobs says while a monitor is brought to a spec, of one that had
// some words: types of which there may be parts, and what those it had may leave behind.
func wordsAhead(had []string, spec mlops.MonitorSpec) []string {
	var words []string
	left := false
	for _, t := range jobTypes() {
		of := slices.Contains(had, t.word)
		if left = left || of; of || t.wanted(spec) {
			words = append(words, t.word)
		}
	}
	if left {
		words = append(words, wordUntidy)
	}
	return words
}

// withWords are a topic's tags with what tagJobs is to say.
func withWords(tags map[string]string, words []string) map[string]string {
	out := maps.Clone(tags)
	delete(out, tagJobs)
	if len(words) > 0 {
		out[tagJobs] = strings.Join(words, " ")
	}
	return out
}

// monitorPlan is what a monitor's parts are made from.
type monitorPlan struct {
	monitorScene

	spec mlops.MonitorSpec
	kept monitorKept
}

// monitorJob is the job of a type for one monitor. Its definition never changes,
// and is named by what it is made from.
type monitorJob struct {
	jobType

	scheduled  string // name of the schedule
	definition string // name of the definition
	folder     string // key of the definition's files
}

func (p monitorPlan) job(t jobType) monitorJob {
	place := p.place
	made := mlops.DigestOf(marked([]any{t.madeFrom(p), p.spec.Endpoint, p.spec.Window, place.Role, place.Key, place.Subnets, place.Groups, place.Isolated}, t.patch(p.spec.Overrides)))
	j := monitorJob{jobType: t, scheduled: t.schedule(p.id), definition: t.begin(p.id) + shortHash(made)}
	j.folder = p.folder() + t.word + "/" + j.definition + "/"
	return j
}

// folder is the key below which all files of a monitor are.
func (s monitorScene) folder() string { return "monitors/" + s.id.Name() + "/" }

// lookAtJobs adds to a look what the jobs say, and what is left of former ones.
func (k monitorKind) lookAtJobs(ctx context.Context, p monitorPlan, had []string, seen *monitorSeen) error {
	for _, t := range jobTypes() {
		switch {
		case t.wanted(p.spec):
			if err := k.lookAtJob(ctx, p, p.job(t), seen); err != nil {
				return err
			}
		case slices.Contains(had, t.word):
			hold(seen, "the schedule of a former check is being removed", true)
		}
	}
	if slices.Contains(had, wordUnwatched) {
		hold(seen, "alarms and rules follow the change", true)
	}
	if slices.Contains(had, wordUntidy) && seen.Phase == mlops.PhaseReady {
		hold(seen, "the definitions of former jobs are being removed", true)
	}
	return nil
}

func (k monitorKind) lookAtJob(ctx context.Context, p monitorPlan, j monitorJob, seen *monitorSeen) error {
	if j.described != nil {
		if described, err := k.lookAtBaseline(ctx, p, j.described(p), seen); err != nil || !described {
			return err
		}
	}
	if err := k.lookAtSchedule(ctx, p, j, seen); err != nil || j.monitoring != types.MonitoringTypeModelExplainability {
		return err
	}
	return k.lookAtModel(ctx, p, seen)
}

// hold keeps a look from being ready. What has failed stays so.
func hold(seen *monitorSeen, reason string, due bool) {
	seen.Due = seen.Due || due
	if seen.Phase == mlops.PhaseReady {
		seen.Phase, seen.Reason = mlops.PhasePending, reason
	}
}

// putJobs takes the next step of every job: to what is wanted, or to its end. It
// notes which there still are parts of.
func (k monitorKind) putJobs(ctx context.Context, p monitorPlan, tags map[string]string) error {
	var left []string
	tidy := true
	for _, t := range jobTypes() {
		if t.wanted(p.spec) {
			left = append(left, t.word)
			whole, err := k.putJob(ctx, p, p.job(t))
			if err != nil {
				return err
			}
			tidy = tidy && whole
			continue
		}
		if !slices.Contains(jobWords(tags), t.word) {
			continue
		}
		gone, err := k.dropJob(ctx, p.monitorScene, t)
		if err != nil {
			return err
		}
		if !gone {
			left = append(left, t.word)
		}
	}
	if !tidy && slices.Contains(jobWords(tags), wordUntidy) {
		left = append(left, wordUntidy)
	}
	return noteJobs(ctx, p.monitorScene, tags, left)
}

// noteJobs writes tagJobs, if it says otherwise.
func noteJobs(ctx context.Context, s monitorScene, tags map[string]string, words []string) error {
	if slices.Equal(jobWords(tags), words) {
		return nil
	}
	if len(words) > 0 {
		return tagTopic(ctx, s.c, s.topic, nil, map[string]string{tagJobs: strings.Join(words, " ")})
	}
	return untagTopic(ctx, s.c, s.topic, tagJobs)
}

// putJob takes the next step of one job. It is whole when its schedule has the definition
// that is wanted, and no other is left.
func (k monitorKind) putJob(ctx context.Context, p monitorPlan, j monitorJob) (whole bool, err error) {
	if j.described != nil {
		if waiting, err := k.baselineDescribed(ctx, p, j.described(p)); err != nil || waiting {
			return false, err
		}
	}
	if err := j.api.describe(ctx, p.c, j.definition); k.is(err, mlops.NotFound) {
		err = j.define(k, ctx, p, j)
		if err != nil && !k.is(err, mlops.AlreadyExists) { // another was faster
			return false, err
		}
	} else if err != nil {
		return false, err
	}
	if err := k.putSchedule(ctx, p, j); err != nil {
		return false, err
	}
	return k.dropDefinitions(ctx, p.monitorScene, j.jobType, j.definition)
}

// dropJob takes the next step of removing a schedule and its definitions, and
// reports whether nothing is left.
func (k monitorKind) dropJob(ctx context.Context, s monitorScene, t jobType) (gone bool, err error) {
	if gone, err = k.dropSchedule(ctx, s, t.schedule(s.id)); err != nil || !gone {
		return false, err
	}
	return k.dropDefinitions(ctx, s, t, "")
}

// dropDefinitions removes a monitor's job definitions of a type but one, and reports
// whether it could: one that a schedule still holds goes with the next step.
func (k monitorKind) dropDefinitions(ctx context.Context, s monitorScene, t jobType, but string) (gone bool, err error) {
	all, err := t.api.list(ctx, s.c, t.begin(s.id))
	if err != nil {
		return false, err
	}
	gone = true
	for _, name := range all {
		rest, ours := strings.CutPrefix(name, t.begin(s.id))
		if !ours || len(rest) != len(shortHash("")) || name == but {
			continue
		}
		err := t.api.remove(ctx, s.c, name)
		switch {
		case k.is(err, mlops.Conflict):
			gone = false
		case err != nil && !k.is(err, mlops.NotFound):
			return false, err
		}
	}
	return gone, nil
}
