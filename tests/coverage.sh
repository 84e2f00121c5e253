#!/usr/bin/env bash
# What of plan, run, layout and task the unit tests, the operations' and the sweeps reach, by line and by branch. The tests of C
# and C++, of the tool and of the servers are left out, and so are the paired and random schedules, which take long here.
# Usage: tests/coverage.sh     nightly Rust with llvm-tools: branches are counted by nothing else
set -eu -o pipefail
cd "$(dirname "$0")/.."
tests=(--lib --test operations --test local_disk --test crash_sweep --test recovery_sweep --test stale_holder
  --test report_schema --test scale)

host=$(rustc -vV | sed -n 's/^host: //p')
tools=$(rustc +nightly --print sysroot)/lib/rustlib/$host/bin
export CARGO_TARGET_DIR=$PWD/target/coverage
export LLVM_PROFILE_FILE=$CARGO_TARGET_DIR/profiles/%m-%p.profraw
export RUSTFLAGS="-Cinstrument-coverage -Zcoverage-options=branch" CARGO_PROFILE_DEV_OPT_LEVEL=1
rm -rf "$CARGO_TARGET_DIR/profiles"
log=$CARGO_TARGET_DIR/tests.log
mkdir -p "$CARGO_TARGET_DIR"
if ! cargo +nightly test --locked "${tests[@]}" >"$log" 2>&1; then
  tail -n 40 "$log" >&2
  echo "coverage: the tests failed: see $log" >&2
  exit 1
fi
"$tools/llvm-profdata" merge -sparse "$CARGO_TARGET_DIR"/profiles/*.profraw -o "$CARGO_TARGET_DIR/all.profdata"
programs=()
while read -r program; do programs+=(-object "$program"); done < <(
  cargo +nightly test --locked "${tests[@]}" --no-run 2>&1 | sed -n 's/.*Executable.*(\(.*\))$/\1/p')
[ ${#programs[@]} -ge 16 ] || { echo "coverage: only ${#programs[@]} words of programs were found" >&2; exit 1; }
mapfile -t sources < <(git ls-files 'src/plan/*.rs' 'src/run/*.rs' 'src/task/*.rs' src/layout.rs)
"$tools/llvm-cov" report "${programs[@]:1}" -instr-profile "$CARGO_TARGET_DIR/all.profdata" --show-branch-summary \
  "${sources[@]}" 2>"$CARGO_TARGET_DIR/report.log" |
  awk '$1 == "Filename" || /\.rs / || $1 == "TOTAL" { printf "%-28s lines %s of %s missed (%s)   branches %s of %s missed (%s)\n", $1, $9, $8, $10, $12, $11, $13 }' |
  grep -v '^Filename'
