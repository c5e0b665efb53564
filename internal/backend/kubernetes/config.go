package kubernetes

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// name is the backend's name, in IDs and in HCL.
const name = "kubernetes"

// The provider's settings by name: those of HashiCorp's provider for Kubernetes,
// where there is one, with its environment variables.
const (
	settingConfigPath    = "config_path"
	settingConfigPaths   = "config_paths"
	settingContext       = "config_context"
	settingClusters      = "clusters"
	settingCluster       = "cluster"
	settingHost          = "host"
	settingToken         = "token"
	settingCA            = "cluster_ca_certificate"
	settingCertificate   = "client_certificate"
	settingKey           = "client_key"
	settingServerName    = "tls_server_name"
	settingInsecure      = "insecure"
	settingProxy         = "proxy_url"
	settingInCluster     = "in_cluster"
	settingQPS           = "qps"
	settingBurst         = "burst"
	settingForce         = "force_conflicts"
	defaultQPS           = 50
	defaultBurst         = 100
	clusterOfInCluster   = "in-cluster"
	targetNamespace      = "namespace"
	targetServiceAccount = "service_account"
	targetPodSecurity    = "pod_security"
	targetQuota          = "quota"
	targetPolicies       = "network_policies"
	targetEgress         = "egress"
	targetIngress        = "ingress_namespaces"
	targetStorage        = "storage_uri"
	targetStorageSecret  = "storage_secret"
	targetStorageKeys    = "storage_credentials"
	targetStorageURL     = "storage_endpoint"
	targetStorageRegion  = "storage_region"
	targetStepImage      = "step_image"
	targetController     = "workflow_controller"
	targetGateway        = "gateway"
	targetDomain         = "endpoint_domain"
	targetPrometheus     = "prometheus_url"
	targetMetrics        = "metrics"
	targetCapture        = "capture_url"
	targetMode           = "endpoint_mode"
)

// settings describes the backend's object in the provider block.
func settings() []mlops.Setting {
	return []mlops.Setting{
		{Name: settingConfigPath, Doc: "Path of the kubeconfig file. Without it and `config_paths`, the files that `KUBECONFIG` lists, or `~/.kube/config`.", Env: "KUBE_CONFIG_PATH"},
		{Name: settingConfigPaths, Doc: "Paths of several kubeconfig files, which are merged as kubectl merges them. May also be given in the environment as `KUBE_CONFIG_PATHS`, separated as in `PATH`.", Type: mlops.ListSetting},
		{Name: settingContext, Doc: "Context of environments that name no cluster.", Env: "KUBE_CTX"},
		{Name: settingClusters, Doc: "Names of clusters for use in environments and IDs, and the context that each stands for: short names of long contexts.", Type: mlops.MapSetting},
		{Name: settingHost, Doc: "URL of an API server, instead of a context.", Env: "KUBE_HOST"},
		{Name: settingCluster, Doc: "Name, in environments and IDs, of the cluster at `host` or around this process. Default: the host's name, or `in-cluster`."},
		{Name: settingToken, Doc: "Bearer token for `host`.", Env: "KUBE_TOKEN", Sensitive: true},
		{Name: settingCA, Doc: "PEM certificates of the authorities that `host` is trusted by.", Env: "KUBE_CLUSTER_CA_CERT_DATA"},
		{Name: settingCertificate, Doc: "PEM client certificate for `host`.", Env: "KUBE_CLIENT_CERT_DATA"},
		{Name: settingKey, Doc: "PEM key of the client certificate.", Env: "KUBE_CLIENT_KEY_DATA", Sensitive: true},
		{Name: settingServerName, Doc: "Name that the certificate of `host` is checked against, where it is another than in the URL.", Env: "KUBE_TLS_SERVER_NAME"},
		{Name: settingInsecure, Doc: "Whether the certificate of `host` is not checked at all. For tests.", Type: mlops.BoolSetting, Env: "KUBE_INSECURE"},
		{Name: settingProxy, Doc: "URL of the proxy for every call.", Env: "KUBE_PROXY_URL"},
		{Name: settingInCluster, Doc: "Whether to use the service account of the pod that this runs in.", Type: mlops.BoolSetting},
		{Name: settingQPS, Doc: "Calls a second, on average. Default: 50.", Type: mlops.IntSetting},
		{Name: settingBurst, Doc: "Calls at once, at most. Default: 100.", Type: mlops.IntSetting},
		{Name: settingForce, Doc: "Whether to take fields over that another field manager owns, which is an error otherwise. Default: `false`.", Type: mlops.BoolSetting},
	}
}

// target describes the backend's object in an environment.
func target() []mlops.Setting {
	return slices.Concat([]mlops.Setting{
		{Name: settingCluster, Doc: "Cluster of the environment: a context of the kubeconfig, or a name from the provider block's `clusters`. Default: that of the provider block. Changing it replaces the environment.", Replace: true},
		{Name: targetNamespace, Doc: "Name of a namespace to use instead of making one, which has the environment's name. Its labels, quota and limits are left alone.", Replace: true},
		{Name: targetServiceAccount, Doc: "Name of the service account that steps and models run as, instead of making one with least privilege."},
		{Name: targetPodSecurity, Doc: "Pod Security Standard of the namespace: `privileged`, `baseline` or `restricted`. Default: `baseline`."},
		{Name: targetQuota, Doc: "What everything in the namespace may ask for together: `cpu`, `memory`, `accelerators`, `storage`, `pods`, or a key of ResourceQuota such as `requests.amd.com/gpu`, and its quantity.", Type: mlops.MapSetting},
		{Name: targetPolicies, Doc: "Whether network policies deny all traffic but what is needed: name resolution, the namespace itself, what `ingress_namespaces` and `egress` open. Default: `true` in a namespace that is made, `false` in one that is brought.", Type: mlops.BoolSetting},
		{Name: targetIngress, Doc: "Namespaces whose pods may call those of the environment: gateways, and what collects metrics. Default: `istio-system`, `envoy-gateway-system`, `knative-serving`, `kserve`, `monitoring`.", Type: mlops.ListSetting},
		{Name: targetEgress, Doc: "Addresses that pods may call, each as `CIDR:port`: the API server, registries, storage. Default: `0.0.0.0/0` and `::/0` at ports 443 and 6443, and at those of `storage_endpoint` and `pushgateway_url`.", Type: mlops.ListSetting},
		{Name: targetStorage, Doc: "Where artifacts, captures and models are kept: `s3://bucket/prefix`, `gs://bucket/prefix`, `https://account.blob.core.windows.net/container/prefix` or `pvc://claim/path`.", Replace: true},
		{Name: targetStorageSecret, Doc: "Name of a secret in the namespace with the credentials of `storage_uri`, as KServe reads them. Without it and `storage_credentials`, the service account has to have access by itself (IRSA, Workload Identity)."},
		{Name: targetStorageKeys, Doc: "Credentials of `storage_uri`, from which such a secret is made. In S3 `access_key_id` and `secret_access_key`; in Google Cloud Storage `service_account_json`; in Azure Blob Storage `access_key`, or `tenant_id`, `client_id`, `client_secret` and `subscription_id`. It is in no state and no plan; a change of it is noticed by `secrets_mark`.", Type: mlops.MapSetting, WriteOnly: true},
		{Name: targetStorageURL, Doc: "URL of an S3-compatible service that has the bucket, where that is not AWS."},
		{Name: targetStorageRegion, Doc: "Region of the bucket, where the service asks for one."},
		{Name: targetStepImage, Doc: "Image of steps that name none. It has `sh`, and Python where steps have a script or packages. Default: `" + defaultStepImage + "`."},
		{Name: targetController, Doc: "Service account of the controller of Argo Workflows, as `namespace/name`: usually `argo/argo`. It is then allowed to keep in a config map which outputs steps have, which Argo's own installation does not allow, and steps that ran before with the same inputs are left out. Without it, every step runs."},
	}, endpointSettings(), monitorSettings())
}

// scope is the cluster that an environment is in.
func scope(provider, target mlops.Settings) ([]string, error) {
	cluster := cmp.Or(target.String(settingCluster), direct(provider), provider.String(settingContext))
	if cluster == "" {
		return nil, &mlops.Error{
			Code: mlops.Invalid, Field: name + "." + settingCluster,
			Err: errors.New("no cluster: give the environment's kubernetes block a cluster, or the provider's a config_context or a host, or set KUBE_CTX; the kubeconfig's current context is not used, since it changes under an environment that stays"),
		}
	}
	return []string{cluster}, nil
}

// clusters are the clusters that the provider's settings name, each once. A context of
// the kubeconfig that they do not name is none of them.
func clusters(provider mlops.Settings) ([]string, error) {
	all := slices.Collect(maps.Keys(provider.Map(settingClusters)))
	of, err := scope(provider, nil)
	if err != nil && len(all) == 0 {
		return nil, err
	}
	all = append(all, of...)
	slices.Sort(all)
	return slices.Compact(all), nil
}

// direct is the name of the cluster that the provider's settings reach without a
// context, or "".
func direct(s mlops.Settings) string {
	host, inCluster := s.String(settingHost), s.Bool(settingInCluster)
	switch {
	case host == "" && !inCluster:
		return ""
	case s.String(settingCluster) != "":
		return s.String(settingCluster)
	case inCluster:
		return clusterOfInCluster
	}
	if u, err := url.Parse(host); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	return host
}

// clusterOf returns the cluster in an ID of this backend.
func clusterOf(id mlops.ID) (string, error) {
	p, err := id.Parse()
	if err != nil {
		return "", invalid(err)
	}
	if p.Backend != name || len(p.Scope) != 1 {
		return "", invalid(fmt.Errorf("%q is not of Kubernetes", id))
	}
	return p.Scope[0], nil
}
