package aws

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
)

// serveHandlers starts a server of handlers that a test makes up, to look at what
// the protocols do to messages.
func serveHandlers(t *testing.T, service string, handlers map[string]Handler) (*Server, sdk.Config) {
	t.Helper()
	files, err := Models(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(New(Config{}), files)
	s.handlers = map[string]map[string]Handler{service: handlers}
	listening := httptest.NewServer(s)
	t.Cleanup(listening.Close)
	return s, sdk.Config{
		Region: "us-east-1", BaseEndpoint: &listening.URL,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 500e6, time.UTC)

func TestJSONProtocol(t *testing.T) {
	t.Parallel()
	var got Params
	_, c := serveHandlers(t, "sagemaker", map[string]Handler{
		"DescribeModel": func(c *Call) (Params, error) {
			got = c.In
			return Params{"ModelName": "churn", "ModelArn": "arn:aws:sagemaker:us-east-1:123456789012:model/churn", "CreationTime": noon}, nil
		},
		"DeleteModel": func(*Call) (Params, error) { return nil, fault("ValidationException", "Could not find model") },
	})
	client := sagemaker.NewFromConfig(c)
	out, err := client.DescribeModel(t.Context(), &sagemaker.DescribeModelInput{ModelName: sdk.String("churn")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Params{"ModelName": "churn"}, got); diff != "" {
		t.Error(diff)
	}
	if !out.CreationTime.Equal(noon) || *out.ModelName != "churn" {
		t.Errorf("got %s at %s", *out.ModelName, out.CreationTime)
	}
	_, err = client.DeleteModel(t.Context(), &sagemaker.DeleteModelInput{ModelName: sdk.String("churn")})
	wantAPIError(t, err, "ValidationException", "Could not find model")
}

func TestQueryProtocol(t *testing.T) {
	t.Parallel()
	var got Params
	_, c := serveHandlers(t, "sns", map[string]Handler{
		"CreateTopic": func(c *Call) (Params, error) {
			got = c.In
			return Params{"TopicArn": "arn:aws:sns:us-east-1:123456789012:alerts"}, nil
		},
		"GetTopicAttributes": func(*Call) (Params, error) {
			return Params{"Attributes": map[string]string{"Policy": `{"a": "<&>"}`, "Owner": "123456789012"}}, nil
		},
		"DeleteTopic": func(*Call) (Params, error) { return nil, &Fault{Code: "NotFound", Message: "no <topic>", Status: 404} },
	})
	client := sns.NewFromConfig(c)
	_, err := client.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: sdk.String("alerts"), Attributes: map[string]string{"KmsMasterKeyId": "key"}})
	if err != nil {
		t.Fatal(err)
	}
	want := Params{"Name": "alerts", "Attributes": map[string]any{"KmsMasterKeyId": "key"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	out, err := client.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: sdk.String("arn")})
	if err != nil || out.Attributes["Policy"] != `{"a": "<&>"}` {
		t.Errorf("got %v, %v", out, err)
	}
	_, err = client.DeleteTopic(t.Context(), &sns.DeleteTopicInput{TopicArn: sdk.String("arn")})
	wantAPIError(t, err, "NotFound", "no <topic>")
}

// TestQueryLists proves that lists of structures come and go, which IAM has.
func TestQueryLists(t *testing.T) {
	t.Parallel()
	var got Params
	_, c := serveHandlers(t, "iam", map[string]Handler{
		"TagRole": func(c *Call) (Params, error) {
			got = c.In
			return Params{}, nil
		},
		"ListRoleTags": func(*Call) (Params, error) {
			return Params{"IsTruncated": false, "Tags": []map[string]any{{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}}}, nil
		},
	})
	client := iam.NewFromConfig(c)
	_, err := client.TagRole(t.Context(), &iam.TagRoleInput{RoleName: sdk.String("r"), Tags: []iamtypes.Tag{
		{Key: sdk.String("a"), Value: sdk.String("1")}, {Key: sdk.String("b"), Value: sdk.String("")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := Params{"RoleName": "r", "Tags": []any{map[string]any{"Key": "a", "Value": "1"}, map[string]any{"Key": "b", "Value": ""}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	out, err := client.ListRoleTags(t.Context(), &iam.ListRoleTagsInput{RoleName: sdk.String("r")})
	if err != nil || len(out.Tags) != 2 || *out.Tags[1].Key != "b" {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestRESTProtocol(t *testing.T) {
	t.Parallel()
	_, c := serveHandlers(t, "scheduler", map[string]Handler{
		"GetSchedule": func(c *Call) (Params, error) {
			return Params{"Name": c.In["Name"], "GroupName": c.In["GroupName"], "CreationDate": noon}, nil
		},
	})
	out, err := scheduler.NewFromConfig(c).GetSchedule(t.Context(), &scheduler.GetScheduleInput{Name: sdk.String("nightly"), GroupName: sdk.String("g")})
	if err != nil {
		t.Fatal(err)
	}
	if *out.Name != "nightly" || *out.GroupName != "g" || !out.CreationDate.Equal(noon) {
		t.Errorf("got %s in %s at %s", *out.Name, *out.GroupName, out.CreationDate)
	}
}

func TestRESTPayload(t *testing.T) {
	t.Parallel()
	_, c := serveHandlers(t, "runtime.sagemaker", map[string]Handler{
		"InvokeEndpoint": func(c *Call) (Params, error) {
			body, _ := c.In["Body"].([]byte)
			return Params{"Body": append([]byte("heard "), body...), "ContentType": "text/plain", "InvokedProductionVariant": c.In["TargetVariant"]}, nil
		},
	})
	out, err := sagemakerruntime.NewFromConfig(c).InvokeEndpoint(t.Context(), &sagemakerruntime.InvokeEndpointInput{
		EndpointName: sdk.String("churn"), TargetVariant: sdk.String("main"), Body: []byte("hello"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if string(out.Body) != "heard hello" || *out.InvokedProductionVariant != "main" {
		t.Errorf("got %q of %s", out.Body, *out.InvokedProductionVariant)
	}
}

func TestCBORProtocol(t *testing.T) {
	t.Parallel()
	var got Params
	_, c := serveHandlers(t, "monitoring", map[string]Handler{
		"PutMetricAlarm": func(c *Call) (Params, error) {
			got = c.In
			return Params{}, nil
		},
		"DescribeAlarms": func(*Call) (Params, error) {
			return Params{"MetricAlarms": []map[string]any{{"AlarmName": "late", "Threshold": json.Number("2"), "Period": json.Number("60"), "StateUpdatedTimestamp": noon}}}, nil
		},
		"DeleteAlarms": func(*Call) (Params, error) {
			return nil, &Fault{Code: "ResourceNotFound", Message: "no alarm", Status: 404}
		},
	})
	client := cloudwatch.NewFromConfig(c)
	_, err := client.PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
		AlarmName: sdk.String("late"), EvaluationPeriods: sdk.Int32(1), Threshold: sdk.Float64(2.5), ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Params{"AlarmName": "late", "EvaluationPeriods": json.Number("1"), "Threshold": json.Number("2.5"), "ComparisonOperator": "GreaterThanThreshold"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	out, err := client.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{})
	if err != nil {
		t.Fatal(err)
	}
	if a := out.MetricAlarms[0]; *a.Threshold != 2 || *a.Period != 60 || !a.StateUpdatedTimestamp.Equal(noon) {
		t.Errorf("got %+v", a)
	}
	_, err = client.DeleteAlarms(t.Context(), &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{"x"}})
	wantAPIError(t, err, "ResourceNotFound", "no alarm")
}

// TestViolationsAreRefused proves that what a model does not allow is refused and
// recorded, and that an answer which does not keep to it is recorded, too.
func TestViolationsAreRefused(t *testing.T) {
	t.Parallel()
	s, c := serveHandlers(t, "sagemaker", map[string]Handler{
		"DescribeModel": func(*Call) (Params, error) { return Params{"ModelName": "-"}, nil },
	})
	client := sagemaker.NewFromConfig(c)
	_, err := client.DescribeModel(t.Context(), &sagemaker.DescribeModelInput{ModelName: sdk.String("no spaces here")})
	wantAPIError(t, err, "ValidationException", "ModelName")
	_, err = client.DescribeModel(t.Context(), &sagemaker.DescribeModelInput{ModelName: sdk.String("churn")})
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(s.Violations(), "\n")
	for _, want := range []string{"DescribeModel: request: ModelName", "DescribeModel: answer: CreationTime: is required", `answer: ModelName: "-" does not match`} {
		if !strings.Contains(all, want) {
			t.Errorf("not recorded: %s\n%s", want, all)
		}
	}
}

// deaf is the way to a client to whom nothing can be written.
type deaf struct {
	http.ResponseWriter

	err error
}

func (d deaf) Write([]byte) (int, error) { return 0, d.err }

// TestHungUp proves that a client that is gone breaks no model, and that an answer
// which has no form does.
func TestHungUp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		err  error
		want int
	}{
		{"the client was killed", &net.OpError{Op: "write", Net: "tcp", Err: syscall.EPIPE}, 0},
		{"no form", errors.New("unsupported value"), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, _ := serveHandlers(t, "sagemaker", map[string]Handler{
				"DeleteModel": func(*Call) (Params, error) { return Params{}, nil },
			})
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(`{"ModelName":"churn"}`))
			r.Header.Set("X-Amz-Target", "SageMaker.DeleteModel")
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260301/us-east-1/sagemaker/aws4_request")
			s.ServeHTTP(deaf{httptest.NewRecorder(), tt.err}, r)
			if got := s.Violations(); len(got) != tt.want {
				t.Errorf("got %q, want %d", got, tt.want)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	var carried atomic.Int64
	s, c := serveHandlers(t, "sagemaker", map[string]Handler{
		"DeleteModel": func(*Call) (Params, error) {
			carried.Add(1)
			return Params{}, nil
		},
	})
	c.RetryMaxAttempts = 1
	client := sagemaker.NewFromConfig(c)
	remove := func() error {
		_, err := client.DeleteModel(context.WithoutCancel(t.Context()), &sagemaker.DeleteModelInput{ModelName: sdk.String("m")})
		return err
	}
	s.Inject(Rule{Operation: "DeleteModel", Skip: 1, Fault: Throttled()})
	s.Inject(Rule{Service: "sagemaker", After: true})
	if err := remove(); err == nil || carried.Load() != 1 {
		t.Errorf("a lost answer: %v after %d, want an error and the model gone", err, carried.Load())
	}
	wantAPIError(t, remove(), "ThrottlingException", "Rate exceeded")
	if err := remove(); err != nil || carried.Load() != 2 {
		t.Errorf("after the faults: %v, carried out %d times, want 2", err, carried.Load())
	}
	if got := s.Calls()["sagemaker.DeleteModel"]; got != 3 {
		t.Errorf("%d calls counted, want 3", got)
	}
}

// TestHold proves that a request that is held is answered by nobody, and carried
// out only where the rule says so, when its client goes away meanwhile.
func TestHold(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		rule Rule
		want int64
	}{
		{"before it is looked at", Rule{}, 0},
		{"after it was carried out", Rule{After: true}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var carried atomic.Int64
			s, c := serveHandlers(t, "sagemaker", map[string]Handler{
				"DeleteModel": func(*Call) (Params, error) { carried.Add(1); return Params{}, nil },
			})
			tt.rule.Hold = make(chan struct{})
			s.Inject(tt.rule)
			ctx, leave := context.WithCancel(t.Context())
			left := make(chan error)
			go func() {
				_, err := sagemaker.NewFromConfig(c).DeleteModel(ctx, &sagemaker.DeleteModelInput{ModelName: sdk.String("m")})
				left <- err
			}()
			for s.Calls()["sagemaker.DeleteModel"] == 0 || carried.Load() != tt.want {
				runtime.Gosched()
			}
			leave()
			if err := <-left; !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want that nobody answers", err)
			}
			if carried.Load() != tt.want {
				t.Errorf("carried out %d times, want %d", carried.Load(), tt.want)
			}
		})
	}
}

func wantAPIError(t *testing.T, err error, code, words string) {
	t.Helper()
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), words) {
		t.Errorf("got %v, want %s with %q", err, code, words)
	}
}

func TestMain(m *testing.M) {
	if err := os.Setenv("AWS_EC2_METADATA_DISABLED", "true"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
