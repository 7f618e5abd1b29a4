#!/usr/bin/env bash
# The whole loop on this machine: a control plane, this project applied to it, events that become deliveries, a call
# from outside that starts a workflow, a notification that somebody reads. `docs/tour.md` walks through it.
#
# TRUEUP and RECEIVER name binaries built before; without them they are built here. PORT and OUTSIDE are the two ports; 0
# takes a free one.
set -euo pipefail
# shellcheck source=examples/live-story.sh
source "$(dirname "${BASH_SOURCE[0]}")/../live-story.sh"
if [[ -z "${RECEIVER:-}" ]]; then
  cargo build -q --manifest-path ../../Cargo.toml --example receiver
  RECEIVER=../../target/debug/examples/receiver
fi
PORT=${PORT:-8080} OUTSIDE=${OUTSIDE:-8091}

# Not real: every secret the manifests take from the environment.
export CRM_SALT=fake-crm-salt
export SLACK_TOKEN=fake-slack-token
export ANALYTICS_PASSWORD=fake-analytics-password
export ACADEMY_CLIENT_SECRET=fake-academy-client-secret
export ACADEMY_SIGNING_KEY=fake-academy-signing-key
export SHOP_KEY=fake-shop-key

say "What stands for the outside: a chat, an analytics tool, a learning platform, a shop."
"$RECEIVER" "127.0.0.1:$OUTSIDE" >"$data/receiver.log" &
started+=("$!")
for _ in {1..200}; do [[ -s "$data/receiver.log" ]] && break; sleep 0.05; done
outside=$(sed -n 's/^listening on //p' "$data/receiver.log")

say "A key for the project, and the control plane. It may reach this machine, which it otherwise refuses."
scopes=(config:read config:write publish events:write notifications:write runs:write runtime:read audit:read)
"$TRUEUP" keys create --data "$data" --project acme-adoption --name tour "${scopes[@]/#/--scope=}" -o json >"$data/key.json"
client=$(member client_id <"$data/key.json")
TRUEUP_CLIENT_SECRET=$(member client_secret <"$data/key.json")
"$TRUEUP" serve --data "$data" --listen "127.0.0.1:$PORT" --allow-egress 127.0.0.0/8 --ready-file "$data/ready" \
  --log-format json 2>"$data/server.log" &
started+=("$!")
for _ in {1..200}; do [[ -s "$data/ready" ]] && break; sleep 0.05; done
server=$(<"$data/ready")
echo "$server"

# What differs from one run to the next, for every command that follows.
export TRUEUP_CLIENT_SECRET TRUEUP_TARGET=live TRUEUP_VAR="clientId=$client
serverPort=${server##*:}
outsidePort=${outside##*:}
shopUrl=$outside/shop"

say "Apply the project to it, as to any other target; then nothing is left to do."
trueup apply -y --quiet
trueup plan --detailed-exitcode

say "An access token, for whoever calls the API."
token=$(curl -sS -u "$client:$TRUEUP_CLIENT_SECRET" -d grant_type=client_credentials \
  "$server/accounts/connect/token" | member access_token)
api() { curl -sS -H "Authorization: Bearer $token" -H 'Content-Type: application/json' "$@"; echo; }

say "An unhappy answer from Europe: to the chat with its words, to the analytics tool without."
api "$server/v1/events" -d '{"event": "survey.submitted", "system": "crm", "endUserId": "kim@acme.test",
  "properties": {"itemId": "s1", "itemName": "NPS, spring", "score": 3, "answer": "slow", "country": "DE"}}'
curl -sS "$outside/received?count=2"

say "The log of deliveries."
api "$server/v1/deliveries"

say "Who the sellers are: attributes that audiences are made of."
api "$server/v1/end-users" -d '{"endUsers": [{"endUserId": "ana@acme.test", "attributes": {"department": "Sales", "country": "DE", "locale": "de"}}]}'

say "A call from outside starts a request of the newsletter workflow, by the secret URL of its incoming webhook."
hook=$("$TRUEUP" outputs | sed -n 's/^IncomingWebhook\/shop-telephone url  *\([^ ]*\).*/\1/p')
curl -sS -H 'Content-Type: application/json' "$hook" -d '{"operation": "createRequest", "args": {"input":
  {"processName": "Shop newsletter", "parameters": [{"name": "CALLER", "textValue": "+49 30 1"},
   {"name": "COMPANY", "textValue": "Contoso"}]}}}' >"$data/request.json"
cat "$data/request.json"
run=$(member requestId <"$data/request.json")
echo

# Waits until the run stands where its JSON has this text.
until_run_has() {
  for _ in {1..200}; do
    if api "$server/v1/runs/$run" >"$data/run.json" && grep -qF "$1" "$data/run.json"; then return; fi
    sleep 0.05
  done
  cat "$data/run.json"
  return 1
}

say "The run asks the caller for an e-mail address, looks it up in the shop, finds nothing, and offers the newsletter."
until_run_has 'What is your e-mail address?'
api "$server/v1/runs/$run/input" -d '{"text": "kim@acme.test"}'
until_run_has 'Would you like our newsletter?'
api "$server/v1/runs/$run/input" -d '{"text": "sure"}'

say "It writes the subscriber, sends the code, tells the sellers of a lead, and ends."
until_run_has '"state":"completed"'
cat "$data/run.json"
curl -sS "$outside/received?count=4" | tail -n 2

say "What a seller finds in the inbox, in her own language."
api "$server/v1/inbox?endUser=ana@acme.test"
