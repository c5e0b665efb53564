package aws

import (
	"fmt"
	"maps"
	"strings"
	"time"
)

// smJob is what only a processing or training job has.
type smJob struct {
	run   StepRun
	ended time.Time
	// transitions are a training job's secondary statuses, oldest first.
	transitions []smTransition
}

func (w *World) smJobHandlers() map[string]Handler {
	return map[string]Handler{
		"CreateProcessingJob":   w.smCreateJob(smProcessing, "Processing"),
		"DescribeProcessingJob": w.smDescribeJob(smProcessing, "ProcessingJobName"),
		"StopProcessingJob":     w.smStop(smProcessing, "ProcessingJobName"),
		"ListProcessingJobs":    w.smListProcessing,
		"CreateTrainingJob":     w.smCreateJob(smTraining, "Training"),
		"DescribeTrainingJob":   w.smDescribeJob(smTraining, "TrainingJobName"),
		"StopTrainingJob":       w.smStop(smTraining, "TrainingJobName"),
		"ListTrainingJobs":      w.smListTraining,
	}
}

func (w *World) smCreateJob(kind, word string) Handler {
	return func(c *Call) (Params, error) {
		name := text(c.In, word+"JobName")
		job, err := w.smStartJob(c, kind, name, StepRun{Kind: word, Job: name, Attempt: 1, Arguments: c.In})
		if err != nil {
			return nil, err
		}
		return Params{word + "JobArn": job.arn}, nil
	}
}

// smStartJob starts a job, which ends after the configured looks.
func (w *World) smStartJob(c *Call, kind, name string, run StepRun) (*smObject, error) {
	arn := smARN(c, kind, name)
	if w.sm().objects[arn] != nil {
		// The model lists the code; the words are those that users report.
		return nil, fault("ResourceInUse", "Job name must be unique within an AWS account and region, and a job with this name already exists (%s)", arn)
	}
	if err := w.smJobFault(c.In); err != nil {
		return nil, err
	}
	if err := smJobImageFault(c.Region, c.In); err != nil {
		return nil, err
	}
	if kind == smTraining {
		if err := smSpotFault(c.In); err != nil {
			return nil, err
		}
	}
	if err := w.smRunLimit(c, kind); err != nil {
		return nil, err
	}
	o := w.add(c, kind, name, arn, c.In)
	o.detail = &smJob{run: run}
	w.smLetRun(o, c.Time)
	return o, nil
}

// smLetRun lets a job run, until it ends or its capacity is taken away.
func (w *World) smLetRun(o *smObject, now time.Time) {
	job, _ := o.detail.(*smJob)
	job.enter(now, "Starting", "Downloading", "Training")
	w.pass(o, "InProgress", func(now time.Time) {
		reason := w.smWork(o)
		if reason == Interruption && smOnSpot(o.in) {
			w.smInterrupt(o, now)
			return
		}
		job.ended = now
		o.status, o.reason = "Completed", reason
		if reason != "" {
			o.status = "Failed"
		} else {
			job.enter(now, "Uploading")
		}
		job.enter(now, o.status)
	})
}

// smJobFault refuses a job whose role is not there.
func (w *World) smJobFault(in Params) error {
	if err := smTagFault(in); err != nil {
		return err
	}
	if role := text(in, "RoleArn"); !w.smRole(role) {
		return smNoRole(role)
	}
	return nil
}

// smSources are the places from which a job reads, by the name of the input.
func smSources(o *smObject) map[string]string {
	out := map[string]string{}
	for _, input := range structures(o.in, "ProcessingInputs") {
		out[text(input, "InputName")] = text(structure(input, "S3Input"), "S3Uri")
	}
	for _, channel := range structures(o.in, "InputDataConfig") {
		out[text(channel, "ChannelName")] = text(structure(structure(channel, "DataSource"), "S3DataSource"), "S3Uri")
	}
	maps.DeleteFunc(out, func(_, uri string) bool { return uri == "" })
	return out
}

// smInputs are the files that a job reads.
func (w *World) smInputs(o *smObject) map[string]map[string][]byte {
	out := map[string]map[string][]byte{}
	for name, uri := range smSources(o) {
		out[name] = w.smFiles(uri)
	}
	return out
}

// smNoInput says that an input of a job has no data, as AWS's jobs fail then.
func (w *World) smNoInput(o *smObject) string {
	for _, uri := range smSources(o) {
		if !w.smAnyObject(uri) {
			return fmt.Sprintf("ClientError: No S3 objects found under S3 URL %q given in input data source", uri)
		}
	}
	return ""
}

// smNoRole is how the service refuses a role that it cannot assume, in the words
// that a user reports (awslabs/predictive-maintenance, issue 3).
func smNoRole(role string) *Fault {
	return fault("ValidationException", "Could not assume role %s. Please ensure that the role exists and allows principal 'sagemaker.amazonaws.com' to assume the role.", role)
}

// smWork does a job's work: it writes the outputs, and says why it failed.
func (w *World) smWork(o *smObject) (failure string) {
	if failure := w.smNoInput(o); failure != "" {
		return failure
	}
	job, _ := o.detail.(*smJob)
	var made map[string][]byte
	if w.sm().hooks.RunStep != nil {
		job.run.Inputs, job.run.Checkpoints = w.smInputs(o), w.smCheckpoints(o)
		made, failure = w.sm().hooks.RunStep(job.run)
		if err := w.smKeepCheckpoints(o, job.run.Checkpoints); err != nil {
			return "ClientError: " + err.Error()
		}
		job.run.Inputs, job.run.Checkpoints = nil, nil // what was read need not be kept
	}
	if failure == "" {
		made, failure = w.smClarified(o, made)
	}
	if failure != "" {
		return failure
	}
	for name, at := range smOutputs(o) {
		written := false
		for path, content := range made {
			output, file, _ := strings.Cut(path, "/")
			if output != name {
				continue
			}
			written = true
			if err := w.smWrite(smFileAt(o, at, name, file), content); err != nil {
				return "ClientError: " + err.Error()
			}
		}
		if written {
			continue
		}
		if err := w.smWrite(smFileAt(o, at, name, ""), smSample(name)); err != nil {
			return "ClientError: " + err.Error()
		}
	}
	return ""
}

// smOutputs are the places to which a job writes, by the name of the output.
func smOutputs(o *smObject) map[string]string {
	out := map[string]string{}
	if o.kind == smTraining {
		out["model"] = smArtifact(o)
		return out
	}
	for _, output := range structures(structure(o.in, "ProcessingOutputConfig"), "Outputs") {
		if uri := text(structure(output, "S3Output"), "S3Uri"); uri != "" {
			out[text(output, "OutputName")] = uri
		}
	}
	return out
}

// smFileAt is where one file of an output goes: outputs of processing jobs are
// folders.
func smFileAt(o *smObject, at, output, file string) string {
	if o.kind == smTraining && !smUncompressed(o.in) {
		return at
	}
	if file == "" {
		file = output + ".json"
	}
	return strings.TrimSuffix(at, "/") + "/" + file
}

// smSample is what stands in an output for which nothing was made.
func smSample(output string) []byte { return fmt.Appendf(nil, `{"output":%q}`, output) }

func (w *World) smDescribeJob(kind, member string) Handler {
	return func(c *Call) (Params, error) {
		o, err := w.find(c, kind, text(c.In, member))
		if err != nil {
			return nil, err
		}
		return smJobView(w.look(o, c.Time)), nil
	}
}

// smJobView is a job as Describe shows it.
func smJobView(o *smObject) Params {
	job, _ := o.detail.(*smJob)
	word := job.run.Kind
	out := smWithout(o.in, "Tags")
	out[word+"JobName"], out[word+"JobArn"], out[word+"JobStatus"] = o.name, o.arn, o.status
	out["CreationTime"], out["LastModifiedTime"], out[word+"StartTime"] = o.created, o.modified, o.created
	smSet(out, "FailureReason", o.reason)
	if !job.ended.IsZero() {
		out[word+"EndTime"] = job.ended
	}
	if o.kind == smTraining {
		smTrained(o, out)
	}
	if o.kind == smProcessing {
		smProcessed(out)
	}
	return out
}

// smProcessed adds what the service adds to a processing job, as recorded answers of
// DescribeProcessingJob have it.
func smProcessed(out Params) {
	if structure(out, "StoppingCondition") == nil {
		out["StoppingCondition"] = Params{"MaxRuntimeInSeconds": 86400}
	}
	out["NetworkConfig"] = smJoin(
		Params{"EnableInterContainerTrafficEncryption": false, "EnableNetworkIsolation": false}, structure(out, "NetworkConfig"),
	)
	var inputs []any
	for _, in := range structures(out, "ProcessingInputs") {
		input := smJoin(Params{"AppManaged": false}, in)
		if s3 := structure(in, "S3Input"); s3 != nil {
			input["S3Input"] = smJoin(Params{"S3DataDistributionType": "FullyReplicated", "S3CompressionType": "None"}, s3)
		}
		inputs = append(inputs, input)
	}
	if len(inputs) > 0 {
		out["ProcessingInputs"] = inputs
	}
	config := structure(out, "ProcessingOutputConfig")
	if config == nil {
		return
	}
	var outputs []any
	for _, output := range structures(config, "Outputs") {
		outputs = append(outputs, smJoin(Params{"AppManaged": false}, output))
	}
	out["ProcessingOutputConfig"] = smJoin(smWithout(config), Params{"Outputs": outputs})
}

func (w *World) smStop(kind, member string) Handler {
	return func(c *Call) (Params, error) {
		o, err := w.find(c, kind, text(c.In, member))
		if err != nil {
			return nil, err
		}
		if o.status != "InProgress" {
			return nil, fault("ValidationException", "The request was rejected because the job is in status %s.", o.status)
		}
		w.smStopJob(o, c.Time)
		return Params{}, nil
	}
}

// smStopJob stops a job that runs.
func (w *World) smStopJob(o *smObject, now time.Time) {
	if o == nil || o.status != "InProgress" {
		return
	}
	job, _ := o.detail.(*smJob)
	job.enter(now, "Stopping")
	w.pass(o, "Stopping", func(end time.Time) {
		o.status, job.ended = "Stopped", end
		job.enter(end, o.status)
	})
	o.modified = now
}

func (w *World) smListProcessing(c *Call) (Params, error) {
	return smPage(c.In, "ProcessingJobSummaries", w.listed(c, smProcessing, nil), smPageSize, func(o *smObject) Params {
		out := Params{
			"ProcessingJobName": o.name, "ProcessingJobArn": o.arn, "ProcessingJobStatus": o.status,
			"CreationTime": o.created, "LastModifiedTime": o.modified,
		}
		smSet(out, "FailureReason", o.reason)
		return out
	})
}
