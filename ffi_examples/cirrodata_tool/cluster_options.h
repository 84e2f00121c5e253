// What a tree on a cluster is worked on with: the client of HDFS, and ZooKeeper for the lock and the nodes.
#ifndef CIRRODATA_TOOL_CLUSTER_OPTIONS_H_
#define CIRRODATA_TOOL_CLUSTER_OPTIONS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "comptask_upgrade.hpp"

namespace cirrodata_tool {

/// How a root on HDFS is reached.
struct HdfsOptions {
  /// The client: native, libhdfs or auto; none for the library's own choice.
  std::optional<std::string> client;
  /// The options of ctu_config_hdfs_option.
  std::map<std::string, std::string> options;
};

/// The ZooKeeper of the cluster.
struct ZooKeeperOptions {
  /// The servers: host:port,host:port/chroot.
  std::string hosts;
  /// The node of the lock. Runs see each other only where they name the same one.
  std::string lock_path = "/cirrodata/compact_lock";
  /// The node of the PU registry, whose children are the nodes that are up; none where they are not asked for there.
  std::optional<std::string> registry_path;
  /// 0 for the library's own.
  std::uint32_t session_timeout_ms = 0;
  /// The options of ctu_config_zookeeper_option, but no secret.
  std::map<std::string, std::string> options;
  /// The file with user:password for the scheme digest; none where ZooKeeper asks for no password.
  std::optional<std::string> digest_file;
};

/// Hands the client and its options to the config. Throws comptask_upgrade::Error.
void Configure(const HdfsOptions& hdfs, comptask_upgrade::Config& config);

/// Hands the lock, the registry and the options to the config. Throws comptask_upgrade::Error.
void Configure(const ZooKeeperOptions& zookeeper, comptask_upgrade::Config& config);

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_CLUSTER_OPTIONS_H_
