#!/usr/bin/env bash
# Applies examples/quickstart on this machine and asks each of its endpoints, or
# takes all of it away again:
#
#   test/quickstart.sh up | destroy
#
# Everything it makes is below .quickstart in the checkout, except caches of
# tools and Python packages, which serve the next time too.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
work="$root/.quickstart"
provider="$work/bin/terraform-provider-mlops"

say() { printf '\n==> %s\n' "$*"; }
die() {
  printf '\nquickstart: %s\n' "$*" >&2
  exit 1
}

need() {
  command -v "$1" >/dev/null || die "$1 is needed, and not on PATH$2"
}

check_machine() {
  need go " (https://go.dev/dl)"
  need python3 "; the example's own model code is Python"
  command -v uv >/dev/null || python3 -c 'import ensurepip, venv' 2>/dev/null ||
    die "python3 lacks venv or pip; on Debian and Ubuntu: apt-get install python3-venv"
}

build_provider() {
  say "building the provider (a minute the first time)"
  mkdir -p "$work/bin"
  (cd "$root" && CGO_ENABLED=0 go build -tags grpcnotrace -ldflags "-s -w" -o "$provider" .)
}

# offer_provider lets Terraform and OpenTofu find the provider that was just
# built: a directory that stands for both registries, so that nothing is fetched.
offer_provider() {
  local platform host place
  platform="$(go env GOOS)_$(go env GOARCH)"
  for host in registry.terraform.io registry.opentofu.org; do
    place="$work/mirror/$host/terraform-mlops/mlops/0.0.1/$platform"
    mkdir -p "$place"
    ln -sf "$provider" "$place/terraform-provider-mlops_v0.0.1"
  done
  cat >"$work/cli.tfrc" <<HCL
provider_installation {
  filesystem_mirror {
    path    = "$work/mirror"
    include = ["registry.terraform.io/terraform-mlops/*", "registry.opentofu.org/terraform-mlops/*"]
  }
}
HCL
}

# link_stack makes the example's files a working directory whose state lies
# outside the example: an edit of the example takes effect with the next apply.
link_stack() {
  mkdir -p "$work/stack"
  ln -sf "$root"/examples/quickstart/* "$work/stack/"
  # The provider was built anew; the lock file has the sum of the one before.
  rm -f "$work/stack/.terraform.lock.hcl"
}

# write_wrapper leaves a command that runs Terraform on the stack from anywhere.
write_wrapper() {
  cat >"$work/tf" <<SH
#!/usr/bin/env bash
export TF_CLI_CONFIG_FILE="$work/cli.tfrc" CHECKPOINT_DISABLE=1
export MLOPS_LOCAL_DIRECTORY="$work/engine"
exec "$1" -chdir="$work/stack" "\$@"
SH
  chmod +x "$work/tf"
}

initialize() {
  "$work/tf" init -input=false >"$work/init.log" 2>&1 || {
    cat "$work/init.log" >&2
    die "init failed"
  }
}

apply() {
  say "applying: train in dev, serve in dev, test and prod"
  echo "    (the first time Python packages are installed: some minutes)"
  # The plan is long for a first look; it is kept, and what happens is shown.
  "$work/tf" plan -input=false -no-color -out "$work/plan" >"$work/plan.log" || {
    cat "$work/plan.log" >&2
    die "plan failed"
  }
  grep -E '^(Plan|No changes)' "$work/plan.log" | sed 's/^/    /'
  "$work/tf" apply -input=false "$work/plan"
}

# ask posts a request to an endpoint and prints the answer.
ask() {
  if command -v curl >/dev/null; then
    curl -sS --fail-with-body --max-time 90 -H 'Content-Type: application/json' -d "@$2" "$1"
  else
    python3 - "$1" "$2" <<'PY'
import sys, urllib.request

with open(sys.argv[2], "rb") as f:
    request = urllib.request.Request(sys.argv[1], f.read(), {"Content-Type": "application/json"})
print(urllib.request.urlopen(request, timeout=90).read().decode())
PY
  fi
}

# urls prints "stage url", one line each.
urls() {
  "$work/tf" output -json urls |
    python3 -c 'import json, sys; [print(k, v) for k, v in json.load(sys.stdin).items()]'
}

predict() {
  local stage url answer
  say "a prediction through each endpoint (0 is malignant, 1 benign; this tumor was malignant)"
  while read -r stage url; do
    answer="$(ask "$url" "$root/examples/quickstart/sample.json")" || die "$stage did not answer: $answer"
    printf '    %-5s %s\n          %s\n' "$stage" "$url" "$answer"
  done < <(urls)
}

# watch has the monitor of dev look at live traffic: first at tumors as they
# were, then at such whose measurements are larger by half.
watch() {
  local url monitor baseline
  baseline="$("$work/tf" output -raw baseline)"
  url="$(urls | awk '$1 == "dev" { print $2 }')"
  monitor="$("$work/tf" output -json monitors | python3 -c 'import json, sys; print(json.load(sys.stdin)["dev"])')"
  say "the monitor of dev, on tumors as they were ..."
  look 1 "$url" "$monitor" "${baseline#file://}"
  say "... and on tumors whose measurements are larger by half"
  look 1.5 "$url" "$monitor" "${baseline#file://}"
}

# look sends every tumor to an endpoint, scaled, and shows what the monitor says.
look() {
  local file="$work/traffic.json"
  "$root/test/traffic.py" "$1" "$4" >"$file"
  for _ in 1 2 3; do ask "$2" "$file" >/dev/null; done
  "$provider" engine check -directory "$work/engine" -monitor "$3" | sed 's/^/    /'
}

report() {
  say "how well it did on tumors it had not seen"
  "$work/tf" output -json metrics |
    python3 -c 'import json, sys; [print(f"    {k:18} {v:.4g}") for k, v in json.load(sys.stdin).items()]'
  say "it works; try next"
  cat <<TXT
    .quickstart/tf plan                        the monitor had the model trained again: the plan has the new version
    .quickstart/tf apply                       takes it through canary and gates to test and prod
    .quickstart/tf apply -var trees=300        another model, by canary; only what follows from it changes
    curl -d @examples/quickstart/sample.json $(urls | awk '$1 == "prod" { print $2 }')

    $(urls | awk '$1 == "dev" { sub("/tumor-dev/.*", "/-/", $2); print $2 }')                    what runs, what serves and what drifts, in a browser

    make quickstart-destroy                    removes all of it
TXT
}

up() {
  local cli
  check_machine
  build_provider
  cli="$("$root/test/cli.sh")"
  offer_provider
  say "using $(TF_CLI_CONFIG_FILE="$work/cli.tfrc" "$cli" version | head -n 1) ($cli)"
  link_stack
  write_wrapper "$cli"
  initialize
  apply
  predict
  watch
  report
}

destroy() {
  [[ -d "$work" ]] || {
    echo "nothing to remove: there is no .quickstart"
    return
  }
  if [[ -x "$work/tf" && -e "$work/stack/terraform.tfstate" ]]; then
    say "destroying the stack"
    "$work/tf" destroy -input=false -auto-approve ||
      die "destroy failed, .quickstart is left as it is; see $work/engine for the engine's log"
  fi
  if [[ -x "$provider" && -d "$work/engine" ]]; then
    say "stopping the engine"
    "$provider" engine stop -directory "$work/engine"
  fi
  rm -rf "$work"
  say "all removed; caches of tools and Python packages stay in ${XDG_CACHE_HOME:-$HOME/.cache}/terraform-provider-mlops"
}

case "${1:-}" in
  up) up ;;
  destroy) destroy ;;
  *) die "usage: $0 up | destroy" ;;
esac
