#include "comptask_upgrade_adapter.h"

#include <exception>
#include <memory>
#include <utility>

#include "texts.h"

namespace cirrodata_tool {

using comptask_upgrade::Code;
using comptask_upgrade::Config;
using comptask_upgrade::Error;
using comptask_upgrade::LogLevel;
using comptask_upgrade::Operation;
using comptask_upgrade::Session;

static_assert(STATUS == CTU_OP_STATUS && UPGRADE == CTU_OP_UPGRADE && RECOVERY == CTU_OP_RECOVERY &&
                  DELETE == CTU_OP_DELETE && INVALID == CTU_OP_INVALID,
              "the numbers of the operations are those of the library");

ComptaskUpgradeAdapter::ComptaskUpgradeAdapter(ComptaskUpgradeOptions options, ToolOutput& output)
    : options_(std::move(options)), output_(output) {}

void ComptaskUpgradeAdapter::Init() {
  const OP_TYPE operation = checkOptition(options_.operation);
  OpenSession();
  const bool needs_nodes_offline =
      (operation == UPGRADE || operation == RECOVERY) && !options_.plan && !options_.online;
  if (needs_nodes_offline && !CheckAllOffline()) throw *online_nodes_error_;
  if (operation != STATUS && !options_.plan) SetLock();
}

void ComptaskUpgradeAdapter::Excu() {
  const OP_TYPE operation = checkOptition(options_.operation);
  Excute(TaskUpgrade(*session_, MakeRunOptions()), operation);
  ReleaseLock();
}

void ComptaskUpgradeAdapter::Release() {
  std::exception_ptr failure;
  try {
    // Still held where Init or Excu did not come to its end.
    ReleaseLock();
    if (session_) session_->Close();
  } catch (...) {
    failure = std::current_exception();
  }
  std::unique_ptr<Session> last;
  {
    // Freed outside the mutex, so that Cancel never waits for it.
    const std::lock_guard<std::mutex> guard(mutex_);
    last = std::move(session_);
  }
  last.reset();
  if (failure) std::rethrow_exception(failure);
}

void ComptaskUpgradeAdapter::Cancel() {
  const std::lock_guard<std::mutex> guard(mutex_);
  cancelled_ = true;
  if (session_) session_->Cancel();
}

void ComptaskUpgradeAdapter::Excute(TaskUpgrade task_upgrade, OP_TYPE operation) {
  switch (operation) {
    case STATUS:
      task_upgrade.ShowTaskStatus();
      break;
    case UPGRADE:
      task_upgrade.UpdateTaskFromOld();
      break;
    case RECOVERY:
      task_upgrade.RecoverOldTask();
      break;
    case DELETE:
      task_upgrade.DeleteOldTask();
      break;
    case INVALID:
      throw Error(Code::kInvalidArgument, "there is no such operation");
  }
  if (task_upgrade.result().report) output_.ShowReport(*task_upgrade.result().report);
  task_upgrade.result().ThrowIfFailed();
}

OP_TYPE ComptaskUpgradeAdapter::checkOptition(std::string operation) {
  const auto parsed = static_cast<OP_TYPE>(comptask_upgrade::ParseOperation(operation));
  if (parsed == INVALID) {
    ShowUsage();
    throw Error(Code::kInvalidArgument, English(Text::kNoSuchOperation, {operation}), "", "",
                English(Text::kUseAnOperation));
  }
  return parsed;
}

bool ComptaskUpgradeAdapter::CheckAllOffline() {
  try {
    session_->CheckAllOffline(static_cast<Operation>(checkOptition(options_.operation)));
  } catch (const Error& error) {
    // Where there is nothing to go back from nobody need say it, so that the command line alone could not tell.
    const bool is_said = options_.zookeeper || options_.assume_offline || !options_.online_nodes_file.empty();
    if (error.code() == Code::kInvalidArgument && !is_said) {
      throw Error(error.code(), error.message(), "", "", English(Text::kSayWhichNodesAreUp));
    }
    if (error.code() != Code::kNodesOnline) throw;
    online_nodes_error_ = error;
    return false;
  }
  return true;
}

void ComptaskUpgradeAdapter::ShowUsage() { output_.ShowText(English(Text::kOperations)); }

void ComptaskUpgradeAdapter::SetLock() {
  session_->Lock();
  locked_ = true;
}

void ComptaskUpgradeAdapter::ReleaseLock() {
  if (!locked_) return;
  // Not tried twice: a lock that could not be given back ends with the process.
  locked_ = false;
  session_->Unlock();
}

void ComptaskUpgradeAdapter::OpenSession() {
  Config config;
  config.SetRoot(options_.root);
  config.SetLog([this](LogLevel level, std::string_view target,
                       std::string_view message) { output_.ShowLog(level, target, message); },
                options_.log_level);
  if (!options_.catalog_file.empty()) config.SetCatalogFile(options_.catalog_file);
  if (!options_.online_nodes_file.empty()) config.SetLivenessFile(options_.online_nodes_file);
  if (options_.assume_offline) config.AssumeOffline();
  Configure(options_.hdfs, config);
  if (options_.zookeeper) Configure(*options_.zookeeper, config);
  auto opened = std::make_unique<Session>(config);
  const std::lock_guard<std::mutex> guard(mutex_);
  if (cancelled_) throw Error(Code::kCancelled, English(Text::kCancelledBefore));
  session_ = std::move(opened);
}

comptask_upgrade::RunOptions ComptaskUpgradeAdapter::MakeRunOptions() {
  comptask_upgrade::RunOptions run_options;
  run_options.plan = options_.plan;
  run_options.verify = options_.verify;
  run_options.force = options_.force;
  run_options.online = options_.online;
  run_options.reopen = options_.reopen;
  run_options.in_flight = options_.in_flight;
  run_options.recovery_mode = options_.recovery_mode;
  run_options.placement = options_.placement;
  run_options.progress = [this](const comptask_upgrade::Progress& progress) { output_.ShowProgress(progress); };
  return run_options;
}

}  // namespace cirrodata_tool
