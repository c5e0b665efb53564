package aws

func (w *World) stsHandlers() map[string]Handler { return nil }
