#!/usr/bin/env bash
# The main job on the seed's sample tree: four tasks in four states, one with a sub-task, two PCs, on the local disk. The
# upgrade is cancelled once, so that the way back is seen too.
# Usage: ffi_examples/demo.sh BIN_FOLDER, where cirrodata-tool and make_sample_tree lie. Leaves nothing behind.
set -eu -o pipefail

bin=$(cd "$1" && pwd)
. "$(dirname "${BASH_SOURCE[0]}")/demo_steps.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

root=cluster.compact
cluster=()
nodes=(--online-nodes online-nodes.txt)
list_tree() { (cd cluster.compact && find . -mindepth 1 -printf '%P\n'); }

"$bin/make_sample_tree" . >/dev/null
run_steps
