#!/usr/bin/env bash
# Checks, plans and applies this story, and shows what the policies refuse.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../story.sh"

# Not real: every secret the manifests refer to.
export CHAT_TOKEN=fake-chat-token
export WAREHOUSE_TOKEN=fake-warehouse-token

say "Are the manifests sound, and do they keep the policies? No target is asked and no secret is read."
trueup validate
trueup validate --target production

say "What would be made? The policies that look at what a plan does are asked here."
trueup plan

say "Make it."
trueup apply -y

say "Is anything left to do? With --detailed-exitcode a change would end in exit code 2."
trueup plan --detailed-exitcode

say "What if answers were to go to another host? The plan is shown and refused: exit code 5."
trueup plan --var answersHost=answers.elsewhere.test || echo "exit code $?"
