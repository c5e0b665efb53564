package sagemaker

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

func TestServingPackages(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, format string
		asked, want  []string
	}{
		{"the format's own", "sklearn", nil, []string{"scikit-learn==1.7.2"}},
		{"none asked for", "sklearn", []string{}, []string{"scikit-learn==1.7.2"}},
		{"another version", "sklearn", []string{"Scikit_Learn>=1.6"}, []string{"Scikit_Learn>=1.6"}},
		{"what holds it", "mlflow", []string{"mlflow==3.1.0", "numpy"}, []string{"mlflow==3.1.0", "numpy"}},
		{"for an accelerator", "onnx", []string{"onnxruntime-gpu==1.23.2"}, []string{"onnxruntime-gpu==1.23.2"}},
		{"the container's own", "xgboost", nil, nil},
		{"others", "onnx", []string{"pandas[excel]==2.3.3"}, []string{"onnxruntime==1.24.4", "pandas[excel]==2.3.3"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, servingPackages(tt.format, tt.asked)); diff != "" {
				t.Errorf("packages (-want +got):\n%s", diff)
			}
		})
	}
}

func TestListedPackages(t *testing.T) {
	t.Parallel()
	got := listedPackages("# made by mlflow\nmlflow==3.1.0\r\n\n-c constraints.txt\n numpy<3 # until it is tried\n--index-url=x\n")
	if diff := cmp.Diff([]string{"mlflow==3.1.0", "numpy<3"}, got); diff != "" {
		t.Errorf("packages (-want +got):\n%s", diff)
	}
}

func TestServingImage(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, region, format, want string }{
		{"sklearn", "eu-central-1", "sklearn", "492215442770.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-py312-cpu-py3"},
		{"xgboost", "us-west-2", "xgboost", "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-xgboost:3.0-5"},
		{"onnx", "us-gov-west-1", "onnx", "414596584902.dkr.ecr.us-gov-west-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-py312-cpu-py3"},
		{"china", "cn-north-1", "mlflow", "450853457545.dkr.ecr.cn-north-1.amazonaws.com.cn/sagemaker-scikit-learn:1.4-2-py312-cpu-py3"},
	}
	for _, tt := range tests {
		c := &clients{region: tt.region, partition: partitionOf(tt.region)}
		if got, err := c.servingImage(tt.format); got != tt.want || err != nil {
			t.Errorf("%s: %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
	c := &clients{region: "mars-north-1", partition: "aws"}
	if _, err := c.servingImage("sklearn"); mlops.CodeOf(err) != mlops.Invalid {
		t.Errorf("a region without images: %v", err)
	}
}

// TestIsolatedServing proves what is refused where nothing can be installed.
func TestIsolatedServing(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		spec  mlops.ModelVersionSpec
		field string
	}{
		{"what the container has", mlops.ModelVersionSpec{Format: "sklearn"}, ""},
		{"no packages", mlops.ModelVersionSpec{Format: "xgboost", Packages: []string{}}, ""},
		{"packages", mlops.ModelVersionSpec{Format: "sklearn", Packages: []string{"six"}}, "packages"},
		{"a format", mlops.ModelVersionSpec{Format: "onnx"}, "format"},
		{"an image", mlops.ModelVersionSpec{Format: "onnx", Packages: []string{"six"}, Image: "serve:1"}, ""},
	}
	for _, tt := range tests {
		err := checkServing(place{Isolated: true}, tt.spec)
		e, _ := err.(*mlops.Error) //nolint:errorlint // as it is returned
		if err == nil != (tt.field == "") || err != nil && e.Field != tt.field {
			t.Errorf("%s: %v, want one at %q", tt.name, err, tt.field)
		}
		if err := checkServing(place{}, tt.spec); err != nil {
			t.Errorf("%s, not isolated: %v", tt.name, err)
		}
	}
	s := scene{c: &clients{region: testRegion, partition: "aws"}, place: place{Isolated: true}}
	if v, err := servingOf(s, mlops.ModelVersionSpec{Format: "sklearn"}, nil); err != nil || len(v.packages) != 0 {
		t.Errorf("isolated, to be installed: %q, %v", v.packages, err)
	}
}
