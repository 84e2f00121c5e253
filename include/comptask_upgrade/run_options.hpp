/// What a caller asks of a run, and what it hears while the run goes on.
#ifndef COMPTASK_UPGRADE_RUN_OPTIONS_HPP_
#define COMPTASK_UPGRADE_RUN_OPTIONS_HPP_

#include <cstdint>
#include <functional>
#include <string_view>

#include "comptask_upgrade.h"
#include "comptask_upgrade/codes.hpp"
#include "comptask_upgrade/task.hpp"

namespace comptask_upgrade {

/// How far a run has come.
struct Progress {
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
  /// The task under way, empty between tasks; only for the length of the call.
  std::string_view current;
};

/// Gets the progress of a run, on the thread of the run: the one that called Session::Run, or a thread of the library
/// for a job. It must not call the session or wait for the job. What it throws is dropped, since a display that fails
/// must not stop an upgrade.
using ProgressCallback = std::function<void(const Progress&)>;

/// How to run an operation. What means nothing to the operation is Code::kInvalidArgument.
struct RunOptions {
  /// UPGRADE, RECOVERY and DELETE: do everything but write, and list each action.
  bool plan = false;
  /// UPGRADE inside a running node that has stopped its V1 scheduling: no node need be down, and V1 is listed again
  /// until nothing new or changed turns up.
  bool online = false;
  /// STATUS, UPGRADE and DELETE: compare every converted task with its V1 task.
  bool verify = false;
  /// RECOVERY and DELETE: go on although something is lost that the refusal without it names.
  bool force = false;
  /// UPGRADE: take a complete upgrade up again for V1 tasks that turned up since.
  bool reopen = false;
  /// Storage calls under way at a time; 0 for what suits the storage.
  std::uint32_t in_flight = 0;
  /// RECOVERY: which way back.
  RecoveryMode recovery_mode = RecoveryMode::kAuto;
  /// UPGRADE: by what tasks are placed.
  Placement placement = Placement::kBySchema;
  /// Hears of progress; empty for nobody.
  ProgressCallback progress;
};

namespace detail {

/// The progress of the C ABI; its text stays where it is.
[[nodiscard]] inline Progress FromC(const ctu_progress& raw) {
  return {static_cast<Stage>(raw.stage),
          raw.done,
          raw.skipped,
          raw.failed,
          raw.total,
          raw.per_second,
          raw.current == nullptr ? "" : raw.current};
}

/// The progress function of the C ABI over a ProgressCallback, which is its user_data.
inline void ShowProgress(void* user_data, const ctu_progress* raw) noexcept {
  try {
    (*static_cast<const ProgressCallback*>(user_data))(FromC(*raw));
  } catch (...) {
  }
}

/// The C struct for the options; the callback beside them, where there is one, must outlive the run.
[[nodiscard]] inline ctu_run_options ToC(const RunOptions& options, ProgressCallback* progress) noexcept {
  auto raw = SizedStruct<ctu_run_options>();
  if (options.plan) raw.flags |= CTU_RUN_PLAN;
  if (options.online) raw.flags |= CTU_RUN_ONLINE;
  if (options.verify) raw.flags |= CTU_RUN_VERIFY;
  if (options.force) raw.flags |= CTU_RUN_FORCE;
  if (options.reopen) raw.flags |= CTU_RUN_REOPEN;
  raw.in_flight = options.in_flight;
  raw.recovery_mode = static_cast<std::int32_t>(options.recovery_mode);
  raw.placement = static_cast<std::int32_t>(options.placement);
  if (progress != nullptr && *progress) {
    raw.progress = ShowProgress;
    raw.progress_user_data = progress;
  }
  return raw;
}

}  // namespace detail
}  // namespace comptask_upgrade

#endif  // COMPTASK_UPGRADE_RUN_OPTIONS_HPP_
