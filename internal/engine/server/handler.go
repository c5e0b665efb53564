package server

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// handler answers one request: with a value that is written as JSON, or with
// an error.
type handler func(http.ResponseWriter, *http.Request) (any, error)

// errHost refuses what was sent to another host than the engine.
var errHost = mlops.NewError(mlops.PermissionDenied, errors.New("the engine's control API answers requests for the host "+api.Host+" only"))

// wrap turns a handler into an HTTP handler. It is the one place where answers
// are written.
type wrap struct {
	handler

	log *slog.Logger
}

func (h wrap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	request := rand.Text()
	w.Header().Set(api.RequestHeader, request)
	value, err := h.call(w, r)
	if err == nil {
		err = h.write(w, http.StatusOK, "application/json", value)
	}
	if err == nil {
		return
	}
	p := api.ProblemOf(err)
	p.Request = request
	if p.Status >= http.StatusInternalServerError && r.Context().Err() == nil {
		h.log.Error("request failed", "request", request, "method", r.Method, "path", r.URL.Path, "error", err)
	}
	if err := h.write(w, p.Status, api.ProblemType, p); err != nil {
		h.log.Error("problem not written", "request", request, "error", err)
	}
}

// call runs the handler; a panic is an error.
func (h wrap) call(w http.ResponseWriter, r *http.Request) (value any, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			h.log.Error("panic", "path", r.URL.Path, "cause", cause, "stack", string(debug.Stack()))
			err = fmt.Errorf("the engine made a mistake (%v); please report it with the engine's log", cause)
		}
	}()
	if r.Host != api.Host {
		return nil, errHost
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxSpec)
	folder, err := url.PathUnescape(r.Header.Get(api.FolderHeader))
	if err != nil {
		return nil, mlops.NewError(mlops.Invalid, fmt.Errorf("header %s: %w", api.FolderHeader, err))
	}
	ctx := api.WithFolder(api.WithOwner(r.Context(), r.Header.Get(api.OwnerHeader)), folder)
	return h.handler(w, r.WithContext(ctx))
}

// write encodes before it writes, so that a value without a JSON form is still
// answered with a problem.
func (wrap) write(w http.ResponseWriter, status int, mediaType string, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that left cannot be told
	return nil
}

func noSuchOperation(_ http.ResponseWriter, r *http.Request) (any, error) {
	return nil, mlops.NewError(mlops.NotFound, fmt.Errorf("the engine has no operation %s %s", r.Method, r.URL.Path))
}
