// ComptaskUpgradeAdapter: the tool "comptask-upgrade", ready to be lifted into another program. It needs
// comptask_upgrade.hpp, cluster_options, task_upgrade, texts, tool_adapter.h and tool_output.h, and nothing that reads
// a command line or knows a terminal.
#ifndef CIRRODATA_TOOL_COMPTASK_UPGRADE_ADAPTER_H_
#define CIRRODATA_TOOL_COMPTASK_UPGRADE_ADAPTER_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "cluster_options.h"
#include "comptask_upgrade.hpp"
#include "task_upgrade.h"
#include "tool_adapter.h"
#include "tool_output.h"

namespace cirrodata_tool {

/// The operations and their numbers.
enum OP_TYPE { STATUS = 0, UPGRADE, RECOVERY, DELETE, INVALID };

/// What the tool is asked to do.
struct ComptaskUpgradeOptions {
  /// The word for the operation: status, upgrade, recovery or delete.
  std::string operation;
  /// The cluster.compact folder, as a path or a URI.
  std::string root;
  /// The catalog snapshot; empty for none.
  std::string catalog_file;
  /// The file with one online node a line; empty for none.
  std::string online_nodes_file;
  /// The caller's word that every node is offline.
  bool assume_offline = false;
  /// How a root on HDFS is reached.
  HdfsOptions hdfs;
  /// Where the cluster's lock is, and who is up; none for a local root with a lock of its own.
  std::optional<ZooKeeperOptions> zookeeper;
  /// Calls under way at a time; 0 for what suits the storage.
  std::uint32_t in_flight = 0;
  /// Do everything but write, and list each action.
  bool plan = false;
  /// Compare every converted task with its V1 task.
  bool verify = false;
  /// RECOVERY and DELETE: go on although something is lost that the refusal named.
  bool force = false;
  /// UPGRADE while nodes are up that have stopped scheduling V1 tasks.
  bool online = false;
  /// UPGRADE takes in V1 tasks that turned up after it was complete.
  bool reopen = false;
  /// RECOVERY: which way back.
  comptask_upgrade::RecoveryMode recovery_mode = comptask_upgrade::RecoveryMode::kAuto;
  /// UPGRADE: by what tasks are placed.
  comptask_upgrade::Placement placement = comptask_upgrade::Placement::kBySchema;
  /// The last level of the log that the output gets.
  comptask_upgrade::LogLevel log_level = comptask_upgrade::LogLevel::kWarn;
};

/// The tool "comptask-upgrade". Its failures are comptask_upgrade::Error; where a run fails after it began, the report
/// has been shown by then.
class ComptaskUpgradeAdapter : public ToolAdapter {
 public:
  /// Shows what it does through the output, which must outlive it.
  ComptaskUpgradeAdapter(ComptaskUpgradeOptions options, ToolOutput& output);

  /// Opens the session, sees that all nodes are offline and takes the lock, as far as the operation needs it.
  void Init() override;
  /// Runs the operation and gives the lock back.
  void Excu() override;
  /// Frees the session.
  void Release() override;

  /// Ends the run between two waves of changes, or before it begins; from any thread.
  void Cancel();

 private:
  void Excute(TaskUpgrade task_upgrade, OP_TYPE operation);
  OP_TYPE checkOptition(std::string operation);
  bool CheckAllOffline();
  void ShowUsage();
  void SetLock();
  void ReleaseLock();
  void OpenSession();
  comptask_upgrade::RunOptions MakeRunOptions();

  const ComptaskUpgradeOptions options_;
  ToolOutput& output_;
  // Guards the session's coming and going against Cancel, and cancelled_.
  std::mutex mutex_;
  bool cancelled_ = false;
  std::unique_ptr<comptask_upgrade::Session> session_;
  std::optional<comptask_upgrade::Error> online_nodes_error_;
  bool locked_ = false;
};

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_COMPTASK_UPGRADE_ADAPTER_H_
