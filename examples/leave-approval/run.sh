#!/usr/bin/env bash
# Checks, plans and applies this story, and shows that nothing is left to do.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../story.sh"

# Not real: the secret the manifests refer to.
export CALENDAR_AUTHORIZATION=fake-calendar-authorization

say "Are the manifests sound? No target is asked and no secret is read."
trueup validate

say "Do they do what their tests expect? Offline, by the code that the server runs."
trueup test

say "What would be made?"
trueup plan

say "Make it."
trueup apply -y

say "Is anything left to do? With --detailed-exitcode a change would end in exit code 2."
trueup plan --detailed-exitcode
