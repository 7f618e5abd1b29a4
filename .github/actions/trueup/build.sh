#!/usr/bin/env bash
# Builds trueup from the source this action came with, unless a kept one is there, and puts it on the PATH of later steps.
set -euo pipefail

readonly kept=$HOME/.cache/trueup-action
if [[ ! -x $kept/trueup ]]; then
  source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
  cargo build --release --locked --bin trueup --manifest-path "$source/Cargo.toml" --target-dir "$RUNNER_TEMP/trueup-build"
  mkdir -p "$kept"
  cp "$RUNNER_TEMP/trueup-build/release/trueup" "$kept/trueup"
fi
"$kept/trueup" version
echo "$kept" >>"$GITHUB_PATH"
