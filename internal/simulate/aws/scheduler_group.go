package aws

import "strings"

// schedulerGroup returns a group of the call's region, or nil. The default group
// is made when it is first asked for.
func (w *World) schedulerGroup(c *Call, name string) *schedulerGroup {
	arn := c.arn("scheduler", "schedule-group/"+name)
	if name == defaultGroup && w.scheduler().groups[arn] == nil {
		w.scheduler().groups[arn] = &schedulerGroup{arn: arn, name: name, region: c.Region, created: c.Time, modified: c.Time, tags: tagSet{}}
	}
	return w.scheduler().groups[arn]
}

// schedulerTags finds the tags of a group. Schedules have none (user guide,
// "Tagging").
func (w *World) schedulerTags(c *Call, arn string) (tagSet, error) {
	name := strings.TrimPrefix(arnPart(arn, 5), "schedule-group/")
	if g := w.schedulerGroup(c, name); g != nil && g.arn == arn {
		return g.tags, nil
	}
	return nil, schedulerMissing("Schedule group", name)
}

func (w *World) schedulerCreateGroup(c *Call) (Params, error) {
	name := text(c.In, "Name")
	arn := c.arn("scheduler", "schedule-group/"+name)
	old := w.schedulerGroup(c, name)
	if token := c.token(); old != nil && token != "" && w.scheduler().tokens[token] == arn {
		return Params{"ScheduleGroupArn": arn}, nil
	}
	if old != nil {
		return nil, schedulerTaken("Schedule group", name)
	}
	if err := (tagging{tags: "Tags", invalid: "ValidationException", many: "ValidationException"}).check(c.In, nil); err != nil {
		return nil, err
	}
	w.scheduler().groups[arn] = &schedulerGroup{
		arn: arn, name: name, region: c.Region, created: c.Time, modified: c.Time, tags: tagsIn(c.In, "Tags"),
	}
	w.scheduler().remember(c.token(), arn)
	return Params{"ScheduleGroupArn": arn}, nil
}

func (g *schedulerGroup) view() Params {
	return Params{"Arn": g.arn, "Name": g.name, "State": "ACTIVE", "CreationDate": g.created, "LastModificationDate": g.modified}
}

func (w *World) schedulerGetGroup(c *Call) (Params, error) {
	g := w.schedulerGroup(c, text(c.In, "Name"))
	if g == nil {
		return nil, schedulerMissing("Schedule group", text(c.In, "Name"))
	}
	return g.view(), nil
}

// schedulerDeleteGroup removes a group and its schedules (API reference,
// DeleteScheduleGroup), at once: there is no phase in which it is being deleted.
func (w *World) schedulerDeleteGroup(c *Call) (Params, error) {
	name := text(c.In, "Name")
	if name == defaultGroup {
		return nil, schedulerInvalid("The default schedule group can't be deleted.")
	}
	g := w.schedulerGroup(c, name)
	if g == nil {
		return nil, schedulerMissing("Schedule group", name)
	}
	for arn, s := range w.scheduler().schedules {
		if s.region == g.region && s.group == g.name {
			delete(w.scheduler().schedules, arn)
		}
	}
	delete(w.scheduler().groups, g.arn)
	return Params{}, nil
}

func (w *World) schedulerListGroups(c *Call) (Params, error) {
	w.schedulerGroup(c, defaultGroup)
	var all []Params
	for _, g := range sorted(w.scheduler().groups) {
		if g.region == c.Region && strings.HasPrefix(g.name, text(c.In, "NamePrefix")) {
			all = append(all, g.view())
		}
	}
	return schedulerListed(c, "ScheduleGroups", all)
}
