package sagemaker

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"path"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

//go:embed bootstrap.py
var bootstrap string

// definition is a pipeline in SageMaker's own language. Source: the developer
// guide's JSON schema of pipeline definitions, and the request shapes of the jobs
// that steps start.
type definition struct {
	Version    string         `json:"Version"`
	Metadata   map[string]any `json:"Metadata"`
	Parameters []parameter    `json:"Parameters"`
	Tracking   *tracking      `json:"PipelineExperimentConfig,omitempty"`
	Steps      []step         `json:"Steps"`
}

const definitionVersion = "2020-12-01"

type parameter struct {
	Name    string `json:"Name"`
	Type    string `json:"Type"`
	Default any    `json:"DefaultValue,omitempty"`
}

type tracking struct {
	ExperimentName string `json:"ExperimentName"`
	TrialName      any    `json:"TrialName"`
}

type step struct {
	Name        string              `json:"Name"`
	Type        string              `json:"Type"`
	DisplayName string              `json:"DisplayName,omitempty"`
	Description string              `json:"Description,omitempty"`
	Arguments   map[string]any      `json:"Arguments"`
	DependsOn   []string            `json:"DependsOn,omitempty"`
	Properties  []map[string]string `json:"PropertyFiles,omitempty"`
	Cache       *cacheConfig        `json:"CacheConfig,omitempty"`
	Retry       []map[string]any    `json:"RetryPolicies,omitempty"`
}

type cacheConfig struct {
	Enabled     bool   `json:"Enabled"`
	ExpireAfter string `json:"ExpireAfter,omitempty"`
}

// compiler turns one pipeline into a definition, and into the files that its
// steps need.
type compiler struct {
	place place
	spec  mlops.PipelineSpec
	graph mlops.Graph
	image string // for steps that name none
	tags  map[string]string
	track string // native name of the experiment, or empty

	files map[string][]byte // by key, below the environment's prefix
}

// The containers' paths, and limits of jobs.
const (
	codeInput     = "mlops-code"
	inputPrefix   = "in-"     // of the names of a step's own inputs
	defaultVolume = 30        // GiB
	longestJob    = 5 * 86400 // seconds: the service's own limit
	defaultJob    = 86400     // seconds: the service's own default
	cacheDays     = 30
	outputFolder  = "data"
	datasetPrefix = "mlops-dataset-" // of the hidden parameter that holds a dataset's URI
)

// compile writes the definition. The spec was checked.
func (c *compiler) compile() (string, error) {
	d := definition{Version: definitionVersion, Metadata: map[string]any{}, Parameters: c.parameters(), Steps: []step{}}
	if c.track != "" {
		d.Tracking = &tracking{c.track, get("Execution.PipelineExecutionId")}
	}
	c.files = map[string][]byte{}
	for _, name := range c.graph.Order() {
		s, err := c.step(name, c.spec.Steps[name])
		if err != nil {
			return "", fmt.Errorf("step %q: %w", name, err)
		}
		d.Steps = append(d.Steps, s)
	}
	d.Steps = c.branches(d.Steps)
	b, err := json.Marshal(d)
	return string(b), err
}

// parameters are the user's, and one for each dataset, whose place is said when a
// run starts.
func (c *compiler) parameters() []parameter {
	types := map[string]string{"string": "String", "integer": "Integer", "number": "Float", "boolean": "Boolean"}
	all := []parameter{}
	for _, name := range slices.Sorted(maps.Keys(c.spec.Parameters)) {
		p := c.spec.Parameters[name]
		all = append(all, parameter{Name: name, Type: types[p.Type], Default: nativeDefault(p)})
	}
	for _, d := range c.spec.Datasets() {
		all = append(all, parameter{Name: datasetPrefix + d, Type: "String"})
	}
	return all
}

// emptyValue stands for an empty value, which SageMaker takes neither as a default
// nor when a run starts. bootstrap.py makes it empty again.
const emptyValue = "mlops:empty"

// nativeDefault is a default in the type of its parameter.
func nativeDefault(p mlops.Parameter) any {
	if p.Default == nil {
		return nil
	}
	switch p.Type {
	case "integer", "number":
		return nativeNumber(*p.Default)
	case "boolean":
		return *p.Default == "true"
	}
	return nativeValue(*p.Default)
}

// nativeValue is a value as a run is given it.
func nativeValue(value string) string { return cmp.Or(value, emptyValue) }

// get refers to a value that is known when the pipeline runs.
func get(reference string) map[string]any { return map[string]any{"Get": reference} }

// joined is text with references in it. A reference alone is joined too: the
// members that take it are strings, and parameters need not be.
func joined(separator string, parts ...any) map[string]any {
	return map[string]any{"Std:Join": map[string]any{"On": separator, "Values": parts}}
}

func (c *compiler) step(name string, s mlops.Step) (step, error) {
	w, err := c.wire(name, s)
	if err != nil {
		return step{}, err
	}
	machine, err := resolveType(useOf(s), s.Compute)
	if err != nil {
		return step{}, err
	}
	out := step{
		Name: name, Type: "Processing", Arguments: c.processingArguments(name, s, w, machine), DependsOn: c.graph.Needs(name),
		Properties: c.propertyFiles(name), Cache: c.cache(s), Retry: retryPolicies(s.Retry),
	}
	if s.OnSpot() {
		out.Type, out.Arguments = "Training", c.trainingArguments(name, s, w, machine)
	}
	return out, nil
}

// processingArguments are the request that most steps become.
func (c *compiler) processingArguments(name string, s mlops.Step, w wiring, machine string) map[string]any {
	arguments := map[string]any{
		"ProcessingResources": map[string]any{"ClusterConfig": c.cluster(machine, s.Compute)},
		"AppSpecification":    w.app,
		"RoleArn":             c.place.Role,
		"StoppingCondition":   map[string]any{"MaxRuntimeInSeconds": longestRun(s)},
		"Tags":                c.jobTags(),
	}
	set(arguments, "Environment", w.env, len(w.env))
	set(arguments, "ProcessingInputs", w.inputs, len(w.inputs))
	if len(s.Outputs) > 0 {
		arguments["ProcessingOutputConfig"] = c.outputs(name, s)
	}
	if n := c.place.processingNetwork(); n != nil {
		arguments["NetworkConfig"] = nativeNetwork(c.place)
	}
	return arguments
}

func set(in map[string]any, member string, value any, size int) {
	if size > 0 {
		in[member] = value
	}
}

func (c *compiler) cluster(machine string, compute *mlops.Compute) map[string]any {
	cluster := map[string]any{"InstanceType": machine, "InstanceCount": 1, "VolumeSizeInGB": volumeOf(compute)}
	if !ownDisks.MatchString(machine) {
		set(cluster, "VolumeKmsKeyId", c.place.Key, len(c.place.Key))
	}
	return cluster
}

// ownDisks are the machine types with disks of their own, which the machine encrypts
// by itself: SageMaker refuses a key for them (API reference, ResourceConfig and
// ProcessingClusterConfig).
var ownDisks = regexp.MustCompile(`^ml\.(g[4-9][a-z]*|gr\d[a-z]*|p3dn|p[4-9][a-z]*|trn\d[a-z]*|i\d[a-z]*|[cmr]\d[a-z]*d[a-z]*)\.`)

// volumeOf is the size of a job's disk, in GiB.
func volumeOf(compute *mlops.Compute) int64 {
	if compute == nil || compute.Disk <= 0 {
		return defaultVolume
	}
	return int64(math.Ceil(float64(compute.Disk) / (1 << 30)))
}

func (c *compiler) jobTags() []map[string]string {
	var all []map[string]string
	for _, key := range slices.Sorted(maps.Keys(c.tags)) {
		all = append(all, map[string]string{"Key": key, "Value": c.tags[key]})
	}
	return all
}

// outputs go below the run, the step and the output's name, in a folder whose name
// none of another output begins with: SageMaker reads inputs by prefix.
func (c *compiler) outputs(name string, s mlops.Step) map[string]any {
	var all []map[string]any
	for _, o := range s.Outputs {
		all = append(all, map[string]any{
			"OutputName": o,
			"S3Output": map[string]any{
				"S3Uri":        c.below(name, o, outputFolder),
				"LocalPath":    path.Dir(layoutOf(s).output(o)),
				"S3UploadMode": "EndOfJob",
			},
		})
	}
	config := map[string]any{"Outputs": all}
	set(config, "KmsKeyId", c.place.Key, len(c.place.Key))
	return config
}

func nativeNetwork(p place) map[string]any {
	n := map[string]any{"EnableNetworkIsolation": p.Isolated}
	if len(p.Subnets) > 0 {
		n["VpcConfig"] = map[string]any{"Subnets": p.Subnets, "SecurityGroupIds": p.Groups}
	}
	return n
}

// cache lets a step be left out that ran with the same inputs while its outputs
// are kept. Where checkpoints are is one of the inputs to SageMaker, and they are
// the run's own: a step that has them is never left out.
func (c *compiler) cache(s mlops.Step) *cacheConfig {
	days := cacheDays
	if r := c.place.spec.Retention; r != nil && r.Runs > 0 {
		days = min(days, int(time.Duration(r.Runs).Hours()/24)-1)
	}
	if s.NoCache || s.OnSpot() || days < 1 {
		return &cacheConfig{Enabled: false}
	}
	return &cacheConfig{Enabled: true, ExpireAfter: "P" + strconv.Itoa(days) + "D"}
}

// maxRetries is how often SageMaker itself repeats something at most.
const maxRetries = 20

// retryPolicies repeat what SageMaker itself fails at; the step's own failures are
// repeated by the program that runs it. Attempts count the first, which
// SageMaker does not.
func retryPolicies(r *mlops.Retry) []map[string]any {
	if r == nil || r.Attempts < 2 {
		return nil
	}
	policy := func(kinds ...string) map[string]any {
		return map[string]any{
			"ExceptionType": kinds, "IntervalSeconds": max(int(time.Duration(r.Backoff).Seconds()), 1), "BackoffRate": 2, "MaxAttempts": min(r.Attempts-1, maxRetries),
		}
	}
	return []map[string]any{policy("Step.SERVICE_FAULT", "Step.THROTTLING"), policy("SageMaker.JOB_INTERNAL_ERROR", "SageMaker.CAPACITY_ERROR")}
}

// longestRun is for how many seconds a job may run.
func longestRun(s mlops.Step) int64 {
	if s.Timeout == 0 {
		return defaultJob
	}
	// Installing packages and moving data is no part of the step's own time.
	const around = 15 * time.Minute
	return min(int64((neededTime(s) + around).Seconds()), longestJob)
}

// neededTime is what the attempts of a step take at most, with the pauses between
// them; zero where it has no timeout.
func neededTime(s mlops.Step) time.Duration {
	total := time.Duration(s.Timeout)
	if s.Timeout == 0 || s.Retry == nil {
		return total
	}
	pause := time.Duration(s.Retry.Backoff)
	for range s.Retry.Attempts - 1 {
		if total > longestJob*time.Second {
			break // long enough to tell, and nothing overflows
		}
		total += pause + time.Duration(s.Timeout)
		pause *= 2
	}
	return total
}

// readDefinition reads what a definition is judged by.
func readDefinition(text string) (version string, steps int, err error) {
	var d struct {
		Version string            `json:"Version"`
		Steps   []json.RawMessage `json:"Steps"`
	}
	err = json.Unmarshal([]byte(text), &d)
	return d.Version, len(d.Steps), err
}
