// The part of --help that is more than a list of options.
#ifndef CIRRODATA_TOOL_HELP_TEXT_H_
#define CIRRODATA_TOOL_HELP_TEXT_H_

namespace cirrodata_tool {

/// Operations, exit codes and examples of comptask-upgrade.
inline constexpr const char* kComptaskUpgradeHelp = R"(Operations:
  status    says what there is, how far an upgrade has come and what to do next;
            changes nothing
  upgrade   turns every V1 task into a V2 task and leaves V1 as it is; needs
            --catalog, and a word about the nodes: --online-nodes,
            --zookeeper-registry-path, --assume-offline or --online;
            interrupted, it goes on where it stopped when it is started again
  recovery  goes back to V1, the way that --mode says; needs a word about the
            nodes, but not --online, where there is something to go back from
  delete    removes the V1 tree after a complete upgrade, and with it every way
            back to the old files

Ways back (recovery --mode):
  auto           cancel where that is possible, else refused with the choice
  cancel         as if the upgrade had never been; only while no node has
                 started since and nothing was changed
  downgrade_old  the old files as they are; what happened in V2 is lost, and
                 where anything is, it needs --force
  downgrade      V2 tasks become V1 tasks with what happened since, also after
                 delete

How tasks are placed (upgrade --placement):
  schema                a process group that the task's schema may use
  entry-node            the process group of the node that received the task;
                        where that is no longer installed it becomes Cancel
  entry-node-or-schema  the same, but where that is no longer installed it is
                        placed by its schema

Trees on a cluster (--root hdfs://host:port/path, hdfs://name-service/path):
  They need --zookeeper, for the lock that all runs on the tree share. With it
  the lock of a local root is in ZooKeeper too, and not on the disk: every run
  on a tree must name the same ZooKeeper and the same --zookeeper-lock-path.
  --zookeeper-registry-path asks the PU registry which nodes are up, and stands
  for --online-nodes. A password is given by --zookeeper-digest-file only.
  status and --plan take no lock and do not ask ZooKeeper for it.

--plan takes no lock and goes through while nodes are up. The report goes to
stdout, everything else to stderr. The first Ctrl-C ends the run between two
waves of changes, a second one at once; neither harms the trees, and the same
command goes on from there.

Exit codes:
   0  success                        30  not found
   1  bad usage                      31  already exists
   2  unsupported                    32  permission denied
   3  busy                           33  no space left
   4  cancelled                      34  the storage cannot serve now
   5  defect of the tool             35  outcome of a change unknown
  10  nodes are online               36  storage error
  11  locked by another run          37  catalog error
  12  lock lost in mid-run           38  liveness error
  13  refused in this phase          39  lock service error
  14  new V1 tasks after the end     40  too large
  20  some tasks failed              41  folder not empty
  21  damaged
  22  corrupt

Examples:
  cirrodata-tool comptask-upgrade status --root /data/cluster.compact
  cirrodata-tool comptask-upgrade upgrade --root /data/cluster.compact \
      --catalog catalog.json --online-nodes online-nodes.txt --plan
  cirrodata-tool comptask-upgrade upgrade --root /data/cluster.compact \
      --catalog catalog.json --online-nodes online-nodes.txt --json
  cirrodata-tool comptask-upgrade recovery --root /data/cluster.compact \
      --online-nodes online-nodes.txt --mode cancel --plan
  cirrodata-tool comptask-upgrade delete --root /data/cluster.compact
  cirrodata-tool comptask-upgrade upgrade \
      --root hdfs://name-service/cirrodata/cluster.compact \
      --hdfs-option conf_dir=/etc/hadoop/conf --catalog catalog.json \
      --zookeeper zk1:2181,zk2:2181,zk3:2181 \
      --zookeeper-registry-path /cirrodata/pu
)";

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_HELP_TEXT_H_
