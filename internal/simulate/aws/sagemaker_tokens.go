package aws

// smRepeated returns the ARN that an earlier request with the same idempotency
// token made. The API reference calls a token "a unique, case-sensitive identifier
// that you provide to ensure the idempotency of the operation".
func (w *World) smRepeated(c *Call, member string) (string, bool) {
	token := text(c.In, member)
	arn := w.sm().tokens[smToken(c, token)]
	return arn, token != "" && arn != ""
}

// smRepeat remembers what a request with an idempotency token made.
func (w *World) smRepeat(c *Call, member, arn string) {
	if token := text(c.In, member); token != "" {
		w.sm().tokens[smToken(c, token)] = arn
	}
}

func smToken(c *Call, token string) string { return c.Region + " " + c.Operation + " " + token }
