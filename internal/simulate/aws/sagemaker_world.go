package aws

// What SageMaker asks of the other services stands here, in one place.

// smRole reports whether the service can assume a role.
func (w *World) smRole(arn string) bool {
	if other, ok := any(w).(interface{ roleUsable(arn string) bool }); ok {
		return other.roleUsable(arn)
	}
	return true
}

func (w *World) smObjectBytes(bucket, key string) ([]byte, bool) { return nil, false }

func (w *World) smAnyObject(uri string) bool { return true }

func (w *World) smWrite(uri string, content []byte) error { return nil }

func (w *World) smAlarm(name string) string { return "" }

func (w *World) smForgetScaling(endpoint string) {}

func (w *World) smCounted(c *Call, o *smObject, v *smVariant, status int) {}
