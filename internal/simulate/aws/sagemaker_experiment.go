package aws

import "slices"

func (w *World) smExperimentHandlers() map[string]Handler {
	return map[string]Handler{
		"CreateExperiment":   w.smCreateExperiment,
		"DescribeExperiment": w.smDescribe(smExperiment, "ExperimentName", smExperimentView),
		"UpdateExperiment":   w.smUpdate(smExperiment, "Experiment", "DisplayName", "Description"),
		"DeleteExperiment":   w.smDeleteExperiment,
		"ListExperiments":    w.smListExperiments,
	}
}

// smDescribe is an operation that shows one object.
func (w *World) smDescribe(kind, member string, view func(*smObject) Params) Handler {
	return func(c *Call) (Params, error) {
		o, err := w.find(c, kind, text(c.In, member))
		if err != nil {
			return nil, err
		}
		return view(w.look(o, c.Time)), nil
	}
}

// smUpdate is an operation that sets members of one object: word is the start of
// its members "…Name" and "…Arn".
func (w *World) smUpdate(kind, word string, members ...string) Handler {
	return func(c *Call) (Params, error) {
		o, err := w.find(c, kind, text(c.In, word+"Name"))
		if err != nil {
			return nil, err
		}
		o.change(c.Time, c.In, members...)
		return Params{word + "Arn": o.arn}, nil
	}
}

// smUnique refuses a name that is taken, in the words by which sagemaker-python-sdk
// recognises it (experiments/_utils.py and experiment.py: "already exists").
func (w *World) smUnique(c *Call, kind, word, name string) error {
	if w.sm().objects[smARN(c, kind, name)] != nil {
		return fault("ValidationException", "%s names must be unique within an AWS account and region. %s with name (%s) already exists.", word, word, name)
	}
	return smTagFault(c.In)
}

func (w *World) smCreateExperiment(c *Call) (Params, error) {
	name := text(c.In, "ExperimentName")
	if err := w.smUnique(c, smExperiment, "Experiment", name); err != nil {
		return nil, err
	}
	return Params{"ExperimentArn": w.add(c, smExperiment, name, smARN(c, smExperiment, name), c.In).arn}, nil
}

// smTracked is what experiments, trials and their components show alike.
func smTracked(o *smObject, word string) Params {
	out := Params{
		word + "Name": o.name, word + "Arn": o.arn, "DisplayName": o.name, "CreationTime": o.created, "LastModifiedTime": o.modified,
	}
	smSet(out, "DisplayName", text(o.in, "DisplayName"))
	return out
}

// smExperimentView is an experiment as Describe shows it.
func smExperimentView(o *smObject) Params {
	out := smJoin(smTracked(o, "Experiment"), Params{"CreatedBy": Params{}, "LastModifiedBy": Params{}})
	return smJoin(out, o.members("Description"))
}

// smDeleteExperiment deletes an experiment without trials: those must be deleted
// first (API reference, DeleteExperiment).
func (w *World) smDeleteExperiment(c *Call) (Params, error) {
	o, err := w.find(c, smExperiment, text(c.In, "ExperimentName"))
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(w.all(c, smTrial), func(t *smObject) bool { return smExperimentOf(t) == o.arn }) {
		return nil, fault("ValidationException", "Experiment %s has trials that must be deleted first.", o.arn)
	}
	w.drop(o)
	return Params{"ExperimentArn": o.arn}, nil
}

func (w *World) smListExperiments(c *Call) (Params, error) {
	return smPage(c.In, "ExperimentSummaries", w.listed(c, smExperiment, nil), smPageSize, func(o *smObject) Params { return smTracked(o, "Experiment") })
}
