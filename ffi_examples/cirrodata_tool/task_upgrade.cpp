#include "task_upgrade.h"

#include <utility>

namespace cirrodata_tool {

using comptask_upgrade::Operation;

TaskUpgrade::TaskUpgrade(comptask_upgrade::Session& session, comptask_upgrade::RunOptions options)
    : session_(&session), options_(std::move(options)) {}

void TaskUpgrade::UpdateTaskFromOld() { Run(Operation::kUpgrade); }

void TaskUpgrade::DeleteOldTask() { Run(Operation::kDelete); }

void TaskUpgrade::RecoverOldTask() { Run(Operation::kRecovery); }

void TaskUpgrade::ShowTaskStatus() { Run(Operation::kStatus); }

void TaskUpgrade::Run(Operation operation) { result_ = session_->Run(operation, options_); }

}  // namespace cirrodata_tool
