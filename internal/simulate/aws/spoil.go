package aws

import (
	"fmt"
	"strings"
)

// Spoil adds to the object at a URI, as somebody might who has access to the
// bucket.
func (w *World) Spoil(uri string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	bucket, key, _ := strings.Cut(strings.TrimPrefix(uri, "s3://"), "/")
	body, ok := w.getObject(bucket, key)
	if !ok || !w.putObject(bucket, key, append(append([]byte(nil), body...), "spoilt\n"...)) {
		return fmt.Errorf("there is no object at %s", uri)
	}
	return nil
}
