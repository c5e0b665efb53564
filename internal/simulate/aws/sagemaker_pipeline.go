package aws

import (
	"slices"
	"strings"
)

func (w *World) smPipelineHandlers() map[string]Handler {
	return map[string]Handler{
		"CreatePipeline":   w.smCreatePipeline,
		"DescribePipeline": w.smDescribePipeline,
		"UpdatePipeline":   w.smUpdatePipeline,
		"DeletePipeline":   w.smDeletePipeline,
		"ListPipelines":    w.smListPipelines,
	}
}

func (w *World) smCreatePipeline(c *Call) (Params, error) {
	if arn, ok := w.smRepeated(c, "ClientRequestToken"); ok {
		return Params{"PipelineArn": arn}, nil
	}
	name := text(c.In, "PipelineName")
	arn := smARN(c, smPipeline, name)
	if w.sm().objects[arn] != nil {
		// The words by which sagemaker-python-sdk recognises it (pipeline.py).
		return nil, fault("ValidationException", "Pipeline names must be unique within an AWS account and region. Pipeline with name (%s) already exists.", name)
	}
	if err := smTagFault(c.In); err != nil {
		return nil, err
	}
	graph, err := w.smDefinitionOf(c)
	if err != nil {
		return nil, err
	}
	if graph == nil {
		return nil, fault("ValidationException", "Either PipelineDefinition or PipelineDefinitionS3Location must be specified.")
	}
	o := w.add(c, smPipeline, name, arn, c.In)
	o.status, o.detail = "Active", graph
	w.smRepeat(c, "ClientRequestToken", arn)
	return Params{"PipelineArn": arn}, nil
}

// smDefinitionOf reads the definition that a request has or points to, nil if
// neither.
func (w *World) smDefinitionOf(c *Call) (*smGraph, error) {
	source, at := text(c.In, "PipelineDefinition"), structure(c.In, "PipelineDefinitionS3Location")
	switch {
	case source != "" && at != nil:
		return nil, fault("ValidationException", "Only one of PipelineDefinition and PipelineDefinitionS3Location may be specified.")
	case source == "" && at == nil:
		return nil, nil //nolint:nilnil // an update may leave the definition as it is
	case at != nil:
		raw, ok := w.getObject(text(at, "Bucket"), text(at, "ObjectKey"))
		if !ok {
			return nil, fault("ValidationException", "Unable to read the pipeline definition at s3://%s/%s.", text(at, "Bucket"), text(at, "ObjectKey"))
		}
		source = string(raw)
	}
	graph, err := smParse(source)
	if err != nil {
		return nil, err
	}
	return graph, w.smArgumentFault(graph)
}

func (w *World) smDescribePipeline(c *Call) (Params, error) {
	o, err := w.find(c, smPipeline, text(c.In, "PipelineName"))
	if err != nil {
		return nil, err
	}
	graph, _ := o.detail.(*smGraph)
	return smJoin(smPipelineView(w.look(o, c.Time)), Params{"PipelineDefinition": graph.text}), nil
}

// smPipelineView is a pipeline as Search shows it, without its definition.
func smPipelineView(o *smObject) Params {
	out := smJoin(o.members("PipelineDisplayName", "PipelineDescription", "RoleArn", "ParallelismConfiguration"), Params{
		"PipelineArn": o.arn, "PipelineName": o.name, "PipelineStatus": o.status, "CreatedBy": Params{}, "LastModifiedBy": Params{},
		"CreationTime": o.created, "LastModifiedTime": o.modified,
	})
	if !o.ran.IsZero() {
		out["LastRunTime"] = o.ran
	}
	if _, named := out["PipelineDisplayName"]; !named {
		out["PipelineDisplayName"] = o.name
	}
	return out
}

func (w *World) smUpdatePipeline(c *Call) (Params, error) {
	o, err := w.find(c, smPipeline, text(c.In, "PipelineName"))
	if err != nil {
		return nil, err
	}
	graph, err := w.smDefinitionOf(c)
	if err != nil {
		return nil, err
	}
	if graph != nil {
		o.detail = graph
	}
	o.change(c.Time, c.In, "PipelineDisplayName", "PipelineDescription", "RoleArn", "ParallelismConfiguration")
	return Params{"PipelineArn": o.arn}, nil
}

// smDeletePipeline deletes a pipeline that does not run, with all its executions
// (API reference, DeletePipeline).
func (w *World) smDeletePipeline(c *Call) (Params, error) {
	o, err := w.find(c, smPipeline, text(c.In, "PipelineName"))
	if err != nil {
		return nil, err
	}
	runs := w.smRunsOf(o)
	if slices.ContainsFunc(runs, smRunning) {
		return nil, fault("ConflictException", "Pipeline '%s' has running executions and cannot be deleted.", o.arn)
	}
	for _, run := range runs {
		w.drop(run)
	}
	w.drop(o)
	return Params{"PipelineArn": o.arn}, nil
}

func (w *World) smListPipelines(c *Call) (Params, error) {
	prefix := text(c.In, "PipelineNamePrefix")
	found := w.listed(c, smPipeline, func(o *smObject) bool { return strings.HasPrefix(o.name, prefix) })
	return smPage(c.In, "PipelineSummaries", found, smPageSize, func(o *smObject) Params {
		out := smPipelineView(o)
		if at, ok := out["LastRunTime"]; ok {
			out["LastExecutionTime"] = at
		}
		return smWithout(out, "LastRunTime", "PipelineStatus", "CreatedBy", "LastModifiedBy", "ParallelismConfiguration")
	})
}
