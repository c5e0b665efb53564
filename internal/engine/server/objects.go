package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// objects exposes one noun.
type objects[Spec, Status any] struct {
	noun mlops.Noun
	kind mlops.Kind[Spec, Status]
}

func expose[Spec, Status any](add func(string, handler), noun mlops.Noun, kind mlops.Kind[Spec, Status]) {
	o := objects[Spec, Status]{noun, kind}
	all := api.ObjectsPath + "/" + string(noun)
	one := all + "/{id...}"
	add("POST "+all, o.create)
	add("GET "+all, o.list)
	add("GET "+one, o.get)
	add("PUT "+one, o.update)
	add("DELETE "+one, o.remove)
}

func (o objects[Spec, Status]) create(_ http.ResponseWriter, r *http.Request) (any, error) {
	spec, err := decode[Spec](r.Body)
	if err != nil {
		return nil, err
	}
	change, err := o.kind.Create(r.Context(), spec)
	return api.Receipt(change), err
}

func (o objects[Spec, Status]) update(_ http.ResponseWriter, r *http.Request) (any, error) {
	id, err := o.id(r)
	if err != nil {
		return nil, err
	}
	spec, err := decode[Spec](r.Body)
	if err != nil {
		return nil, err
	}
	change, err := o.kind.Update(r.Context(), id, spec)
	return api.Receipt(change), err
}

func (o objects[Spec, Status]) get(_ http.ResponseWriter, r *http.Request) (any, error) {
	id, err := o.id(r)
	if err != nil {
		return nil, err
	}
	seen, err := o.kind.Get(r.Context(), id)
	return api.FromObserved(seen), err
}

func (o objects[Spec, Status]) list(_ http.ResponseWriter, r *http.Request) (any, error) {
	lister, ok := o.kind.(mlops.Lister[Spec, Status])
	if !ok {
		return nil, mlops.NewError(mlops.Unsupported, fmt.Errorf("a %s cannot be listed", o.noun))
	}
	seen, err := lister.List(r.Context(), mlops.ID(r.URL.Query().Get(api.UnderQuery)))
	answer := api.List[Spec, Status]{Objects: make([]api.Object[Spec, Status], 0, len(seen))}
	for _, one := range seen {
		answer.Objects = append(answer.Objects, api.FromObserved(one))
	}
	return answer, err
}

func (o objects[Spec, Status]) remove(_ http.ResponseWriter, r *http.Request) (any, error) {
	id, err := o.id(r)
	if err != nil {
		return nil, err
	}
	return struct{}{}, o.kind.Delete(r.Context(), id)
}

// id reads the ID that the path ends with.
func (o objects[Spec, Status]) id(r *http.Request) (mlops.ID, error) {
	id := mlops.ID(r.PathValue("id"))
	if _, err := id.ParseAs(o.noun); err != nil {
		return "", mlops.NewError(mlops.Invalid, err)
	}
	return id, nil
}

// decode reads one spec and nothing else.
func decode[Spec any](body io.Reader) (spec Spec, err error) {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	if err := d.Decode(&spec); err != nil {
		return spec, refused(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return spec, refused(errors.New("something follows the spec"))
	}
	return spec, nil
}

func refused(err error) error {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		err = fmt.Errorf("the spec is larger than %d MiB", tooLarge.Limit>>20)
	}
	return mlops.NewError(mlops.Invalid, fmt.Errorf("the spec cannot be read: %w", err))
}
