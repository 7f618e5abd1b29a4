#!/usr/bin/env bash
# Checks, tests, plans and applies this story. What it is about is in live.sh.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../story.sh"

say "Are the manifests sound, and do they do what they are to do?"
trueup validate
trueup test

say "What would be made?"
trueup plan

say "Make it."
trueup apply -y

say "One look of reconcile, as a scheduler has it: with --detailed-exitcode a change would end in exit code 2."
trueup reconcile --once --mode heal --detailed-exitcode

say "Is anything left to do?"
trueup plan --detailed-exitcode
