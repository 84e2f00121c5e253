// What a caller sees of a run under way, and how it ends one: progress, log, cancel.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "comptask_upgrade.hpp"
#include "memory_hosts.h"

namespace {

namespace ctu = comptask_upgrade;
using test_support::MemoryHost;

TEST(Progress, GoesThroughTheStagesAndCountsEveryTask) {
  MemoryHost host(50);
  ctu::Session session(host.MakeConfig());
  std::vector<ctu::Stage> stages;
  std::uint64_t last_done = 0;
  std::uint64_t last_total = 0;
  ctu::RunOptions options;
  options.progress = [&](const ctu::Progress& progress) {
    if (stages.empty() || stages.back() != progress.stage) {
      stages.push_back(progress.stage);
    } else if (progress.stage == ctu::Stage::kConvert) {
      EXPECT_GE(progress.done, last_done) << "it went back";
    }
    EXPECT_LE(progress.done + progress.skipped + progress.failed, progress.total);
    if (progress.stage != ctu::Stage::kConvert) return;
    last_done = progress.done;
    last_total = progress.total;
  };
  ASSERT_TRUE(session.Run(ctu::Operation::kUpgrade, options).ok());
  EXPECT_EQ(last_done, 54U);
  EXPECT_EQ(last_total, 54U);
  EXPECT_EQ(stages, (std::vector<ctu::Stage>{ctu::Stage::kCheck, ctu::Stage::kList, ctu::Stage::kConvert,
                                             ctu::Stage::kFinish, ctu::Stage::kClean}));
}

TEST(Progress, ThatThrowsHarmsNoRun) {
  MemoryHost host;
  ctu::Session session(host.MakeConfig());
  int calls = 0;
  ctu::RunOptions options;
  options.progress = [&](const ctu::Progress&) {
    ++calls;
    throw std::runtime_error("no display");
  };
  EXPECT_TRUE(session.Run(ctu::Operation::kUpgrade, options).ok());
  EXPECT_GT(calls, 0);
}

// A log line as the callback got it.
struct Line {
  ctu::LogLevel level;
  std::string target;
  std::string message;
};

std::vector<Line> LogOfUpgrade(ctu::LogLevel max_level) {
  MemoryHost host;
  // A task that becomes Cancel: something that an operator must hear of.
  host.AddTask({"xcloud24_9876", 0, 1600000000000, sample::kInit, "gone"});
  std::mutex mutex;
  std::vector<Line> lines;
  ctu::Config config = host.MakeConfig();
  config.SetLog(
      [&](ctu::LogLevel level, std::string_view target, std::string_view message) {
        const std::lock_guard<std::mutex> guard(mutex);
        lines.push_back({level, std::string(target), std::string(message)});
      },
      max_level);
  ctu::Session session(config);
  EXPECT_TRUE(session.Run(ctu::Operation::kUpgrade).ok());
  return lines;
}

TEST(Log, HoldsWhatIsWantedAndNotMore) {
  const std::vector<Line> warnings = LogOfUpgrade(ctu::LogLevel::kWarn);
  const std::vector<Line> everything = LogOfUpgrade(ctu::LogLevel::kTrace);
  EXPECT_LT(warnings.size(), everything.size());
  for (const Line& line : warnings) EXPECT_LE(line.level, ctu::LogLevel::kWarn) << line.message;
  bool cancelled_task_is_named = false;
  for (const Line& line : everything) {
    EXPECT_FALSE(line.target.empty()) << line.message;
    EXPECT_FALSE(line.message.empty());
    if (line.message.find("1600000000000") != std::string::npos) cancelled_task_is_named = true;
  }
  EXPECT_TRUE(cancelled_task_is_named);
}

TEST(Log, ThatThrowsHarmsNoRun) {
  MemoryHost host;
  std::atomic<int> calls{0};
  ctu::Config config = host.MakeConfig();
  config.SetLog(
      [&](ctu::LogLevel, std::string_view, std::string_view) {
        ++calls;
        throw std::runtime_error("no disk");
      },
      ctu::LogLevel::kTrace);
  ctu::Session session(config);
  EXPECT_TRUE(session.Run(ctu::Operation::kUpgrade).ok());
  EXPECT_GT(calls, 0);
}

TEST(Log, OutlivesTheConfigItWasSetOn) {
  auto token = std::make_shared<int>(0);
  const std::weak_ptr<int> watched = token;
  const MemoryHost host;
  std::optional<ctu::Session> session;
  {
    ctu::Config config = host.MakeConfig();
    config.SetLog([token](ctu::LogLevel, std::string_view, std::string_view) { ++*token; }, ctu::LogLevel::kTrace);
    session.emplace(config);
  }
  token.reset();
  EXPECT_TRUE(session->Run(ctu::Operation::kUpgrade).ok());
  ASSERT_FALSE(watched.expired());
  EXPECT_GT(*watched.lock(), 0);
  session.reset();
  EXPECT_TRUE(watched.expired());
}

// Cancels from another thread while a call of the run under way waits for it.
ctu::RunResult RunAndCancelAt(MemoryHost& host, ctu::Session& session, const std::string& path_part) {
  std::mutex mutex;
  std::condition_variable changed;
  bool reached = false;
  bool cancelled = false;
  std::thread canceller([&] {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return reached; });
    session.Cancel();
    cancelled = true;
    changed.notify_all();
  });
  host.storage->intercept = [&](std::string_view call, const std::string& path,
                                ctu::Reply&) -> std::optional<ctu::Code> {
    if (call == "create" && path.find(path_part) != std::string::npos) {
      std::unique_lock<std::mutex> lock(mutex);
      reached = true;
      changed.notify_all();
      changed.wait(lock, [&] { return cancelled; });
    }
    return {};
  };
  ctu::RunResult result = session.Run(ctu::Operation::kUpgrade);
  {
    const std::lock_guard<std::mutex> guard(mutex);
    EXPECT_TRUE(reached) << "the run never came to " << path_part;
    reached = true;
  }
  changed.notify_all();
  canceller.join();
  host.storage->intercept = nullptr;
  return result;
}

TEST(Cancel, FromAnotherThreadEndsTheRunAndTheNextOneGoesOn) {
  MemoryHost host(100);
  ctu::Session session(host.MakeConfig());
  const ctu::RunResult cancelled = RunAndCancelAt(host, session, "compct.xcloud25_9876.0.1500000000050");
  ASSERT_TRUE(cancelled.error.has_value());
  EXPECT_EQ(cancelled.error->code(), ctu::Code::kCancelled);
  ASSERT_TRUE(cancelled.report.has_value());
  EXPECT_GT(cancelled.report->left(), 0U);
  EXPECT_EQ(cancelled.report->total(), 104U);
  EXPECT_EQ(host.lock->acquired, host.lock->released) << "the lock is given back";
  for (const std::string& path : host.storage->tree.AllPaths()) {
    EXPECT_EQ(path.find("TaskUpgrade.done"), std::string::npos);
  }

  ctu::Session next(host.MakeConfig());
  const ctu::RunResult finished = next.Run(ctu::Operation::kUpgrade);
  ASSERT_TRUE(finished.ok()) << finished.error->what();
  EXPECT_EQ(finished.report->phase(), ctu::Phase::kUpgraded);
  EXPECT_EQ(finished.report->converted() + finished.report->skipped(), 104U);
}

TEST(Cancel, DoesNotStickToTheSession) {
  MemoryHost host(100);
  ctu::Session session(host.MakeConfig());
  ASSERT_FALSE(RunAndCancelAt(host, session, "compct.xcloud25_9876.0.1500000000050").ok());
  const ctu::RunResult finished = session.Run(ctu::Operation::kUpgrade);
  EXPECT_TRUE(finished.ok()) << finished.error->what();
}

}  // namespace
