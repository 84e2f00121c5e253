/// Session: one root, opened, and the operations on it.
#ifndef COMPTASK_UPGRADE_SESSION_HPP_
#define COMPTASK_UPGRADE_SESSION_HPP_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "comptask_upgrade.h"
#include "comptask_upgrade/config.hpp"
#include "comptask_upgrade/error.hpp"
#include "comptask_upgrade/job.hpp"
#include "comptask_upgrade/report.hpp"
#include "comptask_upgrade/run_options.hpp"

namespace comptask_upgrade {

/// Reads the word for an operation; anything else than one of the four words is Operation::kInvalid.
[[nodiscard]] inline Operation ParseOperation(const std::string& word) {
  return word.find('\0') == std::string::npos ? static_cast<Operation>(ctu_op_parse(word.c_str()))
                                              : Operation::kInvalid;
}

/// One root, opened. It may be used from one thread at a time; Cancel from any. While a job of it runs, every call but
/// Cancel throws, or answers, Code::kBusy.
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
  /// Gives up the lock, if it is held, and says whether that went well; the session can be used on. The destructor only
  /// frees.
  void Close() { detail::Check(ctu_session_close(handle_.get())); }

  /// Runs an operation. Throws nothing that the library reports: see RunResult.
  RunResult Run(Operation operation, const RunOptions& options = {}) {
    ProgressCallback progress = options.progress;
    const ctu_run_options raw = detail::ToC(options, &progress);
    ctu_report* report = nullptr;
    ctu_error* error = ctu_run(handle_.get(), static_cast<ctu_op>(operation), &raw, &report);
    return detail::TakeResult(report, error);
  }
  /// Starts an operation on a thread of the library: see Job. Throws Code::kBusy while the session runs something else,
  /// Code::kInvalidArgument for options that mean nothing to the operation, Code::kRetryLater where the system has no
  /// thread to give. The progress callback is copied; it may be called before this returns.
  [[nodiscard]] Job StartJob(Operation operation, const RunOptions& options = {}) {
    return Job(handle_.get(), operation, options, handle_.get_deleter().kept_alive);
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

  std::unique_ptr<ctu_session, Deleter> handle_;
};

}  // namespace comptask_upgrade

#endif  // COMPTASK_UPGRADE_SESSION_HPP_
