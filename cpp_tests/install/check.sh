#!/usr/bin/env bash
# Installs what was built, moves it, and builds hosts with it outside the tree: by CMake, by make and pkg-config, by
# cargo. Each is run on a tree of its own.
# Usage: cpp_tests/install/check.sh BUILD SONAME
set -eu -o pipefail

build=$(cd "$1" && pwd) soname=$2
here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$project/Cargo.toml" | head -n 1)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
  echo "install test: $1" >&2
  exit 1
}
# Hides what a command prints, unless it fails.
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "failed: $*"; }; }

mkdir -p "$work/root/Compaction/Scheduler"
: >"$work/root/Compaction/Scheduler/compct.p.0.1617693156000"
install_to() { "$project/ffi_examples/install/install.sh" "$build" "$soname" "$@"; }
# A package is made below DESTDIR; twice, as an upgrade of a package does. What it says may lie anywhere.
for _ in 1 2; do quietly install_to /opt/comptask lib64 "$work/package"; done
[ ! -e /opt/comptask ] || fail "DESTDIR was not heeded"
quietly install_to "$work/first" lib
mv "$work/first" "$work/moved"

files="$work/moved/lib/libcomptask_upgrade.so"
[ "$(readlink "$files")" = "$soname" ] && [ "$(readlink "$work/moved/lib/$soname")" = "$soname.$version" ] ||
  fail "the links of the SONAME are wrong: $(ls -l "$work/moved/lib")"
readelf -d "$files" | grep -q "SONAME.*\[$soname\]" || fail "its SONAME is not $soname"
! grep -rn '@[A-Z_]*@' "$work/moved/lib/pkgconfig" "$work/moved/lib/cmake" || fail "a template was not filled in"

# The tool runs from where it lies now, with its own library in a folder for it alone, and what describes it is there.
for prefix in "$work/moved" "$work/package/opt/comptask"; do
  private=$(cd "$prefix" && find . -name 'libcirrodata_terminal*')
  [[ $private =~ ^\./lib(64)?/cirrodata/libcirrodata_terminal\.so$ ]] || fail "the tool's own library lies at '$private'"
  said=$(env -u LD_LIBRARY_PATH "$prefix/bin/cirrodata-tool" --version) || fail "the installed tool does not run"
  [ "$said" = "cirrodata-tool, comptask-upgrade $version" ] || fail "the installed tool said '$said'"
  help=$(env -u LD_LIBRARY_PATH LC_ALL=zh_CN.UTF-8 "$prefix/bin/cirrodata-tool" comptask-upgrade --help)
  [[ $help == *升级* ]] || fail "the installed tool speaks no Chinese"
  for file in bash-completion/completions/cirrodata-tool zsh/site-functions/_cirrodata-tool \
    fish/vendor_completions.d/cirrodata-tool.fish man/man1/cirrodata-tool.1 man/zh_CN/man1/cirrodata-tool.1; do
    grep -q -e report-file -e 'report..file' "$prefix/share/$file" || fail "$prefix/share/$file is not what it should be"
  done
  bash -c "source '$prefix/share/bash-completion/completions/cirrodata-tool' && complete -p cirrodata-tool" >"$work/log" ||
    fail "bash has no completion from what is installed"
done
echo "install test: the tool, its completions and its manual page"

# FOLDER: the programs of a host, what they say, and what they were linked with.
try_programs() {
  local folder=$1 linkage said
  for linkage in shared static; do
    said=$("$folder/status_$linkage" "$work/root")
    [ "$said" = "phase 1 of $version" ] || fail "$folder/status_$linkage said '$said'"
    said=$("$folder/version_$linkage")
    [ "$said" = "version $version, ABI 1" ] || fail "$folder/version_$linkage said '$said'"
  done
  readelf -d "$folder/status_shared" | grep -q "NEEDED.*\[$soname\]" || fail "$folder/status_shared needs no $soname"
  ! readelf -d "$folder/status_static" | grep -q "NEEDED.*comptask" || fail "$folder/status_static is not static"
}

for prefix in "$work/moved:lib" "$work/package/opt/comptask:lib64"; do
  libdir=${prefix#*:} prefix=${prefix%%:*}
  # Where CMake looks by itself; not every system has it look into lib64.
  find=-DCMAKE_PREFIX_PATH=$prefix
  [ "$libdir" = lib ] || find=-Dcomptask_upgrade_DIR=$prefix/$libdir/cmake/comptask_upgrade
  host=$(mktemp -d -p "$work" cmake.XXXX)
  cp "$here"/cmake/CMakeLists.txt "$here"/*.c "$here"/*.cpp "$host/"
  quietly cmake -S "$host" -B "$host/build" "$find"
  quietly cmake --build "$host/build"
  try_programs "$host/build"
  cmake -S "$host" -B "$host/newer" "$find" -DWANTED=99 >"$work/log" 2>&1 &&
    fail "CMake found version 99"
  grep -q "version: $version" "$work/log" || fail "CMake does not say which version there is: $(cat "$work/log")"
  rm "$prefix/$libdir/libcomptask_upgrade.a"
  cmake -S "$host" -B "$host/broken" "$find" >"$work/log" 2>&1 && fail "CMake missed no file"
  grep -q "libcomptask_upgrade.a" "$work/log" && grep -q "run make" "$work/log" || fail "CMake does not name the file"
  install -m 644 "$build/lib/libcomptask_upgrade.a" "$prefix/$libdir/"
  echo "install test: CMake, below $libdir: shared and static"

  host=$(mktemp -d -p "$work" make.XXXX)
  cp "$here"/make/Makefile "$here"/*.c "$here"/*.cpp "$host/"
  PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig quietly make -C "$host"
  try_programs "$host"
  said=$(PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig pkg-config --modversion comptask_upgrade)
  [ "$said" = "$version" ] || fail "pkg-config says version '$said'"
  echo "install test: make and pkg-config, below $libdir: shared and static"
done

host=$work/rust_host
quietly cargo init --quiet --vcs none --bin --name rust_host "$host"
cp "$here/cargo/main.rs" "$host/src/main.rs"
(
  cd "$host"
  quietly cargo add --quiet --offline --path "$project" comptask-upgrade
  # The versions that the tests ran with, from what cargo has fetched for them.
  cp "$project/Cargo.lock" .
  quietly cargo build --quiet --offline
)
said=$("$host/target/debug/rust_host" "$work/root")
[ "$said" = "phase NotStarted" ] || fail "the host in Rust said '$said'"
echo "install test: cargo add"

for bad in "relative lib" "/usr /lib" "/usr ../lib"; do
  # shellcheck disable=SC2086 # two words
  install_to $bad >"$work/log" 2>&1 && fail "install took '$bad'"
  grep -q "must be" "$work/log" || fail "install does not say what is wrong with '$bad': $(cat "$work/log")"
done
