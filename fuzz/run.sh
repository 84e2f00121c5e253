#!/usr/bin/env bash
# Builds the fuzz targets and runs each for some seconds on what earlier runs kept and on the committed seeds, in which
# every target must get through a number of inputs: one that tries nothing has proved nothing.
# Usage: fuzz/run.sh SECONDS [TARGET]
#
# It needs neither nightly Rust nor cargo-fuzz: the flags below are what makes libFuzzer see which code an input reached.
set -eu -o pipefail
cd "$(dirname "$0")"

seconds=${1:-}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || { echo "fuzz: usage: fuzz/run.sh SECONDS [TARGET], such as: fuzz/run.sh 60 names" >&2; exit 2; }
# The least inputs that each target gets through in a second, a tenth or so of what it does on two slow cores.
declare -A floor_per_second=(
  [v1_bytes]=1000 [v2_bytes]=1000 [names]=500 [manifest]=500 [catalog_snapshot]=1000 [c_abi]=10)
targets=(v1_bytes v2_bytes names manifest catalog_snapshot c_abi)
if [ $# -gt 1 ]; then
  [ -n "${floor_per_second[$2]:-}" ] || { echo "fuzz: no target is called $2; there are: ${targets[*]}" >&2; exit 2; }
  targets=("$2")
fi

# A target that leaves out an export says nothing about it.
for export in $(grep -oE '\bctu_[a-z0-9_]+\(' ../include/comptask_upgrade.h | tr -d '(' | sort -u); do
  grep -qE "\b$export\b" src/c_abi/*.rs || { echo "fuzz: src/c_abi never calls $export" >&2; exit 1; }
done

host=$(rustc -vV | sed -n 's/^host: //p')
# With a target of its own for cargo, the flags are not those of build scripts and macros.
RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1" \
  cargo build --release --locked --target "$host" --bins

for target in "${targets[@]}"; do
  program=target/$host/release/$target
  kept=target/corpus/$target
  mkdir -p "$kept" "artifacts/$target"
  log=target/$target.log
  [ -n "$(ls "corpus/$target")" ] || { echo "fuzz: corpus/$target holds no seed" >&2; exit 1; }
  if ! "$program" -max_total_time="$seconds" -timeout=25 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="artifacts/$target/" "$kept" "corpus/$target" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
    echo "fuzz: $target failed on fuzz/${input:-?}" >&2
    echo "fuzz: once more: cd fuzz && $program ${input:-?}" >&2
    exit 1
  fi
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  reached=$(grep -oE ' cov: [0-9]+' "$log" | tail -n 1 | grep -oE '[0-9]+')
  echo "fuzz: $target: $executions inputs in $seconds s, $reached places of the code reached"
  least=$((floor_per_second[$target] * seconds))
  if [ "${executions:-0}" -lt "$least" ]; then
    echo "fuzz: $target got through fewer than $least inputs" >&2
    exit 1
  fi
done
