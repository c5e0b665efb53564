package mlopstest

import (
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// sample is a spec that asks for one feature.
type sample struct {
	feature mlops.Feature
	noun    mlops.Noun
	spec    func(l *lab) any
	uses    mlops.Noun // another noun that the spec needs one of, or ""
}

// samples gives every feature a spec; a test proves that none is missing.
func samples() []sample {
	var all []sample
	for _, more := range [][]sample{
		environmentSamples(), stepSamples(), pipelineSamples(), versionSamples(), endpointSamples(), rolloutSamples(),
		datasetSamples(), monitorSamples(), consequenceSamples(),
	} {
		all = append(all, more...)
	}
	return all
}

func environmentSamples() []sample {
	of := func(f mlops.Feature, change func(*mlops.EnvironmentSpec)) sample {
		return sample{feature: f, noun: mlops.NounEnvironment, spec: func(l *lab) any {
			s := l.environmentSpec(l.fresh())
			change(&s)
			return s
		}}
	}
	return []sample{
		of(mlops.FeatureEnvironmentRetention, func(s *mlops.EnvironmentSpec) {
			s.Retention = &mlops.Retention{Runs: mlops.Duration(time.Hour), Captures: mlops.Duration(2 * time.Hour)}
		}),
		of(mlops.FeatureEnvironmentProtect, func(s *mlops.EnvironmentSpec) { s.DeletionProtection = true }),
		of(mlops.FeatureEnvironmentBudget, func(s *mlops.EnvironmentSpec) {
			s.Budget = &mlops.Budget{MonthlyUSD: 50, AlertPercents: []int64{80, 100}, Emails: []string{"ml@example.com"}}
		}),
		of(mlops.FeatureEnvironmentMLflow, func(s *mlops.EnvironmentSpec) {
			s.Registry = &mlops.Registry{MLflow: &mlops.MLflow{URI: "http://127.0.0.1:5000", Token: "s3cret", Mark: "mark-1"}}
		}),
	}
}

func stepSamples() []sample {
	of := func(f mlops.Feature, change func(*mlops.Step)) sample {
		return sample{feature: f, noun: mlops.NounPipeline, spec: func(l *lab) any {
			s := l.pipelineSpec(l.fresh())
			live := "true"
			s.Parameters["live"] = mlops.Parameter{Type: "boolean", Default: &live}
			step := s.Steps["train"]
			change(&step)
			s.Steps["train"] = step
			return s
		}}
	}
	return []sample{
		of(mlops.FeaturePipelineScript, func(s *mlops.Step) { s.Script, s.Command = "print('hello')\n", nil }),
		of(mlops.FeaturePipelineCommand, func(*mlops.Step) {}),
		of(mlops.FeaturePipelineImage, func(s *mlops.Step) { s.Image = "docker.io/library/python:3.13" }),
		of(mlops.FeaturePipelinePackages, func(s *mlops.Step) { s.Script, s.Command, s.Packages = "import six\n", nil, []string{"six==1.17.0"} }),
		of(mlops.FeaturePipelineWhen, func(s *mlops.Step) { s.When = []string{"{{params.live}} == true"} }),
		of(mlops.FeaturePipelineRetry, func(s *mlops.Step) {
			s.Retry = &mlops.Retry{Attempts: 3, Backoff: mlops.Duration(time.Second)}
		}),
		of(mlops.FeaturePipelineTimeout, func(s *mlops.Step) { s.Timeout = mlops.Duration(time.Minute) }),
		of(mlops.FeaturePipelineCache, func(s *mlops.Step) { s.NoCache = true }),
		of(mlops.FeaturePipelineCPU, func(s *mlops.Step) { s.Compute = &mlops.Compute{CPU: 0.5} }),
		of(mlops.FeaturePipelineMemory, func(s *mlops.Step) { s.Compute = &mlops.Compute{Memory: 512 << 20} }),
		of(mlops.FeaturePipelineGPU, func(s *mlops.Step) {
			s.Compute = &mlops.Compute{Accelerator: &mlops.Accelerator{Memory: 16 << 30, Count: 1}}
		}),
		{feature: mlops.FeaturePipelineNative, noun: mlops.NounPipeline, spec: func(l *lab) any {
			s := l.pipelineSpec(l.fresh())
			step := s.Steps["train"]
			step.Compute = &mlops.Compute{Native: l.world.Machine}
			s.Steps["train"] = step
			return s
		}},
		of(mlops.FeaturePipelineDisk, func(s *mlops.Step) { s.Compute = &mlops.Compute{Disk: 50 << 30} }),
		of(mlops.FeaturePipelineSpot, func(s *mlops.Step) { s.Compute = &mlops.Compute{CPU: 2, Spot: true} }),
	}
}

func pipelineSamples() []sample {
	of := func(f mlops.Feature, change func(*lab, *mlops.PipelineSpec)) sample {
		return sample{feature: f, noun: mlops.NounPipeline, spec: func(l *lab) any {
			s := l.pipelineSpec(l.fresh())
			change(l, &s)
			return s
		}}
	}
	tracked := of(mlops.FeaturePipelineTracked, func(l *lab, s *mlops.PipelineSpec) { s.Experiment = l.experiment() })
	tracked.uses = mlops.NounExperiment
	return []sample{
		of(mlops.FeaturePipelineParallel, func(_ *lab, s *mlops.PipelineSpec) { s.Parallelism = 2 }),
		of(mlops.FeaturePipelineSchedule, func(_ *lab, s *mlops.PipelineSpec) {
			s.Schedule = &mlops.Schedule{Cron: "0 3 1 1 *", Timezone: "Australia/Sydney", Disabled: true}
		}),
		of(mlops.FeaturePipelineDefinition, func(l *lab, s *mlops.PipelineSpec) { s.Steps, s.Definition = nil, l.world.Definition }),
		tracked,
	}
}

func versionSamples() []sample {
	of := func(f mlops.Feature, change func(*lab, *mlops.ModelVersionSpec)) sample {
		return sample{feature: f, noun: mlops.NounModelVersion, spec: func(l *lab) any {
			s := l.versionSpec("sample")
			change(l, &s)
			return s
		}}
	}
	format := func(f mlops.Feature, name string) sample {
		return of(f, func(_ *lab, s *mlops.ModelVersionSpec) { s.Format, s.Command, s.Image = name, nil, "" })
	}
	return []sample{
		of(mlops.FeatureVersionFile, func(*lab, *mlops.ModelVersionSpec) {}),
		of(mlops.FeatureVersionRun, func(l *lab, s *mlops.ModelVersionSpec) {
			s.ArtifactURI, s.Run, s.Output = "", l.run(), "train.model"
		}),
		format(mlops.FeatureVersionSklearn, "sklearn"),
		format(mlops.FeatureVersionXGBoost, "xgboost"),
		format(mlops.FeatureVersionMLflow, "mlflow"),
		format(mlops.FeatureVersionONNX, "onnx"),
		of(mlops.FeatureVersionCustom, func(*lab, *mlops.ModelVersionSpec) {}),
		of(mlops.FeatureVersionCommand, func(l *lab, s *mlops.ModelVersionSpec) { s.Image, s.Command = "", l.world.Command }),
		of(mlops.FeatureVersionImage, func(l *lab, s *mlops.ModelVersionSpec) { s.Image, s.Command = l.world.Image, nil }),
		of(mlops.FeatureVersionAliases, func(_ *lab, s *mlops.ModelVersionSpec) { s.Aliases = []string{"champion", "latest_good"} }),
		of(mlops.FeatureVersionOverrides, func(l *lab, s *mlops.ModelVersionSpec) { s.Overrides = l.world.Overrides[mlops.NounModelVersion] }),
	}
}

func endpointSample(f mlops.Feature, change func(*lab, *mlops.ModelEndpointSpec)) sample {
	return sample{feature: f, noun: mlops.NounModelEndpoint, spec: func(l *lab) any {
		s := l.endpointSpec(l.fresh())
		change(l, &s)
		return s
	}}
}

func endpointSamples() []sample {
	of := endpointSample
	variant := func(f mlops.Feature, change func(*mlops.Variant)) sample {
		return of(f, func(_ *lab, s *mlops.ModelEndpointSpec) {
			v := s.Variants["main"]
			change(&v)
			s.Variants["main"] = v
		})
	}
	zero, two := int64(0), int64(2)
	return []sample{
		of(mlops.FeatureEndpointSplit, func(l *lab, s *mlops.ModelEndpointSpec) {
			s.Variants = map[string]mlops.Variant{
				"main":  {Version: l.version(), Traffic: 70},
				"other": {Version: l.version(), Traffic: 30},
			}
		}),
		variant(mlops.FeatureEndpointScaling, func(v *mlops.Variant) { v.Scaling = &mlops.Scaling{Max: &two, Concurrency: &two} }),
		variant(mlops.FeatureEndpointScaleToZero, func(v *mlops.Variant) { v.Scaling = &mlops.Scaling{Min: &zero} }),
		variant(mlops.FeatureEndpointGPU, func(v *mlops.Variant) {
			v.Compute = &mlops.Compute{Accelerator: &mlops.Accelerator{Type: "nvidia-l4"}}
		}),
		of(mlops.FeatureEndpointNative, func(l *lab, s *mlops.ModelEndpointSpec) {
			v := s.Variants["main"]
			v.Compute = &mlops.Compute{Native: l.world.Machine}
			s.Variants["main"] = v
		}),
		variant(mlops.FeatureEndpointDisk, func(v *mlops.Variant) { v.Compute = &mlops.Compute{Disk: 50 << 30} }),
		of(mlops.FeatureEndpointAllAtOnce, func(_ *lab, s *mlops.ModelEndpointSpec) {
			s.Rollout = &mlops.Rollout{Strategy: "all_at_once"}
		}),
		of(mlops.FeatureEndpointCapture, func(_ *lab, s *mlops.ModelEndpointSpec) { s.Capture = &mlops.Capture{SamplePercent: 50} }),
		of(mlops.FeatureEndpointSmokeTest, func(_ *lab, s *mlops.ModelEndpointSpec) {
			s.SmokeTest = &mlops.SmokeTest{Request: `{"instances":[[1]]}`, Status: 200}
		}),
		of(mlops.FeatureEndpointOverrides, func(l *lab, s *mlops.ModelEndpointSpec) {
			s.Overrides = l.world.Overrides[mlops.NounModelEndpoint]
		}),
	}
}
