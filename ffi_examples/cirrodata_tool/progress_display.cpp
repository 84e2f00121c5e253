#include "progress_display.h"

#include <cstdint>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>

#include "texts.h"
#include "translation.h"

namespace cirrodata_tool {
namespace {

using comptask_upgrade::Progress;
using comptask_upgrade::Stage;

// The bar draws itself at most so often.
constexpr std::chrono::milliseconds kBarPause{50};
constexpr std::chrono::seconds kLinePause{10};

Text StageText(Stage stage) {
  switch (stage) {
    case Stage::kCheck:
      return Text::kStageCheck;
    case Stage::kList:
      return Text::kStageList;
    case Stage::kConvert:
      return Text::kStageConvert;
    case Stage::kFinish:
      return Text::kStageFinish;
    case Stage::kClean:
      return Text::kStageClean;
  }
  return Text::kStageOther;
}

std::uint64_t Seen(const Progress& progress) { return progress.done + progress.skipped + progress.failed; }

// In the other stages nothing is counted.
bool IsCounted(const Progress& progress) { return progress.stage == Stage::kConvert && progress.total != 0; }

std::string LineText(const Progress& progress, Language language) {
  std::ostringstream text;
  const std::string stage = Say(StageText(progress.stage), language);
  if (IsCounted(progress)) {
    text << Say(
        Text::kProgressCounts, language,
        {stage, std::to_string(progress.done), std::to_string(progress.skipped), std::to_string(progress.failed),
         std::to_string(progress.total), std::to_string(Seen(progress) * 100 / progress.total)});
  } else {
    text << stage;
  }
  if (progress.per_second > 0) text << std::fixed << std::setprecision(0) << ", " << progress.per_second << "/s";
  if (!progress.current.empty()) text << ", " << progress.current;
  return text.str();
}

}  // namespace

ProgressDisplay::ProgressDisplay(bool has_bar, bool colors, Language language)
    : has_bar_(has_bar), colors_(colors), language_(language) {}

void ProgressDisplay::Show(const Progress& progress) {
  if (stage_shown_ != progress.stage) task_.clear();
  if (!progress.current.empty()) task_ = progress.current;
  const Clock::time_point now = Clock::now();
  const Clock::duration pause = has_bar_ ? Clock::duration(kBarPause) : Clock::duration(kLinePause);
  const bool has_news = stage_shown_ != progress.stage || (has_bar_ && failed_shown_ != progress.failed);
  if (!has_news && now - shown_at_ < pause) {
    if (has_bar_) pending_ = progress;
    return;
  }
  pending_.reset();
  stage_shown_ = progress.stage;
  failed_shown_ = progress.failed;
  shown_at_ = now;
  if (has_bar_) {
    ShowBar(progress);
  } else {
    ShowLine(progress);
  }
}

void ProgressDisplay::Suspend(const std::function<void()>& write) {
  const auto call = [](void* user_data) noexcept {
    try {
      (*static_cast<const std::function<void()>*>(user_data))();
    } catch (...) {
      // It may not go through a library that is not C++.
    }
  };
  cdt_bar_suspend(bar_.get(), call, const_cast<std::function<void()>*>(&write));
}

void ProgressDisplay::End() {
  if (pending_ && bar_) ShowBar(*pending_);
  pending_.reset();
  bar_.reset();
}

void ProgressDisplay::ShowBar(const Progress& progress) {
  if (!bar_) bar_.reset(cdt_bar_new(colors_, Say(Text::kTimeLeft, language_).c_str()));
  std::string label = Say(StageText(progress.stage), language_);
  if (progress.failed != 0) label = Say(Text::kProgressFailed, language_, {label, std::to_string(progress.failed)});
  const std::uint64_t total = IsCounted(progress) ? progress.total : 0;
  cdt_bar_show(bar_.get(), label.c_str(), task_.c_str(), Seen(progress), total);
}

void ProgressDisplay::ShowLine(const Progress& progress) const {
  std::cerr << Printable(LineText(progress, language_)) << '\n';
}

}  // namespace cirrodata_tool
