#!/usr/bin/env bash
# Checks, plans and applies this story. The pull request about it is in review.sh.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../story.sh"

say "Are the manifests sound? No target is asked and no secret is read."
trueup validate

say "Do they do what the tests say?"
trueup test

say "Make it."
trueup apply -y

say "Is anything left to do? With --detailed-exitcode a change would end in exit code 2."
trueup plan --detailed-exitcode
