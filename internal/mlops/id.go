package mlops

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Noun is one portable kind of thing. Its value is the resource's name without
// the provider's prefix.
type Noun string

// The nouns. Their order is the order in which dependents follow what they
// depend on.
const (
	NounEnvironment   Noun = "environment"
	NounExperiment    Noun = "experiment"
	NounDataset       Noun = "dataset"
	NounPipeline      Noun = "pipeline"
	NounPipelineRun   Noun = "pipeline_run"
	NounModel         Noun = "model"
	NounModelVersion  Noun = "model_version"
	NounModelEndpoint Noun = "model_endpoint"
	NounMonitor       Noun = "monitor"
)

// Words is the noun in words: "model version".
func (n Noun) Words() string { return strings.ReplaceAll(string(n), "_", " ") }

// One is the noun with its article: "a model version", "an environment".
func (n Noun) One() string {
	if strings.ContainsRune("aeiou", rune(n[0])) {
		return "an " + n.Words()
	}
	return "a " + n.Words()
}

// Parent is the noun that stands before n in an ID; an environment has none.
func (n Noun) Parent() Noun {
	for parent, children := range collections {
		for _, child := range children {
			if child == n {
				return parent
			}
		}
	}
	return ""
}

// Nouns lists every noun, dependencies first.
func Nouns() []Noun {
	return []Noun{
		NounEnvironment, NounExperiment, NounDataset, NounPipeline, NounPipelineRun, NounModel, NounModelVersion,
		NounModelEndpoint, NounMonitor,
	}
}

// ID is a noun's stable identity: a readable path such as
// "local/churn-dev/models/churn/versions/3". Segments that hold a slash, a
// percent sign or another character that a URL path segment may not hold are
// percent-encoded. The zero ID is no ID.
type ID string

// scopeSegments is how many segments stand between a backend's name and an
// environment's name, and what they are.
var scopeSegments = map[string][]string{
	"local":      {},
	"memory":     {},
	"kubernetes": {"cluster"},
	"sagemaker":  {"region"},
	"vertex":     {"project", "location"},
	"azureml":    {"subscription", "resource group"},
}

// collections maps a parent noun to the path word of each child noun.
var collections = map[Noun]map[string]Noun{
	NounEnvironment: {
		"pipelines":   NounPipeline,
		"models":      NounModel,
		"endpoints":   NounModelEndpoint,
		"experiments": NounExperiment,
		"datasets":    NounDataset,
		"monitors":    NounMonitor,
	},
	NounPipeline: {"runs": NounPipelineRun},
	NounModel:    {"versions": NounModelVersion},
}

// Parsed is an ID taken apart.
type Parsed struct {
	Backend     string   // name of the backend, such as "local"
	Scope       []string // what the backend needs to find the environment: region, project, …
	Environment string   // name of the environment
	Noun        Noun     // what the ID names
	Parent      ID       // ID of the owning noun; empty for an environment
	Name        string   // last segment: the noun's own name
}

// EnvironmentID builds the ID of an environment from its backend, the
// backend's scope (region, project, …) and its name.
func EnvironmentID(backend string, scope []string, name string) ID {
	parts := append([]string{backend}, scope...)
	parts = append(parts, name)
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return ID(strings.Join(parts, "/"))
}

// Child builds the ID of a noun that belongs to id, such as a model's version.
// It returns the empty ID if id is empty, so that an unknown parent gives an
// unknown child.
func (id ID) Child(noun Noun, name string) ID {
	if id == "" || name == "" {
		return ""
	}
	return ID(string(id) + "/" + CollectionOf(noun) + "/" + url.PathEscape(name))
}

// CollectionOf returns the path word that stands before a noun's name in an
// ID, such as "endpoints". An environment has none.
func CollectionOf(noun Noun) string {
	for _, children := range collections {
		for word, n := range children {
			if n == noun {
				return word
			}
		}
	}
	return ""
}

// Environment returns the ID of the environment that id belongs to, or the
// empty ID if id is malformed.
func (id ID) Environment() ID {
	p, err := id.Parse()
	if err != nil {
		return ""
	}
	return EnvironmentID(p.Backend, p.Scope, p.Environment)
}

// Backend returns the backend's name, without checking the rest of the ID.
func (id ID) Backend() string {
	first, _, _ := strings.Cut(string(id), "/")
	return first
}

// Name returns the last segment, decoded: the noun's own name.
func (id ID) Name() string {
	s := string(id)
	return decode(s[strings.LastIndexByte(s, '/')+1:])
}

// Parent returns the ID of the owning noun, or the empty ID.
func (id ID) Parent() ID {
	p, err := id.Parse()
	if err != nil {
		return ""
	}
	return p.Parent
}

// Parse takes an ID apart. The error says what form was expected.
func (id ID) Parse() (Parsed, error) {
	segments := strings.Split(string(id), "/")
	backend := segments[0]
	scope, ok := scopeSegments[backend]
	if !ok {
		return Parsed{}, fmt.Errorf("%q starts with %q, which is no backend; an ID looks like \"local/churn-dev/models/churn\"", id, backend)
	}
	if slices.Contains(segments, "") || len(segments) < len(scope)+2 {
		return Parsed{}, fmt.Errorf("%q is not a whole ID; an environment on %s is written %q", id, backend, environmentForm(backend, scope))
	}
	n := 1 + len(scope)
	p := Parsed{
		Backend:     backend,
		Scope:       decodeAll(segments[1:n]),
		Environment: decode(segments[n]),
		Noun:        NounEnvironment,
		Name:        decode(segments[n]),
	}
	return p.descend(id, segments, n+1)
}

// descend walks the collection/name pairs that follow the environment.
func (p Parsed) descend(id ID, segments []string, at int) (Parsed, error) {
	for at < len(segments) {
		word := segments[at]
		child, ok := collections[p.Noun][word]
		if !ok {
			return Parsed{}, fmt.Errorf("%q: %s has no %q; it has %s", id, p.Noun.One(), word, wordsOf(p.Noun))
		}
		if at+1 == len(segments) {
			return Parsed{}, fmt.Errorf("%q ends where the name of the %s should follow", id, child.Words())
		}
		p.Parent = ID(strings.Join(segments[:at], "/"))
		p.Noun = child
		p.Name = decode(segments[at+1])
		at += 2
	}
	return p, nil
}

// ParseAs parses id and insists that it names the given noun.
func (id ID) ParseAs(noun Noun) (Parsed, error) {
	p, err := id.Parse()
	if err != nil {
		return Parsed{}, err
	}
	if p.Noun != noun {
		return Parsed{}, fmt.Errorf("%q is the ID of %s; the ID of %s is needed here", id, p.Noun.One(), noun.One())
	}
	return p, nil
}

func environmentForm(backend string, scope []string) string {
	parts := []string{backend}
	for _, s := range scope {
		parts = append(parts, "<"+s+">")
	}
	return strings.Join(append(parts, "<name>"), "/")
}

func wordsOf(noun Noun) string {
	words := []string{}
	for w := range collections[noun] {
		words = append(words, w)
	}
	if len(words) == 0 {
		return "nothing below it"
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

func decode(segment string) string {
	s, err := url.PathUnescape(segment)
	if err != nil {
		return segment
	}
	return s
}

func decodeAll(segments []string) []string {
	out := make([]string, len(segments))
	for i, s := range segments {
		out[i] = decode(s)
	}
	return out
}
