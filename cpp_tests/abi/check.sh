#!/usr/bin/env bash
# Holds the ABI of include/comptask_upgrade.h against the committed baseline, by abidiff, and proves that it would tell.
# Usage: cpp_tests/abi/check.sh [baseline]     "baseline" writes the baseline anew, for a change that is meant
#
# What is compared is a library of empty functions made from the header: its debug information has every function and
# every type that they reach, and nothing else, whatever rustc wrote. That the header is what the Rust source says, that
# the library exports its functions and no other, and that both sides lay the structs out alike, other tests hold.
set -eu -o pipefail
cd "$(dirname "$0")/../.."

header=include/comptask_upgrade.h
baseline=cpp_tests/abi/comptask_upgrade.abi
for tool in gcc abidw abidiff; do
  command -v "$tool" >/dev/null || { echo "abi: $tool is missing: install gcc and abigail-tools (.ci/setup test)" >&2; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The ABI of a header, into a file.
abi_of() {
  local folder=$work/header
  rm -rf "$folder" && mkdir "$folder"
  cp "$1" "$folder/comptask_upgrade.h"
  # One declaration a line; a function's becomes its empty definition.
  gcc -E -P "$folder/comptask_upgrade.h" | tr -s '\n ' ' ' | tr ';' '\n' | grep -oE '[A-Za-z_0-9][A-Za-z_0-9 ]*[ *]ctu_[a-z0-9_]+\([^()]*\)$' |
    grep -v typedef >"$folder/declared"
  { echo '#include "comptask_upgrade.h"'; sed -E '/^ *void ctu_/s/$/ {}/; /\}$/!s/$/ { return 0; }/' "$folder/declared"; } >"$folder/surface.c"
  # In its folder, so that the baseline names none of this machine's.
  (cd "$folder" && gcc -std=c11 -Wall -Werror -g -O0 -fPIC -shared -o surface.so surface.c)
  abidw --no-corpus-path --no-comp-dir-path --no-show-locs --no-elf-needed --type-id-style hash --out-file "$2" "$folder/surface.so"
  functions=$(wc -l <"$folder/declared")
}

if [ "${1:-}" = baseline ]; then
  abi_of "$header" "$baseline"
  echo "abi: wrote $baseline, with $functions functions"
  exit
fi

# New functions are how this ABI grows; any other difference is to be looked at.
differs() { ! abidiff --no-added-syms "$baseline" "$1" >"$work/report" 2>&1; }

abi_of "$header" "$work/now.abi"
if [ "$functions" -lt 81 ]; then
  echo "abi: only $functions functions were found in $header" >&2
  exit 1
fi
compared=$functions
if differs "$work/now.abi"; then
  cat "$work/report" >&2
  echo "abi: $header is no longer what callers were compiled with. A field that is added at the end of a struct with a" >&2
  echo "struct_size is fine: look at the report above, then run: make abi-baseline. Nothing else is." >&2
  exit 1
fi

# Each changed header: what it shows, whether it must be told, and the change.
tried=0
try() {
  sed -E "$3" "$header" >"$work/changed.h"
  if cmp -s "$header" "$work/changed.h"; then
    echo "abi: the change \"$1\" changes nothing: mend it in cpp_tests/abi/check.sh" >&2
    exit 1
  fi
  abi_of "$work/changed.h" "$work/changed.abi"
  local told=no
  differs "$work/changed.abi" && told=yes
  if [ $told != "$2" ]; then
    cat "$work/report" >&2
    echo "abi: \"$1\": told: $told, should be: $2" >&2
    exit 1
  fi
  tried=$((tried + 1))
}
try "a field of another width" yes 's/^  uint32_t in_flight;/  uint64_t in_flight;/'
try "a field of another sign" yes 's/^  uint32_t in_flight;/  int32_t in_flight;/'
try "a field that is gone" yes '/^  int32_t placement;/d'
try "a field put in" yes 's/^  int64_t compact_filesize_threshold;/  int64_t put_in;\n&/'
try "two functions of a table in another order" yes 's/\(\*stat\)/(*other)/; s/\(\*read\)/(*stat)/; s/\(\*other\)/(*read)/'
try "a function that is gone" yes '/^void ctu_job_cancel\(/d'
try "an argument of another type" yes 's/^(ctu_op ctu_op_parse\()const char \*word/\1int32_t word/'
try "an answer of another type" yes 's/^uint64_t ctu_report_total/uint32_t ctu_report_total/'
try "a function more" no 's/^uint32_t ctu_abi_version\(void\);/&\nint32_t ctu_added(const struct ctu_job *job);/'
echo "abi: $compared functions are as in the baseline; $tried changes of the header were judged rightly"
