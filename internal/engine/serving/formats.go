package serving

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// inferenceServer is the package that serves every format but custom. It
// speaks the Open Inference Protocol and the instances/predictions form.
const inferenceServer = "kserve==0.21.0"

// defaultPackages are what a format needs beside the server, for versions that
// do not name it themselves. Pinned, so that the same version serves the same
// way tomorrow.
func defaultPackages(format string) []string {
	switch format {
	case "sklearn":
		return []string{"scikit-learn==1.7.2"}
	case "xgboost":
		return []string{"xgboost==3.2.0", "scikit-learn==1.7.2"}
	case "mlflow":
		return []string{"mlflow-skinny==3.17.2"}
	case "onnx":
		return []string{"onnxruntime==1.24.4"}
	}
	return nil
}

// packagesFor returns all packages of a format's server, sorted: the version's
// own, or else those that the bytes at path ask for, and those that the server
// needs besides.
func packagesFor(format string, own []string, path string) []string {
	if len(own) == 0 && format == "mlflow" {
		own = requirements(path)
	}
	all := slices.Clone(own)
	if format == custom {
		return slices.Sorted(slices.Values(all))
	}
	for _, p := range append(defaultPackages(format), inferenceServer) {
		if !slices.ContainsFunc(own, func(q string) bool { return provides(q, p) }) {
			all = append(all, p)
		}
	}
	return slices.Sorted(slices.Values(all))
}

// requirements returns the packages that an MLflow model lists. Options, such as
// constraint files, are left out.
func requirements(path string) []string {
	b, err := os.ReadFile(filepath.Join(path, "requirements.txt"))
	if err != nil {
		return nil // the server says so, should it miss anything
	}
	var all []string
	for line := range strings.Lines(string(b)) {
		line, _, _ = strings.Cut(line, " #")
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' && line[0] != '-' {
			all = append(all, line)
		}
	}
	return all
}

// provides reports whether a requirement is for the same package as another, or
// for one that holds it.
func provides(requirement, other string) bool {
	have, want := packageName(requirement), packageName(other)
	return have == want || have+"-skinny" == want || have == want+"-gpu" || have == want+"-cpu"
}

// packageName returns a requirement's package, in its normal form.
func packageName(requirement string) string {
	name := requirement
	if i := strings.IndexAny(name, " <>=!~[;@("); i >= 0 {
		name = name[:i]
	}
	return strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(strings.TrimSpace(name)))
}
