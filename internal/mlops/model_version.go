package mlops

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"
)

// ModelVersionSpec is immutable bytes with evidence. The bytes come from a URI
// or from a run's output. Approval, aliases, description and labels may change;
// a change to anything else registers a successor.
type ModelVersionSpec struct {
	Model       ID                 `json:"model"`
	ArtifactURI string             `json:"artifact_uri,omitempty"`
	Run         ID                 `json:"run,omitempty"`
	Output      string             `json:"output,omitempty"`    // "step.output", or the output alone where only one step has it
	Format      string             `json:"format"`              // one of Formats
	Command     []string           `json:"command"`             // custom format: a server that listens on $PORT; $MODEL_PATH holds the bytes
	Image       string             `json:"image,omitempty"`     // container that serves the bytes, as the platform's contract for serving asks
	Packages    []string           `json:"packages"`            // pip requirements of the server; with Run, default those of the step
	Signature   string             `json:"signature,omitempty"` // JSON
	Metrics     map[string]float64 `json:"metrics"`             // with Run, default those of the run
	Description string             `json:"description,omitempty"`
	Labels      map[string]string  `json:"labels"`
	Approval    string             `json:"approval"`              // one of Approvals
	ApprovedBy  string             `json:"approved_by,omitempty"` // who gave that approval
	Aliases     []string           `json:"aliases"`               // an alias moves here from the version that had it
	// Promotion is the evidence of a version that was promoted. The bytes must
	// have its digest; others are refused as Invalid.
	Promotion *Promotion `json:"promotion,omitempty"`
	Overrides string     `json:"overrides,omitempty"` // JSON, merged into the platform's own request
}

// ModelVersionStatus is what the platform owns of a version.
type ModelVersionStatus struct {
	Version   string             `json:"version"` // a number, counted up by model
	Digest    string             `json:"digest"`  // "sha256:…" of the bytes
	URI       string             `json:"uri"`     // where the bytes are kept
	Size      int64              `json:"size"`    // bytes
	Metrics   map[string]float64 `json:"metrics"`
	Packages  []string           `json:"packages"`
	Lineage   *Lineage           `json:"lineage,omitempty"`
	CreatedAt time.Time          `json:"created_at"`
}

// Formats lists the formats that a version may have.
func Formats() []string { return []string{"sklearn", "xgboost", "mlflow", "onnx", "custom"} }

// Approvals lists the approval states.
func Approvals() []string { return []string{"pending", "approved", "rejected"} }

var aliasForm = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

// Validate checks what every backend refuses.
func (s ModelVersionSpec) Validate(c *Checker) {
	s.validateSource(c)
	if !slices.Contains(Formats(), s.Format) {
		c.Add(At("format"), "Unknown format", "%q is no model format; use one of %s.%s", s.Format, strings.Join(Formats(), ", "), DidYouMean(s.Format, Formats()))
	}
	custom := s.Format == "custom"
	if both := []Path{At("format"), At("command")}; custom && len(s.Command) == 0 && s.Image == "" {
		c.AddIf(At("command"), append(both, At("image")), "Missing command", "Format \"custom\" needs the command of a server that listens on $PORT, or the image of one.")
	} else if !custom && len(s.Command) > 0 {
		c.AddIf(At("command"), both, "Command not used", "Only format \"custom\" has a command; %q is served by a server of its own.", s.Format)
	}
	if s.Signature != "" && !json.Valid([]byte(s.Signature)) {
		c.Add(At("signature"), "Invalid JSON", "The signature must be JSON; write it with jsonencode.")
	}
	if !slices.Contains(Approvals(), s.Approval) {
		c.Add(At("approval"), "Unknown approval", "%q is no approval state; use one of %s.%s", s.Approval, strings.Join(Approvals(), ", "), DidYouMean(s.Approval, Approvals()))
	}
	checkOverrides(c, At("overrides"), s.Overrides)
	checkAliases(c, At("aliases"), s.Aliases)
	checkRequirements(c, At("packages"), s.Packages)
	checkLabels(c, At("labels"), s.Labels)
}

func checkAliases(c *Checker, at Path, aliases []string) {
	for i, a := range aliases {
		if !aliasForm.MatchString(a) {
			c.Add(at.With(i), "Invalid alias", "%q is not a valid alias: use lower-case letters, digits, hyphens and underscores, starting with a letter, at most 63 characters.", a)
		}
		if slices.Contains(aliases[:i], a) {
			c.Add(at.With(i), "Repeated alias", "%q is listed twice.", a)
		}
	}
}

func (s ModelVersionSpec) validateSource(c *Checker) {
	all := []Path{At("artifact_uri"), At("run"), At("output")}
	switch {
	case s.ArtifactURI == "" && s.Run == "":
		c.AddIf(At("artifact_uri"), all, "Missing source", "Give artifact_uri, or run and output.")
	case s.ArtifactURI != "" && s.Run != "":
		c.AddIf(At("artifact_uri"), all, "Two sources", "Give either artifact_uri, or run and output, not both.")
	case s.Run != "" && s.Output == "":
		c.AddIf(At("output"), all, "Missing output", "Say which output of the run holds the model: output = \"model\", or \"step.model\".")
	case s.Run == "" && s.Output != "":
		c.AddIf(At("output"), all, "Output without a run", "output names an output of a run; give run too, or leave it out.")
	}
}

// Uses lists the features asked for.
func (s ModelVersionSpec) Uses() []Use {
	u := []Use{}
	if s.ArtifactURI != "" {
		u = append(u, Use{FeatureVersionFile, At("artifact_uri")})
	}
	if s.Run != "" {
		u = append(u, Use{FeatureVersionRun, At("run")})
	}
	if slices.Contains(Formats(), s.Format) {
		u = append(u, Use{Feature("model_version.format." + s.Format), At("format")})
	}
	if s.Image != "" {
		u = append(u, Use{FeatureVersionImage, At("image")})
	}
	if len(s.Command) > 0 {
		u = append(u, Use{FeatureVersionCommand, At("command")})
	}
	if len(s.Aliases) > 0 {
		u = append(u, Use{FeatureVersionAliases, At("aliases")})
	}
	if s.Overrides != "" {
		u = append(u, Use{FeatureVersionOverrides, At("overrides")})
	}
	return u
}

// SameBytes reports whether two specs describe the same immutable part, apart
// from what their sources resolve to.
func (s ModelVersionSpec) SameBytes(t ModelVersionSpec) bool {
	return s.Format == t.Format && s.Image == t.Image && s.Signature == t.Signature && SameOverrides(s.Overrides, t.Overrides) &&
		slices.Equal(s.Command, t.Command) && slices.Equal(s.Packages, t.Packages)
}
