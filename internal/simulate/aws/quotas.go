package aws

// quotasState is what the service keeps.
type quotasState struct{}

func (w *World) quotasHandlers() map[string]Handler { return nil }
