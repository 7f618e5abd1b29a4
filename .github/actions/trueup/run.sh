#!/usr/bin/env bash
# One command of the action. Everything it is told comes from the environment, so that it runs anywhere:
#
#   INPUT_COMMAND=check INPUT_PATH=examples/adoption INPUT_BINARY=target/debug/trueup bash .github/actions/trueup/run.sh
#
# TRUEUP_SECRETS may hold lines NAME=VALUE: the secrets that the manifests refer to by `fromEnv`.
set -euo pipefail

readonly command=${INPUT_COMMAND:?check, plan, comment, apply, drift or issue}
readonly path=${INPUT_PATH:-.} target=${INPUT_TARGET:-}
readonly report=${INPUT_REPORT:-trueup-report.md}
plan_file=${INPUT_PLAN_FILE:-trueup-plan.json}
trueup=${INPUT_BINARY:-trueup}
readonly output=${GITHUB_OUTPUT:-/dev/null} summary=${GITHUB_STEP_SUMMARY:-/dev/null}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here

# The most that GitHub shows of a step's summary is 1 MiB, and it drops a longer one as a whole.
readonly summary_limit=1000000

arguments=()
if [[ -n $target ]]; then arguments+=(--target "$target"); fi
while IFS= read -r line; do
  if [[ -n $line ]]; then arguments+=("$line"); fi
done <<<"${INPUT_ARGUMENTS:-}"

# Sets the variables of TRUEUP_SECRETS for trueup alone, each masked in the log before anything can print it.
secrets() {
  local line name value
  while IFS= read -r line; do
    if [[ -z $line || $line == \#* ]]; then continue; fi
    name=${line%%=*} value=${line#*=}
    if [[ $line != *=* || ! $name =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]]; then
      echo "::error title=trueup::TRUEUP_SECRETS has a line that is not NAME=VALUE" >&2
      exit 64
    fi
    case $name in
      # What would change how programs are found or run is no secret of a manifest.
      PATH | HOME | SHELL | BASH_ENV | ENV | IFS | LD_* | DYLD_* | GITHUB_* | RUNNER_* | ACTIONS_*)
        echo "::error title=trueup::TRUEUP_SECRETS may not set $name" >&2
        exit 64
        ;;
    esac
    if [[ -n $value ]]; then echo "::add-mask::$value"; fi
    export "$name=$value"
  done <<<"${TRUEUP_SECRETS:-}"
  unset TRUEUP_SECRETS
}

# Runs trueup and remembers how it ended, for the steps that follow.
run() {
  code=0
  "$trueup" "$@" || code=$?
  echo "exit-code=$code" >>"$output"
}

summarise() {
  if [[ -f $report ]]; then head -c "$summary_limit" "$report" >>"$summary"; fi
}

case $command in
  check)
    run validate -o github "${arguments[@]}" "$path"
    checked=$code
    # Without sound manifests there is nothing to test.
    if ((checked == 0)); then
      run test "${arguments[@]}" "$path"
      checked=$code
    fi
    exit "$checked"
    ;;
  plan)
    secrets
    rm -f "$plan_file" "$report"
    run plan --detailed-exitcode --out "$plan_file" --output-file "markdown=$report" "${arguments[@]}" "$path"
    summarise
    if [[ -f $report ]]; then echo "report=true" >>"$output"; fi
    case $code in
      0) echo "changes=false" >>"$output" ;;
      2) echo "changes=true" >>"$output" ;;
      *)
        echo "::error title=trueup plan::trueup plan ended with exit code $code" >&2
        exit "$code"
        ;;
    esac
    ;;
  apply)
    secrets
    # A saved plan's project is the working folder: what was named from the present one is named from the root.
    if [[ $trueup == */* ]]; then trueup=$(realpath "$trueup"); fi
    plan_file=$(realpath "$plan_file")
    cd "$path"
    run apply "$plan_file" --auto-approve "${arguments[@]}"
    if ((code == 6)); then
      echo "::error title=trueup apply::the plan is no longer what was approved: plan again, and approve that" >&2
    fi
    exit "$code"
    ;;
  drift)
    secrets
    rm -f "$report"
    text=$(mktemp)
    run drift --detailed-exitcode "${arguments[@]}" "$path" >"$text"
    cat "$text"
    python3 "$here/github.py" fence "$text" >"$report"
    rm -f "$text"
    summarise
    case $code in
      0)
        # That there is no drift is for the summary: a report of it would keep the issue open.
        : >"$report"
        echo "changes=false" >>"$output"
        ;;
      2) echo "changes=true" >>"$output" ;;
      *) exit "$code" ;;
    esac
    ;;
  comment) python3 "$here/github.py" comment "$report" ;;
  issue) python3 "$here/github.py" issue "$report" ;;
  *)
    echo "::error title=trueup::there is no command \`$command\`: check, plan, comment, apply, drift or issue" >&2
    exit 64
    ;;
esac
