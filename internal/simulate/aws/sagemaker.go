package aws

// sagemakerState is what the service keeps.
type sagemakerState struct{}

func (w *World) sagemakerHandlers() map[string]Handler { return nil }
