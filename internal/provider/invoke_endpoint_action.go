package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// shownAnswer is how much of an endpoint's answer people are shown.
const shownAnswer = 4 << 10 // bytes

func invokeEndpoint() *deed[invokeEndpointModel] {
	const limit = time.Minute
	return &deed[invokeEndpointModel]{
		name: "invoke_endpoint",
		doc: "Sends one request to an endpoint and shows the answer, at most its first 4 KiB. " +
			"The request carries the endpoint's token where it asks for one; that is not shown.",
		attributes: attributes{
			"endpoint": requiredText("ID of the endpoint."),
			"request":  requiredJSON("Body of the request, as JSON; write it with `jsonencode`."),
			"expect_status": schema.Int64Attribute{
				MarkdownDescription: fmt.Sprintf("HTTP status that the answer must have; the action fails on another. Default: %d.", defaultStatus),
				Optional:            true,
				Validators:          []validator.Int64{int64validator.Between(100, 599)},
			},
			"timeout": timeLimit(limit),
		},
		limit: func(m invokeEndpointModel) time.Duration { return durationOf(m.Timeout).Or(limit) },
		check: func(c *mlops.Checker, m invokeEndpointModel) {
			checkReference(c, "endpoint", m.Endpoint, mlops.NounModelEndpoint)
		},
		do: doInvoke,
	}
}

type invokeEndpointModel struct {
	Endpoint *string `tfsdk:"endpoint"`
	Request  *string `tfsdk:"request"`
	Status   *int64  `tfsdk:"expect_status"`
	Timeout  *string `tfsdk:"timeout"`
}

func doInvoke(ctx context.Context, p *platforms, m invokeEndpointModel, say func(string)) error {
	id := idOf(m.Endpoint)
	c, err := credentialsOf(ctx, p, id)
	if err != nil {
		return err
	}
	got, err := post(ctx, c, valueOf(m.Request))
	if err == nil {
		say(fmt.Sprintf("%s answered %d in %s: %s", id, got.status, got.took.Round(time.Millisecond), got.body))
		want := valueOr(m.Status, defaultStatus)
		if got.status == want {
			return nil
		}
		err = mlops.NewError(mlops.Failed, fmt.Errorf("the answer has status %d, and %d was expected: %s", got.status, want, got.body))
	}
	e := mlops.Error{Code: mlops.CodeOf(err), Err: err}
	if coded, ok := errors.AsType[*mlops.Error](err); ok {
		e = *coded
	}
	e.Op, e.Resource, e.Name, e.Backend = "invoke", mlops.NounModelEndpoint, id, id.Backend()
	return &e
}

// reply is an endpoint's answer.
type reply struct {
	status int64
	took   time.Duration
	body   string // the beginning, for people
}

// post sends a request to an endpoint. Redirects are not followed: the token is
// for nobody else.
func post(ctx context.Context, c mlops.Credentials, body string) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, strings.NewReader(body))
	if err != nil {
		return reply{}, mlops.NewError(mlops.Unavailable, fmt.Errorf("the endpoint's URL cannot be used: %w", err))
	}
	req.Header.Set("Content-Type", "application/json")
	for name, value := range c.Headers {
		req.Header.Set(name, value)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	start := time.Now()
	resp, err := client.Do(req)
	if ctx.Err() != nil {
		return reply{}, ended(ctx, start)
	}
	if err != nil {
		return reply{}, mlops.NewError(mlops.Unavailable, fmt.Errorf("no answer: %w", err))
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(resp.Body, shownAnswer+1))
	if ctx.Err() != nil {
		return reply{}, ended(ctx, start)
	}
	if err != nil {
		return reply{}, mlops.NewError(mlops.Unavailable, fmt.Errorf("the answer broke off: %w", err))
	}
	return reply{int64(resp.StatusCode), time.Since(start), shown(b, c.Token)}, nil
}

// ended says that a request was given up, as its context did.
func ended(ctx context.Context, start time.Time) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return mlops.NewError(mlops.Timeout, fmt.Errorf("no answer within %s", time.Since(start).Round(time.Millisecond)))
}

// shown is the beginning of an answer as text, without the token that a server
// may have sent back.
func shown(b []byte, token string) string {
	text := strings.ToValidUTF8(string(b[:min(len(b), shownAnswer)]), "\uFFFD")
	if token != "" {
		text = strings.ReplaceAll(text, token, "(token)")
	}
	if len(b) > shownAnswer {
		text += " … (cut here)"
	}
	return text
}
