/// Job: an operation in the background.
#ifndef COMPTASK_UPGRADE_JOB_HPP_
#define COMPTASK_UPGRADE_JOB_HPP_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "comptask_upgrade.h"
#include "comptask_upgrade/error.hpp"
#include "comptask_upgrade/report.hpp"
#include "comptask_upgrade/run_options.hpp"

namespace comptask_upgrade {

/// How far a job's run has come, with a text of its own. The fields are those of Progress.
struct JobProgress {
  /// What the run is at.
  Stage stage = Stage::kCheck;
  /// Tasks done in this stage.
  std::uint64_t done = 0;
  /// Tasks that were done before.
  std::uint64_t skipped = 0;
  /// Tasks that failed.
  std::uint64_t failed = 0;
  /// Tasks in all; 0 where that is not known yet.
  std::uint64_t total = 0;
  /// Tasks a second in this stage; 0 in its first moments.
  double per_second = 0;
  /// The V1 name of the task at hand; empty between tasks.
  std::string current;
};

/// An operation that runs on a thread of the library, begun by Session::StartJob. Its const methods may be called from
/// any thread, several at once too.
///
/// Until the run ends the session is the job's: every call on the session but Session::Cancel throws, or answers,
/// Code::kBusy. What is to be asked meanwhile is asked of a second session. The Session object may go first: what the
/// job needs of it, log and progress callbacks included, lives as long as the job.
///
/// The destructor asks a run that is still under way to stop and waits for it. A job must not be destroyed, or assigned
/// to, by a callback that it calls itself.
class Job {
 public:
  /// Whether the run has ended: Wait does not wait any more, and the session is free for the next call.
  [[nodiscard]] bool done() const noexcept { return ctu_job_done(handle_.get()); }
  /// How far the run is, by its latest word; Stage::kCheck with all counts 0 before its first one.
  [[nodiscard]] JobProgress progress() const {
    auto raw = detail::SizedStruct<ctu_progress>();
    detail::Check(ctu_job_progress(handle_.get(), &raw));
    const Progress now = detail::FromC(raw);
    return {now.stage, now.done, now.skipped, now.failed, now.total, now.per_second, std::string(now.current)};
  }
  /// Asks the job's run, and no other, to stop before its next step; nothing once it has ended.
  void Cancel() const noexcept { ctu_job_cancel(handle_.get()); }
  /// Waits for the end and says how the run ended, as Session::Run would have. That is handed out once: the error of
  /// any further call is Code::kInvalidArgument, as it is for a call by a callback of the job, which would wait for
  /// itself.
  RunResult Wait() const {
    ctu_report* report = nullptr;
    ctu_error* error = ctu_job_wait(handle_.get(), &report);
    return detail::TakeResult(report, error);
  }

  /// The handle of the C ABI, still owned by this object.
  [[nodiscard]] ctu_job* get() const noexcept { return handle_.get(); }

 private:
  friend class Session;

  struct Deleter {
    // In the deleter, so that they go after the handle in a move assignment too.
    std::shared_ptr<const void> kept_alive;
    std::unique_ptr<ProgressCallback> progress;
    void operator()(ctu_job* handle) const noexcept { ctu_job_free(handle); }
  };

  Job(ctu_session* session, Operation operation, const RunOptions& options, std::shared_ptr<const void> kept_alive)
      : handle_(nullptr, Deleter{std::move(kept_alive), std::make_unique<ProgressCallback>(options.progress)}) {
    const ctu_run_options raw = detail::ToC(options, handle_.get_deleter().progress.get());
    ctu_job* handle = nullptr;
    detail::Check(ctu_job_start(session, static_cast<ctu_op>(operation), &raw, &handle));
    handle_.reset(handle);
  }

  std::unique_ptr<ctu_job, Deleter> handle_;
};

}  // namespace comptask_upgrade

#endif  // COMPTASK_UPGRADE_JOB_HPP_
