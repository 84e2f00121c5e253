#!/usr/bin/env bash
# Sees that what `make build-portable` left loads on an old system, and proves that it would tell if not.
# Usage: cpp_tests/portable/check.sh BUILD SONAME TARGET [OLD_GLIBC]
#
# What is read is what the loader of an old system would go by. What runs runs on the glibc of this machine, or, for another
# processor, on Debian's for it under qemu. OLD_GLIBC is a folder into which the package of an old glibc was unpacked, of
# this machine's processor: then the programs run with the loader in it.
set -eu -o pipefail
cd "$(dirname "$0")/../.."

build=$1 soname=$2 target=$3 old_glibc=${4:-}
here=cpp_tests/portable
. ffi_examples/install/portable_env.sh
. "$here/symbols.sh"
portable=$build/portable/$target
library=$portable/lib/$soname
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
  echo "portable test: $1" >&2
  exit 1
}

# FILE: loads on the old system.
check_symbols() {
  local newer strange
  newer=$(newer_symbols "$1" "$glibc")
  [ -z "$newer" ] || fail "${1##*/} needs a newer glibc than $glibc for: $(tr '\n' ' ' <<<"$newer")"
  [ "$(glibc_symbols "$1")" -gt 0 ] || fail "${1##*/} names no version of glibc: it was not read"
  strange=$(strange_libraries "$1" | grep -vxF "$soname" || true)
  [ -z "$strange" ] || fail "${1##*/} needs libraries that an old system may lack: $strange"
}

check_symbols "$library"
[ "$(soname_of "$library")" = "$soname" ] || fail "its SONAME is '$(soname_of "$library")', not $soname"
exports "$library" >"$work/exports"
exports "$build/lib/$soname" >"$work/ordinary"
diff -u "$work/ordinary" "$work/exports" >&2 || fail "its exports are not those of $build/lib/$soname"
functions=$(grep -c "^ctu_.*@@$soname" "$work/exports")
[ "$functions" -gt 0 ] || fail "no function is exported"

zig=("$CARGO_ZIGBUILD_ZIG_PATH")
c=("${zig[@]}" cc -target "$zig_target" -std=c11)
cxx=("${zig[@]}" c++ -target "$zig_target" -std=c++17)
warnings=(-Wall -Wextra -Wpedantic -Werror "-I$portable/include")

# Every member of the static library, whatever a program would take of it: what glibc 2.17 lacks is undefined here.
whole=(-shared -Wl,--whole-archive "$portable/lib/libcomptask_upgrade.a" -Wl,--no-whole-archive -lunwind -lpthread -ldl -lm)
"${c[@]}" -o "$work/whole.so" "${whole[@]}" -Wl,-z,defs || fail "the static library asks for what glibc $glibc lacks"
check_symbols "$work/whole.so"

for language in c cpp; do
  compile=("${c[@]}")
  [ $language = c ] || compile=("${cxx[@]}")
  "${compile[@]}" "${warnings[@]}" "$here/probe.$language" -o "$work/${language}_shared" \
    "-L$portable/lib" -lcomptask_upgrade -Wl,-rpath,"$PWD/$portable/lib"
  "${compile[@]}" "${warnings[@]}" "$here/probe.$language" -o "$work/${language}_static" \
    "$portable/lib/libcomptask_upgrade.a" -lunwind -lpthread -ldl -lm
done
# Sizes, offsets and numbers, on this processor as on any: the compiler itself checks them.
"${c[@]}" "${warnings[@]}" -c cpp_tests/abi_constants.c -o "$work/abi_constants.o"

ran_on="this machine"
# This machine runs its own programs, and those of the other processor under qemu with Debian's libc.
run=(env)
if [ "${target%%-*}" != "$(uname -m)" ]; then
  ran_on=qemu
  command -v "qemu-${target%%-*}-static" >/dev/null || fail "qemu-${target%%-*}-static is missing, to run what was built"
  run=("qemu-${target%%-*}-static" -L "/usr/${target%%-*}-linux-gnu")
fi
if [ -n "$old_glibc" ]; then
  loader=$(find "$old_glibc" -name 'ld-linux-*.so.*' -print -quit)
  libc=$(find "$old_glibc" -name libc.so.6 -print -quit)
  [ -n "$loader" ] && [ -n "$libc" ] || fail "OLD_GLIBC is $old_glibc, where no ld-linux-*.so.* and libc.so.6 lie"
  run=("$loader" --library-path "$(cd "$(dirname "$libc")" && pwd)")
  # A program that only looks at the version, so that it is said which glibc it was.
  printf '#include <gnu/libc-version.h>\n#include <stdio.h>\nint main(void) { return puts(gnu_get_libc_version()) < 0; }\n' \
    >"$work/which.c"
  "${c[@]}" -o "$work/which" "$work/which.c"
  ran_on="glibc $("${run[@]}" "$work/which")"
fi
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
printf '%s\n' "version $version, ABI 1" "local: phase 1, 4 tasks" "hdfs: code 34" >"$work/c.expected"
printf '%s\n' "thrown: CTU_INVALID_ARGUMENT" "upgrade: phase 3" "recovery: phase 1" "upgrade: phase 3" "delete: phase 5" \
  >"$work/cpp.expected"
mkdir -p "$work/four/Compaction/Scheduler"
for suffix in .0.1583392356000.Done .0.1614928356000.Cancel .0.1617606756000.Assigned .0.1617693156000; do
  : >"$work/four/Compaction/Scheduler/compct.xcloud24_9876$suffix"
done
for linkage in shared static; do
  for language in c cpp; do
    program=${language}_$linkage
    check_symbols "$work/$program"
    needs=$(readelf --dynamic "$work/$program" | grep -c "NEEDED.*\[$soname\]" || true)
    [ "$needs" = "$([ $linkage = shared ] && echo 1 || echo 0)" ] || fail "$program is not $linkage"
    arguments=("$work/four" hdfs://127.0.0.1:1/cluster.compact)
    [ $language = c ] || arguments=("$(mktemp -d -p "$work")")
    code=0
    "${run[@]}" "$work/$program" "${arguments[@]}" >"$work/said" 2>"$work/errors" || code=$?
    [ $code = 0 ] && diff -u "$work/$language.expected" "$work/said" >&2 ||
      fail "$program ended with $code: $(cat "$work/said" "$work/errors")"
    # The loader says so where a library lacks the version node that the program was linked with.
    ! grep -q "version information" "$work/errors" || fail "$program: $(cat "$work/errors")"
  done
done

# What the compiler of this machine makes goes with it as well: the static library in a program of its own, and the shared
# one in the place of the ordinary one that a program was linked with.
if [ "${target%%-*}" = "$(uname -m)" ]; then
  own=(g++ -std=c++17 "${warnings[@]}" "$here/probe.cpp")
  "${own[@]}" "$portable/lib/libcomptask_upgrade.a" -lpthread -ldl -lm -o "$work/own_static"
  "${own[@]}" "-L$build/lib" -lcomptask_upgrade -o "$work/own_shared"
  for linkage in shared static; do
    LD_LIBRARY_PATH=$PWD/$portable/lib "$work/own_$linkage" "$(mktemp -d -p "$work")" >"$work/said" 2>"$work/errors" &&
      diff -u "$work/cpp.expected" "$work/said" >&2 && [ ! -s "$work/errors" ] ||
      fail "own_$linkage failed: $(cat "$work/said" "$work/errors")"
  done
fi

# A library that needs more must be told, by name: gettid came with glibc 2.30, and another library may be missing.
new=${zig_target%".$glibc"}.2.34
printf '#include <unistd.h>\nint planted(void) { return gettid(); }\n' >"$work/planted.c"
"${zig[@]}" cc -target "$new" -D_GNU_SOURCE -shared -fPIC -o "$work/planted.so" "$work/planted.c"
[[ $(newer_symbols "$work/planted.so" "$glibc") == *gettid@GLIBC_2.30* ]] || fail "a symbol of glibc 2.30 was not found"
"${zig[@]}" cc -target "$new" -D_GNU_SOURCE -c -fPIC -o "$work/planted.o" "$work/planted.c"
"${c[@]}" -o "$work/planted_whole.so" -shared "$work/planted.o" -Wl,-z,defs 2>"$work/errors" &&
  fail "an object that needs glibc 2.30 was linked against $glibc"
grep -q gettid "$work/errors" || fail "the linker does not name gettid: $(cat "$work/errors")"
printf 'int strange(void) { return 1; }\n' >"$work/strange.c"
printf 'int strange(void);\nint needy(void) { return strange(); }\n' >"$work/needy.c"
"${c[@]}" -shared -o "$work/strange.so" "$work/strange.c" -Wl,-soname,libstrange.so.1
"${c[@]}" -shared -o "$work/needy.so" "$work/needy.c" "$work/strange.so"
[ "$(strange_libraries "$work/needy.so")" = libstrange.so.1 ] || fail "a library that is not of the system was not found"
echo "portable test: $target: $functions exports and programs in C and C++, shared and static; nothing above glibc $glibc; run on $ran_on"
