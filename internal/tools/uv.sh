#!/usr/bin/env bash
# Prints the folder of the uv command, installing it once from PyPI into the
# user's cache. Tests make a dozen Python environments; uv makes each in seconds.
# Users need none of this: the engine takes uv where it is, else venv and pip.
set -euo pipefail

version=0.13.8
root="${XDG_CACHE_HOME:-$HOME/.cache}/terraform-provider-mlops/tools/uv-$version"

if [[ ! -x "$root/bin/uv" ]]; then
  echo "==> installing uv $version, once ..." >&2
  part="$root.$$"
  trap 'rm -rf "$part"' EXIT
  python3 -m venv "$part" >&2
  "$part/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$version" >&2
  mkdir -p "$root/bin"
  mv -f "$part/bin/uv" "$root/bin/uv"
fi
echo "$root/bin"
