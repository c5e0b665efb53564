package aws_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
	runtimetypes "github.com/aws/aws-sdk-go-v2/service/sagemakerruntime/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

func TestInvoke(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	client := sagemakerruntime.NewFromConfig(a.config, func(o *sagemakerruntime.Options) { o.RetryMaxAttempts = 1 })
	invoke := func(target *string, body string) (*sagemakerruntime.InvokeEndpointOutput, error) {
		return client.InvokeEndpoint(t.Context(), &sagemakerruntime.InvokeEndpointInput{
			EndpointName: sdk.String("churn"), Body: []byte(body), ContentType: sdk.String("application/json"), TargetVariant: target,
		})
	}
	_, err := invoke(nil, "{}")
	wantFault(t, err, "ValidationError", "not found")

	createModel(t, a, "one")
	createModel(t, a, "two")
	heavy, light := variant("heavy", "one", 1), variant("light", "two", 1)
	heavy.InitialVariantWeight, light.InitialVariantWeight = sdk.Float32(9), sdk.Float32(1)
	createConfig(t, a, "both", heavy, light)
	must[*sagemaker.CreateEndpointOutput](t)(a.CreateEndpoint(t.Context(), &sagemaker.CreateEndpointInput{EndpointName: sdk.String("churn"), EndpointConfigName: sdk.String("both")}))
	statuses(t, a)

	a.server.World.SetHooks(aws.Hooks{Invoke: func(i aws.Invocation) (int, []byte) {
		if string(i.Body) == "bad" {
			return http.StatusInternalServerError, []byte("it broke")
		}
		return http.StatusOK, []byte(i.Model + ":" + string(i.Body))
	}})
	counts := map[string]int{}
	for range 100 {
		out := must[*sagemakerruntime.InvokeEndpointOutput](t)(invoke(nil, "x"))
		counts[*out.InvokedProductionVariant]++
	}
	if counts["light"] < 8 || counts["light"] > 12 || counts["heavy"]+counts["light"] != 100 {
		t.Errorf("of 100 requests the variants got %v, want about 90 and 10", counts)
	}
	out := must[*sagemakerruntime.InvokeEndpointOutput](t)(invoke(sdk.String("light"), "x"))
	if string(out.Body) != "two:x" || *out.InvokedProductionVariant != "light" {
		t.Errorf("got %s of %s", out.Body, *out.InvokedProductionVariant)
	}
	_, err = invoke(sdk.String("never"), "x")
	wantFault(t, err, "ValidationError", "never")
	_, err = invoke(nil, "bad")
	if _, ok := errors.AsType[*runtimetypes.ModelError](err); !ok {
		t.Errorf("got %v, want a ModelError", err)
	}

	now := time.Now()
	total := func(metric, variant string) float64 {
		out := must[*cloudwatch.GetMetricStatisticsOutput](t)(cloudwatch.NewFromConfig(a.config).GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
			Namespace: sdk.String("AWS/SageMaker"), MetricName: &metric, Period: sdk.Int32(86400), Statistics: []cwtypes.Statistic{cwtypes.StatisticSum},
			StartTime: sdk.Time(now.Add(-24 * time.Hour)), EndTime: sdk.Time(now.Add(24 * time.Hour)),
			Dimensions: []cwtypes.Dimension{{Name: sdk.String("EndpointName"), Value: sdk.String("churn")}, {Name: sdk.String("VariantName"), Value: &variant}},
		}))
		var sum float64
		for _, p := range out.Datapoints {
			sum += *p.Sum
		}
		return sum
	}
	if got := total("Invocations", "heavy") + total("Invocations", "light"); got != 102 {
		t.Errorf("the metrics count %v invocations, want 102", got)
	}
	if got := total("Invocation5XXErrors", "heavy") + total("Invocation5XXErrors", "light"); got != 1 {
		t.Errorf("the metrics count %v errors, want 1", got)
	}
}
