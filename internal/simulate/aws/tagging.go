package aws

func (w *World) taggingHandlers() map[string]Handler { return nil }
