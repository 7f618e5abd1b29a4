#!/usr/bin/env bash
# Checks the project, plans it, applies it, and shows that nothing is left to do; then plans it for production.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../story.sh"

# Not real: every secret the manifests take from the environment. The others are in secrets/.
export CRM_SALT=fake-crm-salt
export SLACK_TOKEN=fake-slack-token
export ANALYTICS_PASSWORD=fake-analytics-password
export ACADEMY_CLIENT_SECRET=fake-academy-client-secret
export ACADEMY_SIGNING_KEY=fake-academy-signing-key
export SHOP_KEY=fake-shop-key

say "Are the manifests sound? No target is asked and no secret is read."
trueup validate

say "Do they do what their tests expect? Offline, by the code that the server runs."
trueup test

say "What would be made on the target local, the project's default?"
trueup plan

say "Make it. Both notifications start in 2031, so nobody is notified now."
trueup apply -y

say "Is anything left to do? With --detailed-exitcode a change would end in exit code 2."
trueup plan --detailed-exitcode

say "The same manifests for production: its own variables and patches, and nothing made there yet."
trueup plan --target production
