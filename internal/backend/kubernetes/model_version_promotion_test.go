package kubernetes

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/local"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/enginetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/lifecycle"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// shop is a backend with a model in an environment, that versions are promoted from and
// to.
type shop struct {
	*testing.T
	mlops.Backend

	model mlops.ID
}

// clusterShop is one in a namespace of its own; its registry is a server of its own too,
// where uri is another.
func clusterShop(t *testing.T, uri string) shop {
	t.Helper()
	e := newEstate(t, nil)
	e.spec.Registry = &mlops.Registry{MLflow: &mlops.MLflow{URI: uri}}
	e.apply()
	return shop{t, e.backend, ""}.with(e.spec.ID)
}

// localShop is one on an engine of its own.
func localShop(t *testing.T) shop {
	t.Helper()
	directory := filepath.Join(t.TempDir(), "engine")
	enginetest.Run(t, directory)
	b, err := local.Factory().Open(t.Context(), mlops.Options{Settings: mlops.Settings{"directory": directory}, Owner: "us", Version: "dev"})
	if err != nil {
		t.Fatal(err)
	}
	spec := mlops.EnvironmentSpec{ID: "local/laptop", Name: "laptop", Stage: "dev", Target: mlops.Target{Backend: "local", Settings: mlops.Settings{}}}
	if _, err := b.Environments().Create(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	return shop{t, b, ""}.with(spec.ID)
}

// with makes the model.
func (s shop) with(environment mlops.ID) shop {
	s.Helper()
	change, err := s.Models().Create(s.Context(), mlops.ModelSpec{Environment: environment, Name: "churn"})
	if err != nil {
		s.Fatal(err)
	}
	s.model = change.Ref
	return s
}

// stock registers a folder of files.
func (s shop) stock() mlops.ID {
	s.Helper()
	folder := filepath.Join(s.TempDir(), "churn")
	for name, text := range map[string]string{"MLmodel": "flavors: {}\n", "data/weights.bin": "weights", "data/none": ""} {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			s.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			s.Fatal(err)
		}
	}
	change, err := s.ModelVersions().Create(s.Context(), mlops.ModelVersionSpec{
		Model: s.model, ArtifactURI: folder, Format: "mlflow", Signature: `{"inputs": []}`, Approval: "approved",
		Metrics: map[string]float64{"accuracy": 0.9}, Packages: []string{"scikit-learn==1.7.2"},
	})
	if err != nil {
		s.Fatal(err)
	}
	return change.Ref
}

// TestPromotion proves that a version comes from one environment to another with the
// same bytes and the evidence: between a laptop and a cluster either way, and between
// namespaces, whether they share a registry or not.
func TestPromotion(t *testing.T) {
	t.Parallel()
	control.Start(t, kubetest.Controllers)
	ours := tracking.URI(t)
	for _, tt := range []struct {
		name     string
		from, to func(t *testing.T) shop
	}{
		{"to a cluster", localShop, func(t *testing.T) shop { t.Helper(); return clusterShop(t, ours) }},
		{"from a cluster", func(t *testing.T) shop { t.Helper(); return clusterShop(t, ours) }, localShop},
		{
			"between namespaces", func(t *testing.T) shop { t.Helper(); return clusterShop(t, ours) },
			func(t *testing.T) shop { t.Helper(); return clusterShop(t, ours) },
		},
		{
			"between registries", func(t *testing.T) shop { t.Helper(); return clusterShop(t, ours) },
			func(t *testing.T) shop { t.Helper(); return clusterShop(t, tracking.Another(t).URI(t)) },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			from, to := tt.from(t), tt.to(t)
			source := from.stock()
			promotion := lifecycle.Promotion{Source: from.Backend, Target: to.Backend, By: "ana"}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			spec := mlops.PromotionSpec{
				From: source, To: to.model, Aliases: []string{"champion"}, ApprovedBy: "rita",
				Gates: &mlops.PromotionGates{Min: map[string]float64{"accuracy": 0.8}},
			}
			seen, err := promotion.Create(ctx, spec, func(mlops.Change) {})
			if err != nil {
				t.Fatal(err)
			}
			to.sameAs(seen, from, source)
			again, err := promotion.Create(ctx, spec, func(mlops.Change) {})
			if err != nil || again.Ref != seen.Ref {
				t.Errorf("once more it is %s, %v; want %s", again.Ref, err, seen.Ref)
			}
		})
	}
}

// sameAs insists that a promoted version is its source's bytes, evidence and all.
func (s shop) sameAs(seen versionObserved, from shop, source mlops.ID) {
	s.Helper()
	was, err := from.ModelVersions().Get(s.Context(), source)
	if err != nil {
		s.Fatal(err)
	}
	if seen.Status.Digest != was.Status.Digest || seen.Phase != mlops.PhaseReady || seen.Spec.Signature != was.Spec.Signature {
		s.Errorf("promoted is %+v, %+v of %+v", seen.Spec, seen.Status, was.Status)
	}
	if p := seen.Spec.Promotion; p == nil || p.From != source || p.ApprovedBy != "rita" || p.Metrics["accuracy"] != 0.9 {
		s.Errorf("the evidence is %+v", p)
	}
	exporter, _ := s.ModelVersions().(mlops.Exporter)
	path, err := exporter.Export(s.Context(), seen.Ref, s.TempDir())
	if err != nil {
		s.Fatal(err)
	}
	if digest, _, err := mlops.ContentDigest(path); err != nil || digest != was.Status.Digest {
		s.Errorf("its bytes have %s, %v; want %s", digest, err, was.Status.Digest)
	}
	if onCluster := s.model.Backend() == name; onCluster != (seen.Native[nativeServing] != "") {
		s.Errorf("native is %v", seen.Native)
	}
}
