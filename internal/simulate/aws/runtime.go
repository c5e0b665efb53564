package aws

func (w *World) runtimeHandlers() map[string]Handler { return nil }
