// A host's storage that fails in the middle of an operation, at every single call and in every way, or a host's lock
// that is lost there: whatever the run made of it, one more in a session of its own ends in the same tree.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "comptask_upgrade.hpp"
#include "place.h"
#include "v2_life.h"

namespace {

namespace ctu = comptask_upgrade;
using ctu::Code;
using ctu::RecoveryMode;
using ctu::Reply;
using test_support::HostPlace;
using test_support::TreeImage;

// What happens at the call. After a crash every later call fails and changes nothing.
enum class Fault { kNone, kCrashBefore, kCrashAfter, kError, kReplyLost, kUnknownNotDone, kTorn, kLockLost };

constexpr std::array<Fault, 7> kFaults = {Fault::kCrashBefore, Fault::kCrashAfter, Fault::kError,
                                          Fault::kReplyLost,   Fault::kTorn,       Fault::kUnknownNotDone,
                                          Fault::kLockLost};

const char* NameOf(Fault fault) {
  switch (fault) {
    case Fault::kNone:
      break;
    case Fault::kCrashBefore:
      return "a crash before";
    case Fault::kCrashAfter:
      return "a crash after";
    case Fault::kError:
      return "an error";
    case Fault::kReplyLost:
      return "a lost reply to a change that was made";
    case Fault::kUnknownNotDone:
      return "a lost reply to a change that was not made";
    case Fault::kTorn:
      return "a torn file or removal";
    case Fault::kLockLost:
      return "a lock lost";
  }
  return "nothing";
}

// Another storage, but for the one call at which it fails.
class FaultyStorage : public ctu::StorageHost {
 public:
  FaultyStorage(std::shared_ptr<test_support::MemoryStorage> inner, std::shared_ptr<test_support::MemoryLock> lock,
                Fault fault, int at)
      : inner_(std::move(inner)), lock_(std::move(lock)), fault_(fault), at_(at) {}

  Code List(const std::string& folder, Reply& reply) override {
    return Look([&] { return inner_->List(folder, reply); });
  }
  Code Stat(const std::string& path, Reply& reply) override {
    return Look([&] { return inner_->Stat(path, reply); });
  }
  Code Read(const std::string& path, std::uint64_t limit, Reply& reply) override {
    return Look([&] { return inner_->Read(path, limit, reply); });
  }
  Code Create(const std::string& path, std::string_view bytes, Reply& reply) override {
    return Change([&] { return inner_->Create(path, bytes, reply); },
                  [&] { (void)inner_->Create(path, bytes.substr(0, bytes.size() / 2), reply); });
  }
  Code MakeFolder(const std::string& path, Reply& reply) override {
    return Change([&] { return inner_->MakeFolder(path, reply); }, [] {});
  }
  Code Rename(const std::string& from, const std::string& to, Reply& reply) override {
    return Change([&] { return inner_->Rename(from, to, reply); }, [] {});
  }
  Code Remove(const std::string& path, bool recursive, Reply& reply) override {
    return Change([&] { return inner_->Remove(path, recursive, reply); },
                  [&] {
                    if (recursive) RemoveSomeOf(path);
                  });
  }

  [[nodiscard]] int calls() const { return calls_; }
  [[nodiscard]] int changes() const { return changes_; }

 private:
  // Whether the fault comes now.
  bool Strikes() {
    ++calls_;
    return fault_ != Fault::kNone && calls_ == at_;
  }

  // A look has no outcome that could stay unknown, and nothing to tear.
  template <typename Call>
  Code Look(Call call) {
    if (crashed_) return Code::kStorage;
    if (!Strikes()) return call();
    lock_->lost = fault_ == Fault::kLockLost;
    if (lock_->lost) return call();
    crashed_ = fault_ == Fault::kCrashBefore || fault_ == Fault::kCrashAfter || fault_ == Fault::kTorn;
    return Code::kStorage;
  }

  // The lock was asked before the call, so one that is lost now lets this one through and none after it.
  template <typename Call, typename Tear>
  Code Change(Call call, Tear tear) {
    if (crashed_) return Code::kStorage;
    ++changes_;
    if (!Strikes()) return call();
    switch (fault_) {
      case Fault::kCrashBefore:
        crashed_ = true;
        return Code::kStorage;
      case Fault::kCrashAfter:
        (void)call();
        crashed_ = true;
        return Code::kStorage;
      case Fault::kTorn:
        tear();
        crashed_ = true;
        return Code::kStorage;
      case Fault::kReplyLost:
        (void)call();
        return Code::kOutcomeUnknown;
      case Fault::kUnknownNotDone:
        return Code::kOutcomeUnknown;
      case Fault::kLockLost:
        lock_->lost = true;
        return call();
      case Fault::kNone:
      case Fault::kError:
        break;
    }
    return Code::kStorage;
  }

  // A removal that is cut: each file below goes or stays, and with them the folders above what stays.
  void RemoveSomeOf(const std::string& path) {
    bool goes = true;
    for (const std::string& below : inner_->tree.AllPaths()) {
      if (below.compare(0, path.size() + 1, path + "/") != 0 || below.back() == '/') continue;
      if (goes) (void)inner_->tree.Remove(below, false);
      goes = !goes;
    }
  }

  const std::shared_ptr<test_support::MemoryStorage> inner_;
  const std::shared_ptr<test_support::MemoryLock> lock_;
  const Fault fault_;
  const int at_;
  bool crashed_ = false;
  int calls_ = 0;
  int changes_ = 0;
};

// A tree on which every kind of V2 task is to be carried; the same, to its last time of a file, whenever it is made.
std::unique_ptr<HostPlace> TreeAtWork() {
  auto place = std::make_unique<HostPlace>();
  ctu::Session session(place->MakeConfig());
  session.Run(ctu::Operation::kUpgrade).ThrowIfFailed();
  EXPECT_EQ(session.NodeGate("xcloud24_9876"), ctu::Gate::kUseV2);
  test_support::SetStatus(*place, test_support::kInitId, "Done");
  ctu::TaskV2 task = test_support::V2Record(*place, test_support::kCancelId);
  task.failed_count = 9;
  test_support::Rewrite(*place, test_support::kCancelId, task);
  test_support::Clear(*place, test_support::kAssignedId);
  test_support::AddBornTask(*place, "0badcafe.1");
  test_support::AddBornTask(*place, "0badcafe.2");
  return place;
}

// What is asked for.
struct Asked {
  ctu::Operation operation;
  RecoveryMode mode = RecoveryMode::kAuto;
  bool force = false;
};

ctu::RunResult Run(HostPlace& place, std::shared_ptr<ctu::StorageHost> storage, const Asked& asked) {
  ctu::Config config = place.MakeConfig();
  config.SetStorage(std::move(storage));
  ctu::Session session(config);
  ctu::RunOptions options;
  options.recovery_mode = asked.mode;
  options.force = asked.force;
  return session.Run(asked.operation, options);
}

// The tree without the two lines of the manifest that name its run.
TreeImage Image(const HostPlace& place) {
  TreeImage image = place.Image();
  const auto manifest = image.find("Compaction_V2/TaskUpgrade.done/Manifest");
  if (manifest != image.end()) {
    std::string& text = manifest->second;
    text.erase(0, text.find('\n') + 1);
    text.erase(text.rfind('\n', text.size() - 2) + 1);
  }
  return image;
}

bool IsHalfWay(ctu::Phase phase) {
  return phase == ctu::Phase::kUpgrading || phase == ctu::Phase::kDeleting || phase == ctu::Phase::kRecovering;
}

// The sweep over all calls of an undisturbed run.
void Sweep(std::unique_ptr<HostPlace> (*make)(), const Asked& asked) {
  const std::unique_ptr<HostPlace> undisturbed = make();
  const auto counting =
      std::make_shared<FaultyStorage>(undisturbed->host().storage, undisturbed->host().lock, Fault::kNone, 0);
  Run(*undisturbed, counting, asked).ThrowIfFailed();
  const TreeImage expected = Image(*undisturbed);
  ASSERT_GT(counting->changes(), 10);
  int failed = 0;
  int half_way = 0;
  int runs = 0;
  for (const Fault fault : kFaults) {
    for (int at = 1; at <= counting->calls(); ++at) {
      SCOPED_TRACE(testing::Message() << NameOf(fault) << " at call " << at);
      const std::unique_ptr<HostPlace> place = make();
      const auto lock = place->host().lock;
      const ctu::RunResult first =
          Run(*place, std::make_shared<FaultyStorage>(place->host().storage, lock, fault, at), asked);
      if (first.ok()) {
        ASSERT_EQ(Image(*place), expected) << "the run said that it went well";
      } else {
        ++failed;
      }
      lock->lost = false;
      ctu::Session look(place->MakeConfig());
      const ctu::RunResult status = look.Run(ctu::Operation::kStatus);
      ASSERT_TRUE(status.ok()) << status.error->what();
      if (IsHalfWay(status.report->phase())) {
        ++half_way;
        EXPECT_EQ(look.NodeGate("xcloud25_9876"), ctu::Gate::kDoNotStart);
      }
      const ctu::RunResult second = Run(*place, place->host().storage, asked);
      ASSERT_TRUE(second.ok()) << second.error->what() << ' ' << second.error->path();
      ASSERT_EQ(Image(*place), expected);
      ++runs;
    }
  }
  // Else the faults came where they do no harm, and the sweep shows nothing.
  EXPECT_GT(failed, runs / 2);
  EXPECT_GT(half_way, runs / 20);
  EXPECT_GE(runs, 350);
  std::cout << runs << " runs over " << counting->calls() << " calls, " << failed << " failed, " << half_way
            << " were left half-way\n";
}

std::unique_ptr<HostPlace> FourTasks() { return std::make_unique<HostPlace>(); }

std::unique_ptr<HostPlace> Upgraded() {
  auto place = FourTasks();
  ctu::Session session(place->MakeConfig());
  session.Run(ctu::Operation::kUpgrade).ThrowIfFailed();
  return place;
}

std::unique_ptr<HostPlace> DeletedAtWork() {
  auto place = TreeAtWork();
  ctu::Session session(place->MakeConfig());
  session.Run(ctu::Operation::kDelete).ThrowIfFailed();
  return place;
}

TEST(FaultSweep, AnUpgradeEndsInTheSameTree) { Sweep(FourTasks, {ctu::Operation::kUpgrade}); }

TEST(FaultSweep, ADeleteEndsInTheSameTree) { Sweep(Upgraded, {ctu::Operation::kDelete}); }

TEST(FaultSweep, ACancelEndsInTheSameTree) { Sweep(Upgraded, {ctu::Operation::kRecovery, RecoveryMode::kCancel}); }

TEST(FaultSweep, ADowngradeEndsInTheSameTree) {
  Sweep(TreeAtWork, {ctu::Operation::kRecovery, RecoveryMode::kDowngrade});
}

TEST(FaultSweep, AReturnToTheOldFilesEndsInTheSameTree) {
  Sweep(TreeAtWork, {ctu::Operation::kRecovery, RecoveryMode::kDowngradeOld, true});
}

TEST(FaultSweep, ADowngradeAfterADeleteEndsInTheSameTree) {
  Sweep(DeletedAtWork, {ctu::Operation::kRecovery, RecoveryMode::kDowngrade});
}

TEST(FaultSweep, TheGateStartsNoNodeWithoutItsRecord) {
  const std::string node = "xcloud24_9876";
  const std::string record = "Compaction_V2/TaskUpgrade.done/Started." + node;
  const std::unique_ptr<HostPlace> undisturbed = Upgraded();
  const auto ask = [&](HostPlace& place, const std::shared_ptr<FaultyStorage>& storage) {
    ctu::Config config = place.MakeConfig();
    config.SetStorage(storage);
    ctu::Session session(config);
    return session.NodeGate(node);
  };
  const auto counting =
      std::make_shared<FaultyStorage>(undisturbed->host().storage, undisturbed->host().lock, Fault::kNone, 0);
  ASSERT_EQ(ask(*undisturbed, counting), ctu::Gate::kUseV2);
  const TreeImage expected = Image(*undisturbed);
  ASSERT_EQ(expected.count(record), 1U);
  int runs = 0;
  for (const Fault fault : kFaults) {
    for (int at = 1; at <= counting->calls(); ++at) {
      SCOPED_TRACE(testing::Message() << NameOf(fault) << " at call " << at);
      const std::unique_ptr<HostPlace> place = Upgraded();
      try {
        const auto storage = std::make_shared<FaultyStorage>(place->host().storage, place->host().lock, fault, at);
        const ctu::Gate answer = ask(*place, storage);
        ASSERT_NE(answer, ctu::Gate::kUseV1);
        ASSERT_TRUE(answer != ctu::Gate::kUseV2 || place->Image().count(record) == 1) << "unrecorded";
      } catch (const ctu::Error&) {
        // A node that gets no answer does not start.
      }
      place->host().lock->lost = false;
      ctu::Session again(place->MakeConfig());
      ASSERT_EQ(again.NodeGate(node), ctu::Gate::kUseV2);
      ASSERT_EQ(Image(*place), expected);
      ++runs;
    }
  }
  EXPECT_GE(runs, 40);
  std::cout << runs << " runs over " << counting->calls() << " calls\n";
}

}  // namespace
