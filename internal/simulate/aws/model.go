package aws

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sync"
)

// Model is a service as AWS publishes it: its operations and the shapes of what
// they take and give. The form is that of api-2.json.
type Model struct {
	Metadata   Metadata             `json:"metadata"`
	Operations map[string]Operation `json:"operations"`
	Shapes     map[string]Shape     `json:"shapes"`
}

// Metadata says how a service is spoken to.
type Metadata struct {
	Protocol     string `json:"protocol"` // json, query, rest-json, rest-xml
	JSONVersion  string `json:"jsonVersion"`
	TargetPrefix string `json:"targetPrefix"`
	APIVersion   string `json:"apiVersion"`
	XMLNamespace string `json:"xmlNamespace"`
}

// Operation is one call of a service.
type Operation struct {
	Name string `json:"name"`
	HTTP struct {
		Method     string `json:"method"`
		RequestURI string `json:"requestUri"`
		Code       int    `json:"responseCode"`
	} `json:"http"`
	Input  *Ref  `json:"input"`
	Output *Ref  `json:"output"`
	Errors []Ref `json:"errors"`
}

// Ref is a member: which shape it has, and where it stands in a message.
type Ref struct {
	Shape        string `json:"shape"`
	LocationName string `json:"locationName"`
	Location     string `json:"location"`
	QueryName    string `json:"queryName"`
	ResultName   string `json:"resultWrapper"`
	Flattened    bool   `json:"flattened"`
	Token        bool   `json:"idempotencyToken"`
}

// Shape is a type and what its values must keep to.
type Shape struct {
	Type      string         `json:"type"`
	Required  []string       `json:"required"`
	Members   map[string]Ref `json:"members"`
	Member    Ref            `json:"member"`
	Key       Ref            `json:"key"`
	Value     Ref            `json:"value"`
	Min       *float64       `json:"min"`
	Max       *float64       `json:"max"`
	Pattern   string         `json:"pattern"`
	Enum      []string       `json:"enum"`
	Union     bool           `json:"union"`
	Payload   string         `json:"payload"`
	Flattened bool           `json:"flattened"`
	Format    string         `json:"timestampFormat"`
	Error     *struct {
		Code   string `json:"code"`
		Status int    `json:"httpStatusCode"`
	} `json:"error"`
}

// library reads models when they are first asked for. They are large: all servers
// of a process that have the same files share them.
type library struct {
	files fs.FS
	mu    sync.Mutex
	read  map[string]*Model
}

// model returns a service's newest model.
func (l *library) model(service string) (*Model, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m, ok := l.read[service]; ok {
		return m, nil
	}
	m, err := readModel(l.files, service)
	if err == nil {
		l.read[service] = m
	}
	return m, err
}

func readModel(files fs.FS, service string) (*Model, error) {
	versions, err := fs.ReadDir(files, service)
	if err != nil {
		return nil, fmt.Errorf("the models of %s: %w", service, err)
	}
	if len(versions) == 0 {
		return nil, errors.New("there is no model of " + service)
	}
	names := make([]string, len(versions))
	for i, v := range versions {
		names[i] = v.Name()
	}
	text, err := fs.ReadFile(files, path.Join(service, slices.Max(names), "api-2.json"))
	if err != nil {
		return nil, err
	}
	m := &Model{}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("the model of %s: %w", service, err)
	}
	return m, nil
}
