#!/usr/bin/env bash
# The C++ tests whose code runs on several threads, and the library itself, its standard library too, with ThreadSanitizer.
# Usage: cpp_tests/threads/run.sh FOLDER     the folder of builds
#
# Left out: the tests of the tool and the examples, each of which is a process with one thread of its own, and those of
# the exports and the servers, which look at no memory that threads share; and the sweeps, on one thread each.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
builds=$(realpath "$1")
tests=(host_test job_test recovery_test local_test)

host=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS=-Zsanitizer=thread CARGO_TARGET_DIR=target/threads cargo +nightly build --locked --lib --features zookeeper \
  -Zbuild-std --target "$host"
# The tool, which the tests are built with, is not run here.
cargo build --locked --package cirrodata-terminal
# The runtime that fits the compiler's own instrumentation; that of gcc is older.
runtime=$(ls "$(rustc +nightly --print sysroot)/lib/rustlib/$host/lib/"librustc*_rt.tsan.a)
folder=$builds/cpp_tests_threads
library=$PWD/target/threads/$host/debug
cmake -S cpp_tests -B "$folder" \
  -DCMAKE_C_FLAGS=-fsanitize=thread -DCMAKE_CXX_FLAGS=-fsanitize=thread \
  "-DCMAKE_EXE_LINKER_FLAGS=-fno-sanitize=thread -Wl,--whole-archive $runtime -Wl,--no-whole-archive -ldl -lrt -lm" \
  "-DCOMPTASK_UPGRADE_INCLUDE_DIR=$PWD/include" "-DCOMPTASK_UPGRADE_LIBRARY_DIR=$library" \
  "-DCIRRODATA_TERMINAL_LIBRARY_DIR=$PWD/target/debug" \
  "-DCOMPTASK_UPGRADE_HOOKS_LIBRARY=$library/libcomptask_upgrade.so" -DCOMPTASK_UPGRADE_TEST_CLUSTER=none >/dev/null
# The tests that are linked with the static library: the runtime is in the program, where a shared one does not find it.
for test in "${tests[@]}"; do
  cmake --build "$folder" --parallel "${JOBS:-2}" --target "${test}_static" >/dev/null
done

# A race that is planted shows that the sanitizer is on.
"${CXX:-c++}" -std=c++17 -g -fsanitize=thread -c -o "$folder/race.o" cpp_tests/sanitizer_proof/data_race.cpp
"${CXX:-c++}" -o "$folder/race" "$folder/race.o" -Wl,--whole-archive "$runtime" -Wl,--no-whole-archive -ldl -lrt -lm -lpthread
if "$folder/race" >"$folder/race.log" 2>&1 || ! grep -q 'ThreadSanitizer: data race' "$folder/race.log"; then
  echo "threads: a planted data race was not found: see $folder/race.log" >&2
  exit 1
fi

passed=0
for test in "${tests[@]}"; do
  log=$folder/$test.log
  if ! TSAN_OPTIONS="halt_on_error=1 second_deadlock_stack=1" "$folder/${test}_static" --gtest_brief=1 \
    --gtest_filter=-FaultSweep.* >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    echo "threads: $test failed: see $log" >&2
    exit 1
  fi
  passed=$((passed + $(grep -oE 'PASSED  \] [0-9]+' "$log" | grep -oE '[0-9]+$')))
done
echo "threads: $passed tests with ThreadSanitizer, no race"
[ "$passed" -ge 60 ] || { echo "threads: fewer than 60 tests ran" >&2; exit 1; }
