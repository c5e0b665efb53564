package aws

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// smRun is what only a pipeline execution has.
type smRun struct {
	pipeline string // the ARN
	name     string // of the pipeline
	id       string
	graph    *smGraph
	values   map[string]any
	steps    []*smStepRun // as they started
}

// smRunning reports whether an execution has not ended.
func smRunning(o *smObject) bool { return o.status == "Executing" || o.status == "Stopping" }

// smRunsOf returns the executions of a pipeline, oldest first.
func (w *World) smRunsOf(pipeline *smObject) []*smObject {
	var out []*smObject
	for _, o := range w.sm().objects {
		if run, ok := o.detail.(*smRun); ok && run.pipeline == pipeline.arn {
			out = append(out, o)
		}
	}
	slices.SortFunc(out, func(a, b *smObject) int { return a.number - b.number })
	return out
}

func (w *World) smExecutionHandlers() map[string]Handler {
	return map[string]Handler{
		"StartPipelineExecution":                 w.smStartExecution,
		"DescribePipelineExecution":              w.smDescribeExecution,
		"UpdatePipelineExecution":                w.smUpdateExecution,
		"StopPipelineExecution":                  w.smStopExecution,
		"ListPipelineExecutions":                 w.smListExecutions,
		"ListPipelineExecutionSteps":             w.smListSteps,
		"ListPipelineParametersForExecution":     w.smListParameters,
		"DescribePipelineDefinitionForExecution": w.smDescribeRunDefinition,
	}
}

func (w *World) smStartExecution(c *Call) (Params, error) {
	if arn, ok := w.smRepeated(c, "ClientRequestToken"); ok {
		return Params{"PipelineExecutionArn": arn}, nil
	}
	pipeline, err := w.find(c, smPipeline, text(c.In, "PipelineName"))
	if err != nil {
		return nil, err
	}
	graph, _ := pipeline.detail.(*smGraph)
	values, err := graph.values(structures(c.In, "PipelineParameters"))
	if err != nil {
		return nil, err
	}
	id := smID(fmt.Sprint(pipeline.arn, w.sm().created, c.Time.UnixNano()))
	arn := pipeline.arn + "/execution/" + id
	o := w.add(c, smExecution, id, arn, c.In)
	// The definition is that of the moment: later updates do not reach it.
	o.detail = &smRun{pipeline: pipeline.arn, name: pipeline.name, id: id, graph: graph, values: values}
	pipeline.ran = c.Time
	w.smGo(o)
	w.smRepeat(c, "ClientRequestToken", arn)
	return Params{"PipelineExecutionArn": arn}, nil
}

// smID is an identifier as executions have it: twelve characters.
func smID(seed string) string {
	sum := sha256.Sum256([]byte(seed))
	return hex.EncodeToString(sum[:6])
}

func (w *World) smDescribeExecution(c *Call) (Params, error) {
	o, err := w.find(c, smExecution, text(c.In, "PipelineExecutionArn"))
	if err != nil {
		return nil, err
	}
	return smExecutionView(w.look(o, c.Time)), nil
}

// smExecutionView is an execution as Describe shows it.
func smExecutionView(o *smObject) Params {
	run, _ := o.detail.(*smRun)
	out := smJoin(o.members("PipelineExecutionDescription", "ParallelismConfiguration", "SelectiveExecutionConfig"), Params{
		"PipelineArn": run.pipeline, "PipelineExecutionArn": o.arn, "PipelineExecutionDisplayName": smDisplayName(o),
		"PipelineExecutionStatus": o.status, "CreationTime": o.created, "LastModifiedTime": o.modified,
		"CreatedBy": Params{}, "LastModifiedBy": Params{},
	})
	smSet(out, "FailureReason", o.reason)
	return out
}

// smDisplayName is the name that an execution shows: the service makes one of the
// time if it was given none.
func smDisplayName(o *smObject) string {
	if name := text(o.in, "PipelineExecutionDisplayName"); name != "" {
		return name
	}
	return fmt.Sprintf("execution-%d", o.created.UnixMilli())
}

func (w *World) smUpdateExecution(c *Call) (Params, error) {
	o, err := w.find(c, smExecution, text(c.In, "PipelineExecutionArn"))
	if err != nil {
		return nil, err
	}
	o.change(c.Time, c.In, "PipelineExecutionDescription", "PipelineExecutionDisplayName", "ParallelismConfiguration")
	return Params{"PipelineExecutionArn": o.arn}, nil
}

func (w *World) smListExecutions(c *Call) (Params, error) {
	pipeline, err := w.find(c, smPipeline, text(c.In, "PipelineName"))
	if err != nil {
		return nil, err
	}
	found := w.listed(c, smExecution, func(o *smObject) bool {
		run, _ := o.detail.(*smRun)
		return run.pipeline == pipeline.arn
	})
	return smPage(c.In, "PipelineExecutionSummaries", found, smPageSize, func(o *smObject) Params {
		out := smJoin(o.members("PipelineExecutionDescription"), Params{
			"PipelineExecutionArn": o.arn, "StartTime": o.created, "PipelineExecutionStatus": o.status, "PipelineExecutionDisplayName": smDisplayName(o),
		})
		smSet(out, "PipelineExecutionFailureReason", o.reason)
		return out
	})
}

func (w *World) smListSteps(c *Call) (Params, error) {
	o, err := w.find(c, smExecution, text(c.In, "PipelineExecutionArn"))
	if err != nil {
		return nil, err
	}
	if text(c.In, "NextToken") == "" {
		w.look(o, c.Time)
	}
	run, _ := o.detail.(*smRun)
	steps := slices.Clone(run.steps)
	if text(c.In, "SortOrder") != "Ascending" {
		slices.Reverse(steps)
	}
	return smPage(c.In, "PipelineExecutionSteps", steps, smPageSize, (*smStepRun).view)
}

func (w *World) smListParameters(c *Call) (Params, error) {
	o, err := w.find(c, smExecution, text(c.In, "PipelineExecutionArn"))
	if err != nil {
		return nil, err
	}
	run, _ := o.detail.(*smRun)
	return smPage(c.In, "PipelineParameters", run.graph.parameters, smPageSize, func(p smParameter) Params {
		return Params{"Name": p.Name, "Value": smTextOf(run.values[p.Name])}
	})
}

func (w *World) smDescribeRunDefinition(c *Call) (Params, error) {
	o, err := w.find(c, smExecution, text(c.In, "PipelineExecutionArn"))
	if err != nil {
		return nil, err
	}
	run, _ := o.detail.(*smRun)
	return Params{"PipelineDefinition": run.graph.text, "CreationTime": o.created}, nil
}

// smStopExecution stops what runs. An execution that has ended is a conflict: the
// operation lists ConflictException.
func (w *World) smStopExecution(c *Call) (Params, error) {
	o, err := w.find(c, smExecution, text(c.In, "PipelineExecutionArn"))
	if err != nil {
		return nil, err
	}
	if !smRunning(o) {
		return nil, fault("ConflictException", "Pipeline execution with ARN %s is in status %s and cannot be stopped.", o.arn, o.status)
	}
	w.smHalt(o, c.Time)
	return Params{"PipelineExecutionArn": o.arn}, nil
}

// smFact is what an execution says of itself to its definition.
func smFact(o *smObject, name string) any {
	run, _ := o.detail.(*smRun)
	switch name {
	case "PipelineName":
		return run.name
	case "PipelineArn":
		return run.pipeline
	case "PipelineExecutionId":
		return run.id
	case "PipelineExecutionArn":
		return o.arn
	case "StartDateTime", "CurrentDateTime":
		return o.created.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return "pipelines-" + run.id + "-" + strings.ToLower(name)
}
