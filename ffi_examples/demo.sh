#!/usr/bin/env bash
# The main job on the seed's sample tree: four tasks in four states, one with a sub-task, two PCs, on the local disk. The
# upgrade is cancelled once, so that the way back is seen too.
# Usage: ffi_examples/demo.sh BIN_FOLDER, where cirrodata-tool and make_sample_tree lie. Leaves nothing behind.
set -eu -o pipefail

bin=$(cd "$1" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

show() {
  printf '\n--- %s\n' "$1"
  (cd cluster.compact && find . -mindepth 1 | LC_ALL=C sort | sed -e 's|[^/]*/|  |g')
}

tool() {
  printf '\n$ cirrodata-tool comptask-upgrade %s\n' "$*"
  # Progress goes to standard error; what went wrong would end the demo.
  "$bin/cirrodata-tool" comptask-upgrade "$@" 2>progress.log || { cat progress.log >&2; exit 1; }
}

"$bin/make_sample_tree" . >/dev/null
show "the tree before: cluster.compact"
tool status --root cluster.compact
tool upgrade --root cluster.compact --catalog catalog.json --online-nodes online-nodes.txt --plan
tool upgrade --root cluster.compact --catalog catalog.json --online-nodes online-nodes.txt --verify
show "the tree after the upgrade: V1 is as it was, V2 beside it"
tool upgrade --root cluster.compact --catalog catalog.json --online-nodes online-nodes.txt
tool status --root cluster.compact
tool recovery --root cluster.compact --online-nodes online-nodes.txt --plan
tool recovery --root cluster.compact --online-nodes online-nodes.txt
show "the tree after going back: V1 as it was, V2 empty"
tool upgrade --root cluster.compact --catalog catalog.json --online-nodes online-nodes.txt
tool delete --root cluster.compact
show "the tree after delete: the old files and the done mark are gone"
