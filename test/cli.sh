#!/usr/bin/env bash
# Prints the path of a Terraform or OpenTofu binary: the first on PATH, else an
# OpenTofu built from its module.
set -euo pipefail

command -v terraform || command -v tofu ||
  "$(dirname "${BASH_SOURCE[0]}")/../internal/tools/build.sh" tofu
