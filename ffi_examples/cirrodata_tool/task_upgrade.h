// TaskUpgrade: the work of one run.
#ifndef CIRRODATA_TOOL_TASK_UPGRADE_H_
#define CIRRODATA_TOOL_TASK_UPGRADE_H_

#include "comptask_upgrade.hpp"

namespace cirrodata_tool {

/// Runs one operation on an open session and keeps how it ended.
class TaskUpgrade {
 public:
  /// Works on the session, which must outlive it.
  TaskUpgrade(comptask_upgrade::Session& session, comptask_upgrade::RunOptions options);

  /// UPGRADE: every V1 task becomes a V2 task.
  void UpdateTaskFromOld();
  /// DELETE: the V1 tree goes.
  void DeleteOldTask();
  /// RECOVERY: back to V1.
  void RecoverOldTask();
  /// STATUS: what there is, and what to do next.
  void ShowTaskStatus();

  /// How the last of these ended.
  [[nodiscard]] const comptask_upgrade::RunResult& result() const { return result_; }

 private:
  void Run(comptask_upgrade::Operation operation);

  comptask_upgrade::Session* session_;
  comptask_upgrade::RunOptions options_;
  comptask_upgrade::RunResult result_;
};

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_TASK_UPGRADE_H_
