#!/usr/bin/env bash
# Runs a command with the environment that acceptance tests need:
#
#   test/acc.sh /usr/local/bin/terraform go test ./internal/provider/...
#
# The provider runs inside the test; nothing is fetched from a registry. A dash in
# place of the CLI is for tests that start the provider and its engine alone.
set -euo pipefail

cli="$1"
shift

export CHECKPOINT_DISABLE=1
# Tests that need the real binary take the one that make built; a provider that
# runs inside a test starts its engine from it too. A copy, so that a build in
# the meantime does not change it under their feet.
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
MLOPS_PROVIDER_BINARY="$scratch/terraform-provider-mlops"
MLOPS_ENGINE_EXECUTABLE="$MLOPS_PROVIDER_BINARY"
export MLOPS_PROVIDER_BINARY MLOPS_ENGINE_EXECUTABLE
# Thousands of short CLI runs collect garbage that would end with them: a sixth of
# all CPU time. Provider and engine set their own limits.
export GOGC="${GOGC:-400}"
# The user's own CLI configuration is none of the tests' business.
export TF_CLI_CONFIG_FILE="$scratch/empty.tfrc"
touch "$TF_CLI_CONFIG_FILE"
if [[ "$cli" != - ]]; then
  export TF_ACC=1 TF_ACC_TERRAFORM_PATH="$cli" TF_ACC_PROVIDER_HOST=registry.terraform.io
  case "$("$cli" version)" in OpenTofu*) TF_ACC_PROVIDER_HOST=registry.opentofu.org ;; esac
fi
cp "$(dirname "${BASH_SOURCE[0]}")/../bin/terraform-provider-mlops" "$scratch/"

# Each Python environment in seconds instead of a minute.
PATH="$("$(dirname "${BASH_SOURCE[0]}")/../internal/tools/uv.sh"):$PATH"
export PATH

"$@"
