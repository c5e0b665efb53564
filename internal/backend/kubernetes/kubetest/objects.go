package kubetest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"sigs.k8s.io/yaml"
)

// manager is whom the API server knows these changes by.
const manager = "kubetest"

// Ref names one object as kubectl does: its resource with the group, "pods" or
// "inferenceservices.serving.kserve.io".
type Ref struct{ Resource, Namespace, Name string }

// objects reads and writes objects of any kind, for one user.
type objects struct {
	client dynamic.Interface
	mapper *restmapper.DeferredDiscoveryRESTMapper
}

func newObjects(config *rest.Config) (*objects, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	found, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	return &objects{client: client, mapper: restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(found))}, nil
}

// forget makes it ask again for the kinds that there are.
func (o *objects) forget() { o.mapper.Reset() }

// of returns the interface to one object's resource.
func (o *objects) of(ref Ref) (dynamic.ResourceInterface, error) {
	resource, err := o.mapper.ResourceFor(schema.ParseGroupResource(ref.Resource).WithVersion(""))
	if err != nil {
		return nil, err
	}
	if ref.Namespace == "" {
		return o.client.Resource(resource), nil
	}
	return o.client.Resource(resource).Namespace(ref.Namespace), nil
}

func (o *objects) get(ctx context.Context, ref Ref) (*unstructured.Unstructured, error) {
	resource, err := o.of(ref)
	if err != nil {
		return nil, err
	}
	return resource.Get(ctx, ref.Name, metav1.GetOptions{})
}

func (o *objects) list(ctx context.Context, ref Ref, selector string) ([]unstructured.Unstructured, error) {
	resource, err := o.of(ref)
	if err != nil {
		return nil, err
	}
	all, err := resource.List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, err
	}
	return all.Items, nil
}

func (o *objects) delete(ctx context.Context, ref Ref) error {
	resource, err := o.of(ref)
	if err != nil {
		return err
	}
	return resource.Delete(ctx, ref.Name, metav1.DeleteOptions{})
}

func (o *objects) create(ctx context.Context, ref Ref, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	resource, err := o.of(ref)
	if err != nil {
		return nil, err
	}
	return resource.Create(ctx, object, createOptions())
}

func createOptions() metav1.CreateOptions {
	return metav1.CreateOptions{FieldManager: manager, FieldValidation: metav1.FieldValidationStrict}
}

// patch merges a document into an object, or into a part of it such as "status".
func (o *objects) patch(ctx context.Context, ref Ref, document string, part ...string) error {
	resource, err := o.of(ref)
	if err != nil {
		return err
	}
	text, err := yaml.YAMLToJSON([]byte(document))
	if err != nil {
		return err
	}
	_, err = resource.Patch(ctx, ref.Name, types.MergePatchType, text, strict(), part...)
	return err
}

func strict() metav1.PatchOptions {
	return metav1.PatchOptions{FieldManager: manager, FieldValidation: metav1.FieldValidationStrict}
}

// apply creates or changes an object by server-side apply, and takes over fields
// that others manage.
func (o *objects) apply(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	kind := object.GroupVersionKind()
	mapping, err := o.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, err
	}
	text, err := object.MarshalJSON()
	if err != nil {
		return nil, err
	}
	options := strict()
	options.Force = new(true)
	var resource dynamic.ResourceInterface = o.client.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		resource = o.client.Resource(mapping.Resource).Namespace(object.GetNamespace())
	}
	var out *unstructured.Unstructured
	for range attempts {
		if out, err = resource.Patch(ctx, object.GetName(), types.ApplyPatchType, text, options); !slow(err) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", kind.Kind, object.GetName(), err)
	}
	return out, nil
}

// attempts is how often an apply is tried that a busy machine makes too slow: the first
// of a kind may wait for its definition for longer than the server allows.
const attempts = 5

// slow reports whether a server gave up a request for its time.
func slow(err error) bool { return apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err) }

// applyAll applies the objects of a manifest, in its order. Those that name no
// namespace get the given one, where their kind has namespaces.
func (o *objects) applyAll(ctx context.Context, namespace, manifest string) ([]*unstructured.Unstructured, error) {
	all, err := decode([]byte(manifest))
	if err != nil {
		return nil, err
	}
	out := make([]*unstructured.Unstructured, len(all))
	for i, object := range all {
		if object.GetNamespace() == "" {
			object.SetNamespace(namespace)
		}
		if out[i], err = o.apply(ctx, object); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// decode reads the objects of a manifest.
func decode(manifest []byte) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	for reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(manifest))); ; {
		text, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(text, &object.Object); err != nil {
			return nil, err
		}
		if len(object.Object) > 0 {
			out = append(out, object)
		}
	}
}
