#!/usr/bin/env bash
# Lays down what a program outside the tree needs to link the library, and the tool with its completions and its manual
# page, from what `make build` left.
# Usage: ffi_examples/install/install.sh BUILD SONAME PREFIX LIBDIR [DESTDIR]
#
# LIBDIR is below PREFIX, such as lib or lib64. DESTDIR goes before PREFIX while a package is made.
set -eu -o pipefail

fail() {
  echo "install: $1" >&2
  exit 2
}
[ $# -ge 4 ] || fail "usage: install.sh BUILD SONAME PREFIX LIBDIR [DESTDIR]"
build=$1 soname=$2 prefix=$3 libdir=$4 destdir=${5:-}
[[ $prefix == /* ]] || fail "PREFIX is '$prefix'; it must be an absolute path, such as PREFIX=/usr/local"
[[ $libdir != /* && $libdir != *..* && -n $libdir ]] || fail "LIBDIR is '$libdir'; it must be below PREFIX, such as lib"
here=$(cd "$(dirname "$0")" && pwd)
for file in "lib/$soname" lib/cirrodata/libcirrodata_terminal.so bin/cirrodata-tool; do
  [ -e "$build/$file" ] || fail "$build/$file is missing: run make build first"
done
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$here/../../Cargo.toml" | head -n 1)
[ -n "$version" ] || fail "Cargo.toml has no version"

to=$destdir$prefix
# How many folders are between the prefix and the file that is asked where it lies.
up() { sed -E 's#[^/]+#..#g' <<<"$1"; }
fill() {
  sed -e "s#@TO_PREFIX@#$(up "$3")#g; s#@LIBDIR@#$libdir#g; s#@VERSION@#$version#g; s#@SONAME@#$soname#g" "$1" >"$2"
  chmod 644 "$2"
}

packages=$libdir/pkgconfig cmake=$libdir/cmake/comptask_upgrade
mkdir -p "$to/$packages" "$to/$cmake" "$to/include/comptask_upgrade" "$to/bin" ||
  fail "$to cannot be written: run it as a user who may, or choose another PREFIX"
install -m 644 "$build"/include/comptask_upgrade.h "$build"/include/comptask_upgrade.hpp "$to/include/"
install -m 644 "$build"/include/comptask_upgrade/*.hpp "$to/include/comptask_upgrade/"
install -m 644 "$build/lib/libcomptask_upgrade.a" "$to/$libdir/"
# A program that runs keeps the file that it has mapped: the new one takes the name, and nothing is written into it.
install -m 755 "$build/lib/$soname" "$to/$libdir/$soname.$version"
ln -sfn "$soname.$version" "$to/$libdir/$soname"
ln -sfn "$soname" "$to/$libdir/libcomptask_upgrade.so"
install -m 755 "$build/bin/cirrodata-tool" "$to/bin/"
# The tool's own, which has no version, so no other program may find it: it is in a folder that only the tool looks into.
mkdir -p "$to/$libdir/cirrodata"
install -m 755 "$build/lib/cirrodata/libcirrodata_terminal.so" "$to/$libdir/cirrodata/"
# What the tool says of its options: it is asked for it, so that neither can be of another version. ARGUMENTS... FOLDER/NAME
describe() {
  local file=$to/share/${*: -1}
  mkdir -p "$(dirname "$file")"
  "$build/bin/cirrodata-tool" "${@:1:$#-1}" >"$work" || fail "the tool cannot say: ${*:1:$#-1}"
  install -m 644 "$work" "$file"
}
work=$(mktemp)
trap 'rm -f "$work"' EXIT
describe completion bash --language en bash-completion/completions/cirrodata-tool
describe completion zsh --language en zsh/site-functions/_cirrodata-tool
describe completion fish --language en fish/vendor_completions.d/cirrodata-tool.fish
describe man --language en man/man1/cirrodata-tool.1
describe man --language zh man/zh_CN/man1/cirrodata-tool.1
for name in comptask_upgrade comptask_upgrade-static; do
  fill "$here/$name.pc.in" "$to/$packages/$name.pc" "$packages"
done
for name in comptask_upgradeConfig comptask_upgradeConfigVersion; do
  fill "$here/$name.cmake.in" "$to/$cmake/$name.cmake" "$cmake"
done
echo "installed: $to/$libdir/libcomptask_upgrade.{so,a}, $to/include/, $to/bin/cirrodata-tool, its completions and its manual page"
echo "  pkg-config  PKG_CONFIG_PATH=$prefix/$packages pkg-config --cflags --libs comptask_upgrade"
echo "  CMake       cmake -DCMAKE_PREFIX_PATH=$prefix, then find_package(comptask_upgrade)"
