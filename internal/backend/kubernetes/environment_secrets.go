package kubernetes

import (
	"context"
	"errors"
	"maps"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// The names of an environment's secrets, and the key of the token in the registry's.
const (
	nameOfRegistry = "mlops-registry"
	nameOfStorage  = "mlops-storage"
	keyOfToken     = "token"
	keyOfUsername  = "username" // where the token is a user's password
)

// sealed is a secret that an environment has. Its content comes with a change, and in
// no record: without it, what is there is kept.
type sealed struct {
	identity identity
	content  map[string]string // nil where it is not known
	notes    map[string]string // by which KServe knows the service
}

// secrets are those that the layout has.
func (l layout) secrets() []sealed {
	var all []sealed
	if m := l.spec.MLflowRegistry(); m != nil && (m.Token != "" || m.Mark != "") {
		s := sealed{identity: l.of(kindSecret, nameOfRegistry)}
		if m.Token != "" {
			s.content = map[string]string{keyOfToken: m.Token}
			if m.Username != "" {
				s.content[keyOfUsername] = m.Username
			}
		}
		all = append(all, s)
	}
	return all
}

// secretManifest is a secret whose content is known.
func (l layout) secretManifest(s sealed) manifest {
	data := map[string][]byte{} // which JSON has as base64
	for key, value := range s.content {
		data[key] = []byte(value)
	}
	m := l.part(s.identity, map[string]any{"type": "Opaque", "data": data})
	maps.Copy(m.annotations, s.notes)
	return m
}

// makeSecrets seals what came with a change, and insists that the rest is there.
func (k environmentKind) makeSecrets(ctx context.Context, c *cluster, l layout) error {
	for _, s := range l.secrets() {
		if s.content != nil {
			if err := k.bring(ctx, c, l.spec.ID, l.secretManifest(s), environmentOrigins()); err != nil {
				return err
			}
			continue
		}
		if _, err := c.get(ctx, s.identity); isNotFound(err) {
			return invalid(errors.New(s.identity.words() + " is gone, and the configuration does not say what was in it; give the secret again"))
		} else if err != nil {
			return err
		}
	}
	return nil
}

// registry is the MLflow server that keeps the environment's models, with its token;
// nil where there is none.
func (p place) registry(ctx context.Context) (*mlops.MLflow, error) {
	m := p.spec.MLflowRegistry()
	if m == nil || m.Mark == "" {
		return m, nil
	}
	content, err := p.cluster.secret(ctx, p.of(kindSecret, nameOfRegistry))
	if err != nil {
		return nil, err
	}
	with := *m
	with.Token = content[keyOfToken]
	return &with, nil
}
