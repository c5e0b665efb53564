package aws_test

import (
	"fmt"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

func TestExperimentLife(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	ctx, name := t.Context(), sdk.String("dev--churn")
	create := &sagemaker.CreateExperimentInput{ExperimentName: name, Description: sdk.String("who leaves"), Tags: []types.Tag{{Key: sdk.String("a"), Value: sdk.String("b")}}}
	made := must[*sagemaker.CreateExperimentOutput](t)(a.CreateExperiment(ctx, create))
	_, err := a.CreateExperiment(ctx, create)
	wantFault(t, err, "ValidationException", "already exists")
	must[*sagemaker.UpdateExperimentOutput](t)(a.UpdateExperiment(ctx, &sagemaker.UpdateExperimentInput{ExperimentName: name, Description: sdk.String("who stays")}))
	got := must[*sagemaker.DescribeExperimentOutput](t)(a.DescribeExperiment(ctx, &sagemaker.DescribeExperimentInput{ExperimentName: name}))
	if *got.Description != "who stays" || *got.ExperimentArn != *made.ExperimentArn {
		t.Errorf("got %+v", got)
	}

	must[*sagemaker.CreateTrialOutput](t)(a.CreateTrial(ctx, &sagemaker.CreateTrialInput{ExperimentName: name, TrialName: sdk.String("run-1")}))
	must[*sagemaker.CreateTrialComponentOutput](t)(a.CreateTrialComponent(ctx, &sagemaker.CreateTrialComponentInput{TrialComponentName: sdk.String("train-1")}))
	tie := &sagemaker.AssociateTrialComponentInput{TrialName: sdk.String("run-1"), TrialComponentName: sdk.String("train-1")}
	must[*sagemaker.AssociateTrialComponentOutput](t)(a.AssociateTrialComponent(ctx, tie))
	_, err = a.DeleteTrialComponent(ctx, &sagemaker.DeleteTrialComponentInput{TrialComponentName: tie.TrialComponentName})
	wantFault(t, err, "ValidationException", "disassociated")
	_, err = a.DeleteTrial(ctx, &sagemaker.DeleteTrialInput{TrialName: tie.TrialName})
	wantFault(t, err, "ValidationException", "disassociated")
	_, err = a.DeleteExperiment(ctx, &sagemaker.DeleteExperimentInput{ExperimentName: name})
	wantFault(t, err, "ValidationException", "trials")

	must[*sagemaker.DisassociateTrialComponentOutput](t)(a.DisassociateTrialComponent(ctx, &sagemaker.DisassociateTrialComponentInput{TrialName: tie.TrialName, TrialComponentName: tie.TrialComponentName}))
	must[*sagemaker.DeleteTrialComponentOutput](t)(a.DeleteTrialComponent(ctx, &sagemaker.DeleteTrialComponentInput{TrialComponentName: tie.TrialComponentName}))
	must[*sagemaker.DeleteTrialOutput](t)(a.DeleteTrial(ctx, &sagemaker.DeleteTrialInput{TrialName: tie.TrialName}))
	must[*sagemaker.DeleteExperimentOutput](t)(a.DeleteExperiment(ctx, &sagemaker.DeleteExperimentInput{ExperimentName: name}))
	_, err = a.DescribeExperiment(ctx, &sagemaker.DescribeExperimentInput{ExperimentName: name})
	wantFault(t, err, "ResourceNotFound", "does not exist")
}

func TestTrialComponents(t *testing.T) {
	t.Parallel()
	a := openAccount(t, aws.Config{})
	ctx, name := t.Context(), sdk.String("train-1")
	number := func(n float64) types.TrialComponentParameterValue {
		return &types.TrialComponentParameterValueMemberNumberValue{Value: n}
	}
	must[*sagemaker.CreateTrialComponentOutput](t)(a.CreateTrialComponent(ctx, &sagemaker.CreateTrialComponentInput{
		TrialComponentName: name, Parameters: map[string]types.TrialComponentParameterValue{"depth": number(4), "rate": number(0.5)},
	}))
	must[*sagemaker.UpdateTrialComponentOutput](t)(a.UpdateTrialComponent(ctx, &sagemaker.UpdateTrialComponentInput{
		TrialComponentName: name, ParametersToRemove: []string{"rate"}, Parameters: map[string]types.TrialComponentParameterValue{"depth": number(6)},
	}))
	got := must[*sagemaker.DescribeTrialComponentOutput](t)(a.DescribeTrialComponent(ctx, &sagemaker.DescribeTrialComponentInput{TrialComponentName: name}))
	depth, _ := got.Parameters["depth"].(*types.TrialComponentParameterValueMemberNumberValue)
	if len(got.Parameters) != 1 || depth == nil || depth.Value != 6 {
		t.Errorf("got %v", got.Parameters)
	}
	for i := range 3 {
		experiment, trial := sdk.String(fmt.Sprint("e-", i)), sdk.String(fmt.Sprint("t-", i))
		must[*sagemaker.CreateExperimentOutput](t)(a.CreateExperiment(ctx, &sagemaker.CreateExperimentInput{ExperimentName: experiment}))
		must[*sagemaker.CreateTrialOutput](t)(a.CreateTrial(ctx, &sagemaker.CreateTrialInput{ExperimentName: experiment, TrialName: trial}))
	}
	must[*sagemaker.AssociateTrialComponentOutput](t)(a.AssociateTrialComponent(ctx, &sagemaker.AssociateTrialComponentInput{TrialName: sdk.String("t-1"), TrialComponentName: name}))
	var counts []int
	for i := range 3 {
		of := must[*sagemaker.ListTrialComponentsOutput](t)(a.ListTrialComponents(ctx, &sagemaker.ListTrialComponentsInput{ExperimentName: sdk.String(fmt.Sprint("e-", i))}))
		counts = append(counts, len(of.TrialComponentSummaries))
	}
	if diff := cmp.Diff([]int{0, 1, 0}, counts); diff != "" {
		t.Error(diff)
	}
}
