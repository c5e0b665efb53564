package aws

// eventsState is what the service keeps.
type eventsState struct{}

func (w *World) eventsHandlers() map[string]Handler { return nil }
