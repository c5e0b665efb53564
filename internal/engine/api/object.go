package api

import (
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Headers and the host name of every request.
const (
	Host          = "mlops-engine" // no other is answered
	OwnerHeader   = "Mlops-Owner"  // stamp of the acting configuration
	FolderHeader  = "Mlops-Folder" // its working directory, percent-encoded: relative paths start there
	RequestHeader = "X-Request-Id" // the engine's name for the request, in every answer
)

// Paths.
const (
	ObjectsPath = "/v1/objects"
	EnginePath  = "/v1/engine"
	StopPath    = "/v1/engine/stop"
	// CredentialsPath is what the ID of an endpoint follows, whose credentials are
	// answered. They are secrets.
	CredentialsPath = "/v1/credentials"
	// ChecksPath is what the ID of a monitor follows, whose check is to be made.
	ChecksPath = "/v1/checks"
	// MailServerPath takes the URL of the mail server. It is a secret.
	MailServerPath = "/v1/engine/mail-server"
	UnderQuery     = "under" // of a list: the ID that objects are below
	KeepQuery      = "keep"  // of a stop: "true" leaves steps and model servers running for the next engine
)

// Receipt answers an accepted create or change.
type Receipt struct {
	Ref      mlops.ID `json:"ref"`
	Revision string   `json:"revision"`
}

// Change is the receipt as the contract has it.
func (r Receipt) Change() mlops.Change { return mlops.Change(r) }

// Object is one look at an object.
type Object[Spec, Status any] struct {
	Ref      mlops.ID          `json:"ref"`
	Spec     Spec              `json:"spec"`
	Status   Status            `json:"status"`
	Phase    mlops.Phase       `json:"phase"`
	Revision string            `json:"revision"`
	Reason   string            `json:"reason,omitempty"`
	Native   map[string]string `json:"native,omitempty"`
	Wait     mlops.Duration    `json:"wait,omitempty"`
}

// List is the answer to a list.
type List[Spec, Status any] struct {
	Objects []Object[Spec, Status] `json:"objects"`
}

// FromObserved turns a look into its wire form.
func FromObserved[Spec, Status any](o mlops.Observed[Spec, Status]) Object[Spec, Status] {
	return Object[Spec, Status]{
		Ref: o.Ref, Spec: o.Spec, Status: o.Status, Phase: o.Phase, Revision: o.Revision,
		Reason: o.Reason, Native: o.Native, Wait: mlops.Duration(o.Wait),
	}
}

// Observed turns the wire form back into a look.
func (o Object[Spec, Status]) Observed() mlops.Observed[Spec, Status] {
	return mlops.Observed[Spec, Status]{
		Ref: o.Ref, Spec: o.Spec, Status: o.Status, Phase: o.Phase, Revision: o.Revision,
		Reason: o.Reason, Native: o.Native, Wait: time.Duration(o.Wait),
	}
}

// Credentials is the wire form of mlops.Credentials.
type Credentials struct {
	URL     string            `json:"url"`
	Token   string            `json:"token,omitempty"`
	Headers map[string]string `json:"headers"`
	Expires time.Time         `json:"expires,omitzero"`
}

// MailServer says where mails are sent from.
type MailServer struct {
	URL string `json:"url"`
}

// Engine is the status of a running engine. It is also what the info file in
// the engine's directory holds.
type Engine struct {
	PID       int                `json:"pid"`
	Version   string             `json:"version"` // of the provider it belongs to
	Build     string             `json:"build"`   // tells apart binaries of one version
	Directory string             `json:"directory"`
	Python    string             `json:"python,omitempty"` // interpreter asked for, "" for the usual one
	Inference string             `json:"inference"`        // base URL of endpoints
	StartedAt time.Time          `json:"started_at"`
	Objects   map[mlops.Noun]int `json:"objects,omitempty"` // how many there are
}

// Report is the one line that a starting engine says about how it went: exactly
// one of the two is set.
type Report struct {
	Ready   *Engine  `json:"ready,omitempty"`
	Problem *Problem `json:"problem,omitempty"`
}
