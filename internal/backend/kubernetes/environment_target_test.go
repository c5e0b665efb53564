package kubernetes

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestCheckEnvironment(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		settings mlops.Settings
		secrets  map[string]string // storage_credentials
		want     []string          // the paths of the problems
	}{
		{name: "nothing"},
		{name: "everything", settings: mlops.Settings{
			targetServiceAccount: "runner", targetPodSecurity: "restricted",
			targetQuota:   map[string]string{"cpu": "20", "memory": "64Gi", "accelerators": "2", "requests.amd.com/gpu": "1", "count/jobs.batch": "5", "secrets": "9"},
			targetIngress: []string{"gateways"}, targetEgress: []string{"10.0.0.0/8:443", "fd00::/8:6443"},
			targetStorage: "s3://bucket/prefix", targetStorageSecret: "keys", targetStorageURL: "http://minio:9000", targetStorageRegion: "eu-west-1",
		}},
		{name: "names", settings: mlops.Settings{targetNamespace: "Upper", targetServiceAccount: "a_b", targetStorageSecret: strings.Repeat("a", 64), targetIngress: []string{"ok", "a.b"}, targetStorage: "gs://b"}, want: []string{
			"kubernetes.namespace", "kubernetes.service_account", "kubernetes.storage_secret", "kubernetes.ingress_namespaces[1]",
		}},
		{name: "pod security", settings: mlops.Settings{targetPodSecurity: "strict"}, want: []string{"kubernetes.pod_security"}},
		{name: "quantities", settings: mlops.Settings{targetQuota: map[string]string{"cpu": "many", "memory": "-1Gi"}}, want: []string{`kubernetes.quota["cpu"]`, `kubernetes.quota["memory"]`}},
		{name: "unknown quota", settings: mlops.Settings{targetQuota: map[string]string{"gpus": "2"}}, want: []string{`kubernetes.quota["gpus"]`}},
		{name: "quota of another's namespace", settings: mlops.Settings{targetNamespace: "team", targetQuota: map[string]string{"cpu": "2"}}, want: []string{"kubernetes.quota"}},
		{name: "openings", settings: mlops.Settings{targetEgress: []string{"10.0.0.0/8", "10.0.0.0:443", "example.com:443", "10.0.0.0/8:0", "::/0"}}, want: []string{
			"kubernetes.egress[0]", "kubernetes.egress[1]", "kubernetes.egress[2]", "kubernetes.egress[3]", "kubernetes.egress[4]",
		}},
		{name: "storage of no kind", settings: mlops.Settings{targetStorage: "/data"}, want: []string{"kubernetes.storage_uri"}},
		{name: "storage with credentials", settings: mlops.Settings{targetStorage: "s3://key:secret@bucket"}, want: []string{"kubernetes.storage_uri"}},
		{name: "signature in the URI", settings: mlops.Settings{targetStorage: "https://a.blob.core.windows.net/c?sig=x"}, want: []string{"kubernetes.storage_uri"}},
		{name: "another https", settings: mlops.Settings{targetStorage: "https://minio.example.com/bucket"}, want: []string{"kubernetes.storage_uri"}},
		{name: "secret of nothing", settings: mlops.Settings{targetStorageSecret: "keys"}, want: []string{"kubernetes.storage_secret"}},
		{name: "endpoint of Google", settings: mlops.Settings{targetStorage: "gs://b", targetStorageSecret: "keys", targetStorageURL: "https://x"}, want: []string{"kubernetes.storage_endpoint"}},
		{name: "endpoint that is none", settings: mlops.Settings{targetStorage: "s3://b", targetStorageSecret: "keys", targetStorageURL: "minio"}, want: []string{"kubernetes.storage_endpoint"}},
		{name: "keys of S3", settings: mlops.Settings{targetStorage: "s3://b"}, secrets: map[string]string{"access_key_id": "a", "secret_access_key": "b"}},
		{name: "half the keys", settings: mlops.Settings{targetStorage: "s3://b"}, secrets: map[string]string{"access_key_id": "a"}, want: []string{"kubernetes.storage_credentials"}},
		{name: "keys of another", settings: mlops.Settings{targetStorage: "gs://b"}, secrets: map[string]string{"access_key": "a"}, want: []string{"kubernetes.storage_credentials"}},
		{name: "keys of nothing", secrets: map[string]string{"access_key": "a"}, want: []string{"kubernetes.storage_credentials"}},
		{name: "keys twice", settings: mlops.Settings{targetStorage: "https://a.blob.core.windows.net/c", targetStorageSecret: "keys"}, secrets: map[string]string{"access_key": "a"}, want: []string{"kubernetes.storage_credentials"}},
		{name: "no keys", settings: mlops.Settings{targetStorage: "s3://b"}, want: []string{"kubernetes.storage_uri"}},
		{name: "an account's own access", settings: mlops.Settings{targetStorage: "s3://b", targetServiceAccount: "irsa"}},
		{name: "secret of a volume", settings: mlops.Settings{targetStorage: "pvc://claim", targetStorageSecret: "keys"}, want: []string{"kubernetes.storage_secret"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := mlops.NewChecker()
			secrets := mlops.Settings{}
			if tt.secrets != nil {
				secrets[targetStorageKeys] = tt.secrets
			}
			checkEnvironment(c, mlops.EnvironmentSpec{Target: mlops.Target{Backend: name, Settings: tt.settings, Secrets: secrets}})
			var got []string
			for _, p := range c.Problems() {
				got = append(got, p.Path.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problems at (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEgress(t *testing.T) {
	t.Parallel()
	anywhere := func(ports ...int) (all []opening) {
		for _, p := range ports {
			all = append(all, opening{"0.0.0.0/0", p}, opening{"::/0", p})
		}
		return all
	}
	for _, tt := range []struct {
		name     string
		settings mlops.Settings
		registry string
		want     []opening
	}{
		{name: "default", want: anywhere(443, 6443)},
		{name: "storage at a port", settings: mlops.Settings{targetStorageURL: "http://minio:9000"}, want: anywhere(443, 6443, 9000)},
		{name: "storage at a known port", settings: mlops.Settings{targetStorageURL: "https://minio"}, want: anywhere(443, 6443)},
		{name: "registry at a port", registry: "http://mlflow.ml:5000/base", want: anywhere(443, 6443, 5000)},
		{name: "given", registry: "http://mlflow.ml:5000", settings: mlops.Settings{targetEgress: []string{"10.1.2.3/8:80", "fd00::1/8:81"}}, want: []opening{{"10.0.0.0/8", 80}, {"fd00::/8", 81}}},
		{name: "none", settings: mlops.Settings{targetEgress: []string{}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, egressOf(tt.settings, &mlops.MLflow{URI: tt.registry}), cmp.AllowUnexported(opening{})); diff != "" {
				t.Errorf("openings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestEgressToRegistry proves that a registry in the cluster can be reached in its
// namespace.
func TestEgressToRegistry(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, uri, want string }{
		{"service", "http://mlflow.ml.svc:5000", "ml"},
		{"service in full", "http://mlflow.ml.svc.cluster.local/base", "ml"},
		{"outside", "https://mlflow.svc.example.com", ""},
		{"address", "http://10.0.0.1:5000", ""},
		{"none", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			spec := mlops.EnvironmentSpec{Registry: &mlops.Registry{MLflow: &mlops.MLflow{URI: tt.uri}}}
			var all []string
			for _, rule := range layoutOf(spec).egressRules() {
				to, _ := rule["to"].([]map[string]any)
				selector, _ := to[0]["namespaceSelector"].(map[string]any)
				labels, _ := selector["matchLabels"].(map[string]string)
				all = append(all, labels["kubernetes.io/metadata.name"])
			}
			if got := strings.Join(all, ""); got != tt.want {
				t.Errorf("pods may call the namespace %q, want %q", got, tt.want)
			}
		})
	}
}
