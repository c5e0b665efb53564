#!/usr/bin/env bash
# Runs every test, with flags for go test:
#
#   test/suite.sh -parallel 4 -timeout 45m
#
# Tests of clusters and of Terraform need programs that take minutes to build the
# first time. All other tests run meanwhile, and beside those: tests wait for
# processes more than they compute. More packages at once keep no processor busier,
# and what waits longer looks more often and keeps its servers for longer.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

set -m # what runs meanwhile is a group of its own, which ends with this script
scratch="$(mktemp -d)"
trap 'for job in $(jobs -p); do kill -- "-$job" 2>/dev/null || true; done; rm -rf "$scratch"' EXIT

# needy lists the packages whose tests start a cluster or its programs; those that start
# Terraform are among them. The longest are the last by name, and begin first.
needy() {
  go list -test -f '{{if .ForTest}}{{.ForTest}} {{join .Deps " "}}{{end}}' ./... |
    awk '/\/(kubetest|promtest|kservetest)( |$)/ { print $1 }' | sort -ru
}

build_tools() {
  local tool
  for tool in tofu kubernetes prometheus alertmanager rclone kserve-logger knative-proxy; do internal/tools/build.sh "$tool" >/dev/null || return 1; done
}

run_needy() { test/acc.sh "$(internal/tools/build.sh tofu)" go test -p 2 "$@"; }
run_others() { test/acc.sh - go test -p 1 "$@" >"$scratch/others" 2>&1; }

needy >"$scratch/needy"
mapfile -t needy <"$scratch/needy"
mapfile -t others < <(go list ./... | grep -vxF -f "$scratch/needy")
[[ ${#needy[@]} -gt 0 && ${#others[@]} -gt 0 ]] || { echo "some packages are not found" >&2; exit 1; }

failed=0
build_tools &
tools_built=$!
run_others "$@" "${others[@]}" &
others_ran=$!
if wait "$tools_built"; then
  run_needy "$@" "${needy[@]}" || failed=1
else
  echo "a tool cannot be built" >&2
  failed=1
fi
wait "$others_ran" || failed=1
cat "$scratch/others"
exit "$failed"
