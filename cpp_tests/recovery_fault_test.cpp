// A host's storage that fails in the middle of a RECOVERY, at every single call and in several ways: whatever the run
// made of it, one more in a session of its own ends in the same tree.
#include <gtest/gtest.h>

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

// What happens at the call.
enum class Fault { kNone, kNotDone, kNotDoneFromHereOn, kUnknownAndDone, kUnknownAndNotDone };

const char* NameOf(Fault fault) {
  switch (fault) {
    case Fault::kNone:
      break;
    case Fault::kNotDone:
      return "an error";
    case Fault::kNotDoneFromHereOn:
      return "an error, and at every call after it";
    case Fault::kUnknownAndDone:
      return "a lost reply to a change that was made";
    case Fault::kUnknownAndNotDone:
      return "a lost reply to a change that was not made";
  }
  return "nothing";
}

// Another storage, but for the one call at which it fails.
class FaultyStorage : public ctu::StorageHost {
 public:
  FaultyStorage(std::shared_ptr<ctu::StorageHost> inner, Fault fault, int at)
      : inner_(std::move(inner)), fault_(fault), at_(at) {}

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
    return Change([&] { return inner_->Create(path, bytes, reply); });
  }
  Code MakeFolder(const std::string& path, Reply& reply) override {
    return Change([&] { return inner_->MakeFolder(path, reply); });
  }
  Code Rename(const std::string& from, const std::string& to, Reply& reply) override {
    return Change([&] { return inner_->Rename(from, to, reply); });
  }
  Code Remove(const std::string& path, bool recursive, Reply& reply) override {
    return Change([&] { return inner_->Remove(path, recursive, reply); });
  }

  [[nodiscard]] int calls() const { return calls_; }
  [[nodiscard]] int changes() const { return changes_; }

 private:
  // Whether the fault comes now.
  bool Strikes() {
    ++calls_;
    if (fault_ == Fault::kNone) return false;
    return calls_ == at_ || (fault_ == Fault::kNotDoneFromHereOn && calls_ > at_);
  }

  // A look has no outcome that could stay unknown.
  template <typename Call>
  Code Look(Call call) {
    return Strikes() ? Code::kStorage : call();
  }

  template <typename Call>
  Code Change(Call call) {
    ++changes_;
    if (!Strikes()) return call();
    if (fault_ == Fault::kUnknownAndDone) (void)call();
    const bool unknown = fault_ == Fault::kUnknownAndDone || fault_ == Fault::kUnknownAndNotDone;
    return unknown ? Code::kOutcomeUnknown : Code::kStorage;
  }

  const std::shared_ptr<ctu::StorageHost> inner_;
  const Fault fault_;
  const int at_;
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

ctu::RunResult Recover(HostPlace& place, std::shared_ptr<ctu::StorageHost> storage, RecoveryMode mode) {
  ctu::Config config = place.MakeConfig();
  config.SetStorage(std::move(storage));
  ctu::Session session(config);
  ctu::RunOptions options;
  options.recovery_mode = mode;
  return session.Run(ctu::Operation::kRecovery, options);
}

// The sweep over all calls of an undisturbed run.
void Sweep(std::unique_ptr<HostPlace> (*make)(), RecoveryMode mode) {
  const std::unique_ptr<HostPlace> undisturbed = make();
  const auto counting = std::make_shared<FaultyStorage>(undisturbed->host().storage, Fault::kNone, 0);
  Recover(*undisturbed, counting, mode).ThrowIfFailed();
  const TreeImage expected = undisturbed->Image();
  ASSERT_GT(counting->changes(), 10);
  int failed = 0;
  int resumed = 0;
  int runs = 0;
  for (const Fault fault :
       {Fault::kNotDone, Fault::kNotDoneFromHereOn, Fault::kUnknownAndDone, Fault::kUnknownAndNotDone}) {
    for (int at = 1; at <= counting->calls(); ++at) {
      SCOPED_TRACE(testing::Message() << NameOf(fault) << " at call " << at);
      const std::unique_ptr<HostPlace> place = make();
      const ctu::RunResult first =
          Recover(*place, std::make_shared<FaultyStorage>(place->host().storage, fault, at), mode);
      if (!first.ok()) ++failed;
      ctu::Session look(place->MakeConfig());
      const ctu::RunResult status = look.Run(ctu::Operation::kStatus);
      ASSERT_TRUE(status.ok()) << status.error->what();
      if (status.report->phase() == ctu::Phase::kRecovering) {
        ++resumed;
        EXPECT_EQ(look.NodeGate("xcloud25_9876"), ctu::Gate::kDoNotStart);
      }
      const ctu::RunResult second = Recover(*place, place->host().storage, mode);
      ASSERT_TRUE(second.ok()) << second.error->what() << ' ' << second.error->path();
      ASSERT_EQ(place->Image(), expected);
      ++runs;
    }
  }
  // Else the faults came where they do no harm, and the sweep shows nothing.
  EXPECT_GT(failed, runs / 2);
  EXPECT_GT(resumed, runs / 10);
  std::cout << runs << " runs over " << counting->calls() << " calls, " << failed << " failed, " << resumed
            << " were to be resumed\n";
}

TEST(RecoveryFault, ADowngradeEndsInTheSameTree) { Sweep(TreeAtWork, RecoveryMode::kDowngrade); }

TEST(RecoveryFault, ADowngradeAfterADeleteEndsInTheSameTree) {
  Sweep(
      [] {
        auto place = TreeAtWork();
        ctu::Session session(place->MakeConfig());
        session.Run(ctu::Operation::kDelete).ThrowIfFailed();
        return place;
      },
      RecoveryMode::kDowngrade);
}

TEST(RecoveryFault, ACancelEndsInTheSameTree) {
  Sweep(
      [] {
        auto place = std::make_unique<HostPlace>();
        ctu::Session session(place->MakeConfig());
        session.Run(ctu::Operation::kUpgrade).ThrowIfFailed();
        return place;
      },
      RecoveryMode::kCancel);
}

}  // namespace
