// Hosts that fail: by a code, by an exception, by a lock that is taken away; and what of them is released when.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "comptask_upgrade.hpp"
#include "memory_hosts.h"
#include "raw_abi.h"

namespace {

namespace ctu = comptask_upgrade;
using test_support::IsChange;
using test_support::MemoryHost;

using Answer = std::optional<ctu::Code>;

// Fails every call of this name that touches a path with this part in it.
test_support::Intercept FailAt(std::string call, std::string part, ctu::Code code, std::string message) {
  return [=](std::string_view name, const std::string& path, ctu::Reply& reply) -> Answer {
    if (name != call || path.find(part) == std::string::npos) return {};
    reply.Message(message);
    return code;
  };
}

bool Holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// Everything a run says: the error, and the details of the rows.
std::string AllTexts(const ctu::RunResult& result) {
  std::string texts;
  if (result.error) texts += std::string(result.error->what()) + "\n" + result.error->path() + "\n";
  if (result.report) {
    for (std::size_t index = 0; index < result.report->task_count(); ++index) {
      texts += result.report->task(index).detail + "\n";
    }
    texts += result.report->json();
  }
  return texts;
}

TEST(HostFailure, ByACodeArrivesWithItsMessageAndItsPath) {
  MemoryHost host;
  host.storage->intercept = FailAt("list", "Compaction", ctu::Code::kPermission, "the name node said no, twice");
  ctu::Session session(host.MakeConfig());
  const ctu::RunResult result = session.Run(ctu::Operation::kStatus);
  ASSERT_TRUE(result.error.has_value());
  EXPECT_EQ(result.error->code(), ctu::Code::kPermission);
  EXPECT_TRUE(Holds(result.error->what(), "the name node said no, twice")) << result.error->what();
  EXPECT_TRUE(Holds(result.error->path(), "Compaction")) << result.error->path();
}

TEST(HostFailure, OfOneTaskIsThatTasksOnly) {
  MemoryHost host;
  host.storage->intercept = FailAt("read", "1617693156000", ctu::Code::kStorage, "three replicas, all rotten");
  ctu::Session session(host.MakeConfig());
  const ctu::RunResult result = session.Run(ctu::Operation::kUpgrade);
  ASSERT_TRUE(result.error.has_value());
  EXPECT_EQ(result.error->code(), ctu::Code::kTasksFailed);
  ASSERT_TRUE(result.report.has_value());
  EXPECT_EQ(result.report->converted(), 3U);
  EXPECT_EQ(result.report->failed(), 1U);
  EXPECT_TRUE(Holds(AllTexts(result), "three replicas, all rotten")) << AllTexts(result);

  host.storage->intercept = nullptr;
  const ctu::RunResult second = session.Run(ctu::Operation::kUpgrade);
  EXPECT_TRUE(second.ok());
  EXPECT_EQ(second.report->converted(), 1U);
  EXPECT_EQ(second.report->skipped(), 3U);
}

TEST(HostFailure, ByAnExceptionIsAnInternalErrorWithItsText) {
  MemoryHost host;
  host.storage->intercept = [](std::string_view call, const std::string&, ctu::Reply&) -> Answer {
    if (call == "list") throw std::runtime_error("the host fell over");
    return {};
  };
  ctu::Session session(host.MakeConfig());
  const ctu::RunResult result = session.Run(ctu::Operation::kStatus);
  ASSERT_TRUE(result.error.has_value());
  EXPECT_EQ(result.error->code(), ctu::Code::kInternal);
  EXPECT_TRUE(Holds(result.error->what(), "the host fell over")) << result.error->what();
}

TEST(HostFailure, ByAnErrorKeepsItsCode) {
  MemoryHost host;
  host.storage->intercept = [](std::string_view call, const std::string&, ctu::Reply&) -> Answer {
    if (call == "list") throw ctu::Error(ctu::Code::kRetryLater, "the name node is in safe mode");
    return {};
  };
  ctu::Session session(host.MakeConfig());
  const ctu::RunResult result = session.Run(ctu::Operation::kStatus);
  ASSERT_TRUE(result.error.has_value());
  EXPECT_EQ(result.error->code(), ctu::Code::kRetryLater);
  EXPECT_TRUE(Holds(result.error->what(), "safe mode")) << result.error->what();
}

TEST(HostFailure, BySomethingThatIsNoExceptionIsCaughtToo) {
  for (const int kind : {0, 1}) {
    MemoryHost host;
    host.storage->intercept = [kind](std::string_view call, const std::string&, ctu::Reply&) -> Answer {
      if (call != "list") return {};
      if (kind == 0) throw 42;  // NOLINT(hicpp-exception-baseclass)
      throw ctu::Error(ctu::Code::kOk, "an error that is none");
    };
    ctu::Session session(host.MakeConfig());
    const ctu::RunResult result = session.Run(ctu::Operation::kStatus);
    ASSERT_TRUE(result.error.has_value()) << kind;
    EXPECT_EQ(result.error->code(), ctu::Code::kInternal) << kind;
  }
}

// Every call of a whole upgrade throws once; nothing crosses, nothing is lost, and the next run finishes.
TEST(HostFailure, AtAnyCallOfAnUpgradeLeavesATreeThatTheNextRunFinishes) {
  int calls = 0;
  {
    MemoryHost host;
    host.storage->intercept = [&](std::string_view, const std::string&, ctu::Reply&) -> Answer {
      ++calls;
      return {};
    };
    ctu::Session session(host.MakeConfig());
    ASSERT_TRUE(session.Run(ctu::Operation::kUpgrade).ok());
  }
  ASSERT_GT(calls, 20);
  for (int failing = 1; failing <= calls; ++failing) {
    MemoryHost host;
    int call = 0;
    host.storage->intercept = [&](std::string_view, const std::string&, ctu::Reply&) -> Answer {
      if (++call == failing) throw std::runtime_error("call " + std::to_string(failing));
      return {};
    };
    ctu::Session session(host.MakeConfig());
    (void)session.Run(ctu::Operation::kUpgrade);
    const ctu::RunResult second = session.Run(ctu::Operation::kUpgrade);
    ASSERT_TRUE(second.ok()) << "after call " << failing << ": " << AllTexts(second);
    ASSERT_EQ(second.report->phase(), ctu::Phase::kUpgraded) << failing;
  }
}

TEST(HostFailure, OfTheCatalogFailsTasksAndCancelsNone) {
  MemoryHost host;
  host.catalog->before = [] { throw std::runtime_error("the metadata service is down"); };
  ctu::Session session(host.MakeConfig());
  const ctu::RunResult result = session.Run(ctu::Operation::kUpgrade);
  ASSERT_TRUE(result.error.has_value());
  ASSERT_TRUE(result.report.has_value());
  EXPECT_EQ(result.report->cancelled(), 0U);
  EXPECT_EQ(result.report->converted(), 0U);
  EXPECT_EQ(result.report->failed() + result.report->left(), 4U);
  EXPECT_TRUE(Holds(AllTexts(result), "the metadata service is down")) << AllTexts(result);
  host.catalog->before = nullptr;
  EXPECT_TRUE(session.Run(ctu::Operation::kUpgrade).ok());
}

TEST(HostFailure, OfTheLivenessIsNoAnswer) {
  MemoryHost host;
  host.liveness->before = [] { throw ctu::Error(ctu::Code::kLiveness, "the registry cannot be reached"); };
  ctu::Session session(host.MakeConfig());
  const ctu::RunResult result = session.Run(ctu::Operation::kUpgrade);
  ASSERT_TRUE(result.error.has_value());
  EXPECT_EQ(result.error->code(), ctu::Code::kLiveness);
  EXPECT_TRUE(Holds(result.error->what(), "the registry cannot be reached")) << result.error->what();
  EXPECT_TRUE(host.storage->tree.AllPaths() == MemoryHost().storage->tree.AllPaths()) << "something was changed";
}

TEST(HostLock, ThatAnotherHoldsIsNamed) {
  MemoryHost host;
  host.lock->other_holder = "gmc on xcloud77";
  ctu::Session session(host.MakeConfig());
  const ctu::RunResult result = session.Run(ctu::Operation::kUpgrade);
  ASSERT_TRUE(result.error.has_value());
  EXPECT_EQ(result.error->code(), ctu::Code::kLocked);
  EXPECT_TRUE(Holds(result.error->what(), "gmc on xcloud77")) << result.error->what();
  EXPECT_TRUE(host.storage->tree.AllPaths() == MemoryHost().storage->tree.AllPaths()) << "something was changed";
}

// The lock goes while the n-th change is under way, for every n: no further change may be begun.
TEST(HostLock, ThatIsLostStopsARunBeforeItsNextChange) {
  for (const auto operation : {ctu::Operation::kUpgrade, ctu::Operation::kDelete}) {
    int lost_at = 0;
    bool lost = true;
    while (lost) {
      ++lost_at;
      MemoryHost host(3);
      ctu::Session session(host.MakeConfig());
      if (operation == ctu::Operation::kDelete) {
        ASSERT_TRUE(session.Run(ctu::Operation::kUpgrade).ok());
      }
      int changes = 0;
      host.storage->intercept = [&](std::string_view call, const std::string&, ctu::Reply&) -> Answer {
        if (IsChange(call) && ++changes == lost_at) host.lock->lost = true;
        return {};
      };
      const ctu::RunResult result = session.Run(operation);
      lost = host.lock->lost;
      if (!lost) {
        EXPECT_TRUE(result.ok()) << "no change was left to lose the lock at";
        EXPECT_GT(lost_at, 1);
        break;
      }
      EXPECT_EQ(changes, lost_at) << "changes were begun after the lock was lost at change " << lost_at;
      // The last changes of a run only tidy up; there, whoever looks next sees the loss.
      if (result.ok()) continue;
      EXPECT_EQ(result.error->code(), ctu::Code::kLockLost) << lost_at << ": " << result.error->what();
    }
  }
}

TEST(HostLock, IsCheckedBeforeEveryChangeAndConfirmedBeforeTheDoneMark) {
  MemoryHost host;
  int changes = 0;
  int checked_at_last_change = 0;
  int confirmed_at_done = 0;
  host.storage->intercept = [&](std::string_view call, const std::string& path, ctu::Reply&) -> Answer {
    if (!IsChange(call)) return {};
    ++changes;
    EXPECT_GT(host.lock->checked, checked_at_last_change) << "not checked before the change of " << path;
    checked_at_last_change = host.lock->checked;
    if (call == "rename" && path == "Compaction_V2/TaskUpgrade.done") confirmed_at_done = host.lock->confirmed;
    return {};
  };
  ctu::Session session(host.MakeConfig());
  ASSERT_TRUE(session.Run(ctu::Operation::kUpgrade).ok());
  EXPECT_GT(changes, 10);
  EXPECT_GT(confirmed_at_done, 0) << "the lock service itself is asked before the change that decides";
}

TEST(HostLock, ThatIsLostDoesNotHinderTheNextRun) {
  MemoryHost host;
  ctu::Session session(host.MakeConfig());
  int changes = 0;
  host.storage->intercept = [&](std::string_view call, const std::string&, ctu::Reply&) -> Answer {
    if (IsChange(call) && ++changes == 8) host.lock->lost = true;
    return {};
  };
  const ctu::RunResult result = session.Run(ctu::Operation::kUpgrade);
  ASSERT_TRUE(result.error.has_value());
  EXPECT_EQ(result.error->code(), ctu::Code::kLockLost);
  host.lock->lost = false;
  ctu::Session winner(host.MakeConfig());
  EXPECT_TRUE(winner.Run(ctu::Operation::kUpgrade).ok());
}

TEST(HostRelease, ComesOnceWhenConfigAndSessionsAreGone) {
  std::vector<std::weak_ptr<void>> hosts;
  {
    auto config = std::make_unique<ctu::Config>();
    {
      const MemoryHost host;
      *config = host.MakeConfig();
      hosts = {host.storage, host.lock, host.catalog, host.liveness};
    }
    auto first = std::make_unique<ctu::Session>(*config);
    auto second = std::make_unique<ctu::Session>(*config);
    config.reset();
    first.reset();
    for (const auto& host : hosts) EXPECT_FALSE(host.expired()) << "a session still works with it";
    EXPECT_TRUE(second->Run(ctu::Operation::kStatus).ok());
    second.reset();
  }
  for (const auto& host : hosts) EXPECT_TRUE(host.expired()) << "nobody can call it any more";
}

TEST(HostRelease, ComesForEachOfTheFunctionsOfTheAbiExactlyOnce) {
  int storage = 0;
  int lock = 0;
  int catalog = 0;
  int liveness = 0;
  int codec = 0;
  test_support::ConfigHandle config(ctu_config_new());
  const ctu_storage_vtable storage_table = test_support::StorageTable();
  const ctu_lock_vtable lock_table = test_support::LockTable();
  const ctu_catalog_vtable catalog_table = test_support::CatalogTable();
  const ctu_liveness_vtable liveness_table = test_support::LivenessTable();
  const ctu_codec_vtable codec_table = test_support::CodecTable();
  ASSERT_EQ(test_support::CodeOf(ctu_config_root(config.get(), "memory")), CTU_OK);
  ASSERT_EQ(test_support::CodeOf(ctu_config_storage(config.get(), &storage_table, &storage)), CTU_OK);
  ASSERT_EQ(test_support::CodeOf(ctu_config_lock(config.get(), &lock_table, &lock)), CTU_OK);
  ASSERT_EQ(test_support::CodeOf(ctu_config_catalog(config.get(), &catalog_table, &catalog)), CTU_OK);
  ASSERT_EQ(test_support::CodeOf(ctu_config_liveness(config.get(), &liveness_table, &liveness)), CTU_OK);
  ASSERT_EQ(test_support::CodeOf(ctu_config_codec(config.get(), &codec_table, &codec)), CTU_OK);
  ctu_session* raw = nullptr;
  ASSERT_EQ(test_support::CodeOf(ctu_session_open(config.get(), &raw)), CTU_OK);
  test_support::SessionHandle session(raw);
  config.reset();
  EXPECT_EQ(storage + lock + catalog + liveness + codec, 0);
  EXPECT_EQ(test_support::CodeOf(ctu_session_close(session.get())), CTU_OK);
  session.reset();
  EXPECT_EQ(storage, 1);
  EXPECT_EQ(lock, 1);
  EXPECT_EQ(catalog, 1);
  EXPECT_EQ(liveness, 1);
  EXPECT_EQ(codec, 1);
}

TEST(HostRelease, ComesForWhatIsReplaced) {
  int first = 0;
  int second = 0;
  test_support::ConfigHandle config(ctu_config_new());
  const ctu_lock_vtable table = test_support::LockTable();
  ASSERT_EQ(test_support::CodeOf(ctu_config_lock(config.get(), &table, &first)), CTU_OK);
  ASSERT_EQ(test_support::CodeOf(ctu_config_lock(config.get(), &table, &second)), CTU_OK);
  config.reset();
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 1);
}

}  // namespace
