#!/usr/bin/env bash
# Builds the libraries against an old glibc, so that they load on old systems: CentOS 7 has 2.17.
# Usage: ffi_examples/install/portable.sh BUILD SONAME TARGET FEATURES
#
# cargo-zigbuild has zig link and compile against the glibc that it is told. Leaves include/ and lib/ below
# BUILD/portable/TARGET, as `make build` does below BUILD.
set -eu -o pipefail
cd "$(dirname "$0")/../.."

build=$1 soname=$2 target=$3 features=$4
. ffi_examples/install/portable_env.sh

# What cargo-zigbuild has cargo link with goes through ours: see there. Its compiler for the C and assembler of ring stays.
linker=CARGO_TARGET_$(tr 'a-z-' 'A-Z_' <<<"$target")_LINKER
export COMPTASK_UPGRADE_ZIG_TARGET=$zig_target COMPTASK_UPGRADE_SONAME=$soname
env "$linker=$PWD/ffi_examples/install/portable_linker.sh" \
  cargo-zigbuild build --release --locked --target "$target.$glibc" --features "$features"

to=$build/portable/$target
mkdir -p "$to/lib" "$to/include"
install -m 644 "target/$target/release/libcomptask_upgrade.a" "$to/lib/"
install -m 755 "target/$target/release/libcomptask_upgrade.so" "$to/lib/$soname"
ln -sfn "$soname" "$to/lib/libcomptask_upgrade.so"
cp -r include/. "$to/include/"
echo "built for glibc $glibc: $to/lib/libcomptask_upgrade.{so,a}, $to/include/"
