#!/usr/bin/env bash
# Four hundred answers to a survey, one event a line in the shape of POST /v1/events: what `trueup export --events` would
# have written. 340 of them are below 7, and 12 of those come from Germany.
set -euo pipefail

for n in {1..400}; do
  score=$((n % 7)) country=FR
  if ((n % 20 >= 17)); then score=$((8 + n % 3)); fi
  if ((n % 20 == 0 && n <= 240)); then country=DE; fi
  printf '{"event":"survey.submitted","system":"crm","endUserId":"u%d","eventId":"e%03d","occurredAt":"2026-11-%02dT%02d:%02d:00Z","properties":{"score":%d,"country":"%s","answer":"answer number %d","itemName":"After the quote"}}\n' \
    "$n" "$n" "$((1 + n / 30))" "$((n % 24))" "$((n % 60))" "$score" "$country" "$n"
done
