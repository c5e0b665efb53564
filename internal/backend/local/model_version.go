package local

import (
	"context"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// ModelVersions returns the kind of versions. It can tell the digest of bytes
// that are not registered yet.
func (b *backend) ModelVersions() mlops.Kind[mlops.ModelVersionSpec, mlops.ModelVersionStatus] {
	versions := b.engine.ModelVersions()
	return versionKind{
		kind[mlops.ModelVersionSpec, mlops.ModelVersionStatus]{versions, mlops.NounModelVersion, nil},
		versions, versions,
	}
}

type versionKind struct {
	kind[mlops.ModelVersionSpec, mlops.ModelVersionStatus]

	planner  mlops.Planner[mlops.ModelVersionSpec]
	exporter mlops.Exporter
}

// Export hands the bytes of a version out; see mlops.Exporter.
func (k versionKind) Export(ctx context.Context, ref mlops.ID, directory string) (string, error) {
	return k.exporter.Export(ctx, ref, directory)
}

// Digest returns the digest that the spec's bytes have now; see mlops.Planner.
func (k versionKind) Digest(ctx context.Context, spec mlops.ModelVersionSpec) (string, error) {
	return k.planner.Digest(ctx, spec)
}
