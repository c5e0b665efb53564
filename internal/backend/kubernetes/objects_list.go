package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// chunk is how many objects are listed by one call.
const chunk = 500

// list reads all objects of a kind in a namespace, or in all of them, that labels
// select. They come without their managed fields, which are most of many an object.
func (c *cluster) list(ctx context.Context, k kind, namespace, selector string) ([]unstructured.Unstructured, error) {
	var all []unstructured.Unstructured
	err := c.each(ctx, k, namespace, selector, func(raw []byte) error {
		o, err := k.object(raw)
		all = append(all, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// object reads an object of the kind. In a list, Kubernetes' own do not say of which
// kind they are.
func (k kind) object(raw []byte) (unstructured.Unstructured, error) {
	o := unstructured.Unstructured{}
	if err := utiljson.Unmarshal(raw, &o.Object); err != nil {
		return o, err
	}
	o.SetManagedFields(nil)
	o.SetAPIVersion(k.apiVersion())
	o.SetKind(k.name())
	return o, nil
}

// each calls take with the JSON of each object that list would return, as the answers
// arrive: of a thousand objects, one is in memory at a time. What take gets is not its
// own to keep.
//
// Many are listed by several calls, and what is made or removed meanwhile may be among
// them or not. What was there all the time is taken exactly once.
func (c *cluster) each(ctx context.Context, k kind, namespace, selector string, take func(raw []byte) error) error {
	for next, more := "", true; more; more = next != "" {
		var err error
		next, err = c.page(ctx, k.path(namespace), selector, next, take)
		if lost := lostPlace(err); lost != "" && lost != next {
			next, err = lost, nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// lostPlace is where to go on where the API server has forgotten what there was when a
// list began, by which it goes on with what there is now.
func lostPlace(err error) string {
	status, ok := errors.AsType[*apierrors.StatusError](err)
	if !ok || !apierrors.IsResourceExpired(err) {
		return ""
	}
	return status.ErrStatus.Continue
}

// page reads one answer of a list, and returns where the next begins.
func (c *cluster) page(ctx context.Context, path, selector, from string, take func(raw []byte) error) (next string, err error) {
	request := c.calls.Get().AbsPath(path).Param("limit", strconv.Itoa(chunk))
	if selector != "" {
		request.Param("labelSelector", selector)
	}
	if from != "" {
		request.Param("continue", from)
	}
	answer, err := request.Stream(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Close() }()
	return readPage(json.NewDecoder(answer), take)
}

// readPage reads a list as it arrives.
func readPage(d *json.Decoder, take func(raw []byte) error) (next string, err error) {
	if _, err := d.Token(); err != nil {
		return "", broken(err)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return "", broken(err)
		}
		switch key {
		case "metadata":
			var metadata struct {
				Continue string `json:"continue"`
			}
			err = broken(d.Decode(&metadata))
			next = metadata.Continue
		case "items":
			err = readItems(d, take)
		default:
			var other json.RawMessage
			err = broken(d.Decode(&other))
		}
		if err != nil {
			return "", err
		}
	}
	_, err = d.Token() // that the object ends, and not the connection
	return next, broken(err)
}

func readItems(d *json.Decoder, take func(raw []byte) error) error {
	if begin, err := d.Token(); err != nil || begin != json.Delim('[') { // null is none
		return broken(err)
	}
	var raw json.RawMessage
	for d.More() {
		if err := d.Decode(&raw); err != nil {
			return broken(err)
		}
		if err := take(raw); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return broken(err)
}

// broken is the error of an answer that ended early: to be asked for again, unless the
// caller does not want it any more.
func broken(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return mlops.NewError(mlops.Unavailable, fmt.Errorf("the API server's list ended early: %w", err))
}

// path is where the API server has the objects of the kind, in a namespace or in all.
func (k kind) path(namespace string) string {
	at := k.resource()
	out := "/apis/" + at.Group + "/" + at.Version
	if at.Group == "" {
		out = "/api/" + at.Version
	}
	if k.inNamespace() && namespace != "" {
		out += "/namespaces/" + namespace
	}
	return out + "/" + at.Resource
}
