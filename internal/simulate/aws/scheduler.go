package aws

// schedulerState is what the service keeps.
type schedulerState struct{}

func (w *World) schedulerHandlers() map[string]Handler { return nil }
