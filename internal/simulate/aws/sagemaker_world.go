package aws

import (
	"fmt"
	"strings"
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

// smAlarm is the state of an alarm, "" if there is none of that name.
func (w *World) smAlarm(name string) string { return "" }

// smForgetScaling removes what scales the variants of an endpoint.
func (w *World) smForgetScaling(endpoint string) {}

// smCounted counts a request in the metrics of the variant that answered it.
func (w *World) smCounted(c *Call, o *smObject, v *smVariant, status int) {}
