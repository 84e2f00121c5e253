# What the portable build and its test both go by. Read by `. portable_env.sh` in the project's folder, with $target set.
# shellcheck shell=bash disable=SC2034 # what is set here is used by the one who reads it

# The glibc of CentOS 7, the oldest that Rust's own library runs on.
glibc=2.17
case ${target:?} in
  x86_64-unknown-linux-gnu | aarch64-unknown-linux-gnu) ;;
  *)
    echo "portable: TARGET is $target; it must be x86_64-unknown-linux-gnu or aarch64-unknown-linux-gnu" >&2
    exit 2
    ;;
esac
zig_target=${target%%-*}-linux-gnu.$glibc

# Everything that is fetched or kept for it lies below target/.
tools=$PWD/target/portable_tools
export PATH=$tools/bin:$PATH
export CARGO_ZIGBUILD_ZIG_PATH=$tools/ziglang/zig
export CARGO_ZIGBUILD_CACHE_DIR=$PWD/target/portable_cache
export ZIG_GLOBAL_CACHE_DIR=$CARGO_ZIGBUILD_CACHE_DIR/zig ZIG_LOCAL_CACHE_DIR=$CARGO_ZIGBUILD_CACHE_DIR/zig
