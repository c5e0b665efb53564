package mlops

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// DigestOf returns "sha256:…" of a value's JSON form, in which maps are sorted,
// so that equal specs have equal digests. It panics on a value that has no
// JSON form, which no spec is.
func DigestOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("mlops: no JSON form: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}
