package aws

// autoscalingState is what the service keeps.
type autoscalingState struct{}

func (w *World) autoscalingHandlers() map[string]Handler { return nil }
