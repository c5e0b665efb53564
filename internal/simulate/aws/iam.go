package aws

// iamState is what the service keeps.
type iamState struct{}

func (w *World) iamHandlers() map[string]Handler { return nil }
