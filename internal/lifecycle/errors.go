package lifecycle

import (
	"context"
	"errors"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// codeOf sorts an error that came out of the Kind, or out of this package.
func (t Target[Spec, Status]) codeOf(ctx context.Context, err error) mlops.Code {
	if e, ok := err.(*mlops.Error); ok { //nolint:errorlint // an error around another was given its own meaning
		return e.Code
	}
	// A limit that is not the caller's own, such as one of a single request.
	if ctx.Err() == nil && isContext(err) {
		return mlops.Unavailable
	}
	return t.Code(err)
}

// passing reports whether repeating the call may help.
func (t Target[Spec, Status]) passing(ctx context.Context, err error) bool {
	return ctx.Err() == nil && t.codeOf(ctx, err) == mlops.Unavailable
}

// fault turns an error into what leaves this package.
func (t Target[Spec, Status]) fault(ctx context.Context, w *watch, err error) error {
	if ctx.Err() == nil || !t.interrupted(ctx, err) {
		return t.wrap(ctx, w, err)
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return t.wrap(ctx, w, mlops.NewError(mlops.Timeout, w.outOfTime(err)))
}

// interrupted reports whether an error may be no more than ctx having ended: not
// every platform hands a context's error through.
func (t Target[Spec, Status]) interrupted(ctx context.Context, err error) bool {
	if isContext(err) {
		return true
	}
	switch t.codeOf(ctx, err) {
	case mlops.Unavailable, mlops.Timeout, mlops.Unknown:
		return true
	default:
		return false
	}
}

// wrap gives an error its operation and its object. An error that is an
// *mlops.Error already is filled in, not wrapped again.
func (t Target[Spec, Status]) wrap(ctx context.Context, w *watch, err error) *mlops.Error {
	out := mlops.Error{Code: t.codeOf(ctx, err), Err: words(err)}
	if e, ok := errors.AsType[*mlops.Error](err); ok {
		out.Field, out.Request = e.Field, e.Request
	}
	out.Op, out.Resource, out.Name, out.Backend = w.op, t.Noun, w.id, t.Backend
	return &out
}

// words returns what an error says apart from its code. An error around an
// *mlops.Error has words of its own, to be kept.
func words(err error) error {
	if e, ok := err.(*mlops.Error); ok && e.Err != nil { //nolint:errorlint // only the outermost is stripped
		return e.Err
	}
	return err
}

func isContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
