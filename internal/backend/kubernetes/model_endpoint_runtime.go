package kubernetes

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// servingRuntime is a server of models that is installed in a cluster.
type servingRuntime struct {
	name     string
	formats  map[string]int64 // that it serves, and with which priority
	protocol string           // v1 where it has both
	own      bool             // of the namespace, which comes before the cluster's
	server   string           // its kind, as KServe's annotation says
	byName   bool             // models are served by the name of the inference service, in an argument
	cpus     string           // limit of its container, as a quantity; "" for none
}

// The protocols that requests are in.
const (
	protocolV1 = "v1"
	protocolV2 = "v2"
)

// installRuntimes is how to get the runtimes of KServe's makers.
const installRuntimes = "kubectl apply --server-side -f https://github.com/kserve/kserve/releases/download/v0.17.0/kserve-cluster-resources.yaml"

// runtimesOf lists the runtimes that serve a format, the one that KServe would choose
// first.
func (k modelEndpointKind) runtimesOf(ctx context.Context, p place, format string) ([]servingRuntime, error) {
	known, err := k.runtimes.Get(ctx, p.cluster.name+"/"+p.namespace, placeAge, func(ctx context.Context) ([]servingRuntime, error) { return k.readRuntimes(ctx, p) })
	if err != nil {
		return nil, err
	}
	var all []servingRuntime
	for _, r := range known {
		if _, serves := r.formats[format]; serves {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b servingRuntime) int {
		return cmp.Or(order(b.own, a.own), cmp.Compare(a.protocol, b.protocol), cmp.Compare(b.formats[format], a.formats[format]), cmp.Compare(a.name, b.name))
	})
	return all, nil
}

// readRuntimes lists the runtimes that an environment can use. Those of the cluster may
// not be its users' to list.
func (k modelEndpointKind) readRuntimes(ctx context.Context, p place) ([]servingRuntime, error) {
	var all []servingRuntime
	for _, of := range []kind{kindRuntime, kindClusterRuntime} {
		namespace := p.namespace
		if of == kindClusterRuntime {
			namespace = ""
		}
		found, err := p.cluster.list(ctx, of, namespace, "")
		if withoutKind(err) != nil {
			return nil, err
		}
		for i := range found {
			if r, ok := newRuntime(&found[i]); ok {
				r.own = of == kindRuntime
				all = append(all, r)
			}
		}
	}
	return all, nil
}

// order compares as false before true.
func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// newRuntime reads a runtime that serves formats without being asked for by name.
func newRuntime(o *unstructured.Unstructured) (servingRuntime, bool) {
	var spec struct {
		Disabled, MultiModel bool
		Formats              []struct {
			Name       string
			AutoSelect bool  `json:"autoSelect"`
			Priority   int64 `json:"priority"`
		} `json:"supportedModelFormats"`
		Protocols  []string `json:"protocolVersions"`
		Containers []struct {
			Args      []string
			Resources struct{ Limits map[string]any } // numbers too, as somebody wrote them
		}
		Worker any `json:"workerSpec"`
	}
	// One with workers is of several machines, which KServe never chooses for one.
	if remarshal(o.Object["spec"], &spec) != nil || spec.Disabled || spec.MultiModel || spec.Worker != nil {
		return servingRuntime{}, false
	}
	r := servingRuntime{name: o.GetName(), protocol: protocolV2, server: o.GetAnnotations()["serving.kserve.io/server-type"]}
	if slices.Contains(spec.Protocols, protocolV1) || len(spec.Protocols) == 0 {
		r.protocol = protocolV1
	}
	for _, c := range spec.Containers {
		if limit := c.Resources.Limits["cpu"]; limit != nil && r.cpus == "" {
			r.cpus = fmt.Sprint(limit)
		}
		r.byName = r.byName || slices.ContainsFunc(c.Args, func(a string) bool { return strings.HasPrefix(a, "--model_name=") })
	}
	r.formats = map[string]int64{}
	for _, f := range spec.Formats {
		if f.AutoSelect {
			r.formats[f.Name] = max(r.formats[f.Name], f.Priority)
		}
	}
	return r, len(r.formats) > 0
}

// runtimeOf is the runtime that a version of a format is served by.
func (k modelEndpointKind) runtimeOf(ctx context.Context, p place, at mlops.Path, format string) (servingRuntime, error) {
	all, err := k.runtimesOf(ctx, p, format)
	if err != nil {
		return servingRuntime{}, err
	}
	if len(all) == 0 {
		return servingRuntime{}, &mlops.Error{
			Code: mlops.Unsupported, Field: at.String(),
			Err: fmt.Errorf("the cluster %q has no serving runtime for models of format %q: neither a ServingRuntime in the namespace %s nor a ClusterServingRuntime has it among its supportedModelFormats with autoSelect. To install those of KServe: %s",
				p.cluster.name, format, p.namespace, installRuntimes),
		}
	}
	return all[0], nil
}

// nameEnv is the variable that names the model of a server, "" where an argument does.
// So that of PMML has one, although its name, pmmlserver, has the other server's in it.
func (r servingRuntime) nameEnv() string {
	if r.byName {
		return ""
	}
	if r.server == "mlserver" || strings.Contains(r.name, "mlserver") {
		return "MLSERVER_MODEL_NAME"
	}
	return ""
}

// predictPath is where a server answers for a model that has the endpoint's name: "/"
// where the model has a name of its own.
func (r servingRuntime) predictPath(model string) string {
	switch {
	case !r.byName && r.nameEnv() == "":
		return "/"
	case r.protocol == protocolV1:
		return "/v1/models/" + model + ":predict"
	}
	return "/v2/models/" + model + "/infer"
}
