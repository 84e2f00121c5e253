#!/usr/bin/env bash
# The linker that portable.sh has cargo call: zig's, which is LLD, made to do what build.rs asks of GNU ld.
#
# build.rs gives every export the SONAME as its version node by --default-symver, which LLD lacks. rustc lists the exports
# in a version script without a name; with the name put in, LLD makes the same node.
set -eu -o pipefail

arguments=()
for argument in "$@"; do
  case $argument in
    -fuse-ld=bfd | -Wl,--default-symver) continue ;;
    -Wl,--version-script=*)
      script=${argument#*=}
      sed "s/^{/$COMPTASK_UPGRADE_SONAME {/" "$script" >"$script.named"
      # Written otherwise by another rustc, it would lose the node in silence.
      grep -q "^$COMPTASK_UPGRADE_SONAME {" "$script.named" || {
        echo "portable: rustc's version script does not begin with {: $(head -n 1 "$script")" >&2
        exit 1
      }
      argument=-Wl,--version-script=$script.named
      ;;
  esac
  arguments+=("$argument")
done
exec cargo-zigbuild zig cc -- -g -fno-sanitize=all -target "$COMPTASK_UPGRADE_ZIG_TARGET" "${arguments[@]}"
