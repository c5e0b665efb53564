package sagemaker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// defaultSmokeTimeout is how long a smoke test waits for its answer.
const defaultSmokeTimeout = 30 * time.Second

// Probe sends the smoke test to a variant once more; see mlops.Prober.
func (k modelEndpointKind) Probe(ctx context.Context, ref mlops.ID, variant string) error {
	s, err := k.scene(ctx, ref)
	if err != nil {
		return err
	}
	state, err := k.look(ctx, s)
	if err != nil {
		return err
	}
	form := state.inForce()
	if form == nil {
		form = &state.asked
	}
	if _, ok := form.Spec.Variants[variant]; !ok {
		return mlops.NewError(mlops.NotFound, fmt.Errorf("%q has no variant %q", ref, variant))
	}
	if form.Spec.SmokeTest == nil {
		return nil
	}
	words, err := k.smokeTest(ctx, s, form.Spec.SmokeTest, variant)
	if err == nil && words != "" {
		return mlops.NewError(mlops.Failed, errors.New(words))
	}
	return err
}

// passedMark names a configuration and the smoke test that it passed: another test
// is to be passed too.
func passedMark(form endpointForm) string {
	return form.Config + "+" + shortHash(revisionOf(form.Spec.SmokeTest))
}

// smokeTestEndpoint sends the smoke test to every variant of a configuration that
// has not passed yet. It returns what was wrong with an answer, or "".
func (k modelEndpointKind) smokeTestEndpoint(ctx context.Context, s scene, state endpointState) (string, error) {
	test := state.asked.Spec.SmokeTest
	if test == nil || state.tags[tagEndpointPassed] == passedMark(state.asked) {
		return "", nil
	}
	for _, variant := range slices.Sorted(maps.Keys(state.asked.Spec.Variants)) {
		if words, err := k.smokeTest(ctx, s, test, variant); err != nil || words != "" {
			return words, err
		}
	}
	return "", nil
}

// smokeTest sends one request to one variant. Another answer than the one expected,
// or none in time, is told in words; what kept the request from reaching the server
// is an error.
func (k modelEndpointKind) smokeTest(ctx context.Context, s scene, test *mlops.SmokeTest, variant string) (string, error) {
	timeout := test.Timeout.Or(defaultSmokeTimeout)
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	out, err := s.c.runtime.InvokeEndpoint(limited, &sagemakerruntime.InvokeEndpointInput{
		EndpointName: &s.name, TargetVariant: &variant, Body: []byte(test.Request),
		ContentType: aws.String("application/json"), Accept: aws.String("application/json"),
	}, func(o *sagemakerruntime.Options) { o.Retryer = aws.NopRetryer{} }) // an answer of 500 is an answer
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return fmt.Sprintf("the smoke test of variant %q had no answer within %s", variant, timeout), nil
	}
	status, body, err := smokeAnswer(out, err)
	if err != nil || status == test.Status {
		return "", err
	}
	return fmt.Sprintf("the smoke test of variant %q expected status %d and got %d: %s", variant, test.Status, status, body), nil
}

// statusTold finds the server's status in SageMaker's words, where it is told
// nowhere else.
var statusTold = regexp.MustCompile(`Received \w+ error \((\d{3})\)`)

// smokeAnswer is what the server answered. SageMaker wraps all but 2xx.
func smokeAnswer(out *sagemakerruntime.InvokeEndpointOutput, err error) (status int64, body string, _ error) {
	if err == nil {
		return http.StatusOK, cutAnswer(string(out.Body)), nil
	}
	if answer, ok := errors.AsType[*types.ModelError](err); ok {
		words := cmp.Or(aws.ToString(answer.OriginalMessage), answer.ErrorMessage())
		status := int64(aws.ToInt32(answer.OriginalStatusCode))
		if told := statusTold.FindStringSubmatch(answer.ErrorMessage()); status == 0 && told != nil {
			status, err = strconv.ParseInt(told[1], 10, 64)
			return status, cutAnswer(words), err
		}
		return status, cutAnswer(words), nil
	}
	return 0, "", err
}

// cutAnswer keeps the beginning of an answer.
func cutAnswer(text string) string {
	const most = 120
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
