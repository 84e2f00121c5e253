/// Session: one root, opened, and the operations on it.
#ifndef COMPTASK_UPGRADE_SESSION_HPP_
#define COMPTASK_UPGRADE_SESSION_HPP_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "comptask_upgrade.h"
#include "comptask_upgrade/config.hpp"
#include "comptask_upgrade/error.hpp"
#include "comptask_upgrade/report.hpp"

namespace comptask_upgrade {

/// How far a run has come.
struct Progress {
  Stage stage = Stage::kCheck;
  std::uint64_t done = 0;
  std::uint64_t skipped = 0;
  std::uint64_t failed = 0;
  std::uint64_t total = 0;
  double per_second = 0;
  /// The task under way; only for the length of the call.
  std::string_view current;
};

/// Gets the progress of a run, on the thread of the run. What it throws is dropped, since a display that fails must not
/// stop an upgrade.
using ProgressCallback = std::function<void(const Progress&)>;

/// How to run an operation.
struct RunOptions {
  /// Do everything but write, and list each action.
  bool plan = false;
  /// Inside a running cluster: the check that every node is offline is left out.
  bool online = false;
  /// Compare every converted task with its V1 task.
  bool verify = false;
  /// Go on where only a person may decide it.
  bool force = false;
  /// Convert V1 tasks that turned up after the upgrade was complete.
  bool reopen = false;
  /// Calls under way at a time; 0 for what suits the storage.
  std::uint32_t in_flight = 0;
  RecoveryMode recovery_mode = RecoveryMode::kAuto;
  Placement placement = Placement::kBySchema;
  ProgressCallback progress;
};

/// Reads the word for an operation; anything else than one of the four words is Operation::kInvalid.
[[nodiscard]] inline Operation ParseOperation(const std::string& word) {
  return word.find('\0') == std::string::npos ? static_cast<Operation>(ctu_op_parse(word.c_str()))
                                              : Operation::kInvalid;
}

/// One root, opened. It may be used from one thread at a time; Cancel from any.
class Session {
 public:
  /// Opens the root that the config names.
  explicit Session(const Config& config) : handle_(Open(config), Deleter{config.kept_alive()}) {}

  /// Ends the run that is under way, or the next one where none is, before its next step; from any thread.
  void Cancel() const noexcept { ctu_session_cancel(handle_.get()); }
  /// Throws Code::kNodesOnline, with the names in the message, where the operation has to wait for nodes to stop.
  void CheckAllOffline(Operation operation) {
    detail::Check(ctu_session_check_all_offline(handle_.get(), static_cast<ctu_op>(operation)));
  }
  /// What a node does that starts: asked after it has registered itself and before it touches a task. Records the start
  /// where the upgrade is complete. A node whose question throws must not start.
  [[nodiscard]] Gate NodeGate(const std::string& node) {
    std::int32_t verdict = 0;
    detail::Check(ctu_node_gate(handle_.get(), detail::CText(node), &verdict));
    return static_cast<Gate>(verdict);
  }
  /// Takes the lock; Run takes it by itself where it is not held.
  void Lock() { detail::Check(ctu_session_lock(handle_.get())); }
  /// Gives the lock back.
  void Unlock() { detail::Check(ctu_session_unlock(handle_.get())); }
  /// Ends the session and says whether that went well; the destructor only frees.
  void Close() { detail::Check(ctu_session_close(handle_.get())); }

  /// Runs an operation. Throws nothing that the library reports: see RunResult.
  RunResult Run(Operation operation, const RunOptions& options = {}) {
    auto raw = detail::SizedStruct<ctu_run_options>();
    raw.flags = Flags(options);
    raw.in_flight = options.in_flight;
    raw.recovery_mode = static_cast<std::int32_t>(options.recovery_mode);
    raw.placement = static_cast<std::int32_t>(options.placement);
    ProgressCallback progress = options.progress;
    if (progress) {
      raw.progress = ShowProgress;
      raw.progress_user_data = &progress;
    }
    ctu_report* report = nullptr;
    ctu_error* error = ctu_run(handle_.get(), static_cast<ctu_op>(operation), &raw, &report);
    RunResult result;
    if (report != nullptr) result.report.emplace(report);
    if (error != nullptr) result.error.emplace(detail::TakeError(error));
    return result;
  }

  /// MarkUpgradingFile: the task is being converted for this node. Needs the lock.
  void MarkUpgrading(const std::string& v1_base, const std::string& node) {
    detail::Check(ctu_mark_upgrading(handle_.get(), detail::CText(v1_base), detail::CText(node)));
  }
  /// MarkUpgradedFile: the task that was being converted for this node is converted. Needs the lock.
  void MarkUpgraded(const std::string& v1_base, const std::string& node) {
    detail::Check(ctu_mark_upgraded(handle_.get(), detail::CText(v1_base), detail::CText(node)));
  }
  /// IfUpgraded: whether the task is marked as converted.
  [[nodiscard]] bool IsUpgraded(const std::string& v1_base) {
    bool upgraded = false;
    detail::Check(ctu_mark_is_upgraded(handle_.get(), detail::CText(v1_base), &upgraded));
    return upgraded;
  }
  /// UnMarkUpgradeFile: the task has no mark any more; fine where it had none. Needs the lock.
  void RemoveMark(const std::string& v1_base) { detail::Check(ctu_mark_remove(handle_.get(), detail::CText(v1_base))); }
  /// MarkAllFileUpgrade: the upgrade is complete; refused unless every V1 task is marked. Needs the lock.
  void MarkAllUpgraded() { detail::Check(ctu_mark_all_upgraded(handle_.get())); }
  /// ClearAllFileUpgradeMark: the marks of a complete upgrade go; refused while one is under way. Needs the lock.
  void ClearAllMarks() { detail::Check(ctu_mark_clear_all(handle_.get())); }

  /// The handle of the C ABI, still owned by this object.
  [[nodiscard]] ctu_session* get() const noexcept { return handle_.get(); }

 private:
  struct Deleter {
    // In the deleter, so that it goes after the handle in a move assignment too.
    std::shared_ptr<const void> kept_alive;
    void operator()(ctu_session* handle) const noexcept { ctu_session_free(handle); }
  };

  static ctu_session* Open(const Config& config) {
    ctu_session* handle = nullptr;
    detail::Check(ctu_session_open(config.get(), &handle));
    return handle;
  }

  static std::uint32_t Flags(const RunOptions& options) noexcept {
    std::uint32_t flags = 0;
    if (options.plan) flags |= CTU_RUN_PLAN;
    if (options.online) flags |= CTU_RUN_ONLINE;
    if (options.verify) flags |= CTU_RUN_VERIFY;
    if (options.force) flags |= CTU_RUN_FORCE;
    if (options.reopen) flags |= CTU_RUN_REOPEN;
    return flags;
  }

  static void ShowProgress(void* user_data, const ctu_progress* raw) noexcept {
    try {
      const Progress progress{static_cast<Stage>(raw->stage),
                              raw->done,
                              raw->skipped,
                              raw->failed,
                              raw->total,
                              raw->per_second,
                              raw->current == nullptr ? "" : raw->current};
      (*static_cast<ProgressCallback*>(user_data))(progress);
    } catch (...) {
    }
  }

  std::unique_ptr<ctu_session, Deleter> handle_;
};

}  // namespace comptask_upgrade

#endif  // COMPTASK_UPGRADE_SESSION_HPP_
