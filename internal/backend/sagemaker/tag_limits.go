package sagemaker

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// tagLoad is what a noun's tags have to hold at most.
type tagLoad struct {
	id     mlops.ID
	labels map[string]string
	spec   any // that the record holds, nil for none
	times  int // how often it may hold it at once: in force, and asked for
	marks  int // tags beside the record
}

// Tags beside labels. An environment's labels are on everything in it, and leave
// room there for a record of middling size.
const (
	ownershipTags = 3 // see tagsFor
	recordGrowth  = 1 // a record may grow by a piece, since its date is not known yet
	roomInside    = 20

	baselineGrowth = 4 // what is known of a monitor's baseline is kept beside its spec
	monitorMarks   = 2 // tagJobs and tagDeleting
)

// loadOf is the load of a noun whose labels are tags; that of others is not ok.
func loadOf(spec any) (load tagLoad, ok bool) {
	switch s := spec.(type) {
	case mlops.EnvironmentSpec:
		return tagLoad{id: s.ID, labels: s.Labels, marks: roomInside}, true
	case mlops.ModelSpec:
		return tagLoad{s.ID(), s.Labels, s, 1, recordGrowth}, true
	case mlops.ExperimentSpec:
		return tagLoad{s.ID(), s.Labels, s, 1, recordGrowth}, true
	case mlops.ModelEndpointSpec:
		return tagLoad{s.ID(), s.Labels, s, 2, recordGrowth + reservedEndpointTags}, true
	case mlops.MonitorSpec:
		return tagLoad{s.ID(), s.Labels, withoutWebhook(s), 1, recordGrowth + baselineGrowth + monitorMarks}, true
	}
	return tagLoad{}, false
}

// beside is how many tags an object needs at most beside its labels and those that
// say whose it is.
func (b *backend) beside(l tagLoad) int {
	if l.spec == nil {
		return l.marks
	}
	r, err := b.newRecord(l.id, l.spec)
	if err != nil {
		return l.marks
	}
	tags, err := r.tags()
	if err != nil {
		return l.marks + maxPieces // refused for its size
	}
	names := withoutRecord(tags)
	pieces := len(tags) - len(names)
	return l.marks + len(names) + min(l.times*pieces, maxPieces)
}

// checkTags refuses labels that AWS has no room for beside an object's record.
// Those of its environment and of all that the provider makes are on it too.
func (b *backend) checkTags(c *mlops.Checker, spec any, environment mlops.EnvironmentSpec) {
	load, ok := loadOf(spec)
	if !ok {
		return
	}
	room, labels := maxTags-ownershipTags-b.beside(load), len(b.labelsFor(environment, load.labels))
	if labels > room {
		c.Add(mlops.At("labels"), "Too many labels",
			"AWS allows %d tags on an object. Beside the provider's own, which describe it, there is room for %d; its labels, those of the environment and default_tags are %d.", maxTags, room, labels)
	}
}

// preflightTags does so with the labels of the environment that is there.
func (b *backend) preflightTags(ctx context.Context, c *mlops.Checker, spec any) error {
	load, _ := loadOf(spec)
	p, err := b.place(ctx, load.id)
	b.checkTags(c, spec, p.spec)
	if b.is(err, mlops.NotFound) {
		return nil // it is made by the same apply
	}
	return err
}
