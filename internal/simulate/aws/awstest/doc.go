// Package awstest starts a simulated AWS account for a test.
//
// Clients need credentials, of any kind: set AWS_ACCESS_KEY_ID and
// AWS_SECRET_ACCESS_KEY in TestMain, and keep the SDK from the machine's own by
// AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE and AWS_EC2_METADATA_DISABLED.
//
// It refuses to change anything outside of the server that it starts.
package awstest
