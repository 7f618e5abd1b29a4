# What the live.sh of every story shares. Sourced, never run: it enters the story's folder, makes a folder for what is started
# and removes both at the end, whatever happens, and defines
#
#   say TEXT…      a heading
#   trueup ARGS…   shows the command and runs it
#   member NAME    one member of a JSON document on standard input
#
# TRUEUP names a binary built before; without it one is built here. `started` takes the numbers of processes to be ended.

cd "$(dirname "${BASH_SOURCE[1]}")" || exit

if [[ -z "${TRUEUP:-}" ]]; then
  cargo build -q --manifest-path ../../Cargo.toml --bin trueup || exit
  TRUEUP=../../target/debug/trueup
fi

data=$(mktemp -d)
stop() {
  kill "${started[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$data"
}
started=()
trap stop EXIT

say() { printf '\n# %s\n' "$*"; }
trueup() {
  printf '$ trueup %s\n' "$*"
  "$TRUEUP" "$@"
}
member() { sed -n "s/.*\"$1\": *\"\\([^\"]*\\)\".*/\\1/p" | head -n 1; }
