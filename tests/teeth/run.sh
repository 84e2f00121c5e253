#!/usr/bin/env bash
# Plants one bug after another in a copy of what HEAD holds, and sees that a test fails on each. The working tree is not
# touched, and nothing of it that is not committed is tried.
# Usage: tests/teeth/run.sh [NAME...]   all of them, or those named (01, or 01-manager-after-main-task)
#        tests/teeth/run.sh --check     that there are enough, and that each can be planted in the working tree; seconds
#
# A bug is a file NN-name.patch. Its head says what is planted ("Planted:"), which test must catch it, as arguments of
# `cargo test` ("Caught by:"), and of what kind it is ("Kind:").
set -eu -o pipefail
cd "$(dirname "$0")/../.."

least=25
# The longest that one patch's tests may take: a bug that only keeps a test from ending is not caught by it.
limit_seconds=300

die() {
  echo "teeth: $1" >&2
  exit 1
}
for tool in git cargo timeout; do
  command -v "$tool" >/dev/null || die "$tool is missing: install git, coreutils and Rust (.ci/setup build)"
done

here=$PWD/tests/teeth
# Nobody else's: cargo would take what was built with a bug in it for what it builds elsewhere.
export CARGO_TARGET_DIR=${COMPTASK_TEETH_TARGET:-$PWD/target/teeth}
mkdir -p "$CARGO_TARGET_DIR"
# Linking is most of a build here, and a failed test needs no debugger.
export CARGO_PROFILE_DEV_DEBUG=0 RUST_BACKTRACE=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Always the same folder, since cargo builds anew what has moved.
copy=$CARGO_TARGET_DIR/copy

head_of() { sed -n "s/^$2: //p" "$1" | head -n 1; }
# The copy lies in no repository, whatever is around it.
plant() { GIT_CEILING_DIRECTORIES=$(dirname "$copy") git -C "$copy" apply "$@"; }

patches=("$here"/[0-9][0-9]-*.patch)
[ ${#patches[@]} -ge $least ] || die "only ${#patches[@]} bugs are there to plant, fewer than $least"
chosen=()
if [ $# -gt 0 ] && [ "$1" != --check ]; then
  for name in "$@"; do
    found=()
    for patch in "${patches[@]}"; do
      [[ $(basename "$patch" .patch) == "$name" || $(basename "$patch") == "$name"-* ]] && found+=("$patch")
    done
    [ ${#found[@]} -eq 1 ] ||
      die "${#found[@]} bugs are called $name: give the number or the name of a file in tests/teeth, such as 07"
    chosen+=("${found[0]}")
  done
else
  chosen=("${patches[@]}")
fi

if [ "${1:-}" = --check ]; then
  # What is about to be committed, in a folder of its own: another run may be at work.
  copy=$work/copy
  mkdir "$copy" && cp -r src "$copy/"
else
  rm -rf "$copy" && mkdir "$copy"
  # With the time of now: what an earlier run built with a bug in it is older then, and is built anew.
  git archive HEAD | tar -x -m -C "$copy"
fi

for patch in "${chosen[@]}"; do
  name=$(basename "$patch" .patch)
  for word in Planted "Caught by" Kind; do
    [ -n "$(head_of "$patch" "$word")" ] || die "$name has no line \"$word:\""
  done
  plant --check "$patch" || die "$name cannot be planted any more: make it anew, so that it does the same harm"
done
[ -z "$(for patch in "${patches[@]}"; do basename "$patch" | cut -c1-2; done | uniq -d)" ] || die "two bugs have one number"
if [ "${1:-}" = --check ]; then
  echo "teeth: ${#patches[@]} bugs, and each can be planted; tests/teeth/run.sh sees that each is caught"
  exit
fi

# Builds the tests of some arguments (the first words: which program), and then runs them; the output is in $work/output.
build() {
  local program
  [[ $1 == --lib* ]] && program=--lib || program=$(cut -d' ' -f1-2 <<<"$1")
  # shellcheck disable=SC2086 # words, on purpose
  (cd "$copy" && cargo test --locked --quiet --no-run $program) >"$work/output" 2>&1 </dev/null
}
try() {
  # shellcheck disable=SC2086 # words, on purpose
  (cd "$copy" && timeout -k 5 $limit_seconds cargo test --locked $1) >"$work/output" 2>&1 </dev/null
}

# Without a bug every one of these tests passes, or their failures say nothing.
begun=$SECONDS
for patch in "${chosen[@]}"; do head_of "$patch" "Caught by"; done | sort -u >"$work/tests"
while read -r tests; do
  build "$tests" && try "$tests" || {
    tail -n 40 "$work/output" >&2
    die "with no bug planted this fails already: cargo test $tests"
  }
  grep -qE '^running [1-9]' "$work/output" || die "no test is meant by: cargo test $tests"
done <"$work/tests"
echo "teeth: without a bug all pass: $(wc -l <"$work/tests") sets of tests, $((SECONDS - begun)) s"

missed=0
: >"$work/table"
for patch in "${chosen[@]}"; do
  name=$(basename "$patch" .patch)
  tests=$(head_of "$patch" "Caught by")
  since=$SECONDS
  plant "$patch"
  said=
  if ! build "$tests"; then
    grep -m 5 -A 4 '^error' "$work/output" >&2
    caught="NOT TRIED: it does not compile"
  elif try "$tests"; then
    caught="NOT CAUGHT by $tests"
  elif failed=$(sed -nE 's/^test (.*) \.\.\. FAILED$/\1/p' "$work/output") && [ -n "$failed" ]; then
    caught=$(head -n 1 <<<"$failed")
    others=$(($(wc -l <<<"$failed") - 1))
    [ $others -eq 0 ] || caught="$caught and $others more"
    said=$(grep -m 1 -A 1 ' panicked at ' "$work/output" | tail -n 1)
  else
    tail -n 5 "$work/output" >&2
    caught="NOT CAUGHT by a test of $tests, which did not end or could not run"
  fi
  plant -R "$patch"
  [[ $caught != NOT* ]] || missed=$((missed + 1))
  echo "teeth: $name: $caught${said:+: ${said:0:200}}"
  echo "| ${name%%-*} | $(head_of "$patch" Planted) | $caught | $((SECONDS - since)) |" >>"$work/table"
done

printf '\n| | what is planted | what catches it | s |\n|---|---|---|---|\n'
cat "$work/table"
printf '\n'
[ $missed -eq 0 ] || die "$missed of ${#chosen[@]} bugs were not caught"
echo "teeth: all ${#chosen[@]} bugs were caught, in $((SECONDS - begun)) s"
