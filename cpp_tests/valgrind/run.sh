#!/usr/bin/env bash
# The C and C++ tests under valgrind: no error, and no byte that nothing leads to any more. No suppressions.
# Usage: cpp_tests/valgrind/run.sh FOLDER     the folder of the plain build of cpp_tests
#
# Left out: the tests of the tool and the examples, which start programs by the thousand that are tried here by the same
# calls; the servers; the sweeps, which are thousands of runs of what the other tests run; and the panics of the export
# walk, whose payload is left where it lies on purpose.
set -eu -o pipefail
folder=$1
tests=(abi_test_shared local_test_shared host_test_shared recovery_test_shared job_test_shared bare_library_test)
memcheck=(valgrind --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect
  --errors-for-leak-kinds=definite,indirect --child-silent-after-fork=yes)

passed=0
check() {
  local log=$folder/valgrind.$1.log
  if ! "${memcheck[@]}" "$folder/$1" --gtest_brief=1 "${@:2}" >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    echo "valgrind: $1 failed: see $log" >&2
    exit 1
  fi
  passed=$((passed + $(grep -oE 'PASSED  \] [0-9]+' "$log" | grep -oE '[0-9]+$')))
}
for test in "${tests[@]}"; do check "$test" --gtest_filter=-FaultSweep.*; done
check export_walk_test --gtest_filter=-Exports.LetNoPanicOut
echo "valgrind: $passed tests, no error and no leak"
[ "$passed" -ge 100 ] || { echo "valgrind: fewer than 100 tests ran" >&2; exit 1; }
