package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func approveVersion() *deed[approveVersionModel] {
	const limit = 10 * time.Minute
	return &deed[approveVersionModel]{
		name: "approve_version",
		doc: "Approves a model version, or takes the approval away, and notes who did. Nothing else of the version changes.\n\n" +
			"A configuration that has the version says its `approval` and `approved_by` too; let it follow, or leave them to this action with `lifecycle { ignore_changes = [approval, approved_by] }`.",
		attributes: attributes{
			"version":  requiredText("ID of the model version."),
			"approval": requiredText("`approved`, `rejected` or `pending`."),
			"by":       requiredText("Who approves or rejects it."),
			"timeout":  timeLimit(limit),
		},
		limit: func(m approveVersionModel) time.Duration { return durationOf(m.Timeout).Or(limit) },
		check: checkApproveVersion,
		do:    doApprove,
	}
}

type approveVersionModel struct {
	Version  *string `tfsdk:"version"`
	Approval *string `tfsdk:"approval"`
	By       *string `tfsdk:"by"`
	Timeout  *string `tfsdk:"timeout"`
}

func checkApproveVersion(c *mlops.Checker, m approveVersionModel) {
	checkReference(c, "version", m.Version, mlops.NounModelVersion)
	if a := valueOf(m.Approval); c.Known(mlops.At("approval")) && !slices.Contains(mlops.Approvals(), a) {
		c.Add(mlops.At("approval"), "Unknown approval", "%q is no approval state; use one of %s.%s", a, strings.Join(mlops.Approvals(), ", "), mlops.DidYouMean(a, mlops.Approvals()))
	}
}

func doApprove(ctx context.Context, p *platforms, m approveVersionModel, say func(string)) error {
	const op = "change the approval of"
	id := idOf(m.Version)
	target, err := targetOf(ctx, p, id.Backend(), mlops.NounModelVersion, mlops.Backend.ModelVersions)
	if err != nil {
		return err
	}
	target.Reads = nil // what is written back must be what is there
	seen, err := target.Read(ctx, id)
	if err != nil {
		return during(op, err)
	}
	if err := sameSource(ctx, target.Kind, seen); err != nil {
		return &mlops.Error{Code: mlops.Conflict, Op: op, Resource: mlops.NounModelVersion, Name: id, Backend: id.Backend(), Err: err}
	}
	spec := seen.Spec
	spec.Approval, spec.ApprovedBy = valueOf(m.Approval), valueOf(m.By)
	if _, err := target.Update(ctx, id, spec, func(mlops.Change) {}); err != nil {
		return during(op, err)
	}
	say(fmt.Sprintf("%s is %s by %s", id, spec.Approval, spec.ApprovedBy))
	return nil
}

// sameSource refuses a version whose source has other bytes by now: a change of
// it would register those, and they are not what somebody looked at.
func sameSource(ctx context.Context, kind mlops.Kind[mlops.ModelVersionSpec, mlops.ModelVersionStatus], seen mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus]) error {
	planner, ok := kind.(mlops.Planner[mlops.ModelVersionSpec])
	if !ok {
		return nil
	}
	digest, err := planner.Digest(ctx, seen.Spec)
	if err != nil {
		return fmt.Errorf("its source cannot be read: %w", err)
	}
	if digest != "" && digest != seen.Status.Digest {
		return errors.New("the bytes at its source are others by now, " + digest + "; apply the configuration, and approve the version that this registers")
	}
	return nil
}
