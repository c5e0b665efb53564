package kubernetes

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"strings"

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
			maps.Copy(s.content, headersForKServe(*m))
		}
		all = append(all, s)
	}
	if l.storage.Secret == nameOfStorage && l.spec.Target.Settings.String(targetStorageSecret) == "" {
		all = append(all, l.storageSecret())
	}
	return all
}

// storageSecret is the secret with the credentials of storage. KServe finds it among
// the secrets of the service account.
func (l layout) storageSecret() sealed {
	s := sealed{identity: l.of(kindSecret, nameOfStorage), notes: map[string]string{}}
	given := l.spec.Target.Secrets.Map(targetStorageKeys)
	if len(given) > 0 {
		s.content = map[string]string{}
	}
	for _, one := range credentials() {
		if value, ok := given[one.word]; ok && one.scheme == l.storage.scheme() {
			s.content[one.key] = value
		}
	}
	if u, err := url.Parse(l.storage.Endpoint); err == nil && u.Host != "" {
		s.notes["serving.kserve.io/s3-endpoint"] = u.Host
		s.notes["serving.kserve.io/s3-usehttps"] = map[bool]string{true: "1", false: "0"}[u.Scheme == "https"]
	}
	if l.storage.Region != "" {
		s.notes["serving.kserve.io/s3-region"] = l.storage.Region
	}
	return s
}

// scheme is the kind of storage: "s3", "gs", "https" or "pvc".
func (s storage) scheme() string {
	scheme, _, _ := strings.Cut(s.URI, "://")
	return scheme
}

// credential is one of the credentials of a kind of storage: its word in HCL, the key
// by which KServe and Argo read it, and the words of the others that it needs.
type credential struct {
	scheme, word, key string
	needs             []string
}

// credentials are those of all kinds of storage.
func credentials() []credential {
	identity := []string{"tenant_id", "client_id", "client_secret", "subscription_id"}
	return []credential{
		{"s3", "access_key_id", "AWS_ACCESS_KEY_ID", []string{"secret_access_key"}},
		{"s3", "secret_access_key", "AWS_SECRET_ACCESS_KEY", []string{"access_key_id"}},
		{"gs", "service_account_json", "gcloud-application-credentials.json", nil},
		{"https", "access_key", "AZURE_STORAGE_ACCESS_KEY", nil},
		{"https", "tenant_id", "AZURE_TENANT_ID", identity},
		{"https", "client_id", "AZURE_CLIENT_ID", identity},
		{"https", "client_secret", "AZURE_CLIENT_SECRET", identity},
		{"https", "subscription_id", "AZURE_SUBSCRIPTION_ID", identity},
	}
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

// registryServer is the MLflow server that keeps the environment's models, with its
// token; nil where there is none.
func (p place) registryServer(ctx context.Context) (*mlops.MLflow, error) {
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
