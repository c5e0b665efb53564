package aws

// snsState is what the service keeps.
type snsState struct{}

func (w *World) snsHandlers() map[string]Handler { return nil }
