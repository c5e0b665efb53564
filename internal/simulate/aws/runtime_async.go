package aws

import (
	"net/http"
	"strconv"
	"strings"
)

// smInvokeAsync takes a request from storage, and puts its answer there: at once,
// for time passes by looks (developer guide, "Asynchronous inference"). A model's
// failure is told where failures are to be, and not to the caller.
func (w *World) smInvokeAsync(c *Call) (Params, error) {
	o, serving, err := w.smAnswering(c)
	if err != nil {
		return nil, err
	}
	output := structure(structure(serving.config.in, "AsyncInferenceConfig"), "OutputConfig")
	if output == nil {
		// The counterpart of what InvokeEndpoint answers.
		return nil, fault("ValidationError", "Endpoint %s of type REALTIME not supported.", o.name)
	}
	v, err := w.smTarget(o, serving, "")
	if err != nil {
		return nil, err
	}
	id := uuidOf(o.arn, strconv.Itoa(w.sm().weights[o.arn])) // which counts the requests
	out := Params{"InferenceId": id}
	if given := text(c.In, "InferenceId"); given != "" {
		out["InferenceId"] = given
	}
	good, bad := text(output, "S3OutputPath"), text(output, "S3FailurePath")
	if good != "" {
		out["OutputLocation"] = strings.TrimSuffix(good, "/") + "/" + id + ".out"
	}
	if bad != "" {
		out["FailureLocation"] = strings.TrimSuffix(bad, "/") + "/" + id + "-error.out"
	}
	w.smAnswerAsync(c, v, o, serving, out)
	return out, nil
}

// smAnswerAsync lets the model answer a request that was queued.
func (w *World) smAnswerAsync(c *Call, v *smVariant, o *smObject, serving *smServing, out Params) {
	body, there := w.getObject(smLocation(text(c.In, "InputLocation")))
	status, answer := http.StatusNotFound, []byte("the input is not there")
	if there {
		request := Invocation{
			Endpoint: o.name, Config: serving.config.name, Variant: v.name, Model: v.model,
			ContentType: text(c.In, "ContentType"), Accept: text(c.In, "Accept"), Body: body,
		}
		status, answer = w.smAnswer(request)
		w.smCounted(c, request, v, status)
	}
	at := text(out, "OutputLocation")
	if status >= http.StatusBadRequest {
		at = text(out, "FailureLocation")
	}
	if at != "" {
		bucket, key := smLocation(at)
		w.putObject(bucket, key, answer)
	}
}
