// ProgressDisplay: how far a run is, on stderr.
#ifndef CIRRODATA_TOOL_PROGRESS_DISPLAY_H_
#define CIRRODATA_TOOL_PROGRESS_DISPLAY_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "cirrodata_terminal.h"
#include "comptask_upgrade.hpp"
#include "language.h"

namespace cirrodata_tool {

/// A bar on a terminal; elsewhere a line when the stage changes and at most one in ten seconds. One thread at a time.
class ProgressDisplay {
 public:
  /// With or without a bar, in which colours are used or not.
  ProgressDisplay(bool has_bar, bool colors, Language language);

  /// Shows how far the run is; on a bar a task that failed at once.
  void Show(const comptask_upgrade::Progress& progress);
  /// Writes something while the bar is off the screen. What the function throws is lost.
  void Suspend(const std::function<void()>& write);
  /// Takes the bar off the screen; the next Show brings it back.
  void End();

 private:
  using Clock = std::chrono::steady_clock;
  struct BarDeleter {
    void operator()(cdt_bar* bar) const noexcept { cdt_bar_free(bar); }
  };

  void ShowBar(const comptask_upgrade::Progress& progress);
  void ShowLine(const comptask_upgrade::Progress& progress) const;

  const bool has_bar_;
  const bool colors_;
  const Language language_;
  std::unique_ptr<cdt_bar, BarDeleter> bar_;
  // The task that was named last in this stage: between two tasks none is.
  std::string task_;
  std::optional<comptask_upgrade::Stage> stage_shown_;
  std::uint64_t failed_shown_ = 0;
  // What the bar has not shown yet, since it came too soon after the last.
  std::optional<comptask_upgrade::Progress> pending_;
  Clock::time_point shown_at_;
};

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_PROGRESS_DISPLAY_H_
