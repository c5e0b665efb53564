#!/usr/bin/env bash
# Generates docs/ from the provider's schema, templates/ and examples/, and the
# inputs and outputs in the modules' READMEs, with no Terraform binary and no
# network.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

tfplugindocs="$(internal/tools/build.sh tfplugindocs)"
go run ./internal/cmd/schemajson >"$scratch/schema.json"
"$tfplugindocs" generate \
  --provider-name mlops \
  --rendered-provider-name MLOps \
  --providers-schema "$scratch/schema.json" >/dev/null
go run ./internal/cmd/portability docs/guides/portability.md
"$tfplugindocs" validate --provider-name mlops --providers-schema "$scratch/schema.json" \
  >"$scratch/validate.log" 2>&1 || { cat "$scratch/validate.log" >&2; exit 1; }

terraform_docs="$(internal/tools/build.sh terraform-docs)"
for module in modules/*/; do
  "$terraform_docs" markdown table --output-file README.md --output-mode inject \
    --hide modules,resources,data-sources --anchor=false --lockfile=false "$module" >/dev/null
done
