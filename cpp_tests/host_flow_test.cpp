// The whole way of a tree in a host's own storage, with its own lock, catalog, liveness and codec.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "comptask_upgrade.hpp"
#include "local_tree.h"
#include "memory_hosts.h"
#include "text_codec.h"

namespace {

namespace ctu = comptask_upgrade;
using test_support::MemoryHost;

std::vector<std::string> V1Names() {
  std::vector<std::string> names;
  for (const std::string& path : test_support::DesignTreeV1()) {
    if (path.find("TaskAssigned/x") == std::string::npos) names.push_back(path);
  }
  return names;
}

std::vector<std::string> UpgradedNames() {
  std::vector<std::string> names = V1Names();
  for (const std::string& path : test_support::DesignTreeV2()) names.push_back(path);
  names.insert(names.end(), {"Compaction_V2/TaskUpgrade.done/", "Compaction_V2/TaskUpgrade.done/Manifest"});
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> Sorted(std::vector<std::string> paths) {
  std::sort(paths.begin(), paths.end());
  return paths;
}

void ExpectDone(const ctu::RunResult& result) {
  EXPECT_TRUE(result.ok()) << result.error->what() << ' ' << result.error->path();
  EXPECT_TRUE(result.report.has_value());
}

TEST(HostFlow, GoesFromV1ToV2Alone) {
  MemoryHost host;
  ctu::Session session(host.MakeConfig());
  ASSERT_EQ(Sorted(host.storage->tree.AllPaths()), V1Names());

  const ctu::RunResult status = session.Run(ctu::Operation::kStatus);
  ExpectDone(status);
  EXPECT_EQ(status.report->phase(), ctu::Phase::kNotStarted);
  EXPECT_EQ(host.lock->acquired, 0) << "a status needs no lock";

  const ctu::RunResult upgraded = session.Run(ctu::Operation::kUpgrade);
  ExpectDone(upgraded);
  EXPECT_EQ(upgraded.report->converted(), 4U);
  EXPECT_EQ(Sorted(host.storage->tree.AllPaths()), UpgradedNames());
  EXPECT_EQ(host.lock->acquired, 1);
  EXPECT_EQ(host.lock->released, 1) << "a run that took the lock gives it back";
  EXPECT_FALSE(host.lock->holder.empty());

  const ctu::RunResult again = session.Run(ctu::Operation::kUpgrade);
  ExpectDone(again);
  EXPECT_EQ(again.report->converted(), 0U);
  EXPECT_EQ(again.report->phase(), ctu::Phase::kUpgraded);

  const ctu::RunResult deleted = session.Run(ctu::Operation::kDelete);
  ExpectDone(deleted);
  EXPECT_EQ(Sorted(host.storage->tree.AllPaths()), Sorted(test_support::DesignTreeV2()));
}

// How many calls of an upgrade were under way at a time, at most.
std::uint32_t MostCallsUnderWay(std::uint32_t allowed_by_host, std::uint32_t in_flight) {
  MemoryHost host(200);
  host.storage->concurrency = allowed_by_host;
  std::atomic<std::uint32_t> under_way{0};
  std::atomic<std::uint32_t> most{0};
  host.storage->intercept = [&](std::string_view, const std::string&, ctu::Reply&) -> std::optional<ctu::Code> {
    const std::uint32_t now = ++under_way;
    std::uint32_t seen = most;
    while (now > seen && !most.compare_exchange_weak(seen, now)) {
    }
    std::this_thread::sleep_for(std::chrono::microseconds(50));
    --under_way;
    return {};
  };
  ctu::Session session(host.MakeConfig());
  ctu::RunOptions options;
  options.in_flight = in_flight;
  ExpectDone(session.Run(ctu::Operation::kUpgrade, options));
  return most;
}

TEST(HostFlow, HasNoMoreCallsUnderWayThanHostAndCallerAllow) {
  constexpr std::uint32_t kAnyNumber = 0;
  EXPECT_EQ(MostCallsUnderWay(1, kAnyNumber), 1U);
  EXPECT_EQ(MostCallsUnderWay(1, 8), 1U);
  EXPECT_LE(MostCallsUnderWay(3, kAnyNumber), 3U);
  EXPECT_EQ(MostCallsUnderWay(kAnyNumber, 1), 1U);
  EXPECT_LE(MostCallsUnderWay(kAnyNumber, 2), 2U);
}

TEST(HostFlow, EndsWithTheSameNamesHoweverManyCallsAreUnderWay) {
  std::vector<std::string> first;
  for (const std::uint32_t in_flight : {1U, 2U, 64U, 0U}) {
    MemoryHost host(100);
    host.storage->concurrency = 0;
    ctu::Session session(host.MakeConfig());
    ctu::RunOptions options;
    options.in_flight = in_flight;
    ExpectDone(session.Run(ctu::Operation::kUpgrade, options));
    const std::vector<std::string> names = Sorted(host.storage->tree.AllPaths());
    if (first.empty()) first = names;
    EXPECT_EQ(names, first) << in_flight;
  }
}

TEST(HostFlow, LeavesEveryByteOfATaskToTheHostsCodec) {
  MemoryHost host;
  ASSERT_EQ(host.storage->tree.Remove("Compaction", true), CTU_OK);
  host.LayOut("Compaction/Scheduler", "");
  ctu::TaskV1 task;
  task.receive_pu = "xcloud24_9876";
  task.receive_ts = 1617606756000;
  task.state = ctu::V1State::kAssigned;
  task.db_name = "sales";
  task.schema_name = "us";
  task.table_name = "orders";
  host.LayOut("Compaction/Scheduler/compct.xcloud24_9876.0.1617606756000.Assigned",
              test_support::TextCodec::Text(task));
  ctu::Config config = host.MakeConfig();
  config.SetCodec(std::make_shared<test_support::TextCodec>());
  ctu::Session session(config);
  ctu::RunOptions verify;
  verify.verify = true;
  ExpectDone(session.Run(ctu::Operation::kUpgrade, verify));
  std::string bytes;
  ASSERT_EQ(host.storage->tree.Read("Compaction_V2/Scheduler/aaaaffff.16176067.56000000.0/TaskInfo.pc2.sales",
                                    1U << 20U, bytes),
            CTU_OK);
  EXPECT_EQ(bytes,
            "text-v2\naaaaffff.16176067.56000000\n0\nxcloud24_9876\n0\nsales\npc2\nsales\nus\norders\n\npc2\n"
            "xcloud25_9876\n");
  ExpectDone(session.Run(ctu::Operation::kStatus, verify));
  ExpectDone(session.Run(ctu::Operation::kDelete));
}

TEST(HostFlow, AsksForTheChangeIdWhereThereIsOne) {
  MemoryHost host;
  host.liveness->change_id = 4711;
  ctu::Session session(host.MakeConfig());
  ExpectDone(session.Run(ctu::Operation::kUpgrade));
  EXPECT_GE(host.liveness->change_id_calls, 1);
  std::string manifest;
  ASSERT_EQ(host.storage->tree.Read("Compaction_V2/TaskUpgrade.done/Manifest", 1U << 20U, manifest), CTU_OK);
  EXPECT_NE(manifest.find("4711"), std::string::npos) << manifest.substr(0, 300);
}

TEST(HostFlow, CanBeSeenInAVerifyThatFindsADifference) {
  MemoryHost host;
  ctu::Session session(host.MakeConfig());
  ExpectDone(session.Run(ctu::Operation::kUpgrade));
  const std::string file = "Compaction_V2/Scheduler/aaaaffff.16176067.56000000.0/TaskInfo.pc2.sales";
  std::string bytes;
  ASSERT_EQ(host.storage->tree.Read(file, 1U << 20U, bytes), CTU_OK);
  ctu::TaskV2 changed = ctu::Task::DecodeV2(bytes).v2();
  changed.table_name = "another";
  ASSERT_EQ(host.storage->tree.Remove(file, false), CTU_OK);
  ASSERT_EQ(host.storage->tree.Create(file, ctu::Encode(changed).view()), CTU_OK);
  ctu::RunOptions verify;
  verify.verify = true;
  const ctu::RunResult status = session.Run(ctu::Operation::kStatus, verify);
  ASSERT_TRUE(status.error.has_value() || status.report->warnings() > 0) << "the difference went unseen";
  const ctu::RunResult deleted = session.Run(ctu::Operation::kDelete);
  ASSERT_TRUE(deleted.error.has_value()) << "the only good copy must not be deleted";
  EXPECT_EQ(Sorted(host.storage->tree.AllPaths()), UpgradedNames());
}

}  // namespace
