#!/usr/bin/env bash
# Builds trueup from the source this action came with, unless a kept one is there, and puts it on the PATH of later steps.
# `build.sh digest` prints the digest of that source instead, by which a kept one is found.
set -euo pipefail

# In the folder of the source: cargo follows the configuration of the folder it runs in, and that of the checkout that the
# action is used on is not ours.
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

if [[ ${1:-} == digest ]]; then
  find Cargo.toml Cargo.lock src -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d " " -f 1
  exit
fi

readonly kept=$HOME/.cache/trueup-action
if [[ ! -x $kept/trueup ]]; then
  cargo build --release --locked --bin trueup --target-dir "$RUNNER_TEMP/trueup-build"
  mkdir -p "$kept"
  cp "$RUNNER_TEMP/trueup-build/release/trueup" "$kept/trueup"
fi
"$kept/trueup" version
echo "$kept" >>"$GITHUB_PATH"
