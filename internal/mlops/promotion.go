package mlops

import (
	"context"
	"maps"
	"slices"
	"time"
)

// PromotionSpec asks for the bytes of one environment's version to become a
// version of another environment's model, on the same backend or another.
//
// It is no noun of a platform: whoever carries it out reads the source, judges
// the gates, moves the bytes, and registers a version whose Promotion holds the
// evidence. That version is what a promotion is, and its ID is the promotion's.
type PromotionSpec struct {
	From        ID                `json:"from"` // a model version
	To          ID                `json:"to"`   // a model
	Gates       *PromotionGates   `json:"gates,omitempty"`
	ApprovedBy  string            `json:"approved_by,omitempty"`
	Description string            `json:"description,omitempty"`
	Labels      map[string]string `json:"labels"`
	Aliases     []string          `json:"aliases"` // of the new version
}

// PromotionGates are what must hold for a promotion.
type PromotionGates struct {
	Min map[string]float64 `json:"min"` // least value of the source's metrics
	Max map[string]float64 `json:"max"` // greatest value of the source's metrics
	// Relative compares with what the target serves now: a metric may be worse by
	// at most so many percent, and negative figures ask for so much better. Which
	// way is better is said by Lower. A target that serves nothing passes.
	Relative map[string]float64 `json:"relative"`
	Lower    []string           `json:"lower_is_better"` // metrics of Relative that are better when small
	Approval bool               `json:"approval"`        // approved_by must be given
	// ServedFor is how long the source must have been served in its environment,
	// without a monitor there being violated in that time.
	ServedFor Duration `json:"served_for,omitempty"`
}

// Promotion is the evidence that a promoted version carries.
type Promotion struct {
	From       ID                 `json:"from"`
	Digest     string             `json:"digest"` // of the bytes, which those of the new version must have
	ApprovedBy string             `json:"approved_by,omitempty"`
	By         string             `json:"by"` // who ran it
	At         time.Time          `json:"at"`
	Metrics    map[string]float64 `json:"metrics"`            // of the source
	Compared   ID                 `json:"compared,omitempty"` // what the target served
	Lineage    *Lineage           `json:"lineage,omitempty"`  // of the source
	Run        ID                 `json:"run,omitempty"`      // that made the source
	Monitors   map[ID]string      `json:"monitors"`           // state of the monitors that watch the source
	Gates      []GateResult       `json:"gates"`
}

// GateResult is how one gate was judged.
type GateResult struct {
	Gate   string `json:"gate"`
	Passed bool   `json:"passed"`
	Detail string `json:"detail"`
}

// Exporter is the Kind of model versions of a platform whose bytes can be
// fetched: Export writes them below an empty directory, as they were
// registered, and returns the path of the file or directory that they are.
type Exporter interface {
	Export(ctx context.Context, ref ID, directory string) (path string, err error)
}

// Validate checks what is wrong wherever the promotion goes.
func (s PromotionSpec) Validate(c *Checker) {
	checkID(c, At("from"), s.From, NounModelVersion)
	checkID(c, At("to"), s.To, NounModel)
	checkLabels(c, At("labels"), s.Labels)
	checkAliases(c, At("aliases"), s.Aliases)
	if s.From != "" && s.From.Parent() == s.To {
		c.AddIf(At("to"), []Path{At("from"), At("to")}, "Same model", "The version is already one of %q; a promotion goes to another model.", s.To)
	}
	g := s.Gates
	if g == nil {
		return
	}
	if g.Approval && s.ApprovedBy == "" {
		c.AddIf(At("approved_by"), []Path{At("approved_by"), At("gates", "approval")}, "Not approved", "The promotion needs an approval: approved_by says who approved it.")
	}
	for _, name := range slices.Sorted(maps.Keys(g.Min)) {
		if high, ok := g.Max[name]; ok && high < g.Min[name] {
			c.AddIf(At("gates", "max", Key(name)), []Path{At("gates", "min"), At("gates", "max")}, "Gates that can never pass", "max (%g) is below min (%g).", high, g.Min[name])
		}
	}
	for i, name := range g.Lower {
		if _, ok := g.Relative[name]; !ok {
			c.AddIf(At("gates", "lower_is_better", i), []Path{At("gates", "relative"), At("gates", "lower_is_better")}, "Metric not compared", "%q is not among the relative gates.", name)
		}
	}
	checkPositive(c, At("gates", "served_for"), g.ServedFor)
}

// Uses lists the features asked for: of the version that is made.
func (s PromotionSpec) Uses() []Use {
	if len(s.Aliases) > 0 {
		return []Use{{FeatureVersionAliases, At("aliases")}}
	}
	return nil
}

// NeedsApproval reports whether a stage serves approved versions only.
func NeedsApproval(stage string) bool { return stage == "prod" }

// CheckApproval refuses a version that is not approved where the stage asks for
// approved ones.
func CheckApproval(c *Checker, at Path, stage string, version ID, approval string) {
	if NeedsApproval(stage) && approval != "approved" {
		c.Add(at, "Version not approved", "%q is %s; an environment of stage %q serves approved versions only. Set approval = \"approved\" on the version, or promote an approved one.", version, approval, stage)
	}
}
