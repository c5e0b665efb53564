package aws

// ssmState is what the service keeps.
type ssmState struct{}

func (w *World) ssmHandlers() map[string]Handler { return nil }
