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
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// definitions lists the folders with the resource definitions that a cluster has, in
// the modules that internal/tools/kubernetes-crds pins.
func definitions() map[string]string {
	return map[string]string{
		"github.com/argoproj/argo-workflows/v3":              "manifests/base/crds/full",
		"github.com/kedacore/keda/v2":                        "config/crd/bases",
		"github.com/kserve/kserve":                           "config/crd/full",
		"github.com/prometheus-operator/prometheus-operator": "example/prometheus-operator-crd",
		"sigs.k8s.io/gateway-api":                            "config/crd/standard",
	}
}

// installDefinitions installs all of them and waits until they serve.
func (c *Cluster) installDefinitions(ctx context.Context) error {
	folders, err := modules(ctx)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for module, folder := range definitions() {
		found, err := definitionsIn(filepath.Join(folders[module], folder))
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return fmt.Errorf("%s: no definition in %s", module, folder)
		}
		for _, definition := range found {
			group.Go(func() error { return c.installDefinition(ctx, definition) })
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	c.objects.forget()
	return nil
}

func (c *Cluster) installDefinition(ctx context.Context, definition *unstructured.Unstructured) error {
	if _, err := c.objects.apply(ctx, definition); err != nil {
		return err
	}
	name := definition.GetName()
	return c.poll(ctx, name, func(ctx context.Context) (bool, error) {
		now, err := c.objects.get(ctx, Ref{Resource: "customresourcedefinitions.apiextensions.k8s.io", Name: name})
		return err == nil && Condition(now, "Established") == "True", err
	})
}

// definitionsIn reads the definitions of a folder, without the descriptions, which
// are nine tenths of them.
func definitionsIn(folder string) ([]*unstructured.Unstructured, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return nil, err
	}
	var out []*unstructured.Unstructured
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		all, err := decode(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, o := range all {
			if o.GetKind() == "CustomResourceDefinition" {
				withoutDescriptions(o.Object["spec"])
				out = append(out, o)
			}
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
