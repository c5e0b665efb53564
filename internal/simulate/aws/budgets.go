package aws

// budgetsState is what the service keeps.
type budgetsState struct{}

func (w *World) budgetsHandlers() map[string]Handler { return nil }
