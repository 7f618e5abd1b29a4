# What the run.sh of every story shares. Sourced, never run: it enters the story's folder, removes what an earlier run
# left in .trueup/, and defines
#
#   say TEXT…      a heading
#   trueup ARGS…   shows the command and runs it

cd "$(dirname "${BASH_SOURCE[1]}")" || exit

# TRUEUP names a binary: a path, which may be relative to where the script was called from, or a command of PATH.
if [[ -n "${TRUEUP:-}" ]]; then
  case "$TRUEUP" in
    /*) binary=$TRUEUP ;;
    */*) binary=$OLDPWD/$TRUEUP ;;
    *) binary=$(command -v "$TRUEUP") ;;
  esac
  command=("$binary")
else
  command=(cargo run -q --manifest-path ../../Cargo.toml --)
fi

say() { printf '\n# %s\n' "$*"; }

trueup() {
  printf '$ trueup %s\n' "$*"
  "${command[@]}" "$@"
}

# The whole live state of the embedded target is this folder.
rm -rf .trueup
