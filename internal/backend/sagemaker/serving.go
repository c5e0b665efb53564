package sagemaker

import (
	"context"
	_ "embed"
	"path"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// inferenceCode answers requests in the prebuilt containers.
//
//go:embed serve/inference.py
var inferenceCode string

// modelRoot is where SageMaker puts what a container is to serve.
const modelRoot = "/opt/ml/model"

// serving is what serves a version's bytes: an image, and in a prebuilt one the
// code and the packages that it installs when it starts.
type serving struct {
	image    string
	format   string
	prebuilt bool
	packages []string
}

// servingOf finds what serves a spec. Without an index of packages in reach, a
// container has those that it came with.
func servingOf(s scene, spec mlops.ModelVersionSpec, packages []string) (serving, error) {
	if spec.Image != "" {
		// That of a promoted version was given where it comes from.
		return serving{image: imageIn(spec.Image, s.c.region), format: spec.Format}, nil
	}
	image, err := s.c.servingImage(spec.Format)
	v := serving{image: image, format: spec.Format, prebuilt: true}
	if !s.place.Isolated {
		v.packages = servingPackages(spec.Format, packages)
	}
	return v, err
}

// formatPackages are what a format needs in its container, for versions that do
// not name it themselves. Pinned, and the same as elsewhere, so that a version
// serves the same way tomorrow and on another platform. XGBoost's container has
// its own.
func formatPackages(format string) []string {
	switch format {
	case "sklearn":
		return []string{"scikit-learn==1.7.2"}
	case "mlflow":
		return []string{"mlflow-skinny==3.17.2"}
	case "onnx":
		return []string{"onnxruntime==1.24.4"}
	}
	return nil
}

// servingPackages are the packages to install: those that are asked for, and what
// the format needs besides.
func servingPackages(format string, asked []string) []string {
	all := slices.Clone(asked)
	for _, p := range formatPackages(format) {
		if !slices.ContainsFunc(asked, func(q string) bool { return provides(q, p) }) {
			all = append(all, p)
		}
	}
	return slices.Sorted(slices.Values(all))
}

// provides reports whether a requirement is for the same distribution as another,
// or for one that holds it.
func provides(requirement, other string) bool {
	have, want := distribution(requirement), distribution(other)
	return have == want || have+"-skinny" == want || have == want+"-gpu" || have == want+"-cpu"
}

// distribution is the name of what a requirement asks for, in its normal form.
func distribution(requirement string) string {
	if i := strings.IndexAny(requirement, " <>=!~[;@("); i >= 0 {
		requirement = requirement[:i]
	}
	return strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(requirement))
}

// listedPackages reads the file in which an MLflow model lists its packages.
// Options, such as constraint files, are left out.
func listedPackages(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, " #")
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' && line[0] != '-' {
			all = append(all, line)
		}
	}
	return all
}

// mark tells apart what is served differently.
func (v serving) mark() string {
	if !v.prebuilt {
		return "image"
	}
	return shortHash(strings.Join(append([]string{inferenceCode, v.format}, v.packages...), "\n"))
}

// put keeps the code of a prebuilt container.
func (v serving) put(ctx context.Context, files fileStore, prefix string) error {
	if !v.prebuilt {
		return nil
	}
	if err := files.putBytes(ctx, prefix+"inference.py", []byte(inferenceCode)); err != nil {
		return err
	}
	if len(v.packages) == 0 {
		return nil
	}
	return files.putBytes(ctx, prefix+"requirements.txt", []byte(strings.Join(v.packages, "\n")+"\n"))
}

// container describes the container of a version. A user's image finds the bytes
// at $MODEL_PATH, and answers /ping and /invocations on port 8080.
func (v serving) container(p place, facts versionFacts) types.ModelPackageContainerDefinition {
	bytes := strings.TrimPrefix(facts.URI, p.uriOf(facts.Folder))
	env := map[string]string{"MODEL_PATH": path.Join(modelRoot, bytes), "MODEL_FORMAT": v.format}
	if v.prebuilt {
		env["SAGEMAKER_PROGRAM"] = "inference.py"
		env["SAGEMAKER_SUBMIT_DIRECTORY"] = modelRoot + "/code"
		// Packages bring a newer protobuf, which the containers' own generated code is
		// too old for in any other implementation: they would not start.
		env["PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"] = "python"
	}
	return types.ModelPackageContainerDefinition{
		Image:       &v.image,
		Environment: env,
		ModelDataSource: &types.ModelDataSource{S3DataSource: &types.S3ModelDataSource{
			S3Uri: aws.String(p.uriOf(facts.Folder)), S3DataType: types.S3ModelDataTypeS3Prefix, CompressionType: types.ModelCompressionTypeNone,
		}},
	}
}

// checkIsolated refuses packages where a container can reach no index to install
// them from.
func checkIsolated(c *mlops.Checker, p place, spec mlops.ModelVersionSpec) {
	if !p.Isolated || spec.Image != "" {
		return
	}
	const summary = "Nothing can be installed"
	needs := []mlops.Path{mlops.At("packages"), mlops.At("format"), mlops.At("image")}
	switch {
	case len(spec.Packages) > 0:
		c.AddIf(mlops.At("packages"), needs, summary, "The environment has network_isolation, and containers install packages when they start. Leave packages out, or give an image that has them.")
	case spec.Format == "mlflow" || spec.Format == "onnx":
		c.AddIf(mlops.At("format"), needs, summary, "The environment has network_isolation, and SageMaker's containers lack what format %q needs. Give an image that has it.", spec.Format)
	}
}
