// The tool's way with signals, without a tree: what the first one calls, that a second one ends the process, and that
// an ignored one stays ignored.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "comptask_upgrade.hpp"
#include "interrupts.h"
#include "tool_adapter.h"
#include "tool_dispatch.h"

namespace {

using cirrodata_tool::Interrupts;

bool WaitFor(const std::atomic<int>& count, int wanted) {
  for (int attempt = 0; attempt < 5000 && count != wanted; ++attempt) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return count == wanted;
}

TEST(Interrupts, CallsTheFunctionOnAnotherThreadForTheFirstSignal) {
  for (const int signal_number : {SIGINT, SIGTERM}) {
    std::atomic<int> calls{0};
    std::atomic<bool> on_another_thread{false};
    const std::thread::id here = std::this_thread::get_id();
    {
      const Interrupts interrupts([&] {
        on_another_thread = std::this_thread::get_id() != here;
        ++calls;
      });
      raise(signal_number);
      EXPECT_TRUE(WaitFor(calls, 1));
    }
    EXPECT_TRUE(on_another_thread);
    EXPECT_EQ(calls, 1);
  }
}

TEST(Interrupts, PutsBackWhatWasThereBefore) {
  struct sigaction before {};
  sigaction(SIGINT, nullptr, &before);
  {
    const Interrupts interrupts([] {});
  }
  struct sigaction after {};
  sigaction(SIGINT, nullptr, &after);
  EXPECT_EQ(before.sa_handler, after.sa_handler);
}

TEST(Interrupts, LeavesAnIgnoredSignalIgnored) {
  std::atomic<int> calls{0};
  signal(SIGINT, SIG_IGN);
  {
    const Interrupts interrupts([&] { ++calls; });
    raise(SIGINT);
    EXPECT_FALSE(WaitFor(calls, 1)) << "a signal that is ignored calls nothing";
  }
  signal(SIGINT, SIG_DFL);
  EXPECT_EQ(calls, 0);
}

TEST(InterruptsDeathTest, EndTheProcessAtTheSecondSignalEvenWhileTheFirstIsUnderWay) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        std::atomic<int> calls{0};
        const Interrupts interrupts([&] {
          ++calls;
          for (;;) pause();
        });
        raise(SIGINT);
        WaitFor(calls, 1);
        raise(SIGTERM);
      },
      testing::KilledBySignal(SIGTERM), "");
}

// Notes the order of its steps and throws in one of them.
class NotingAdapter : public cirrodata_tool::ToolAdapter {
 public:
  NotingAdapter(std::string& steps, char throwing) : steps_(steps), throwing_(throwing) {}
  void Init() override { Step('i'); }
  void Excu() override { Step('e'); }
  void Release() override { Step('r'); }

 private:
  void Step(char step) {
    steps_ += step;
    if (step == throwing_) throw std::runtime_error(std::string("thrown in ") + step);
  }

  std::string& steps_;
  char throwing_;
};

TEST(ToolDispatch, ReleasesHoweverTheToolEnds) {
  const std::map<char, std::string> kStepsByThrowing{{' ', "ier"}, {'i', "ir"}, {'e', "ier"}, {'r', "ier"}};
  for (const auto& [throwing, expected] : kStepsByThrowing) {
    std::string steps;
    cirrodata_tool::ToolDispatch dispatch;
    dispatch.Register("noting", std::make_shared<NotingAdapter>(steps, throwing));
    std::string thrown;
    try {
      dispatch.Dispatch("noting");
    } catch (const std::runtime_error& error) {
      thrown = error.what();
    }
    EXPECT_EQ(steps, expected);
    EXPECT_EQ(thrown, throwing == ' ' ? "" : std::string("thrown in ") + throwing);
  }
}

TEST(ToolDispatch, RefusesAToolThatNobodyRegistered) {
  cirrodata_tool::ToolDispatch dispatch;
  try {
    dispatch.Dispatch("nothing");
    ADD_FAILURE() << "there is no such tool";
  } catch (const comptask_upgrade::Error& error) {
    EXPECT_EQ(error.code(), comptask_upgrade::Code::kInvalidArgument);
  }
}

}  // namespace
