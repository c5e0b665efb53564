package aws

import (
	"strings"
	"time"
)

// smTransition is a time that a training job spent in a secondary status.
type smTransition struct {
	status       string
	began, ended time.Time
}

// enter has a training job pass from one secondary status to others.
func (j *smJob) enter(now time.Time, statuses ...string) {
	for _, status := range statuses {
		if n := len(j.transitions); n > 0 {
			j.transitions[n-1].ended = now
		}
		j.transitions = append(j.transitions, smTransition{status: status, began: now})
	}
}

// smOnSpot reports whether a training job runs on managed spot capacity.
func smOnSpot(in Params) bool { return in["EnableManagedSpotTraining"] == true }

// smSpotFault refuses what does not fit together in a request for spot capacity
// (API reference, StoppingCondition: MaxWaitTimeInSeconds "must be equal to or greater
// than MaxRuntimeInSeconds"). The words are ours: users report none.
func smSpotFault(in Params) error {
	stop := structure(in, "StoppingCondition")
	wait, waits := stop["MaxWaitTimeInSeconds"]
	switch {
	case smOnSpot(in) && !waits:
		return fault("ValidationException", "MaxWaitTimeInSeconds is required when EnableManagedSpotTraining is true.")
	case !smOnSpot(in) && waits:
		return fault("ValidationException", "MaxWaitTimeInSeconds is only allowed when EnableManagedSpotTraining is true.")
	case waits && smNumber(wait) < smNumber(stop["MaxRuntimeInSeconds"]):
		return fault("ValidationException", "Invalid MaxWaitTimeInSeconds. It must be equal to or greater than MaxRuntimeInSeconds.")
	}
	return nil
}

// smInterrupt takes the capacity away from a job, which gets other after as many
// looks as any phase takes. Its secondary statuses are those of the developer guide
// ("Managed Spot Training Lifecycle"): Interrupted, and then from Starting again.
func (w *World) smInterrupt(o *smObject, now time.Time) {
	job, _ := o.detail.(*smJob)
	job.run.Interruptions++
	job.enter(now, "Interrupted")
	w.pass(o, "InProgress", func(now time.Time) { w.smLetRun(o, now) })
}

// smCheckpointsAt is where a job's checkpoints are kept, below what ends in a slash;
// "" if they are not.
func smCheckpointsAt(o *smObject) string {
	uri := text(structure(o.in, "CheckpointConfig"), "S3Uri")
	if uri == "" {
		return ""
	}
	return strings.TrimSuffix(uri, "/") + "/"
}

// smCheckpoints are the files that a job finds in its directory of checkpoints.
func (w *World) smCheckpoints(o *smObject) map[string][]byte {
	if at := smCheckpointsAt(o); at != "" {
		return w.smFiles(at)
	}
	return nil
}

// smKeepCheckpoints copies a job's checkpoints to where they are kept. Those that it
// removed stay there, as with AWS.
func (w *World) smKeepCheckpoints(o *smObject, files map[string][]byte) error {
	at := smCheckpointsAt(o)
	if at == "" {
		return nil
	}
	for path, content := range files {
		if err := w.smWrite(at+path, content); err != nil {
			return err
		}
	}
	return nil
}

// smUncompressed reports whether a training job's model stays as it is.
func smUncompressed(in Params) bool {
	return text(structure(in, "OutputDataConfig"), "CompressionType") == "NONE"
}

// smArtifact is where a training job leaves its model: an archive (developer guide,
// "Amazon S3 output"), or a folder where that is not to be compressed
// (sagemaker-python-sdk, pull request 3862, whose estimator adds a slash where there
// is none).
func smArtifact(o *smObject) string {
	at := strings.TrimSuffix(text(structure(o.in, "OutputDataConfig"), "S3OutputPath"), "/") + "/" + o.name + "/output/model"
	if smUncompressed(o.in) {
		return at + "/"
	}
	return at + ".tar.gz"
}

// smTrained adds what Describe shows of a training job alone.
func smTrained(o *smObject, out Params) {
	job, _ := o.detail.(*smJob)
	out["ModelArtifacts"] = Params{"S3ModelArtifacts": smArtifact(o)}
	var all []any
	for _, t := range job.transitions {
		one := Params{"Status": t.status, "StartTime": t.began}
		if !t.ended.IsZero() {
			one["EndTime"] = t.ended
		}
		all = append(all, one)
		out["SecondaryStatus"] = t.status
	}
	out["SecondaryStatusTransitions"] = all
	if job.ended.IsZero() {
		return
	}
	took, billed := job.times()
	out["TrainingTimeInSeconds"], out["BillableTimeInSeconds"] = took, billed
	if smOnSpot(o.in) {
		out["BillableTimeInSeconds"] = max(1, billed*(100-smSpotSaving)/100)
	}
}

// smSpotSaving is by how many percent less is billed for spot capacity here: AWS says
// up to 90 ("Managed Spot Training"), and it changes by the hour.
const smSpotSaving = 70

// times are for how long a job took, and for how long of that it had capacity; in
// seconds, and one at least, as the model has it.
func (j *smJob) times() (took, billed int) {
	var had time.Duration
	for _, t := range j.transitions {
		if t.status != "Interrupted" && !t.ended.IsZero() {
			had += t.ended.Sub(t.began)
		}
	}
	whole := j.ended.Sub(j.transitions[0].began)
	return max(1, int(whole.Seconds())), max(1, int(had.Seconds()))
}

func (w *World) smListTraining(c *Call) (Params, error) {
	return smPage(c.In, "TrainingJobSummaries", w.listed(c, smTraining, nil), smPageSize, func(o *smObject) Params {
		out := Params{
			"TrainingJobName": o.name, "TrainingJobArn": o.arn, "TrainingJobStatus": o.status,
			"CreationTime": o.created, "LastModifiedTime": o.modified,
		}
		if job, _ := o.detail.(*smJob); !job.ended.IsZero() {
			out["TrainingEndTime"] = job.ended
		}
		return out
	})
}
