#!/usr/bin/env bash
# Builds one of the pinned command-line tools, once per pinned version, and
# prints the path of the binary:
#
#   lint="$(internal/tools/build.sh golangci-lint)"
#
# or, of a tool that is several programs, the path of their folder:
#
#   programs="$(internal/tools/build.sh kubernetes)"
#
# Each tool is a Go module of its own next to this script, so that its
# dependencies never mix with the provider's. What is built is kept in the user's
# cache under the digest of go.mod, go.sum and sources: a new pin builds anew, and
# an old checkout finds its old binary again. Progress goes to standard error.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

usage() {
  echo "usage: $0 golangci-lint|tfplugindocs|terraform-docs|tofu|goreleaser|kserve-logger|knative-proxy|kubernetes|prometheus|alertmanager|rclone" >&2
  exit 2
}

digest() {
  local sum=(sha256sum)
  command -v sha256sum >/dev/null || sum=(shasum -a 256)
  {
    cat "$1/go.mod" "$1/go.sum"
    find "$1" -name '*.go' | LC_ALL=C sort | while read -r file; do cat "$file"; done
  } | "${sum[@]}" | cut -c1-16
}

# packages lists the programs that a module names as its tools.
packages() {
  awk '$1 == "tool" && $2 != "(" { print $2 } $0 == ")" { listed = 0 } listed { print $1 } $0 == "tool (" { listed = 1 }' "$1/go.mod"
}

# build_flags sets the linker flags that a release of the tool has too, and what is
# left out of it: what Prometheus finds by itself in clouds, most of whose SDKs that
# would bring, and Google Cloud Storage by gRPC, which brings a tenth of all that is
# compiled. No test needs either.
build_flags() {
  tags="remove_all_sd,disable_grpc_modules"
  case "$1" in
    # A release, not a nightly: otherwise experiments are switched on.
    tofu) ldflags="-s -w -X github.com/opentofu/opentofu/version.dev=no" ;;
    # Clients ask an API server for its version.
    kubernetes)
      local version="k8s.io/component-base/version" pinned
      pinned="$(awk '$1 == "k8s.io/kubernetes" { print $2 }' "$here/kubernetes/go.mod")"
      ldflags="-s -w -X $version.gitVersion=$pinned -X $version.gitMajor=1 -X $version.gitMinor=$(cut -d. -f2 <<<"$pinned")"
      ;;
    *) ldflags="-s -w" ;;
  esac
}

# hold waits for the lock on a directory's builds, where the system has flock.
# Without it two builds at once cost time and nothing else: the last step is a
# rename.
hold() {
  command -v flock >/dev/null || return 0
  exec 9>"$1"
  flock 9
}

# run_niced keeps the machine usable while a compiler is at work.
run_niced() {
  if command -v nice >/dev/null; then nice -n 5 "$@"; else "$@"; fi
}

# duration warns of the first build.
duration() {
  if [[ "$1" == kubernetes ]]; then echo "ten minutes and more on two cores"; else echo "minutes on a small machine"; fi
}

# build makes a folder of the programs and then gives it, or the only one of them,
# the name that it was asked for.
build() {
  local name="$1" result="$2" programs ldflags tags started=$SECONDS
  read -r -d '' -a programs < <(packages "$here/$name") || true # there is no end but the input's
  build_flags "$name"
  # Nothing is left of a build that fails.
  trap "rm -rf '$result.$$'" EXIT
  echo "==> building $name, once ($(duration "$name")) ..." >&2
  (
    cd "$here/$name"
    # GOWORK and GOFLAGS of the caller belong to another module. The compiler's
    # processes are short: collecting less of their garbage saves a quarter of them.
    GOGC=400 GOWORK=off GOFLAGS=-buildvcs=false CGO_ENABLED=0 run_niced \
      go build -p 2 -mod=readonly -trimpath -tags "$tags" -ldflags "$ldflags" -o "$result.$$/" "${programs[@]}" >&2
  )
  if [[ ${#programs[@]} -gt 1 ]]; then
    mv "$result.$$" "$result"
  else
    mv -f "$result.$$"/* "$result"
    rmdir "$result.$$"
  fi
  echo "==> built $name in $((SECONDS - started)) s: $result" >&2
}

main() {
  [[ $# -eq 1 && -n "$(packages "$here/$1" 2>/dev/null)" ]] || usage
  local name="$1" root result
  root="${XDG_CACHE_HOME:-$HOME/.cache}/terraform-provider-mlops/tools/$name-$(digest "$here/$name")"
  result="$root/$name"
  if [[ ! -x "$result" ]]; then
    mkdir -p "$root"
    hold "$root/lock"
    [[ -x "$result" ]] || build "$name" "$result"
  fi
  echo "$result"
}

main "$@"
