package aws

// cloudwatchState is what the service keeps.
type cloudwatchState struct{}

func (w *World) cloudwatchHandlers() map[string]Handler { return nil }
