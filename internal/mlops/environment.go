package mlops

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// EnvironmentSpec is one isolated stage on one backend.
type EnvironmentSpec struct {
	ID                 ID                `json:"id"` // built from the backend, its scope and Name
	Name               string            `json:"name"`
	Stage              string            `json:"stage"` // one of Stages
	Target             Target            `json:"target"`
	Labels             map[string]string `json:"labels"`
	Retention          *Retention        `json:"retention,omitempty"`
	DeletionProtection bool              `json:"deletion_protection"`
	Budget             *Budget           `json:"budget,omitempty"`
	Registry           *Registry         `json:"registry,omitempty"`
}

// Budget bounds what an environment should cost. It warns; it ends nothing.
type Budget struct {
	MonthlyUSD    float64  `json:"monthly_usd"`
	AlertPercents []int64  `json:"alert_percents"` // of the budget, at which Emails are told; default 80, 100
	Emails        []string `json:"emails"`
}

// Target says where an environment is.
type Target struct {
	Backend  string   `json:"backend"`
	Settings Settings `json:"settings"`
	// Secrets are the settings that are write-only. They come with a change, if the
	// configuration has them.
	Secrets Settings `json:"secrets,omitempty"`
	// Mark is a mark of Secrets that tells whether they changed, and tells nothing
	// else. Without Secrets, it says that those are kept that there are.
	Mark string `json:"secrets_mark,omitempty"`
}

// Retention says how long finished things are kept. Zero keeps them as long as
// what they belong to.
type Retention struct {
	Runs     Duration `json:"runs,omitempty"`     // finished runs, from their end
	Captures Duration `json:"captures,omitempty"` // captured requests, from their writing
}

// EnvironmentStatus is what the platform owns of an environment.
type EnvironmentStatus struct {
	CreatedAt time.Time `json:"created_at"`
}

// Stages lists the stages, from the least to the most protected.
func Stages() []string { return []string{"dev", "test", "staging", "prod"} }

var labelKey = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

// Validate checks what every backend refuses.
func (s EnvironmentSpec) Validate(c *Checker) {
	if !slices.Contains(Stages(), s.Stage) {
		c.Add(At("stage"), "Unknown stage", "%q is no stage; use one of %s.%s", s.Stage, strings.Join(Stages(), ", "), DidYouMean(s.Stage, Stages()))
	}
	checkLabels(c, At("labels"), s.Labels)
	if r := s.Retention; r != nil {
		checkPositive(c, At("retention", "runs"), r.Runs)
		checkPositive(c, At("retention", "captures"), r.Captures)
	}
	s.Budget.validate(c, At("budget"))
	s.Registry.validate(c)
}

func (b *Budget) validate(c *Checker, at Path) {
	if b == nil {
		return
	}
	if !(b.MonthlyUSD > 0) {
		c.Add(at.With("monthly_usd"), "Not a budget", "A budget is above 0 US dollars a month; it is %g.", b.MonthlyUSD)
	}
	for i, p := range b.AlertPercents {
		if p < 1 || p > 1000 {
			c.Add(at.With("alert_percents", i), "Not a percentage", "Alerts are at 1 to 1000 percent of the budget; this is at %d.", p)
		}
	}
	checkEmails(c, at.With("emails"), b.Emails)
}

// Uses lists the features asked for.
func (s EnvironmentSpec) Uses() []Use {
	var u []Use
	if s.Retention != nil {
		u = append(u, Use{FeatureEnvironmentRetention, At("retention")})
	}
	if s.DeletionProtection {
		u = append(u, Use{FeatureEnvironmentProtect, At("deletion_protection")})
	}
	if s.Budget != nil {
		u = append(u, Use{FeatureEnvironmentBudget, At("budget")})
	}
	if s.MLflowRegistry() != nil {
		u = append(u, Use{FeatureEnvironmentMLflow, At("registry", "mlflow")})
	}
	return u
}

// checkLabels holds labels to what every cloud takes as a tag or label.
func checkLabels(c *Checker, at Path, labels map[string]string) {
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		v := labels[k]
		if !labelKey.MatchString(k) {
			c.Add(at.With(Key(k)), "Invalid label", "Label names are lower-case letters, digits, hyphens and underscores, start with a letter and have at most 63 characters.")
		}
		if len(v) > 63 {
			c.Add(at.With(Key(k)), "Label too long", "Label values have at most 63 bytes; this one has %d.", len(v))
		}
	}
}

func checkPositive(c *Checker, at Path, d Duration) {
	if d < 0 {
		c.Add(at, "Negative duration", "A duration must not be negative.")
	}
}
