package kubernetes

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// conclude adds what came of a run that succeeded. Metrics that are none make it one
// that failed.
func (r seenRun) conclude(s scene, seen *runObserved) {
	seen.Phase = mlops.PhaseReady
	at, err := artifactsOf(s.layout)
	if err != nil {
		at = artifacts{layout: s.layout}
	}
	nodes := r.nodes()
	for _, step := range slices.Sorted(maps.Keys(nodes)) {
		r.addOutputs(at, s.id.Name(), step, nodes[step], seen.Status.Outputs)
		metrics, err := metricsOf(nodes[step])
		if err != nil {
			seen.Phase, seen.Status.State, seen.Reason = mlops.PhaseFailed, mlops.RunFailed, fmt.Sprintf("step %q: %v", step, err)
		}
		maps.Copy(seen.Status.Metrics, metrics)
	}
	if r.status.Offloaded != "" {
		seen.Reason = "Argo keeps the steps of this run in its own database, where the provider does not see them"
	}
	if r.known() {
		seen.Status.Lineage = r.lineage()
	}
}

// addOutputs adds where the outputs of a step are: where Argo says, and for those of
// which it says nothing, where they were sent.
func (r seenRun) addOutputs(at artifacts, pipeline, step string, n nodeStatus, out map[string]string) {
	if n.Type == nodeSkipped {
		return
	}
	for _, o := range r.facts.Pipeline.Steps[step].Outputs {
		out[step+"."+o], _ = at.output(pipeline, r.object.GetName(), step, o)
	}
	for _, a := range n.Outputs.Artifacts {
		if uri := at.uri(a.argoLocation); uri != "" && a.Name != "main-logs" {
			out[step+"."+a.Name] = uri
		}
	}
}

// metricsOf are the numbers that a step wrote as its metrics.
func metricsOf(n nodeStatus) (map[string]float64, error) {
	for _, p := range n.Outputs.Parameters {
		if p.Name != metricsOutput || p.Value == nil {
			continue
		}
		var values map[string]any
		if err := json.Unmarshal([]byte(*p.Value), &values); err != nil {
			return nil, fmt.Errorf("metrics must be a flat JSON object of numbers: %w", err)
		}
		return mlops.ReadMetrics(values)
	}
	return nil, nil //nolint:nilnil // a step need not have any
}

// lineage is the evidence of a run, of the steps that it did not skip. The digests of what its steps wrote are known to
// nobody: the bytes went to the artifact store without passing by here.
func (r seenRun) lineage() *mlops.Lineage {
	l := &mlops.Lineage{
		PipelineVersion: r.facts.Pipeline.Version, Parameters: filled(r.facts.Values), Engine: "Argo Workflows",
		Steps: map[string]mlops.StepLineage{}, Datasets: r.facts.Datasets,
	}
	skipped := r.skipped(r.nodes())
	for name, step := range r.facts.Pipeline.Steps {
		if _, ok := skipped[name]; ok {
			continue
		}
		one := mlops.StepLineage{Code: step.Code, Packages: step.Packages, Inputs: map[string]string{}, Outputs: map[string]string{}}
		if one.Packages == nil {
			one.Packages = []string{}
		}
		for in, text := range step.Inputs {
			if d := r.inputDigest(text); d != "" {
				one.Inputs[in] = d
			}
		}
		l.Steps[name] = one
	}
	return l
}

// inputDigest is that of the dataset that an input is, empty for anything else.
func (r seenRun) inputDigest(text string) string {
	t, err := mlops.ParseTemplate(text)
	if err != nil || len(t.References()) != 1 || t.References()[0].Kind != mlops.RefDataset {
		return ""
	}
	for id, d := range r.facts.Datasets {
		if id.Name() == t.References()[0].Name {
			return d.Digest
		}
	}
	return ""
}
