package aws

import "time"

// smVersions is what only a model package group has.
type smVersions struct {
	last int // the version that was given last; numbers are not given again
}

func (w *World) smGroupHandlers() map[string]Handler {
	return map[string]Handler{
		"CreateModelPackageGroup":   w.smCreateGroup,
		"DescribeModelPackageGroup": w.smDescribeGroup,
		"DeleteModelPackageGroup":   w.smDeleteGroup,
		"ListModelPackageGroups":    w.smListGroups,
	}
}

func (w *World) smCreateGroup(c *Call) (Params, error) {
	name := text(c.In, "ModelPackageGroupName")
	arn := smARN(c, smGroup, name)
	if w.sm().objects[arn] != nil {
		// The words by which sagemaker-python-sdk recognises it (session.py).
		return nil, fault("ValidationException", "Model Package Group already exists: %s", arn)
	}
	if err := smTagFault(c.In); err != nil {
		return nil, err
	}
	o := w.add(c, smGroup, name, arn, c.In)
	o.detail = &smVersions{}
	w.pass(o, "Pending", func(time.Time) { o.status = "Completed" })
	return Params{"ModelPackageGroupArn": arn}, nil
}

func (w *World) smDescribeGroup(c *Call) (Params, error) {
	o, err := w.find(c, smGroup, text(c.In, "ModelPackageGroupName"))
	if err != nil {
		return nil, err
	}
	return smGroupView(w.look(o, c.Time)), nil
}

// smGroupView is a group as Describe shows it.
func smGroupView(o *smObject) Params {
	out := smGroupSummary(o)
	out["CreatedBy"] = Params{}
	return out
}

func smGroupSummary(o *smObject) Params {
	return smJoin(o.members("ModelPackageGroupDescription"), Params{
		"ModelPackageGroupName": o.name, "ModelPackageGroupArn": o.arn,
		"CreationTime": o.created, "ModelPackageGroupStatus": o.status,
	})
}

func (w *World) smDeleteGroup(c *Call) (Params, error) {
	o, err := w.find(c, smGroup, text(c.In, "ModelPackageGroupName"))
	if err != nil {
		return nil, err
	}
	for _, p := range w.all(c, smPackage) {
		if smGroupOf(p) == o.arn {
			// The model lists the code; that versions keep a group is in the
			// developer guide ("Delete a Model Group").
			return nil, fault("ConflictException", "Model Package Group %s cannot be deleted: it still has model packages.", o.arn)
		}
	}
	w.drop(o)
	return Params{}, nil
}

func (w *World) smListGroups(c *Call) (Params, error) {
	return smPage(c.In, "ModelPackageGroupSummaryList", w.listed(c, smGroup, nil), smPageSize, smGroupSummary)
}
