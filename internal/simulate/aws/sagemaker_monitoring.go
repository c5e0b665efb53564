package aws

func (w *World) smScheduleHandlers() map[string]Handler { return nil }

func (w *World) smDefinitionHandlers() map[string]Handler { return nil }

func (w *World) smWatches(c *Call, schedule *smObject) string { return "" }
