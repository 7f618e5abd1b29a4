#!/usr/bin/env bash
# Reconcile around the clock, on this machine: a control plane, a git repository with this project, a reconcile that follows
# it; then a commit, a change by hand, a fight, a suspension, and what there is to watch. `docs/operations.md` walks through
# it. Needs git and curl.
#
# TRUEUP names a binary built before; without it one is built here. PORT and WATCH are the ports of the control plane and of
# reconcile; 0 takes a free one.
set -euo pipefail
# shellcheck source=examples/live-story.sh
source "$(dirname "${BASH_SOURCE[0]}")/../live-story.sh"
# It changes the folder later on.
TRUEUP=$(realpath "$TRUEUP")
PORT=${PORT:-8080} WATCH=${WATCH:-8081}

# until_file FILE TEXT: waits until it has that text.
until_file() {
  for _ in {1..1200}; do
    if grep -qF -- "$2" "$1" 2>/dev/null; then return; fi
    sleep 0.05
  done
  printf 'waited in vain for: %s\n' "$2" >&2
  cat "$1" >&2
  return 1
}

told=0
# until_told TEXT: waits until reconcile has told this since the last time, and shows what it told; ticks that found that
# nothing had moved are left out.
until_told() {
  tail -n "+$((told + 1))" "$data/reconcile.log" >"$data/new.log"
  for _ in {1..1200}; do
    if grep -qF -- "$1" "$data/new.log"; then
      grep -v ': nothing moved: ' "$data/new.log"
      told=$((told + $(wc -l <"$data/new.log")))
      return
    fi
    sleep 0.05
    tail -n "+$((told + 1))" "$data/reconcile.log" >"$data/new.log"
  done
  printf 'waited in vain for: %s\n' "$1" >&2
  cat "$data/reconcile.log" "$data/reconcile.err" >&2
  return 1
}

say "A control plane, with a key for reconcile and one for Kim."
key() {
  "$TRUEUP" keys create --data "$data/server" --project quotes --name "$1" "${@:2}" -o json >"$data/$1.json"
}
key reconcile --scope config:read --scope config:write --scope publish --scope audit:read
key kim --scope config:read --scope config:write
"$TRUEUP" serve --data "$data/server" --listen "127.0.0.1:$PORT" --ready-file "$data/ready" --log-format json \
  2>"$data/server.log" &
started+=("$!")
until_file "$data/ready" http
server=$(<"$data/ready")

say "A repository with the project."
repository=$data/config
mkdir "$repository"
cp quotes.yaml tests.yaml "$repository"
client=$(member client_id <"$data/reconcile.json")
sed -e "s#http://127.0.0.1:8080#$server#" -e "s#not-made-yet#$client#" -e 's#defaultTarget: local#defaultTarget: live#' \
  trueup.yaml >"$repository/trueup.yaml"
git=(git -C "$repository" -c user.name=Ana -c user.email=ana@acme.test -c commit.gpgSign=false)
"${git[@]}" init --quiet --initial-branch main
commit() { "${git[@]}" add --all && "${git[@]}" commit --quiet -m "$1"; }
commit "Tell the sales team of large quotes"

say "Reconcile follows it, and puts right what differs."
TRUEUP_CLIENT_SECRET=$(member client_secret <"$data/reconcile.json")
export TRUEUP_CLIENT_SECRET
: >"$data/reconcile.log" # which is read before reconcile has begun
"$TRUEUP" reconcile --git "file://$repository" --mode heal --interval 1s --state-dir "$data/state" \
  --listen "127.0.0.1:$WATCH" >"$data/reconcile.log" 2>"$data/reconcile.err" &
reconcile=$!
started+=("$reconcile")
until_told 'applied:'
until_file "$data/reconcile.err" 'url="'
watch=$(sed -n 's/.*listening url="\([^"]*\)".*/\1/p' "$data/reconcile.err")

say "Somebody merges a change, and forgot its test. Nothing is written."
sed -i.bak 's/value: 10000/value: 5000/' "$repository/quotes.yaml" && rm "$repository/quotes.yaml.bak"
commit "Tell of quotes from 5,000"
until_told 'not passed:'

say "The test follows, and the change is live."
sed -i.bak 's/amount: 10000 /amount: 5000 /' "$repository/tests.yaml" && rm "$repository/tests.yaml.bak"
commit "Test it"
until_told 'applied:'

say "At night Kim changes a destination by hand. It is put right, and told with who did it."
token=$(curl -sS -u "$(member client_id <"$data/kim.json"):$(member client_secret <"$data/kim.json")" \
  -d grant_type=client_credentials "$server/accounts/connect/token" | member access_token)
by_hand() {
  curl -sS -o /dev/null --fail-with-body -X PUT -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
    "$server/v1/projects/quotes/objects/Destination/sales-channel" -d '{"metadata": {"name": "sales-channel"},
      "spec": {"platform": "Chat", "method": "POST", "url": "https://chat.acme.test/hooks/'"$1"'"}}'
}
by_hand kim-1
until_told 'healed'

say "And again, and again. The fourth time it is a fight: it is left alone until a person says so."
for time in 2 3; do
  by_hand "kim-$time"
  until_told 'healed' >/dev/null
done
by_hand kim-4
until_told 'fight '
cd "$repository"
trueup status

say "The two have talked. Healing goes on."
trueup resume . Destination/sales-channel
until_told 'healed'

say "The chat moves to another host tonight: leave everything alone for two hours. A commit waits."
trueup suspend --reason migration --for 2h
sed -i.bak 's/value: 5000/value: 7000/' quotes.yaml && rm quotes.yaml.bak
sed -i.bak 's/amount: 5000 /amount: 7000 /' tests.yaml && rm tests.yaml.bak
commit "Tell of quotes from 7,000"
until_told 'update Webhook/large-quotes'
curl -sS "$watch/metrics" | grep '^trueup_reconcile_suspended{'
trueup resume
until_told 'applied:'

say "What there is to watch."
curl -sS "$watch/metrics" | grep -E '^trueup_reconcile_(suspended|fights|failures|source_error|actions_total)\{'
curl -sS "$watch/readyz"
echo

say "It ends when it is asked to."
kill -TERM "$reconcile"
wait "$reconcile"
echo "exit code $?"
trueup plan --detailed-exitcode
