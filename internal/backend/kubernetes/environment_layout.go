package kubernetes

import (
	"cmp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// The names of what an environment is made of, in its namespace.
const (
	nameOfParts   = "mlops"             // service account, role and its binding, quota, limits
	nameOfRecord  = "mlops-environment" // the config map of the record
	nameOfDeny    = "mlops-default-deny"
	nameOfIngress = "mlops-ingress"
	nameOfEgress  = "mlops-egress"
)

// defaultPodSecurity is the standard of namespaces whose environment names none.
const defaultPodSecurity = "baseline"

// layout is what an environment's settings come to.
type layout struct {
	whereabouts

	spec           mlops.EnvironmentSpec
	serviceAccount string
	ownAccount     bool // the service account is made, not brought
	podSecurity    string
	quota          map[string]string // by ResourceQuota's keys, canonical
	policies       bool
	ingress        []string  // namespaces
	egress         []opening // addresses
	storage        storage
}

// storage is where artifacts are kept; the zero storage is nowhere.
type storage struct {
	URI      string
	Secret   string // name of the secret with the credentials, or ""
	Endpoint string // of an S3-compatible service that is not AWS's, or ""
	Region   string
}

// layoutOf is the layout of a spec that was checked.
func layoutOf(spec mlops.EnvironmentSpec) layout {
	s := spec.Target.Settings
	brought := s.String(targetNamespace) != ""
	l := layout{
		whereabouts:    whereabouts{namespace: cmp.Or(s.String(targetNamespace), spec.Name), brought: brought},
		spec:           spec,
		serviceAccount: cmp.Or(s.String(targetServiceAccount), nameOfParts),
		ownAccount:     s.String(targetServiceAccount) == "",
		podSecurity:    cmp.Or(s.String(targetPodSecurity), defaultPodSecurity),
		quota:          quotaOf(s.Map(targetQuota)),
		policies:       !brought,
		ingress:        s.List(targetIngress),
		storage: storage{
			URI: strings.TrimSuffix(s.String(targetStorage), "/"), Secret: s.String(targetStorageSecret),
			Endpoint: s.String(targetStorageURL), Region: s.String(targetStorageRegion),
		},
	}
	if _, given := s[targetPolicies]; given {
		l.policies = s.Bool(targetPolicies)
	}
	if _, given := s[targetIngress]; !given {
		l.ingress = defaultIngress()
		if l.knative() { // beside knative-serving, the ingress that its makers install
			l.ingress = append(l.ingress, "kourier-system")
		}
	}
	if l.storage.Secret == "" && (len(spec.Target.Secrets.Map(targetStorageKeys)) > 0 || spec.Target.Mark != "") {
		l.storage.Secret = nameOfStorage
	}
	l.egress = egressOf(s, spec.MLflowRegistry())
	return l
}

// quotaKeys are the words for what a quota bounds, beside ResourceQuota's own keys.
func quotaKeys() map[string]string {
	return map[string]string{
		"cpu": "requests.cpu", "memory": "requests.memory", "storage": "requests.storage", "pods": "pods",
		"accelerators": "requests.nvidia.com/gpu",
	}
}

// quotaOf is a quota as the API server keeps it: by its own keys, in canonical
// quantities.
func quotaOf(given map[string]string) map[string]string {
	out := map[string]string{}
	for key, text := range given {
		key = cmp.Or(quotaKeys()[key], key)
		out[key] = text
		if q, err := resource.ParseQuantity(text); err == nil {
			out[key] = q.String()
		}
	}
	return out
}

// claimed is the first object of the environment that is made.
func (l layout) claimed() identity {
	if l.brought {
		return l.of(kindConfigMap, nameOfRecord)
	}
	return l.home()
}

func (l layout) home() identity { return identity{kind: kindNamespace, name: l.namespace} }

func (l layout) of(k kind, name string) identity { return identity{k, l.namespace, name} }

// part is a manifest of the environment's own, with its labels and whose it is.
func (l layout) part(of identity, content map[string]any) manifest {
	return manifest{
		identity: of, content: content,
		labels:      labelsFor(l.spec, mlops.NounEnvironment, l.spec.Name, nil),
		annotations: map[string]string{noteID: string(l.spec.ID)},
	}
}

// parts are all objects of the environment but the record, in the order in which they
// are made.
func (l layout) parts() []manifest {
	var all []manifest
	if !l.brought {
		all = append(all, l.namespaceManifest(), l.limitsManifest())
		if len(l.quota) > 0 {
			all = append(all, l.part(l.of(kindResourceQuota, nameOfParts), map[string]any{"spec": map[string]any{"hard": l.quota}}))
		}
	}
	if l.policies {
		all = append(all, l.policyManifests()...)
	}
	if l.ownAccount {
		all = append(all, l.accountManifest())
	}
	return append(all, l.roleManifests()...)
}

// surplus are the objects that another layout of the environment may have made, and
// this one has not.
func (l layout) surplus() []identity {
	all := l.everything()
	for _, m := range l.parts() {
		all = slices.DeleteFunc(all, func(i identity) bool { return i == m.identity })
	}
	for _, s := range l.secrets() {
		all = slices.DeleteFunc(all, func(i identity) bool { return i == s.identity })
	}
	return all
}

// everything is what any layout makes in a namespace, but the record: what uses
// others before those.
func (w whereabouts) everything() []identity {
	of := func(k kind, name string) identity { return identity{k, w.namespace, name} }
	return []identity{
		of(kindRoleBinding, nameOfParts), of(kindRole, nameOfParts), of(kindServiceAccount, nameOfParts),
		of(kindNetworkPolicy, nameOfEgress), of(kindNetworkPolicy, nameOfIngress), of(kindNetworkPolicy, nameOfDeny),
		of(kindResourceQuota, nameOfParts), of(kindLimitRange, nameOfParts),
		of(kindSecret, nameOfRegistry), of(kindSecret, nameOfStorage),
	}
}

// namespaceManifest is the namespace with its Pod Security Standard, which is also
// what the API server warns of.
func (l layout) namespaceManifest() manifest {
	m := l.part(l.home(), nil)
	for _, mode := range []string{"enforce", "audit", "warn"} {
		m.labels["pod-security.kubernetes.io/"+mode] = l.podSecurity
	}
	return m
}

// limitsManifest gives containers that ask for nothing a small share, without which a
// quota refuses them.
func (l layout) limitsManifest() manifest {
	return l.part(l.of(kindLimitRange, nameOfParts), map[string]any{"spec": map[string]any{
		"limits": []map[string]any{{"type": "Container", "defaultRequest": map[string]string{"cpu": "100m", "memory": "128Mi"}}},
	}})
}

// accountManifest is the service account of steps and models. KServe looks for the
// credentials of storage, and of the registry, among its secrets.
func (l layout) accountManifest() manifest {
	content := map[string]any{}
	var secrets []map[string]string
	if l.storage.Secret != "" {
		secrets = append(secrets, map[string]string{"name": l.storage.Secret})
	}
	if l.hasToken() {
		secrets = append(secrets, map[string]string{"name": nameOfRegistry})
	}
	setUnlessEmpty(content, "secrets", secrets, len(secrets))
	return l.part(l.of(kindServiceAccount, nameOfParts), content)
}

// policyRule is a rule of a role.
type policyRule struct {
	Groups    []string `json:"apiGroups"`
	Resources []string `json:"resources"`
	Names     []string `json:"resourceNames,omitempty"` // none is all
	Verbs     []string `json:"verbs"`
}

// runnerRules are what steps may do: what Argo's executor does to report outputs.
func runnerRules() []policyRule {
	return []policyRule{{Groups: []string{"argoproj.io"}, Resources: []string{"workflowtaskresults"}, Verbs: []string{"create", "patch"}}}
}

// roleManifests allow the service account what steps do.
func (l layout) roleManifests() []manifest {
	return []manifest{
		l.part(l.of(kindRole, nameOfParts), map[string]any{"rules": runnerRules()}),
		l.part(l.of(kindRoleBinding, nameOfParts), map[string]any{
			"roleRef":  map[string]string{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": nameOfParts},
			"subjects": []map[string]string{{"kind": "ServiceAccount", "name": l.serviceAccount, "namespace": l.namespace}},
		}),
	}
}

// recordManifest is the config map of the record.
func (l layout) recordManifest(r record, leaving bool) (manifest, error) {
	notes, err := r.annotations()
	m := l.part(l.of(kindConfigMap, nameOfRecord), map[string]any{"data": map[string]string{
		"environment": string(l.spec.ID), "stage": l.spec.Stage,
		"about": "The record of an environment of " + agent + ", in this object's annotations. Do not edit it.",
	}})
	m.annotations = notes
	if leaving {
		notes[noteLeaving] = "true"
	}
	return m, err
}
