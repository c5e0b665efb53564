// Package kubernetes runs the nouns on a Kubernetes cluster.
//
// # Mapping
//
// An environment is a namespace with a service account, a role and its binding, a
// resource quota, limits, network policies that deny all but what is needed, and a
// config map with its record. A pipeline is a WorkflowTemplate of Argo Workflows, its
// schedule a CronWorkflow, a run a Workflow; what its steps write goes to the
// environment's MLflow server or its storage, without passing by here. Models and versions are those of an MLflow
// server, and so are experiments; a dataset is an experiment there whose runs keep its
// versions, which steps fetch themselves. An endpoint is an InferenceService of KServe for each variant, with an
// HTTPRoute of the Gateway API whose weights share the traffic out, and a
// HorizontalPodAutoscaler or a ScaledObject of KEDA. In Knative mode it is one
// InferenceService, of whose changes Knative makes revisions, and a config map with its
// record. A monitor is a config map, a
// PrometheusRule for health, with a ServiceMonitor where the figures are KServe's or Knative's, and a
// CronWorkflow whose job compares captured requests with a baseline, which internal/driftjob
// does. Its alerts are an AlertmanagerConfig's, and a violation makes a Workflow, by an
// account that may do nothing else, and as often as a Lease allows (retrainjob).
//
// Everything is written by server-side apply as the field manager
// "terraform-provider-mlops", strictly validated, and applied without effect at plan.
// What other managers own is a conflict, and what nobody here mentions is left alone:
// replicas are the autoscaler's. The specs of templates and schedules are whole: what
// others add to those is removed by the next apply.
//
// Every object carries its record in annotations: the spec as the user gave it, who
// owns it, and a mark of it. Labels name environment, stage, noun and object. Of an
// environment whose namespace was brought, the config map carries it, and the
// namespace is left as it is.
//
// # Authentication
//
// A context of the kubeconfig, with whatever plugin that names, or an API server's
// address with a token or a client certificate, or the service account of the pod
// that this runs in; see settings. The context is part of the environment's ID, and
// the kubeconfig's current one is not used: it changes under what stays.
//
// # Permissions
//
// To get, list, create, patch and delete what the mapping lists, and secrets, and to
// list pods and read their logs, in the environment's namespace; to do so with namespaces, and to
// list workloads and volumes, which keep one from being deleted, unless a namespace is
// brought. To hold what the role grants, or to escalate. A namespace that was brought
// and has another name than its environment is found by listing config maps of all
// namespaces. For endpoints, to read the gateway that the environment names, to list
// KServe's runtimes, in Knative mode to list Knative's services, and where the gateway is
// out of reach, to create services/proxy. The status of a monitor's health is asked of
// prometheus_url, from where this runs. For monitors, leases too, which the account of a
// monitor's job gets and updates.
//
// # Differences
//
// See capabilities. What a noun needs of a cluster is looked for at plan, and the
// error of what is missing has the command that installs it.
//
// The MLflow server is asked from where Terraform runs and from pods, by the same
// address. KServe's initializer fetches a version with the header in the environment's
// secret; KServe copies that into the pod, where whoever may read pods reads it. A
// service account that is brought has to list the secret mlops-registry.
//
// # Overrides
//
// InferenceService: its spec.predictor is merged (RFC 7386) into that of every variant
// of an endpoint. The mode, the autoscaler's class and the number of replicas are not
// its to change.
//
// A monitor's are by check, for what its alerts have beside their query, and by object:
// CronWorkflow, AlertmanagerConfig, PrometheusRule and ServiceMonitor, each of which has
// its spec merged. Of a list with one element, receivers, groups and endpoints, an
// override is merged into that.
package kubernetes
