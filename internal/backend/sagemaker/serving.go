package sagemaker

import (
	"context"
	_ "embed"
	"fmt"
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

// servingOf finds what serves a spec.
func servingOf(s modelScene, spec mlops.ModelVersionSpec, packages []string) (serving, error) {
	if spec.Image != "" {
		return serving{image: spec.Image, format: spec.Format}, nil
	}
	image, err := s.c.servingImage(spec.Format)
	return serving{image: image, format: spec.Format, prebuilt: true, packages: servingPackages(spec.Format, packages)}, err
}

// The packages that the scikit-learn container lacks for other formats. Versions
// that the user names come first.
const (
	mlflowPackage = "mlflow==3.6.0"
	onnxPackage   = "onnxruntime==1.23.2"
)

// servingPackages are the packages to install: the user's, and what the format
// needs beside the container's own.
func servingPackages(format string, packages []string) []string {
	needed := map[string]string{"mlflow": mlflowPackage, "onnx": onnxPackage}[format]
	if needed == "" || slices.ContainsFunc(packages, func(p string) bool { return distribution(p) == distribution(needed) }) {
		return packages
	}
	return append(slices.Clone(packages), needed)
}

// distribution is the name of what a requirement asks for.
func distribution(requirement string) string {
	end := strings.IndexFunc(requirement, func(r rune) bool { return strings.ContainsRune(" =<>!~[;@", r) })
	if end >= 0 {
		requirement = requirement[:end]
	}
	return strings.ReplaceAll(strings.ToLower(requirement), "_", "-")
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
	if !p.Isolated || spec.Image != "" || len(servingPackages(spec.Format, spec.Packages)) == 0 {
		return
	}
	at, what := mlops.At("packages"), "packages"
	if len(spec.Packages) == 0 {
		at, what = mlops.At("format"), fmt.Sprintf("what format %q needs", spec.Format)
	}
	c.AddIf(at, []mlops.Path{mlops.At("packages"), mlops.At("format"), mlops.At("image")}, "Nothing can be installed",
		"The environment has network_isolation, and containers install %s when they start. Give an image that has them.", what)
}
