package kubetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// source is a file, or several, of a module that internal/tools/kubernetes-crds pins.
type source struct{ module, files string }

// definitions lists where the resource definitions of a cluster come from: those that
// the backend writes, and those that KServe, Argo and kwok need to run.
func definitions() []source {
	const (
		operator = "github.com/prometheus-operator/prometheus-operator"
		rule     = "example/prometheus-operator-crd/monitoring.coreos.com_"
	)
	return []source{
		{"github.com/argoproj/argo-workflows/v3", "manifests/base/crds/full/argoproj.io_*.yaml"},
		{"github.com/kedacore/keda/v2", "config/crd/bases/keda.sh_scaledobjects.yaml"},
		{"github.com/kedacore/keda/v2", "config/crd/bases/keda.sh_triggerauthentications.yaml"},
		{"github.com/kserve/kserve", "config/crd/full/serving.kserve.io_*.yaml"},
		{"github.com/kserve/kserve", "config/crd/full/clusterstoragecontainer/serving.kserve.io_*.yaml"},
		{operator, rule + "prometheusrules.yaml"},
		{operator, rule + "servicemonitors.yaml"},
		{operator, rule + "podmonitors.yaml"},
		{operator, rule + "alertmanagerconfigs.yaml"},
		{knativeModule, "config/core/300-resources/[^s]*.yaml"}, // all but services, by which others know that it is there
		{networkingModule, "config/[^c]*.yaml"},
		{networkingModule, "config/certificate.yaml"},
		{"knative.dev/caching", "config/image.yaml"},
		{"sigs.k8s.io/gateway-api", "config/crd/standard/gateway.networking.k8s.io_*.yaml"},
		{"sigs.k8s.io/kwok", "kustomize/crd/bases/kwok.x-k8s.io_stages.yaml"},
	}
}

// installDefinitions installs all of them and waits until they serve.
func (c *Cluster) installDefinitions(ctx context.Context) error {
	return c.install(ctx, definitions()...)
}

// install installs the definitions in some files, and waits likewise.
func (c *Cluster) install(ctx context.Context, from ...source) error {
	found, err := c.sources(from...)
	if err != nil {
		return err
	}
	group, building := errgroup.WithContext(ctx)
	// The server builds its schema anew for each: more at once only time out.
	group.SetLimit(2)
	for _, definition := range found {
		withoutDescriptions(definition.Object["spec"])
		group.Go(func() error { return c.installDefinition(building, definition) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return c.discovered(ctx, found)
}

// discovered waits until the server lists the kinds that are defined, which is later than
// when it serves them: programs look for them when they start.
func (c *Cluster) discovered(ctx context.Context, definitions []*unstructured.Unstructured) error {
	return c.poll(ctx, "discovery", func(context.Context) (bool, error) {
		c.objects.forget()
		for _, definition := range definitions {
			if _, err := c.objects.of(Ref{Resource: definition.GetName()}); err != nil {
				return false, nil //nolint:nilerr // it is not listed yet
			}
		}
		return true, nil
	})
}

func (c *Cluster) installDefinition(ctx context.Context, definition *unstructured.Unstructured) error {
	ref := Ref{Resource: "customresourcedefinitions.apiextensions.k8s.io", Name: definition.GetName()}
	return c.poll(ctx, ref.Name, func(ctx context.Context) (bool, error) {
		now, err := c.objects.get(ctx, ref)
		if apierrors.IsNotFound(err) {
			// Not by server-side apply, which takes seconds for the largest.
			now, err = c.objects.create(ctx, ref, definition)
		}
		if apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err) || apierrors.IsAlreadyExists(err) {
			return false, nil // a busy machine; look again
		}
		return err == nil && Condition(now, "Established") == "True", err
	})
}

// sources reads the objects of files in pinned modules.
func (c *Cluster) sources(from ...source) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	for _, s := range from {
		files, err := filepath.Glob(filepath.Join(c.modules[s.module], filepath.FromSlash(s.files)))
		if err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return nil, fmt.Errorf("the module %s has no %s", s.module, s.files)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			found, err := decode(text)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			out = append(out, found...)
		}
	}
	return out, nil
}

// withoutDescriptions removes what a schema says to readers. A property may have the
// name too: that is a schema, not a text.
func withoutDescriptions(node any) {
	switch node := node.(type) {
	case map[string]any:
		if _, ok := node["description"].(string); ok {
			delete(node, "description")
		}
		for _, below := range node {
			withoutDescriptions(below)
		}
	case []any:
		for _, below := range node {
			withoutDescriptions(below)
		}
	}
}

// modules fetches the pinned modules, if need be, and returns their folders.
func modules(ctx context.Context) (map[string]string, error) {
	tools, err := tools()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json")
	cmd.Dir = filepath.Join(tools, "kubernetes-crds")
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("fetch resource definitions: %w: %s", err, text)
	}
	out := map[string]string{}
	for decoder := json.NewDecoder(bytes.NewReader(text)); ; {
		var module struct {
			Path string `json:"Path"`
			Dir  string `json:"Dir"`
		}
		if err := decoder.Decode(&module); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, fmt.Errorf("read what go mod download says: %w", err)
		}
		out[module.Path] = module.Dir
	}
}
