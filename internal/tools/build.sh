#!/usr/bin/env bash
# Builds one of the pinned command-line tools, once per pinned version, and
# prints the path of the binary:
#
#   lint="$(internal/tools/build.sh golangci-lint)"
#
# Each tool is a Go module of its own next to this script, so that its
# dependencies never mix with the provider's. The binary is kept in the user's
# cache under the digest of go.mod and go.sum: a new pin builds anew, and an old
# checkout finds its old binary again. Progress goes to standard error.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

usage() {
  echo "usage: $0 golangci-lint|tfplugindocs|terraform-docs|tofu|goreleaser" >&2
  exit 2
}

digest() {
  local sum=(sha256sum)
  command -v sha256sum >/dev/null || sum=(shasum -a 256)
  cat "$1/go.mod" "$1/go.sum" | "${sum[@]}" | cut -c1-16
}

# build_flags sets the linker flags that a release of the tool has too.
build_flags() {
  case "$1" in
    # A release, not a nightly: otherwise experiments are switched on.
    tofu) ldflags="-s -w -X github.com/opentofu/opentofu/version.dev=no" ;;
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

build() {
  local name="$1" binary="$2" package ldflags started=$SECONDS
  package="$(awk '$1 == "tool" { print $2 }' "$here/$name/go.mod")"
  build_flags "$name"
  echo "==> building $name, once (minutes on a small machine) ..." >&2
  (
    cd "$here/$name"
    # GOWORK and GOFLAGS of the caller belong to another module.
    GOWORK=off GOFLAGS=-buildvcs=false CGO_ENABLED=0 run_niced \
      go build -p 2 -mod=readonly -trimpath -ldflags "$ldflags" -o "$binary.$$" "$package" >&2
  )
  mv -f "$binary.$$" "$binary"
  echo "==> built $name in $((SECONDS - started)) s: $binary" >&2
}

main() {
  [[ $# -eq 1 && -f "$here/$1/go.mod" ]] || usage
  local name="$1" root binary
  root="${XDG_CACHE_HOME:-$HOME/.cache}/terraform-provider-mlops/tools/$name-$(digest "$here/$name")"
  binary="$root/$name"
  if [[ ! -x "$binary" ]]; then
    mkdir -p "$root"
    hold "$root/lock"
    [[ -x "$binary" ]] || build "$name" "$binary"
  fi
  echo "$binary"
}

main "$@"
