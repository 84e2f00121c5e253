// Jobs and the node gate in plain calls of the C ABI: sizes, texts, threads that ask at once.
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "comptask_upgrade.hpp"
#include "held_call.h"
#include "local_tree.h"
#include "memory_hosts.h"
#include "raw_abi.h"
#include "temp_folder.h"

namespace {

using namespace test_support;

struct JobDeleter {
  void operator()(ctu_job* job) const { ctu_job_free(job); }
};
using JobHandle = std::unique_ptr<ctu_job, JobDeleter>;

// A job held in the middle of an upgrade of 54 tasks.
class JobInTheMiddle : public testing::Test {
 protected:
  void SetUp() override {
    ctu_job* raw = nullptr;
    ASSERT_EQ(CodeOf(ctu_job_start(session_.get(), CTU_OP_UPGRADE, nullptr, &raw)), CTU_OK);
    job_.reset(raw);
    held_.AwaitReached();
  }
  void TearDown() override { held_.LetGo(); }

  MemoryHost host_{50};
  HeldCall held_{host_, "create", "compct.xcloud25_9876.0.1500000000025"};
  comptask_upgrade::Session session_{host_.MakeConfig()};
  JobHandle job_;
};

TEST_F(JobInTheMiddle, FillsInAsMuchOfItsProgressAsTheCallerKnows) {
  ctu_progress progress;
  std::memset(&progress, 0xAB, sizeof(progress));
  progress.struct_size = offsetof(ctu_progress, total);
  ASSERT_EQ(CodeOf(ctu_job_progress(job_.get(), &progress)), CTU_OK);
  EXPECT_EQ(progress.struct_size, offsetof(ctu_progress, total));
  EXPECT_EQ(progress.stage, CTU_STAGE_CONVERT);
  const auto* bytes = reinterpret_cast<const unsigned char*>(&progress);
  for (std::size_t at = offsetof(ctu_progress, total); at < sizeof(progress); ++at) EXPECT_EQ(bytes[at], 0xAB) << at;

  struct {
    ctu_progress known;
    unsigned char tail[16];
  } grown;
  std::memset(&grown, 0xAB, sizeof(grown));
  grown.known.struct_size = sizeof(grown);
  ASSERT_EQ(CodeOf(ctu_job_progress(job_.get(), &grown.known)), CTU_OK);
  EXPECT_EQ(grown.known.total, 54U);
  ASSERT_NE(grown.known.current, nullptr);
  for (const unsigned char byte : grown.tail) EXPECT_EQ(byte, 0);

  for (const std::size_t size : {std::size_t{0}, sizeof(std::size_t) - 1, std::size_t{5000}}) {
    progress.struct_size = size;
    EXPECT_EQ(CodeOf(ctu_job_progress(job_.get(), &progress)), CTU_INVALID_ARGUMENT) << size;
  }
}

TEST_F(JobInTheMiddle, AnswersNothingWithoutAPlaceForIt) {
  EXPECT_EQ(CodeOf(ctu_job_progress(job_.get(), nullptr)), CTU_INVALID_ARGUMENT);
  EXPECT_EQ(CodeOf(ctu_job_wait(job_.get(), nullptr)), CTU_INVALID_ARGUMENT) << "and does not wait";
  EXPECT_FALSE(ctu_job_done(job_.get()));
  held_.LetGo();
  ctu_report* report = nullptr;
  EXPECT_EQ(CodeOf(ctu_job_wait(job_.get(), &report)), CTU_OK) << "the end was not handed out by that";
  EXPECT_NE(report, nullptr);
  ctu_report_free(report);
  report = reinterpret_cast<ctu_report*>(1);
  EXPECT_EQ(CodeOf(ctu_job_wait(job_.get(), &report)), CTU_INVALID_ARGUMENT);
  EXPECT_EQ(report, nullptr);
}

TEST_F(JobInTheMiddle, TakesNoTextAwayFromAThreadWhileOthersAsk) {
  std::atomic<int> ready{0};
  std::atomic<bool> ended{false};
  std::atomic<int> changed{0};
  const auto ask = [&] {
    ctu_progress progress{};
    progress.struct_size = sizeof(progress);
    bool first = true;
    while (!ended || first) {
      if (CodeOf(ctu_job_progress(job_.get(), &progress)) != CTU_OK) ++changed;
      const std::string text = progress.current;
      std::this_thread::yield();
      if (text != progress.current) ++changed;
      if (first) ++ready;
      first = false;
    }
  };
  std::vector<std::thread> threads;
  for (int index = 0; index < 3; ++index) threads.emplace_back(ask);
  while (ready < 3) std::this_thread::yield();
  held_.LetGo();
  ctu_report* report = nullptr;
  EXPECT_EQ(CodeOf(ctu_job_wait(job_.get(), &report)), CTU_OK);
  ctu_report_free(report);
  ended = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(changed, 0);
}

// What a callback of a job can do with the job itself.
struct Own {
  std::atomic<ctu_job*> job{nullptr};
  std::atomic<ctu_code> wait_code{CTU_OK};
  std::atomic<bool> asked{false};
};

TEST(JobAbi, DoesNotWaitForItselfInItsOwnCallback) {
  Own own;
  const MemoryHost host;
  const comptask_upgrade::Session session(host.MakeConfig());
  ctu_run_options options{};
  options.struct_size = sizeof(options);
  options.progress_user_data = &own;
  options.progress = [](void* user_data, const ctu_progress* progress) {
    auto& own = *static_cast<Own*>(user_data);
    // Later than the first word, which comes before the caller has the job.
    if (progress->stage == CTU_STAGE_CHECK || own.asked) return;
    while (own.job == nullptr) std::this_thread::yield();
    auto* report = reinterpret_cast<ctu_report*>(1);
    own.wait_code = CodeOf(ctu_job_wait(own.job, &report));
    own.asked = report == nullptr;
  };
  ctu_job* raw = nullptr;
  ASSERT_EQ(CodeOf(ctu_job_start(session.get(), CTU_OP_STATUS, &options, &raw)), CTU_OK);
  const JobHandle job(raw);
  own.job = raw;
  ctu_report* report = nullptr;
  EXPECT_EQ(CodeOf(ctu_job_wait(raw, &report)), CTU_OK);
  EXPECT_NE(report, nullptr);
  ctu_report_free(report);
  EXPECT_TRUE(own.asked);
  EXPECT_EQ(own.wait_code, CTU_INVALID_ARGUMENT);
}

TEST(JobAbi, RefusesOptionsThatItCannotRead) {
  const MemoryHost host;
  const comptask_upgrade::Session session(host.MakeConfig());
  ctu_run_options options{};
  auto* job = reinterpret_cast<ctu_job*>(1);
  EXPECT_EQ(CodeOf(ctu_job_start(session.get(), CTU_OP_STATUS, &options, &job)), CTU_INVALID_ARGUMENT) << "no size";
  EXPECT_EQ(job, nullptr);
  options.struct_size = sizeof(options);
  options.flags = 1U << 31U;
  EXPECT_EQ(CodeOf(ctu_job_start(session.get(), CTU_OP_STATUS, &options, &job)), CTU_INVALID_ARGUMENT);
  options.flags = CTU_RUN_REOPEN;
  EXPECT_EQ(CodeOf(ctu_job_start(session.get(), CTU_OP_STATUS, &options, &job)), CTU_INVALID_ARGUMENT);
}

class GateOfAnUpgradedTree : public testing::Test {
 protected:
  void SetUp() override {
    LayOutDesignTree(folder_.path());
    WriteFile(folder_.Inside("catalog.json"), kCatalogJson);
    const SessionHandle session = Open();
    ctu_report* report = nullptr;
    ASSERT_EQ(CodeOf(ctu_run(session.get(), CTU_OP_UPGRADE, nullptr, &report)), CTU_OK);
    ctu_report_free(report);
  }

  [[nodiscard]] SessionHandle Open() const {
    const ConfigHandle config(ctu_config_new());
    EXPECT_EQ(CodeOf(ctu_config_root(config.get(), folder_.path().c_str())), CTU_OK);
    EXPECT_EQ(CodeOf(ctu_config_catalog_file(config.get(), folder_.Inside("catalog.json").c_str())), CTU_OK);
    EXPECT_EQ(CodeOf(ctu_config_liveness_assume_offline(config.get())), CTU_OK);
    ctu_session* session = nullptr;
    EXPECT_EQ(CodeOf(ctu_session_open(config.get(), &session)), CTU_OK);
    return SessionHandle(session);
  }

  [[nodiscard]] std::vector<std::string> DoneNames() const {
    return NamesIn(folder_.path() / "Compaction_V2/TaskUpgrade.done");
  }

  // Asks the gate from two threads at the same time, each by a session of its own.
  void AskFromTwoThreads(const std::string& one_node, const std::string& other_node) const {
    std::atomic<int> waiting{2};
    const auto ask = [&](const SessionHandle& session, const std::string& node) {
      --waiting;
      while (waiting > 0) std::this_thread::yield();
      std::int32_t verdict = 0;
      EXPECT_EQ(CodeOf(ctu_node_gate(session.get(), node.c_str(), &verdict)), CTU_OK);
      EXPECT_EQ(verdict, CTU_GATE_USE_V2);
    };
    const SessionHandle one_session = Open();
    const SessionHandle other_session = Open();
    std::thread one([&] { ask(one_session, one_node); });
    std::thread other([&] { ask(other_session, other_node); });
    one.join();
    other.join();
  }

  TempFolder folder_;
};

TEST_F(GateOfAnUpgradedTree, AskedTwiceIsAskedOnce) {
  const SessionHandle session = Open();
  for (int time = 0; time < 2; ++time) {
    std::int32_t verdict = 0;
    ASSERT_EQ(CodeOf(ctu_node_gate(session.get(), "xcloud24_9876", &verdict)), CTU_OK);
    EXPECT_EQ(verdict, CTU_GATE_USE_V2);
    EXPECT_EQ(DoneNames(), (std::vector<std::string>{"Manifest", "Started.xcloud24_9876"}));
  }
}

TEST_F(GateOfAnUpgradedTree, RecordsTwoNodesThatAskAtOnce) {
  std::vector<std::string> expected{"Manifest"};
  for (int pair = 10; pair < 30; ++pair) {
    const std::string name = "node" + std::to_string(pair);
    AskFromTwoThreads(name + "_1", name + "_2");
    expected.insert(expected.end(), {"Started." + name + "_1", "Started." + name + "_2"});
    ASSERT_EQ(DoneNames(), expected);
  }
}

TEST_F(GateOfAnUpgradedTree, RecordsANodeOnceThatAsksFromTwoThreads) {
  std::vector<std::string> expected{"Manifest"};
  for (int time = 10; time < 30; ++time) {
    const std::string name = "node" + std::to_string(time);
    AskFromTwoThreads(name, name);
    expected.push_back("Started." + name);
    ASSERT_EQ(DoneNames(), expected);
  }
}

}  // namespace
