package sagemaker

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
)

// definitionAPI is what is done alike with the definitions of every type; each type
// has calls of its own for it.
type definitionAPI struct {
	// describe is an error unless the definition is there.
	describe func(ctx context.Context, c *clients, name string) error
	// list names those whose names contain a text.
	list   func(ctx context.Context, c *clients, contains string) ([]string, error)
	remove func(ctx context.Context, c *clients, name string) error
}

func dataDefinitions() definitionAPI {
	return definitionAPI{
		describe: func(ctx context.Context, c *clients, name string) error {
			_, err := c.sagemaker.DescribeDataQualityJobDefinition(ctx, &sagemaker.DescribeDataQualityJobDefinitionInput{JobDefinitionName: &name})
			return err
		},
		list: func(ctx context.Context, c *clients, contains string) ([]string, error) {
			pages := sagemaker.NewListDataQualityJobDefinitionsPaginator(c.sagemaker, &sagemaker.ListDataQualityJobDefinitionsInput{NameContains: &contains})
			return definitionNames(ctx, pages, func(page *sagemaker.ListDataQualityJobDefinitionsOutput) []types.MonitoringJobDefinitionSummary {
				return page.JobDefinitionSummaries
			})
		},
		remove: func(ctx context.Context, c *clients, name string) error {
			_, err := c.sagemaker.DeleteDataQualityJobDefinition(ctx, &sagemaker.DeleteDataQualityJobDefinitionInput{JobDefinitionName: &name})
			return err
		},
	}
}

func qualityDefinitions() definitionAPI {
	return definitionAPI{
		describe: func(ctx context.Context, c *clients, name string) error {
			_, err := c.sagemaker.DescribeModelQualityJobDefinition(ctx, &sagemaker.DescribeModelQualityJobDefinitionInput{JobDefinitionName: &name})
			return err
		},
		list: func(ctx context.Context, c *clients, contains string) ([]string, error) {
			pages := sagemaker.NewListModelQualityJobDefinitionsPaginator(c.sagemaker, &sagemaker.ListModelQualityJobDefinitionsInput{NameContains: &contains})
			return definitionNames(ctx, pages, func(page *sagemaker.ListModelQualityJobDefinitionsOutput) []types.MonitoringJobDefinitionSummary {
				return page.JobDefinitionSummaries
			})
		},
		remove: func(ctx context.Context, c *clients, name string) error {
			_, err := c.sagemaker.DeleteModelQualityJobDefinition(ctx, &sagemaker.DeleteModelQualityJobDefinitionInput{JobDefinitionName: &name})
			return err
		},
	}
}

func biasDefinitions() definitionAPI {
	return definitionAPI{
		describe: func(ctx context.Context, c *clients, name string) error {
			_, err := c.sagemaker.DescribeModelBiasJobDefinition(ctx, &sagemaker.DescribeModelBiasJobDefinitionInput{JobDefinitionName: &name})
			return err
		},
		list: func(ctx context.Context, c *clients, contains string) ([]string, error) {
			pages := sagemaker.NewListModelBiasJobDefinitionsPaginator(c.sagemaker, &sagemaker.ListModelBiasJobDefinitionsInput{NameContains: &contains})
			return definitionNames(ctx, pages, func(page *sagemaker.ListModelBiasJobDefinitionsOutput) []types.MonitoringJobDefinitionSummary {
				return page.JobDefinitionSummaries
			})
		},
		remove: func(ctx context.Context, c *clients, name string) error {
			_, err := c.sagemaker.DeleteModelBiasJobDefinition(ctx, &sagemaker.DeleteModelBiasJobDefinitionInput{JobDefinitionName: &name})
			return err
		},
	}
}

func explainDefinitions() definitionAPI {
	return definitionAPI{
		describe: func(ctx context.Context, c *clients, name string) error {
			_, err := c.sagemaker.DescribeModelExplainabilityJobDefinition(ctx, &sagemaker.DescribeModelExplainabilityJobDefinitionInput{JobDefinitionName: &name})
			return err
		},
		list: func(ctx context.Context, c *clients, contains string) ([]string, error) {
			pages := sagemaker.NewListModelExplainabilityJobDefinitionsPaginator(c.sagemaker, &sagemaker.ListModelExplainabilityJobDefinitionsInput{NameContains: &contains})
			return definitionNames(ctx, pages, func(page *sagemaker.ListModelExplainabilityJobDefinitionsOutput) []types.MonitoringJobDefinitionSummary {
				return page.JobDefinitionSummaries
			})
		},
		remove: func(ctx context.Context, c *clients, name string) error {
			_, err := c.sagemaker.DeleteModelExplainabilityJobDefinition(ctx, &sagemaker.DeleteModelExplainabilityJobDefinitionInput{JobDefinitionName: &name})
			return err
		},
	}
}

// definitionPages is a list of definitions of one type, in pages.
type definitionPages[Page any] interface {
	HasMorePages() bool
	NextPage(ctx context.Context, options ...func(*sagemaker.Options)) (*Page, error)
}

// definitionNames reads all pages.
func definitionNames[Page any](ctx context.Context, pages definitionPages[Page], in func(*Page) []types.MonitoringJobDefinitionSummary) ([]string, error) {
	var all []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, d := range in(page) {
			all = append(all, aws.ToString(d.MonitoringJobDefinitionName))
		}
	}
	return all, nil
}

// What the definitions of all types have in common follows, from the plan.

// endpointInput is what is captured of the endpoint.
func (p monitorPlan) endpointInput() *types.EndpointInput {
	return &types.EndpointInput{
		EndpointName: aws.String(nativeName(p.spec.Endpoint, maxName)), LocalPath: aws.String(analyzerRoot + "/input/endpoint"),
		S3InputMode: types.ProcessingS3InputModeFile, S3DataDistributionType: types.ProcessingS3DataDistributionTypeFullyreplicated,
	}
}

// outputConfig keeps the reports of a job apart from those of others.
func (p monitorPlan) outputConfig(j monitorJob) *types.MonitoringOutputConfig {
	return &types.MonitoringOutputConfig{
		KmsKeyId: optional(p.place.Key),
		MonitoringOutputs: []types.MonitoringOutput{{S3Output: &types.MonitoringS3Output{
			S3Uri: aws.String(p.place.uri(p.folder() + "reports/" + j.word)), LocalPath: aws.String(analyzerRoot + "/output"), S3UploadMode: types.ProcessingS3UploadModeEndOfJob,
		}}},
	}
}

func (p monitorPlan) resources() *types.MonitoringResources {
	return &types.MonitoringResources{ClusterConfig: &types.MonitoringClusterConfig{
		InstanceCount: aws.Int32(1), InstanceType: types.ProcessingInstanceType(monitorMachine), VolumeSizeInGB: aws.Int32(monitorVolume), VolumeKmsKeyId: optional(p.place.Key),
	}}
}

// stoppingCondition is as long as a job may take where it runs each hour: half of
// the hour, for where there is ground truth the other half is for merging it.
func stoppingCondition() *types.MonitoringStoppingCondition {
	return &types.MonitoringStoppingCondition{MaxRuntimeInSeconds: aws.Int32(int32(monitorLongestJob.Seconds()))}
}

// definitionTags are those of a job definition.
func (k monitorKind) definitionTags(p monitorPlan) []types.Tag {
	return sagemakerTags(withoutRecord(k.tagsFor(p.place.spec, p.spec.Labels, map[string]string{tagID: string(p.id)})))
}

// monitoringNetwork is processingNetwork as job definitions take it.
func (p place) monitoringNetwork() *types.MonitoringNetworkConfig {
	n := p.processingNetwork()
	if n == nil {
		return nil
	}
	return &types.MonitoringNetworkConfig{EnableNetworkIsolation: n.EnableNetworkIsolation, VpcConfig: n.VpcConfig}
}
