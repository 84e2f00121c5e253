# The steps of the demos, for demo.sh and demo_hdfs.sh to source. Before run_steps these must be set:
#   bin      the folder of cirrodata-tool
#   root     the tree
#   cluster  an array: the options that every operation on it needs
#   nodes    an array: the options that say which nodes are up
# and list_tree must be a function that prints the paths in the tree, relative to it, one a line.

# The expected output is English, whatever the machine's locale is, and no file of its user takes part.
export LC_ALL=C
unset CIRRODATA_TOOL_CONFIG

show() {
  printf '\n--- %s\n' "$1"
  list_tree | LC_ALL=C sort | sed -e 's|[^/]*/|  |g' -e 's|^|  |'
}

tool() {
  printf '\n$ cirrodata-tool comptask-upgrade %s\n' "$*"
  # Progress goes to standard error; what went wrong would end the demo.
  "$bin/cirrodata-tool" comptask-upgrade "$@" 2>progress.log || { cat progress.log >&2; exit 1; }
}

# An operation that must be refused, with this exit status.
refused() {
  local wanted=$1 status=0
  shift
  printf '\n$ cirrodata-tool comptask-upgrade %s\n' "$*"
  "$bin/cirrodata-tool" comptask-upgrade "$@" 2>progress.log || status=$?
  sed -n '/^error: /,$p' progress.log
  echo "exit status $status"
  [ "$status" -eq "$wanted" ] || { cat progress.log >&2; exit 1; }
}

run_steps() {
  show "the tree before: cluster.compact"
  tool status --root "$root" "${cluster[@]}"
  tool upgrade --root "$root" "${cluster[@]}" --catalog catalog.json "${nodes[@]}" --plan
  tool upgrade --root "$root" "${cluster[@]}" --catalog catalog.json "${nodes[@]}" --verify
  show "the tree after the upgrade: V1 is as it was, V2 beside it"
  tool upgrade --root "$root" "${cluster[@]}" --catalog catalog.json "${nodes[@]}"
  tool status --root "$root" "${cluster[@]}"
  tool recovery --root "$root" "${cluster[@]}" "${nodes[@]}" --plan
  tool recovery --root "$root" "${cluster[@]}" "${nodes[@]}"
  show "the tree after going back: V1 as it was, V2 empty"
  tool upgrade --root "$root" "${cluster[@]}" --catalog catalog.json "${nodes[@]}"
  tool delete --root "$root" "${cluster[@]}"
  show "the tree after delete: the old files and the done mark are gone"
}
