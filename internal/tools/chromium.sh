#!/usr/bin/env bash
# Prints the path of a Chromium, with which tests look at pages as people do. In
# CI on Debian it is installed where there is none; elsewhere that is left to
# whoever owns the machine.
set -euo pipefail

find_browser() {
  local name
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" && return 0
  done
  return 1
}

find_browser && exit 0
if [[ "${CI:-}" != true ]] || ! command -v apt-get >/dev/null; then
  echo "no Chromium on the PATH; install one (Debian: apt-get install chromium)" >&2
  exit 1
fi
echo "==> installing Chromium, once ..." >&2
export DEBIAN_FRONTEND=noninteractive
{ apt-get update && apt-get install -y --no-install-recommends chromium fonts-dejavu-core; } >&2
find_browser
