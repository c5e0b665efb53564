package kubernetes

import (
	"cmp"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// defaultStepImage runs steps that name no image, in environments that name none.
const defaultStepImage = "docker.io/library/python:3.13.9-slim-bookworm"

// stepImage is the image of steps that name none.
func (l layout) stepImage() string {
	return cmp.Or(l.spec.Target.Settings.String(targetStepImage), defaultStepImage)
}

// controller is the service account of Argo's controller, "" where it is not known.
func (l layout) controller() (namespace, account string) {
	namespace, account, _ = strings.Cut(l.spec.Target.Settings.String(targetController), "/")
	return namespace, account
}

// cacheOf is the name of the config map that remembers the outputs of a pipeline's
// steps, "" where the controller may not write it.
func (l layout) cacheOf(pipeline string) string {
	if _, account := l.controller(); account == "" {
		return ""
	}
	return pipeline + "-cache"
}

// checkWorkflows refuses settings of pipelines that mean nothing.
func checkWorkflows(c *mlops.Checker, s mlops.Settings) {
	text := s.String(targetController)
	at := mlops.At(name, targetController)
	namespace, account, both := strings.Cut(text, "/")
	if text != "" && !both {
		c.Add(at, "Not a service account", "%q does not name the controller's service account; write namespace/name, as in argo/argo.", text)
		return
	}
	checkObjectName(c, at, namespace)
	checkObjectName(c, at, account)
}
