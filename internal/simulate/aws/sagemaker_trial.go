package aws

import (
	"maps"
	"slices"
)

// smLinks is what only a trial has.
type smLinks struct {
	experiment string // the ARN
	components []string
}

// smExperimentOf is the ARN of a trial's experiment.
func smExperimentOf(o *smObject) string {
	if links, ok := o.detail.(*smLinks); ok {
		return links.experiment
	}
	return ""
}

// smHasComponent reports whether a trial has a component.
func smHasComponent(trial *smObject, component string) bool {
	links, ok := trial.detail.(*smLinks)
	return ok && slices.Contains(links.components, component)
}

func (w *World) smTrialHandlers() map[string]Handler {
	return map[string]Handler{
		"CreateTrial":                w.smCreateTrial,
		"DescribeTrial":              w.smDescribe(smTrial, "TrialName", w.smTrialView),
		"UpdateTrial":                w.smUpdate(smTrial, "Trial", "DisplayName"),
		"DeleteTrial":                w.smDeleteTrial,
		"ListTrials":                 w.smListTrials,
		"AssociateTrialComponent":    w.smLink(true),
		"DisassociateTrialComponent": w.smLink(false),
	}
}

func (w *World) smCreateTrial(c *Call) (Params, error) {
	experiment, err := w.find(c, smExperiment, text(c.In, "ExperimentName"))
	if err != nil {
		return nil, err
	}
	name := text(c.In, "TrialName")
	if err := w.smUnique(c, smTrial, "Trial", name); err != nil {
		return nil, err
	}
	o := w.add(c, smTrial, name, smARN(c, smTrial, name), c.In)
	o.detail = &smLinks{experiment: experiment.arn}
	return Params{"TrialArn": o.arn}, nil
}

// smTrialView is a trial as Describe shows it.
func (w *World) smTrialView(o *smObject) Params {
	out := smJoin(smTracked(o, "Trial"), Params{"CreatedBy": Params{}, "LastModifiedBy": Params{}})
	if experiment := w.sm().objects[smExperimentOf(o)]; experiment != nil {
		out["ExperimentName"] = experiment.name
	}
	return smJoin(out, o.members("MetadataProperties"))
}

// smDeleteTrial deletes a trial without components (API reference, DeleteTrial).
func (w *World) smDeleteTrial(c *Call) (Params, error) {
	o, err := w.find(c, smTrial, text(c.In, "TrialName"))
	if err != nil {
		return nil, err
	}
	if links, ok := o.detail.(*smLinks); ok && len(links.components) > 0 {
		return nil, fault("ValidationException", "Trial %s has trial components that must be disassociated first.", o.arn)
	}
	w.drop(o)
	return Params{"TrialArn": o.arn}, nil
}

func (w *World) smListTrials(c *Call) (Params, error) {
	var experiment, component string
	if name := text(c.In, "ExperimentName"); name != "" {
		o, err := w.find(c, smExperiment, name)
		if err != nil {
			return nil, err
		}
		experiment = o.arn
	}
	if name := text(c.In, "TrialComponentName"); name != "" {
		o, err := w.find(c, smComponent, name)
		if err != nil {
			return nil, err
		}
		component = o.arn
	}
	found := w.listed(c, smTrial, func(o *smObject) bool {
		return (experiment == "" || smExperimentOf(o) == experiment) && (component == "" || smHasComponent(o, component))
	})
	return smPage(c.In, "TrialSummaries", found, smPageSize, func(o *smObject) Params { return smTracked(o, "Trial") })
}

// smLink ties a component to a trial, or unties it.
func (w *World) smLink(tie bool) Handler {
	return func(c *Call) (Params, error) {
		trial, err := w.find(c, smTrial, text(c.In, "TrialName"))
		if err != nil {
			return nil, err
		}
		component, err := w.find(c, smComponent, text(c.In, "TrialComponentName"))
		if err != nil {
			return nil, err
		}
		links, _ := trial.detail.(*smLinks)
		links.components = slices.DeleteFunc(links.components, func(arn string) bool { return arn == component.arn })
		if tie {
			links.components = append(links.components, component.arn)
		}
		return Params{"TrialArn": trial.arn, "TrialComponentArn": component.arn}, nil
	}
}

func (w *World) smComponentHandlers() map[string]Handler {
	return map[string]Handler{
		"CreateTrialComponent":   w.smCreateComponent,
		"DescribeTrialComponent": w.smDescribe(smComponent, "TrialComponentName", smComponentView),
		"UpdateTrialComponent":   w.smUpdateComponent,
		"DeleteTrialComponent":   w.smDeleteComponent,
		"ListTrialComponents":    w.smListComponents,
	}
}

func (w *World) smCreateComponent(c *Call) (Params, error) {
	name := text(c.In, "TrialComponentName")
	if err := w.smUnique(c, smComponent, "TrialComponent", name); err != nil {
		return nil, err
	}
	return Params{"TrialComponentArn": w.add(c, smComponent, name, smARN(c, smComponent, name), c.In).arn}, nil
}

// smComponentView is a component as Describe shows it.
func smComponentView(o *smObject) Params {
	out := smJoin(smTracked(o, "TrialComponent"), Params{"CreatedBy": Params{}, "LastModifiedBy": Params{}})
	return smJoin(out, o.members("Status", "StartTime", "EndTime", "Parameters", "InputArtifacts", "OutputArtifacts", "MetadataProperties"))
}

// smUpdateComponent sets members; of the maps it replaces the entries that are
// given, and removes those that are to be removed.
func (w *World) smUpdateComponent(c *Call) (Params, error) {
	o, err := w.find(c, smComponent, text(c.In, "TrialComponentName"))
	if err != nil {
		return nil, err
	}
	o.change(c.Time, c.In, "DisplayName", "Status", "StartTime", "EndTime")
	for _, member := range []string{"Parameters", "InputArtifacts", "OutputArtifacts"} {
		merged := Params{}
		maps.Copy(merged, structure(o.in, member))
		maps.Copy(merged, structure(c.In, member))
		for _, key := range texts(c.In, member+"ToRemove") {
			delete(merged, key)
		}
		o.in[member] = merged
	}
	return Params{"TrialComponentArn": o.arn}, nil
}

// smDeleteComponent deletes a component that no trial has (API reference,
// DeleteTrialComponent).
func (w *World) smDeleteComponent(c *Call) (Params, error) {
	o, err := w.find(c, smComponent, text(c.In, "TrialComponentName"))
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(w.all(c, smTrial), func(t *smObject) bool { return smHasComponent(t, o.arn) }) {
		return nil, fault("ValidationException", "Trial component %s must be disassociated from all trials first.", o.arn)
	}
	w.drop(o)
	return Params{"TrialComponentArn": o.arn}, nil
}

func (w *World) smListComponents(c *Call) (Params, error) {
	var trials []*smObject
	narrowed := false
	if name := text(c.In, "TrialName"); name != "" {
		trial, err := w.find(c, smTrial, name)
		if err != nil {
			return nil, err
		}
		trials, narrowed = []*smObject{trial}, true
	}
	if name := text(c.In, "ExperimentName"); name != "" {
		experiment, err := w.find(c, smExperiment, name)
		if err != nil {
			return nil, err
		}
		narrowed = true
		trials = append(trials, slices.DeleteFunc(w.all(c, smTrial), func(t *smObject) bool { return smExperimentOf(t) != experiment.arn })...)
	}
	found := w.listed(c, smComponent, func(o *smObject) bool {
		return !narrowed || slices.ContainsFunc(trials, func(t *smObject) bool { return smHasComponent(t, o.arn) })
	})
	return smPage(c.In, "TrialComponentSummaries", found, smPageSize, func(o *smObject) Params {
		return smJoin(smTracked(o, "TrialComponent"), o.members("Status", "StartTime", "EndTime"))
	})
}
