package aws

import (
	"fmt"
	"strings"
	"time"
)

// What SageMaker asks of the other services stands here, in one place.

// smRole reports whether the service can assume a role.
func (w *World) smRole(arn string) bool { return w.roleUsable(arn) }

// smAnyObject reports whether there is an object at an S3 URI, or below it.
func (w *World) smAnyObject(uri string) bool {
	bucket, key := smLocation(uri)
	return len(w.objectsUnder(bucket, key)) > 0
}

// smWrite writes an object as a job does, to an S3 URI.
func (w *World) smWrite(uri string, content []byte) error {
	bucket, key := smLocation(uri)
	if !strings.HasPrefix(uri, "s3://") || key == "" || !w.putObject(bucket, key, content) {
		return fmt.Errorf("the output cannot be written to %s: the specified bucket does not exist", uri)
	}
	return nil
}

// smFiles are the files at an S3 URI, or below it, by their paths below.
func (w *World) smFiles(uri string) map[string][]byte {
	out := map[string][]byte{}
	bucket, key := smLocation(uri)
	for _, found := range w.objectsUnder(bucket, key) {
		if content, ok := w.getObject(bucket, found); ok {
			out[strings.TrimPrefix(strings.TrimPrefix(found, key), "/")] = content
		}
	}
	return out
}

// smAlarm is the state of an alarm, "" if there is none of that name.
func (w *World) smAlarm(name string) string { return w.alarmState(name) }

// smCounted counts a request in the metrics of the variant that answered it
// (developer guide, "Monitor Amazon SageMaker AI with Amazon CloudWatch").
func (w *World) smCounted(c *Call, i Invocation, v *smVariant, status int) {
	took := 10 * time.Millisecond
	if w.sm().hooks.Latency != nil {
		took = w.sm().hooks.Latency(i)
	}
	class := func(of int) float64 {
		if status/100 == of {
			return 1
		}
		return 0
	}
	for _, m := range []struct {
		name, unit string
		value      float64
	}{
		{"Invocations", "None", 1},
		{"Invocation4XXErrors", "None", class(4)},
		{"Invocation5XXErrors", "None", class(5)},
		{"InvocationsPerInstance", "None", 1 / float64(max(v.count, 1))},
		{"ModelLatency", "Microseconds", float64(took.Microseconds())},
		{"OverheadLatency", "Microseconds", 1000},
	} {
		w.putSample(c.Region, Sample{
			Namespace: "AWS/SageMaker", Metric: m.name, Dimensions: map[string]string{"EndpointName": i.Endpoint, "VariantName": i.Variant},
			At: c.Time, Value: m.value, Unit: m.unit,
		})
	}
}
