package aws

import (
	"regexp"
	"slices"
	"strconv"
	"time"
)

// smDefinitionKind is the kind of job definitions of a type of monitoring.
func smDefinitionKind(monitoring string) string {
	switch monitoring {
	case "DataQuality":
		return smDataQuality
	case "ModelQuality":
		return smModelQuality
	case "ModelBias":
		return smBias
	case "ModelExplainability":
		return smExplainability
	}
	return ""
}

// smDefinitionHandlers are the operations of the four kinds of job definitions,
// which differ by their names alone.
func (w *World) smDefinitionHandlers() map[string]Handler {
	all := map[string]Handler{}
	for _, word := range []string{"DataQuality", "ModelQuality", "ModelBias", "ModelExplainability"} {
		all["Create"+word+"JobDefinition"] = w.smCreateDefinition(word)
		all["Describe"+word+"JobDefinition"] = w.smDescribe(smDefinitionKind(word), "JobDefinitionName", smDefinitionView(word))
		all["Delete"+word+"JobDefinition"] = w.smDeleteDefinition(word)
		all["List"+word+"JobDefinitions"] = w.smListDefinitions(word)
	}
	return all
}

func (w *World) smCreateDefinition(word string) Handler {
	return func(c *Call) (Params, error) {
		name := text(c.In, "JobDefinitionName")
		arn := smARN(c, smDefinitionKind(word), name)
		if w.sm().objects[arn] != nil {
			return nil, fault("ResourceInUse", "Job definition %s already exists", arn)
		}
		if err := w.smJobFault(c.In); err != nil {
			return nil, err
		}
		input := structure(c.In, word+"JobInput")
		if (structure(input, "EndpointInput") == nil) == (structure(input, "BatchTransformInput") == nil) {
			return nil, fault("ValidationException", "Exactly one of EndpointInput and BatchTransformInput must be specified.")
		}
		if err := smAgoFault(structure(input, "EndpointInput")); err != nil {
			return nil, err
		}
		w.add(c, smDefinitionKind(word), name, arn, c.In)
		return Params{"JobDefinitionArn": arn}, nil
	}
}

// smAgo is how a time is written that is taken off the start or end of what a job
// looks at: days, hours or minutes (developer guide, "Schedule model quality monitoring
// jobs"; with a T, as ISO 8601 has it, in AWS's own examples).
var smAgo = regexp.MustCompile(`^-PT?(\d+)([DHM])$`)

// smAgoFault refuses offsets that no schema refuses: other forms, and an end that
// is not after the start.
func smAgoFault(input Params) error {
	start, startOK := smAgoOf(text(input, "StartTimeOffset"))
	end, endOK := smAgoOf(text(input, "EndTimeOffset"))
	switch {
	case !startOK || !endOK:
		return fault("ValidationException", "Invalid time offset: %s, %s", text(input, "StartTimeOffset"), text(input, "EndTimeOffset"))
	case input["StartTimeOffset"] != nil && start <= end:
		return fault("ValidationException", "StartTimeOffset must be before EndTimeOffset")
	}
	return nil
}

// smAgoOf reads an offset, which may be absent.
func smAgoOf(offset string) (ago time.Duration, ok bool) {
	if offset == "" {
		return 0, true
	}
	m := smAgo.FindStringSubmatch(offset)
	if m == nil {
		return 0, false
	}
	units := map[string]time.Duration{"D": 24 * time.Hour, "H": time.Hour, "M": time.Minute}
	n, err := strconv.Atoi(m[1])
	return time.Duration(n) * units[m[2]], err == nil
}

// smDefinitionView is a job definition as Describe shows it, with what the service
// adds to it in recorded answers.
func smDefinitionView(word string) func(*smObject) Params {
	return func(o *smObject) Params {
		out := smWithout(o.in, "Tags")
		out["JobDefinitionName"], out["JobDefinitionArn"], out["CreationTime"] = o.name, o.arn, o.created
		if structure(out, "StoppingCondition") == nil {
			out["StoppingCondition"] = Params{"MaxRuntimeInSeconds": 3600}
		}
		input := smWithout(structure(out, word+"JobInput"))
		for _, member := range []string{"EndpointInput", "BatchTransformInput"} {
			if from := structure(input, member); from != nil {
				input[member] = smJoin(Params{"S3InputMode": "File", "S3DataDistributionType": "FullyReplicated"}, from)
			}
		}
		out[word+"JobInput"] = input
		config := structure(out, word+"JobOutputConfig")
		var outputs []any
		for _, output := range structures(config, "MonitoringOutputs") {
			outputs = append(outputs, Params{"S3Output": smJoin(Params{"S3UploadMode": "EndOfJob"}, structure(output, "S3Output"))})
		}
		out[word+"JobOutputConfig"] = smJoin(smWithout(config), Params{"MonitoringOutputs": outputs})
		return out
	}
}

// smWatched is the endpoint that a job definition is about, or "".
func smWatched(o *smObject, word string) string {
	return text(structure(structure(o.in, word+"JobInput"), "EndpointInput"), "EndpointName")
}

// smDeleteDefinition deletes a job definition that no schedule uses: schedules lock
// theirs (sagemaker-python-sdk, model_monitoring.py). The model names no code for
// that; ResourceInUse is what the service has for it elsewhere.
func (w *World) smDeleteDefinition(word string) Handler {
	return func(c *Call) (Params, error) {
		o, err := w.find(c, smDefinitionKind(word), text(c.In, "JobDefinitionName"))
		if err != nil {
			return nil, err
		}
		uses := func(schedule *smObject) bool {
			config := structure(schedule.in, "MonitoringScheduleConfig")
			return text(config, "MonitoringType") == word && text(config, "MonitoringJobDefinitionName") == o.name
		}
		if slices.ContainsFunc(w.all(c, smSchedule), uses) {
			return nil, fault("ResourceInUse", "Job definition %s is used by a monitoring schedule", o.arn)
		}
		w.drop(o)
		return Params{}, nil
	}
}

func (w *World) smListDefinitions(word string) Handler {
	return func(c *Call) (Params, error) {
		endpoint := text(c.In, "EndpointName")
		found := w.listed(c, smDefinitionKind(word), func(o *smObject) bool { return endpoint == "" || smWatched(o, word) == endpoint })
		return smPage(c.In, "JobDefinitionSummaries", found, smPageSize, func(o *smObject) Params {
			return Params{
				"MonitoringJobDefinitionName": o.name, "MonitoringJobDefinitionArn": o.arn, "CreationTime": o.created, "EndpointName": smWatched(o, word),
			}
		})
	}
}
