package aws

// s3State is what the service keeps.
type s3State struct{}
