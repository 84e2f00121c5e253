// Jobs: what a process sees of a run that goes on beside it, how it ends one, and who lives how long.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "comptask_upgrade.hpp"
#include "held_call.h"
#include "memory_hosts.h"
#include "threads.h"

namespace {

namespace ctu = comptask_upgrade;
using test_support::HeldCall;
using test_support::MemoryHost;

constexpr int kFurtherTasks = 50;
constexpr std::uint64_t kAllTasks = kFurtherTasks + 4;
// The mark of a task in the middle; of the storage's calls only an upgrade's run makes it.
constexpr const char* kTaskInTheMiddle = "compct.xcloud25_9876.0.1500000000025";

// The code that a call throws.
template <typename Call>
ctu::Code CodeThrownBy(Call call) {
  try {
    call();
  } catch (const ctu::Error& error) {
    return error.code();
  }
  return ctu::Code::kOk;
}

bool HasDoneMark(const MemoryHost& host) {
  for (const std::string& path : host.storage->tree.AllPaths()) {
    if (path.find("TaskUpgrade.done") != std::string::npos) return true;
  }
  return false;
}

TEST(Job, ShowsHowFarItIsAndHandsOutItsReport) {
  MemoryHost host(kFurtherTasks);
  HeldCall held(host, "create", kTaskInTheMiddle);
  ctu::Session session(host.MakeConfig());
  const ctu::Job job = session.StartJob(ctu::Operation::kUpgrade);
  held.AwaitReached();
  EXPECT_FALSE(job.done());
  const ctu::JobProgress middle = job.progress();
  EXPECT_EQ(middle.stage, ctu::Stage::kConvert);
  EXPECT_EQ(middle.total, kAllTasks);
  EXPECT_LT(middle.done, kAllTasks);
  held.LetGo();
  const ctu::RunResult result = job.Wait();
  ASSERT_TRUE(result.ok()) << result.error->what();
  EXPECT_TRUE(job.done());
  EXPECT_EQ(result.report->converted(), kAllTasks);
  EXPECT_EQ(result.report->phase(), ctu::Phase::kUpgraded);
  EXPECT_EQ(job.progress().stage, ctu::Stage::kClean) << "the last word stays";
  EXPECT_EQ(host.lock->acquired, host.lock->released);
}

TEST(Job, IsDoneWithoutBeingWaitedFor) {
  MemoryHost host;
  ctu::Session session(host.MakeConfig());
  const ctu::Job job = session.StartJob(ctu::Operation::kStatus);
  while (!job.done()) std::this_thread::yield();
  EXPECT_TRUE(session.Run(ctu::Operation::kStatus).ok()) << "a session whose job is done is free";
  EXPECT_TRUE(job.Wait().ok());
}

TEST(Job, HandsOutTheFailureAndTheReportOfARunWhoseTasksFailed) {
  MemoryHost host;
  host.LayOut("Compaction/Scheduler/compct.xcloud24_9876.0.1600000000000", "broken");
  ctu::Session session(host.MakeConfig());
  const ctu::RunResult result = session.StartJob(ctu::Operation::kUpgrade).Wait();
  ASSERT_TRUE(result.error.has_value());
  EXPECT_EQ(result.error->code(), ctu::Code::kTasksFailed);
  ASSERT_TRUE(result.report.has_value());
  EXPECT_EQ(result.report->failed(), 1U);
  EXPECT_EQ(result.report->converted(), 4U);
}

TEST(Job, HandsOutAFailureWithoutAReportWhereTheRunDidNotGetFar) {
  MemoryHost host;
  host.lock->other_holder = "somebody else";
  ctu::Session session(host.MakeConfig());
  const ctu::RunResult result = session.StartJob(ctu::Operation::kUpgrade).Wait();
  ASSERT_TRUE(result.error.has_value());
  EXPECT_EQ(result.error->code(), ctu::Code::kLocked);
  EXPECT_FALSE(result.report.has_value());
}

TEST(Job, HandsOutItsEndOnce) {
  MemoryHost host;
  ctu::Session session(host.MakeConfig());
  const ctu::Job job = session.StartJob(ctu::Operation::kStatus);
  EXPECT_TRUE(job.Wait().ok());
  const ctu::RunResult again = job.Wait();
  ASSERT_TRUE(again.error.has_value());
  EXPECT_EQ(again.error->code(), ctu::Code::kInvalidArgument);
  EXPECT_FALSE(again.report.has_value());
}

TEST(Job, HandsOutItsEndToOneOfTwoThreadsThatWait) {
  MemoryHost host(kFurtherTasks);
  HeldCall held(host, "create", kTaskInTheMiddle);
  ctu::Session session(host.MakeConfig());
  const ctu::Job job = session.StartJob(ctu::Operation::kUpgrade);
  std::atomic<int> reports{0};
  std::atomic<int> refusals{0};
  const auto wait = [&] {
    const ctu::RunResult result = job.Wait();
    if (result.ok() && result.report) ++reports;
    if (!result.ok() && result.error->code() == ctu::Code::kInvalidArgument) ++refusals;
    EXPECT_TRUE(job.done()) << "neither is answered before the end";
  };
  std::thread one(wait);
  std::thread other(wait);
  held.AwaitReached();
  held.LetGo();
  one.join();
  other.join();
  EXPECT_EQ(reports, 1);
  EXPECT_EQ(refusals, 1);
}

TEST(Job, IsCancelledInTheMiddleAndTheNextRunGoesOn) {
  MemoryHost host(kFurtherTasks);
  HeldCall held(host, "create", kTaskInTheMiddle);
  ctu::Session session(host.MakeConfig());
  const ctu::Job job = session.StartJob(ctu::Operation::kUpgrade);
  held.AwaitReached();
  job.Cancel();
  held.LetGo();
  const ctu::RunResult cancelled = job.Wait();
  ASSERT_TRUE(cancelled.error.has_value());
  EXPECT_EQ(cancelled.error->code(), ctu::Code::kCancelled);
  ASSERT_TRUE(cancelled.report.has_value());
  EXPECT_GT(cancelled.report->left(), 0U);
  EXPECT_EQ(host.lock->acquired, host.lock->released) << "the lock is given back";
  EXPECT_FALSE(HasDoneMark(host));

  const ctu::RunResult finished = session.StartJob(ctu::Operation::kUpgrade).Wait();
  ASSERT_TRUE(finished.ok()) << finished.error->what();
  EXPECT_EQ(finished.report->converted() + finished.report->skipped(), kAllTasks);
}

TEST(Job, IsEndedByACancelOfItsSession) {
  MemoryHost host(kFurtherTasks);
  HeldCall held(host, "create", kTaskInTheMiddle);
  ctu::Session session(host.MakeConfig());
  const ctu::Job job = session.StartJob(ctu::Operation::kUpgrade);
  held.AwaitReached();
  session.Cancel();
  held.LetGo();
  const ctu::RunResult cancelled = job.Wait();
  ASSERT_TRUE(cancelled.error.has_value());
  EXPECT_EQ(cancelled.error->code(), ctu::Code::kCancelled);
  EXPECT_TRUE(session.Run(ctu::Operation::kUpgrade).ok()) << "it does not stick";
}

TEST(Job, ThatIsCancelledAfterItsEndReachesNoLaterRun) {
  MemoryHost host(kFurtherTasks);
  ctu::Session session(host.MakeConfig());
  const ctu::Job job = session.StartJob(ctu::Operation::kStatus);
  while (!job.done()) std::this_thread::yield();
  job.Cancel();
  const ctu::RunResult upgraded = session.StartJob(ctu::Operation::kUpgrade).Wait();
  EXPECT_TRUE(upgraded.ok()) << upgraded.error->what();
  const ctu::RunResult of_job = job.Wait();
  EXPECT_TRUE(of_job.ok()) << "what has ended well stays so: " << of_job.error->what();
  job.Cancel();
  const ctu::RunResult deleted = session.Run(ctu::Operation::kDelete);
  EXPECT_TRUE(deleted.ok()) << deleted.error->what();
}

TEST(Job, KeepsItsSessionBusyAndNoOther) {
  MemoryHost host(kFurtherTasks);
  HeldCall held(host, "create", kTaskInTheMiddle);
  ctu::Session session(host.MakeConfig());
  ctu::Session other(host.MakeConfig());
  const ctu::Job job = session.StartJob(ctu::Operation::kUpgrade);
  // Before the run is anywhere near its first change: busy from the moment that the job is there.
  EXPECT_EQ(session.Run(ctu::Operation::kStatus).error->code(), ctu::Code::kBusy);
  held.AwaitReached();
  EXPECT_EQ(session.Run(ctu::Operation::kStatus).error->code(), ctu::Code::kBusy);
  EXPECT_EQ(CodeThrownBy([&] { (void)session.StartJob(ctu::Operation::kStatus); }), ctu::Code::kBusy);
  EXPECT_EQ(CodeThrownBy([&] { session.Lock(); }), ctu::Code::kBusy);
  EXPECT_EQ(CodeThrownBy([&] { session.Unlock(); }), ctu::Code::kBusy);
  EXPECT_EQ(CodeThrownBy([&] { session.Close(); }), ctu::Code::kBusy);
  EXPECT_EQ(CodeThrownBy([&] { (void)session.NodeGate("xcloud24_9876"); }), ctu::Code::kBusy);
  EXPECT_EQ(CodeThrownBy([&] { session.CheckAllOffline(ctu::Operation::kUpgrade); }), ctu::Code::kBusy);
  EXPECT_EQ(CodeThrownBy([&] { (void)session.IsUpgraded(kTaskInTheMiddle); }), ctu::Code::kBusy);
  const ctu::RunResult status = other.Run(ctu::Operation::kStatus);
  ASSERT_TRUE(status.ok()) << status.error->what();
  EXPECT_EQ(status.report->phase(), ctu::Phase::kUpgrading);
  EXPECT_EQ(other.NodeGate("xcloud24_9876"), ctu::Gate::kDoNotStart);
  held.LetGo();
  EXPECT_TRUE(job.Wait().ok());
  EXPECT_TRUE(session.Run(ctu::Operation::kStatus).ok());
}

TEST(Job, RunsUnderTheLockThatItsSessionHolds) {
  MemoryHost host;
  ctu::Session session(host.MakeConfig());
  session.Lock();
  EXPECT_TRUE(session.StartJob(ctu::Operation::kUpgrade).Wait().ok());
  EXPECT_EQ(host.lock->acquired, 1);
  EXPECT_EQ(host.lock->released, 0) << "it is the caller's";
  session.Unlock();
  EXPECT_EQ(host.lock->released, 1);
}

TEST(Job, RefusesWhatMeansNothingToItsOperationAtOnce) {
  MemoryHost host;
  ctu::Session session(host.MakeConfig());
  ctu::RunOptions force;
  force.force = true;
  EXPECT_EQ(CodeThrownBy([&] { (void)session.StartJob(ctu::Operation::kUpgrade, force); }),
            ctu::Code::kInvalidArgument);
  EXPECT_EQ(CodeThrownBy([&] { (void)session.StartJob(ctu::Operation::kInvalid); }), ctu::Code::kInvalidArgument);
  EXPECT_TRUE(session.Run(ctu::Operation::kStatus).ok());
}

TEST(Job, TellsItsProgressOnOneThreadOfItsOwn) {
  MemoryHost host(kFurtherTasks);
  ctu::Session session(host.MakeConfig());
  std::set<std::thread::id> threads;
  std::vector<ctu::Stage> stages;
  ctu::RunOptions options;
  options.progress = [&](const ctu::Progress& progress) {
    threads.insert(std::this_thread::get_id());
    if (stages.empty() || stages.back() != progress.stage) stages.push_back(progress.stage);
    throw std::runtime_error("no display");
  };
  const ctu::RunResult result = session.StartJob(ctu::Operation::kUpgrade, options).Wait();
  ASSERT_TRUE(result.ok()) << result.error->what();
  EXPECT_EQ(threads.size(), 1U);
  EXPECT_EQ(threads.count(std::this_thread::get_id()), 0U);
  EXPECT_EQ(stages, (std::vector<ctu::Stage>{ctu::Stage::kCheck, ctu::Stage::kList, ctu::Stage::kConvert,
                                             ctu::Stage::kFinish, ctu::Stage::kClean}));
}

TEST(Job, ThatGoesWhileItRunsEndsItsRunAndItsThread) {
  MemoryHost host(kFurtherTasks);
  std::atomic<int> calls{0};
  std::atomic<bool> under_way{false};
  // Slow enough for a run of some seconds, which nobody has to wait for.
  host.storage->intercept = [&](std::string_view call, const std::string& path,
                                ctu::Reply&) -> std::optional<ctu::Code> {
    ++calls;
    if (call == "create" && path.find(kTaskInTheMiddle) != std::string::npos) under_way = true;
    if (under_way) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return {};
  };
  const std::size_t threads = test_support::ThreadCount();
  {
    ctu::Session session(host.MakeConfig());
    std::optional<ctu::Job> job(session.StartJob(ctu::Operation::kUpgrade));
    while (!under_way) std::this_thread::yield();
    EXPECT_GT(test_support::ThreadCount(), threads);
    job.reset();
    const int calls_at_the_end = calls;
    EXPECT_TRUE(test_support::FallsToThreadCount(threads)) << "a thread is left";
    EXPECT_EQ(calls, calls_at_the_end) << "the run went on";
    EXPECT_EQ(host.lock->acquired, host.lock->released);
    EXPECT_FALSE(HasDoneMark(host)) << "it was asked to stop, not waited for";
  }
  host.storage->intercept = nullptr;
  ctu::Session next(host.MakeConfig());
  EXPECT_TRUE(next.Run(ctu::Operation::kUpgrade).ok());
}

TEST(Job, ThatWasWaitedForLeavesNoThread) {
  const std::size_t threads = test_support::ThreadCount();
  MemoryHost host(kFurtherTasks);
  host.storage->concurrency = 0;
  ctu::Session session(host.MakeConfig());
  const ctu::Job job = session.StartJob(ctu::Operation::kUpgrade);
  EXPECT_TRUE(job.Wait().ok());
  EXPECT_TRUE(test_support::FallsToThreadCount(threads));
}

TEST(Job, OutlivesItsSessionWithAllThatItNeeds) {
  auto token = std::make_shared<int>(0);
  const std::weak_ptr<int> logged = token;
  auto host = std::make_unique<MemoryHost>(kFurtherTasks);
  const std::weak_ptr<test_support::MemoryStorage> storage = host->storage;
  const std::weak_ptr<test_support::MemoryLock> lock = host->lock;
  HeldCall held(*host, "create", kTaskInTheMiddle);
  std::atomic<int> progress_calls{0};
  std::optional<ctu::Job> job;
  {
    ctu::Config config = host->MakeConfig();
    config.SetLog([token](ctu::LogLevel, std::string_view, std::string_view) { ++*token; }, ctu::LogLevel::kTrace);
    ctu::Session session(config);
    session.Lock();
    ctu::RunOptions options;
    options.progress = [&progress_calls](const ctu::Progress&) { ++progress_calls; };
    job.emplace(session.StartJob(ctu::Operation::kUpgrade, options));
    held.AwaitReached();
  }
  token.reset();
  host.reset();
  const int before = progress_calls;
  held.LetGo();
  const ctu::RunResult result = job->Wait();
  ASSERT_TRUE(result.ok()) << result.error->what();
  EXPECT_EQ(result.report->converted(), kAllTasks);
  EXPECT_GT(progress_calls, before);
  ASSERT_FALSE(storage.expired()) << "what the host supplied lives as long as the job";
  ASSERT_FALSE(logged.expired());
  const std::shared_ptr<test_support::MemoryLock> kept_lock = lock.lock();
  ASSERT_TRUE(kept_lock);
  EXPECT_EQ(kept_lock->released, 0) << "the lock that the session took is still held";
  job.reset();
  EXPECT_EQ(kept_lock->released, 1);
  EXPECT_TRUE(storage.expired());
  EXPECT_TRUE(logged.expired());
}

TEST(Job, CanBeMoved) {
  MemoryHost first_host(kFurtherTasks);
  MemoryHost second_host;
  HeldCall held(first_host, "create", kTaskInTheMiddle);
  ctu::Session first_session(first_host.MakeConfig());
  ctu::Session second_session(second_host.MakeConfig());
  int calls = 0;
  ctu::RunOptions options;
  options.progress = [&calls](const ctu::Progress&) { ++calls; };
  ctu::Job job = second_session.StartJob(ctu::Operation::kUpgrade);
  ctu::Job held_job = first_session.StartJob(ctu::Operation::kUpgrade, options);
  held.AwaitReached();
  const int before = calls;
  job = std::move(held_job);
  held.LetGo();
  EXPECT_TRUE(job.Wait().ok());
  EXPECT_GT(calls, before) << "its callback moved with it";
}

}  // namespace
