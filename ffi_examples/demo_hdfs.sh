#!/usr/bin/env bash
# The main job on the seed's sample tree, as in demo.sh, on a real HDFS with the lock and the nodes in a real ZooKeeper.
# Both are started for it and go with it. Two nodes are up at first, so that the refusal is seen too.
# Usage: ffi_examples/demo_hdfs.sh BIN_FOLDER TEST_CLUSTER: where cirrodata-tool and make_sample_tree lie, and the program
# that starts the servers (cargo build --example test-cluster). Leaves nothing behind.
set -eu -o pipefail

bin=$(cd "$1" && pwd)
test_cluster=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
. "$(dirname "${BASH_SOURCE[0]}")/demo_steps.sh"
folder=$(mktemp -d)
# The servers end with the input of the program that started them.
end() {
  if [ -n "${servers_in:-}" ]; then
    exec {servers_in}>&-
    wait "$servers_pid" || true
  fi
  rm -rf "$folder"
}
trap end EXIT
cd "$folder"

fail() {
  echo "demo-hdfs: $1" >&2
  exit 1
}

# Has the cluster do something, and prints what it says.
ask_cluster() {
  local line
  (IFS=$'\t' && printf '%s\n' "$*") >&"$servers_in"
  while IFS= read -r line <&"$servers_out"; do
    case $line in
      ok) return ;;
      "failed: "*) fail "$* ${line}" ;;
      *) printf '%s\n' "$line" ;;
    esac
  done
  fail "the servers are gone"
}

mkfifo servers-in servers-out
"$test_cluster" hdfs zookeeper <servers-in >servers-out &
servers_pid=$!
exec {servers_in}>servers-in {servers_out}<servers-out
# What stands in the way it says by itself.
IFS= read -r facts <&"$servers_out" || exit 1
uri=$(sed -E 's/.*"uri":"([^"]*)".*/\1/' <<<"$facts")
hosts=$(sed -E 's/.*"hosts":"([^"]*)".*/\1/' <<<"$facts")

root=$uri/cluster.compact
cluster=(--zookeeper "$hosts")
registry=/cirrodata/pu
nodes=(--zookeeper-registry-path "$registry")
list_tree() { ask_cluster hdfs -find /cluster.compact -print | sed -n 's|^/cluster\.compact/||p'; }

"$bin/make_sample_tree" . >/dev/null
ask_cluster hdfs -put "$folder/cluster.compact" /
for node in /cirrodata "$registry" "$registry/xcloud24_9876" "$registry/xcloud25_9876"; do
  ask_cluster zookeeper "create $node"
done
printf -- '--- two nodes are up: they have registered in ZooKeeper\n'
refused 10 upgrade --root "$root" "${cluster[@]}" --catalog catalog.json "${nodes[@]}"
for node in xcloud24_9876 xcloud25_9876; do ask_cluster zookeeper "delete $registry/$node"; done
printf '\n--- both are down\n'
run_steps
