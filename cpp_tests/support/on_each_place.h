// OnEachPlace: the same tests on the local disk and behind host functions.
#ifndef COMPTASK_UPGRADE_TESTS_ON_EACH_PLACE_H_
#define COMPTASK_UPGRADE_TESTS_ON_EACH_PLACE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "comptask_upgrade.hpp"
#include "json.h"
#include "place.h"
#include "temp_folder.h"
#include "texts.h"

namespace test_support {

/// Where a test runs.
enum class Where { kLocalDisk, kHostFunctions };

/// The places, for INSTANTIATE_TEST_SUITE_P.
inline auto EachPlace() { return testing::Values(Where::kLocalDisk, Where::kHostFunctions); }

/// The name of a place in the name of a test.
inline std::string PlaceName(const testing::TestParamInfo<Where>& place) {
  return place.param == Where::kLocalDisk ? "OnTheLocalDisk" : "BehindHostFunctions";
}

/// Options of a recovery.
inline comptask_upgrade::RunOptions By(comptask_upgrade::RecoveryMode mode, bool force = false) {
  comptask_upgrade::RunOptions options;
  options.recovery_mode = mode;
  options.force = force;
  return options;
}

/// The report of a run as a document.
inline Json Document(const comptask_upgrade::Report& report) { return JsonReader::Read(report.json()); }

/// The texts of an array.
inline std::vector<std::string> Texts(const Json& array) {
  std::vector<std::string> texts;
  for (const Json& item : array.items) texts.push_back(item.text);
  return texts;
}

/// The one row of a V2 task; an empty one, and a failure, where there is none or more than one.
inline comptask_upgrade::ReportRow RowOf(const comptask_upgrade::Report& report, const std::string& v2_id) {
  comptask_upgrade::ReportRow found;
  int count = 0;
  for (std::size_t index = 0; index < report.task_count(); ++index) {
    const comptask_upgrade::ReportRow row = report.task(index);
    if (row.v2_id != v2_id) continue;
    found = row;
    ++count;
  }
  EXPECT_EQ(count, 1) << v2_id << " in " << report.json();
  return found;
}

/// A tree of the four sample tasks and the operations on it, each in a session of its own.
class OnEachPlace : public testing::TestWithParam<Where> {
 protected:
  using Operation = comptask_upgrade::Operation;
  using RunOptions = comptask_upgrade::RunOptions;
  using RunResult = comptask_upgrade::RunResult;
  using Report = comptask_upgrade::Report;

  void SetUp() override {
    if (GetParam() == Where::kLocalDisk) {
      auto local = std::make_unique<LocalPlace>(folder_.path());
      local->LayOutFourTasks();
      place_ = std::move(local);
    } else {
      place_ = std::make_unique<HostPlace>();
    }
  }

  [[nodiscard]] Place& place() { return *place_; }

  RunResult Try(Operation operation, const RunOptions& options = {}) {
    comptask_upgrade::Session session(place_->MakeConfig());
    return session.Run(operation, options);
  }

  /// Runs an operation that must end well and gives its report; throws where it does not, since nothing goes on then.
  Report Run(Operation operation, const RunOptions& options = {}) {
    RunResult result = Try(operation, options);
    result.ThrowIfFailed();
    return std::move(result.report.value());
  }
  Report Upgrade(const RunOptions& options = {}) { return Run(Operation::kUpgrade, options); }
  Report Recover(comptask_upgrade::RecoveryMode mode, bool force = false) {
    return Run(Operation::kRecovery, By(mode, force));
  }

  /// That a run fails with a code and changes nothing.
  RunResult ExpectRefused(comptask_upgrade::Code code, Operation operation, const RunOptions& options = {}) {
    const TreeImage before = place_->Image();
    RunResult result = Try(operation, options);
    EXPECT_FALSE(result.ok()) << "it went through";
    if (result.error) {
      EXPECT_EQ(result.error->code(), code) << result.error->what();
    }
    EXPECT_EQ(place_->Image(), before);
    return result;
  }

  /// A node starts, and is told to use the V2 tasks.
  void StartNode(const std::string& node = "xcloud24_9876") {
    comptask_upgrade::Session session(place_->MakeConfig());
    EXPECT_EQ(session.NodeGate(node), comptask_upgrade::Gate::kUseV2);
  }

  /// A V1 tree beside an empty V2, which is all that a RECOVERY leaves.
  [[nodiscard]] static TreeImage WithEmptyV2(TreeImage v1) {
    for (const char* folder : {"Compaction_V2/", "Compaction_V2/Scheduler/", "Compaction_V2/TaskAssigned/"}) {
      v1.emplace(folder, "");
    }
    return v1;
  }

 private:
  TempFolder folder_;
  std::unique_ptr<Place> place_;
};

}  // namespace test_support

#endif  // COMPTASK_UPGRADE_TESTS_ON_EACH_PLACE_H_
