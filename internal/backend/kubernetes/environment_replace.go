package kubernetes

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// warnOfReplacement tells at plan that an environment which is to be replaced is not
// empty: nobody deletes it so. A plan of the environment does not say whether what is in
// it goes in the same apply, so this is no error.
func (k environmentKind) warnOfReplacement(ctx context.Context, c *mlops.Checker, l layout, s environmentScene, seen seenEnvironment) error {
	if seen.record.Spec == nil {
		return nil
	}
	old, err := seen.spec()
	if err != nil {
		return err
	}
	setting := replacedBy(old.Target.Settings, l.spec.Target.Settings)
	if setting == "" {
		return nil
	}
	what, err := k.tenant(ctx, s, seen)
	if err == nil && what != "" {
		c.Warn(mlops.At(name, setting), "The environment is replaced, and is not empty",
			"%s is in %s, and the apply fails where it stays: it neither goes nor changes with its environment. Destroy what is in the environment first; or give every resource in it a lifecycle { replace_triggered_by = [<the environment's address>.kubernetes.%s] }, so that the same apply replaces it.", what, s.id, setting)
	}
	return err
}

// replacedBy is the first setting by which one target takes the place of another.
func replacedBy(before, after mlops.Settings) string {
	for _, s := range target() {
		if s.Replace && before.String(s.Name) != after.String(s.Name) {
			return s.Name
		}
	}
	return ""
}
