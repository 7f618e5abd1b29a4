#!/usr/bin/env bash
# Checks, plans and applies this story, and shows that nothing is left to do.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../story.sh"

# Not real: every secret the manifests refer to.
export CRM_SALT=fake-crm-salt
export CHAT_TOKEN=fake-chat-token
export ANALYTICS_PASSWORD=fake-analytics-password
export WAREHOUSE_CLIENT_SECRET=fake-warehouse-client-secret
export SURVEY_TOKEN=fake-survey-token
# One secret is the output of a command; this is --allow-secret-commands for all that follows.
export TRUEUP_ALLOW_SECRET_COMMANDS=true

say "Are the manifests sound? No target is asked, no secret is read and no command is run."
trueup validate

say "What would be made? Each system with its first webhook also has its settings published."
trueup plan

say "Make it."
trueup apply -y

say "Is anything left to do? With --detailed-exitcode a change would end in exit code 2."
trueup plan --detailed-exitcode
