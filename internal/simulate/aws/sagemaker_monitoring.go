package aws

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// smWatch is what only a monitoring schedule has.
type smWatch struct {
	executions []Params // summaries, oldest first
}

func (w *World) smScheduleHandlers() map[string]Handler {
	return map[string]Handler{
		"CreateMonitoringSchedule":   w.smCreateSchedule,
		"DescribeMonitoringSchedule": w.smDescribeSchedule,
		"UpdateMonitoringSchedule":   w.smUpdateSchedule,
		"DeleteMonitoringSchedule":   w.smDeleteSchedule,
		"ListMonitoringSchedules":    w.smListSchedules,
		"ListMonitoringExecutions":   w.smListMonitorings,
		"StartMonitoringSchedule":    w.smStartSchedule,
		"StopMonitoringSchedule":     w.smStopSchedule,
	}
}

func (w *World) smCreateSchedule(c *Call) (Params, error) {
	name := text(c.In, "MonitoringScheduleName")
	arn := smARN(c, smSchedule, name)
	if w.sm().objects[arn] != nil {
		return nil, fault("ResourceInUse", "Monitoring Schedule %s already exists", arn)
	}
	if err := smTagFault(c.In); err != nil {
		return nil, err
	}
	if err := w.smScheduleFault(c); err != nil {
		return nil, err
	}
	o := w.add(c, smSchedule, name, arn, c.In)
	o.detail = &smWatch{}
	w.pass(o, "Pending", func(time.Time) { o.status = "Scheduled" })
	return Params{"MonitoringScheduleArn": arn}, nil
}

// smTimes are the schedules that there are: hourly, daily, every so many hours, and
// once (API reference, ScheduleConfig).
var smTimes = regexp.MustCompile(`^(NOW|cron\(0 (\*|([01]?\d|2[0-3])(/(0?[1-9]|1\d|2[0-4]))?) \? \* \* \*\))$`)

// smScheduleFault refuses a schedule that no schema refuses.
func (w *World) smScheduleFault(c *Call) error {
	config := structure(c.In, "MonitoringScheduleConfig")
	if times := structure(config, "ScheduleConfig"); times != nil {
		expression := text(times, "ScheduleExpression")
		if !smTimes.MatchString(expression) {
			return fault("ValidationException", "Invalid schedule expression: %s", expression)
		}
		if expression == "NOW" && (text(times, "DataAnalysisStartTime") == "" || text(times, "DataAnalysisEndTime") == "") {
			return fault("ValidationException", "DataAnalysisStartTime and DataAnalysisEndTime are required when the schedule expression is NOW.")
		}
		if err := smAnalyzedFault(times); err != nil {
			return err
		}
	}
	inline, name, kind := structure(config, "MonitoringJobDefinition"), text(config, "MonitoringJobDefinitionName"), text(config, "MonitoringType")
	switch {
	case (inline == nil) == (name == ""):
		return fault("ValidationException", "Exactly one of MonitoringJobDefinition and MonitoringJobDefinitionName must be specified.")
	case name != "" && kind == "":
		return fault("ValidationException", "MonitoringType must be specified together with MonitoringJobDefinitionName.")
	}
	if name != "" {
		if _, err := w.find(c, smDefinitionKind(kind), name); err != nil {
			return err
		}
	}
	return w.smCaptureFault(c, w.smEndpointIn(c, config))
}

// smLongestAnalysis is the longest span that a job may look at (API reference,
// ScheduleConfig).
const smLongestAnalysis = 24 * time.Hour

// smAnalyzedFault refuses a span that no schema refuses.
func smAnalyzedFault(times Params) error {
	start, startOK := smAgoOf(text(times, "DataAnalysisStartTime"))
	end, endOK := smAgoOf(text(times, "DataAnalysisEndTime"))
	switch {
	case !startOK || !endOK:
		return fault("ValidationException", "Invalid data analysis time: %s, %s", text(times, "DataAnalysisStartTime"), text(times, "DataAnalysisEndTime"))
	case times["DataAnalysisStartTime"] != nil && (start <= end || start-end > smLongestAnalysis):
		return fault("ValidationException", "DataAnalysisStartTime must be before DataAnalysisEndTime by at most 24 hours")
	}
	return nil
}

// smCaptureFault refuses to monitor an endpoint that is not there, or captures no
// data (sagemaker-python-sdk, issue 4873).
func (w *World) smCaptureFault(c *Call, endpoint string) error {
	if endpoint == "" {
		return nil // batches are monitored without an endpoint
	}
	o, err := w.find(c, smEndpoint, endpoint)
	if err != nil {
		return err
	}
	serving, _ := o.detail.(*smServing)
	if structure(serving.config.in, "DataCaptureConfig") == nil {
		return fault("ValidationException", "Endpoint %q has no DataCaptureConfig.", o.arn)
	}
	return nil
}

// smEndpointIn is the endpoint that a schedule's configuration is about, or "".
func (w *World) smEndpointIn(c *Call, config Params) string {
	for _, input := range structures(structure(config, "MonitoringJobDefinition"), "MonitoringInputs") {
		if name := text(structure(input, "EndpointInput"), "EndpointName"); name != "" {
			return name
		}
	}
	kind := text(config, "MonitoringType")
	if o := w.sm().objects[smARN(c, smDefinitionKind(kind), text(config, "MonitoringJobDefinitionName"))]; o != nil {
		return smWatched(o, kind)
	}
	return ""
}

// smWatches is the endpoint that a schedule watches.
func (w *World) smWatches(c *Call, schedule *smObject) string {
	return w.smEndpointIn(c, structure(schedule.in, "MonitoringScheduleConfig"))
}

func (w *World) smDescribeSchedule(c *Call) (Params, error) {
	name := text(c.In, "MonitoringScheduleName")
	o, err := w.find(c, smSchedule, name)
	if err != nil {
		return nil, err
	}
	w.look(o, c.Time)
	if o, err = w.find(c, smSchedule, name); err != nil { // it may have been the last look before it was gone
		return nil, err
	}
	out := smJoin(w.smScheduleSummary(c, o), o.members("MonitoringScheduleConfig"))
	delete(out, "MonitoringJobDefinitionName")
	if watch, _ := o.detail.(*smWatch); len(watch.executions) > 0 {
		out["LastMonitoringExecutionSummary"] = watch.executions[len(watch.executions)-1]
	}
	smSet(out, "FailureReason", o.reason)
	return out, nil
}

func (w *World) smScheduleSummary(c *Call, o *smObject) Params {
	out := Params{
		"MonitoringScheduleName": o.name, "MonitoringScheduleArn": o.arn, "MonitoringScheduleStatus": o.status,
		"CreationTime": o.created, "LastModifiedTime": o.modified,
	}
	config := structure(o.in, "MonitoringScheduleConfig")
	smSet(out, "EndpointName", w.smWatches(c, o))
	smSet(out, "MonitoringJobDefinitionName", text(config, "MonitoringJobDefinitionName"))
	smSet(out, "MonitoringType", text(config, "MonitoringType"))
	return out
}

// smSettled refuses to change a schedule that is Pending, in words that a user
// reports (amazon-sagemaker-examples, issue 2342).
func smSettled(o *smObject) error {
	if o.status == "Pending" {
		return fault("ValidationException", "Monitoring schedule in status Pending cannot be changed: %s", o.arn)
	}
	return nil
}

// smChangeable returns the schedule that a request is about, if it may be changed.
func (w *World) smChangeable(c *Call) (*smObject, error) {
	o, err := w.find(c, smSchedule, text(c.In, "MonitoringScheduleName"))
	if err != nil {
		return nil, err
	}
	return o, smSettled(o)
}

func (w *World) smUpdateSchedule(c *Call) (Params, error) {
	o, err := w.smChangeable(c)
	if err != nil {
		return nil, err
	}
	if err := w.smScheduleFault(c); err != nil {
		return nil, err
	}
	after := o.status
	o.change(c.Time, c.In, "MonitoringScheduleConfig")
	w.pass(o, "Pending", func(time.Time) { o.status = after })
	return Params{"MonitoringScheduleArn": o.arn}, nil
}

// smDeleteSchedule deletes a schedule, which is Pending until it is gone: its job
// definition is locked for as long (sagemaker-python-sdk, model_monitoring.py).
func (w *World) smDeleteSchedule(c *Call) (Params, error) {
	o, err := w.smChangeable(c)
	if err != nil {
		return nil, err
	}
	w.pass(o, "Pending", func(time.Time) { w.drop(o) })
	o.modified = c.Time
	return Params{}, nil
}

func (w *World) smStartSchedule(c *Call) (Params, error) { return w.smTurn(c, "Scheduled") }

func (w *World) smStopSchedule(c *Call) (Params, error) { return w.smTurn(c, "Stopped") }

// smTurn starts or stops a schedule.
func (w *World) smTurn(c *Call, status string) (Params, error) {
	o, err := w.smChangeable(c)
	if err != nil {
		return nil, err
	}
	w.pass(o, "Pending", func(time.Time) { o.status = status })
	o.modified = c.Time
	return Params{}, nil
}

func (w *World) smListSchedules(c *Call) (Params, error) {
	endpoint, definition, kind := text(c.In, "EndpointName"), text(c.In, "MonitoringJobDefinitionName"), text(c.In, "MonitoringTypeEquals")
	found := w.listed(c, smSchedule, func(o *smObject) bool {
		config := structure(o.in, "MonitoringScheduleConfig")
		return (endpoint == "" || w.smWatches(c, o) == endpoint) &&
			(definition == "" || text(config, "MonitoringJobDefinitionName") == definition) &&
			(kind == "" || text(config, "MonitoringType") == kind)
	})
	return smPage(c.In, "MonitoringScheduleSummaries", found, smPageSize, func(o *smObject) Params { return w.smScheduleSummary(c, o) })
}

func (w *World) smListMonitorings(c *Call) (Params, error) {
	name, endpoint, status := text(c.In, "MonitoringScheduleName"), text(c.In, "EndpointName"), text(c.In, "StatusEquals")
	var found []Params
	for _, o := range w.all(c, smSchedule) {
		watch, _ := o.detail.(*smWatch)
		if (name != "" && o.name != name) || (endpoint != "" && w.smWatches(c, o) != endpoint) {
			continue
		}
		for _, e := range watch.executions {
			if status == "" || text(e, "MonitoringExecutionStatus") == status {
				found = append(found, e)
			}
		}
	}
	if text(c.In, "SortOrder") != "Ascending" {
		slices.Reverse(found)
	}
	return smPage(c.In, "MonitoringExecutionSummaries", found, smPageSize, func(e Params) Params { return e })
}

// Monitoring is one execution of a monitoring schedule.
type Monitoring struct {
	Schedule string // the name
	Status   string // "Completed", "CompletedWithViolations", "Failed"
	Reason   string // why it failed
	At       time.Time
	// Files are what the job reports, by name: "statistics.json",
	// "constraints.json", "constraint_violations.json".
	Files map[string][]byte
	// Measured is what a job of model quality, bias or explainability measured: metrics
	// by name, those of bias behind the facet's value and a slash ("red/DPPL"), those of
	// explainability the features' global SHAP values. Where it is
	// given, Status, Reason and the violations follow from it, and CloudWatch gets
	// the metrics.
	Measured map[string]float64
}

// Monitored adds an execution to a schedule, as if its hour had come: its report is
// written to where the schedule says.
func (w *World) Monitored(m Monitoring) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.sm().objects {
		if o.kind != smSchedule || o.name != m.Schedule {
			continue
		}
		return w.smMonitored(o, m)
	}
	return fmt.Errorf("there is no monitoring schedule %s", m.Schedule)
}

func (w *World) smMonitored(o *smObject, m Monitoring) error {
	c := &Call{Region: o.region, Account: smAccountOf(o.arn), Time: m.At}
	config := structure(o.in, "MonitoringScheduleConfig")
	if m.Measured != nil {
		if err := w.smMeasured(c, config, &m); err != nil {
			return err
		}
	}
	job := smShort("model-monitoring-"+m.At.UTC().Format("200601021504"), 41) + "-" + smID(o.arn+m.At.String())
	summary := Params{
		"MonitoringScheduleName": o.name, "ScheduledTime": m.At, "CreationTime": m.At, "LastModifiedTime": m.At,
		"MonitoringExecutionStatus": m.Status, "ProcessingJobArn": smARN(c, smProcessing, job),
	}
	smSet(summary, "EndpointName", w.smWatches(c, o))
	smSet(summary, "FailureReason", m.Reason)
	smSet(summary, "MonitoringJobDefinitionName", text(config, "MonitoringJobDefinitionName"))
	smSet(summary, "MonitoringType", text(config, "MonitoringType"))
	watch, _ := o.detail.(*smWatch)
	watch.executions = append(watch.executions, summary)
	folder := strings.Join([]string{
		strings.TrimSuffix(w.smReportsAt(c, config), "/"), w.smWatches(c, o), o.name, m.At.UTC().Format("2006/01/02/15"),
	}, "/")
	for name, content := range m.Files {
		if err := w.smWrite(folder+"/"+name, content); err != nil {
			return err
		}
	}
	return nil
}

// smMeasured completes an execution with what its job finds.
func (w *World) smMeasured(c *Call, config Params, m *Monitoring) error {
	word := text(config, "MonitoringType")
	definition, err := w.find(c, smDefinitionKind(word), text(config, "MonitoringJobDefinitionName"))
	if err != nil {
		return err
	}
	found := w.smJudge(definition, word, m.Schedule, m.Measured, m.At)
	m.Status, m.Reason = found.status(), found.failure
	if found.failure != "" {
		return nil
	}
	for _, s := range found.samples {
		w.putSample(c.Region, s)
	}
	report, err := json.Marshal(Params{"version": "1.0", "violations": found.violations})
	m.Files = map[string][]byte{"constraint_violations.json": report}
	return err
}

// smReportsAt is where a schedule's reports are written; below are the endpoint's
// name, the schedule's and the hour (developer guide, "Interpret results").
func (w *World) smReportsAt(c *Call, config Params) string {
	output := structure(structure(config, "MonitoringJobDefinition"), "MonitoringOutputConfig")
	kind := text(config, "MonitoringType")
	if o := w.sm().objects[smARN(c, smDefinitionKind(kind), text(config, "MonitoringJobDefinitionName"))]; o != nil {
		output = structure(o.in, kind+"JobOutputConfig")
	}
	for _, o := range structures(output, "MonitoringOutputs") {
		return text(structure(o, "S3Output"), "S3Uri")
	}
	return ""
}
