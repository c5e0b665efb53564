package mlops

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// Registry says where an environment keeps its models and their versions, where
// that is not the backend itself. Exactly one kind is given.
type Registry struct {
	MLflow *MLflow `json:"mlflow,omitempty"`
}

// MLflow is a tracking server. Several environments may share one: a model is
// "<environment>.<model>" there.
type MLflow struct {
	URI string `json:"uri"` // http or https, with a path where the server is not at the root
	// Username makes the token the password of a user, which is how MLflow's own
	// authentication knows its users; "" sends it as a bearer's.
	Username string `json:"username,omitempty"`
	// Token says who asks, "" for nobody. It is a secret: a backend keeps it sealed, and
	// never gives it back.
	Token string `json:"token,omitempty"`
	// Mark is a mark of Token that tells whether it changed, and tells nothing
	// else.
	Mark string `json:"token_mark,omitempty"`
}

// At returns the path of an attribute of the MLflow server in HCL.
func (MLflow) At(attribute string) Path { return At("registry", "mlflow", attribute) }

// MLflowRegistry is the MLflow server that keeps the environment's models, or nil.
func (s EnvironmentSpec) MLflowRegistry() *MLflow {
	if s.Registry == nil {
		return nil
	}
	return s.Registry.MLflow
}

// WithoutSecrets is the spec as a backend gives it back.
func (s EnvironmentSpec) WithoutSecrets() EnvironmentSpec {
	s.Target.Secrets = nil
	if m := s.MLflowRegistry(); m != nil {
		bare := *m
		bare.Token = ""
		s.Registry = &Registry{MLflow: &bare}
	}
	return s
}

func (r *Registry) validate(c *Checker) {
	switch {
	case r == nil:
	case r.MLflow == nil:
		c.Add(At("registry"), "No registry", "Say which registry keeps the models: registry = { mlflow = { uri = … } }; or leave registry out.")
	default:
		r.MLflow.validate(c)
	}
}

func (m MLflow) validate(c *Checker) {
	at := m.At("uri")
	u, err := url.Parse(m.URI)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		c.Add(at, "Not a URL", "Give the http or https URL of an MLflow tracking server, such as https://mlflow.example.com.")
		return
	case u.User != nil:
		c.Add(at, "Credentials in a URL", "The URL would be in the state with the user's name and password. Give a token instead.")
	case u.RawQuery != "" || u.Fragment != "":
		c.Add(at, "Not an address", "Give the server's address alone, without a query or a fragment.")
	}
	m.checkWho(c)
	if u.Scheme == "http" && !isLoopback(u.Host) {
		c.Warn(at, "Not encrypted", "Models, and the token where there is one, travel to %s in clear. Outside of a network that you trust, use https.", u.Host)
	}
}

// checkWho reports what no header of a request can hold.
func (m MLflow) checkWho(c *Checker) {
	if strings.ContainsFunc(m.Username, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' }) {
		c.Add(m.At("username"), "Not a user name", "A user's name has no spaces, no colon and no characters beyond ASCII.")
	}
	least := '!'
	if m.Username != "" { // a password may have spaces
		least = ' '
	}
	if strings.ContainsFunc(m.Token, func(r rune) bool { return r < least || r > '~' }) {
		c.Add(m.At("token"), "Not a token", "A token has no spaces, no line breaks and no characters beyond ASCII; is there a line break at its end?")
	}
}

// isLoopback reports whether a host, with its port or without, is this machine.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && addr.IsLoopback()
}
