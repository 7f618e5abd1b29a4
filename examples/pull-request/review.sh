#!/usr/bin/env bash
# One pull request, from its first draft to the apply: docs/review.md walks through it.
#
# It works in a copy of this folder. TRUEUP names a binary built before; without it one is built here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if [[ -z "${TRUEUP:-}" ]]; then
  cargo build -q --manifest-path ../../Cargo.toml --bin trueup
  TRUEUP=$(cd ../.. && pwd)/target/debug/trueup
fi

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp trueup.yaml surveys.yaml policies.yaml tests.yaml .trueupignore "$copy"
cp -r drafts "$copy"
bash events.sh >"$copy/recorded.events"
cd "$copy"

say() { printf '\n# %s\n' "$*"; }
# Shows a command, runs it, and says how it ended.
trueup() {
  local code=0
  printf '$ trueup %s\n' "$*"
  "$TRUEUP" "$@" 2>&1 || code=$?
  if ((code)); then printf '(exit code %d)\n' "$code"; fi
}

say "What is live."
trueup apply -y --quiet

say "The first draft: the condition is widened, and a second webhook is added."
cp drafts/widened.yaml surveys.yaml

say "The tests say what nobody meant to change."
trueup test

say "What it would do."
trueup plan --replay recorded.events --output-file markdown=report.md --output-file html=report.html
if [[ -n "${REPORTS:-}" ]]; then cp report.md report.html "$REPORTS"; fi

say "The second draft keeps the words in the house, and its tests say what it means to do."
cp drafts/mended.yaml surveys.yaml
cp drafts/tests.yaml tests.yaml
trueup validate
trueup test
trueup plan --replay recorded.events --out plan.json

say "Merged: exactly this plan is applied."
trueup apply -y --quiet plan.json
trueup plan --detailed-exitcode
