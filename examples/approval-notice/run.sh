#!/usr/bin/env bash
# Checks, plans and applies this story, and shows that nothing is left to do.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../story.sh"

# Not real: every secret the manifests refer to.
export TICKET_NOTIFIER_TOKEN=fake-ticket-notifier-token

say "Are the manifests sound? No target is asked and no secret is read."
trueup validate

say "What would be made?"
trueup plan

say "Make it. The notification starts in 2031, so nobody is notified now."
trueup apply -y

say "Is anything left to do? With --detailed-exitcode a change would end in exit code 2."
trueup plan --detailed-exitcode
