// Trees on the local disk: laid out, listed, read.
#ifndef COMPTASK_UPGRADE_TESTS_LOCAL_TREE_H_
#define COMPTASK_UPGRADE_TESTS_LOCAL_TREE_H_

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "sample_tasks.h"

namespace test_support {

/// The catalog of the sample trees: "eu" runs on pc1, "us" on pc2, each with one node, so that placement is no draw.
inline constexpr const char* kCatalogJson = R"({
  "process_groups": [{"name": "pc1", "nodes": ["xcloud24_9876"]}, {"name": "pc2", "nodes": ["xcloud25_9876"]}],
  "nodes": ["xcloud24_9876", "xcloud25_9876"],
  "schemas": [{"db": "sales", "schema": "eu", "process_groups": ["pc1"]},
              {"db": "sales", "schema": "us", "process_groups": ["pc2"]}]
})";

inline void WriteFile(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

inline std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Every path below the folder in byte order, folders with a '/' at their end.
inline std::vector<std::string> AllPaths(const std::filesystem::path& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string path = entry.path().lexically_relative(folder).string();
    paths.push_back(entry.is_directory() ? path + "/" : path);
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

/// What is in the folder itself, by name.
inline std::vector<std::string> NamesIn(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// A cluster.compact with one task in each state and one sub-task, as the design paper draws it.
inline void LayOutDesignTree(const std::filesystem::path& root) {
  const std::filesystem::path v1 = root / "Compaction";
  const std::filesystem::path sub_task = v1 / "TaskAssigned" / "xcloud24_9876" / "compct.xcloud24_9876.1.1617606756000";
  std::filesystem::create_directories(v1 / "Scheduler");
  std::filesystem::create_directories(sub_task);
  std::filesystem::create_directories(v1 / "TaskAssigned" / "xcloud25_9876");
  for (const sample::SampleTask& task : sample::FourTasks()) {
    WriteFile(v1 / "Scheduler" / sample::V1FileName(task), sample::V1Bytes(task));
  }
  WriteFile(sub_task / "Status.Success", "");
  WriteFile(sub_task / "TaskInfo", "a sub-task, which nobody migrates");
}

/// The names of LayOutDesignTree.
inline std::vector<std::string> DesignTreeV1() {
  return {"Compaction/",
          "Compaction/Scheduler/",
          "Compaction/Scheduler/compct.xcloud24_9876.0.1583392356000.Done",
          "Compaction/Scheduler/compct.xcloud24_9876.0.1614928356000.Cancel",
          "Compaction/Scheduler/compct.xcloud24_9876.0.1617606756000.Assigned",
          "Compaction/Scheduler/compct.xcloud24_9876.0.1617693156000",
          "Compaction/TaskAssigned/",
          "Compaction/TaskAssigned/xcloud24_9876/",
          "Compaction/TaskAssigned/xcloud24_9876/compct.xcloud24_9876.1.1617606756000/",
          "Compaction/TaskAssigned/xcloud24_9876/compct.xcloud24_9876.1.1617606756000/Status.Success",
          "Compaction/TaskAssigned/xcloud24_9876/compct.xcloud24_9876.1.1617606756000/TaskInfo",
          "Compaction/TaskAssigned/xcloud25_9876/"};
}

/// What an upgrade adds to it, but for the done mark.
inline std::vector<std::string> DesignTreeV2() {
  return {"Compaction_V2/",
          "Compaction_V2/Scheduler/",
          "Compaction_V2/Scheduler/aaaaffff.15833923.56000000.0/",
          "Compaction_V2/Scheduler/aaaaffff.15833923.56000000.0/Status.Done",
          "Compaction_V2/Scheduler/aaaaffff.15833923.56000000.0/TaskInfo.pc2.sales",
          "Compaction_V2/Scheduler/aaaaffff.16149283.56000000.0/",
          "Compaction_V2/Scheduler/aaaaffff.16149283.56000000.0/Status.Cancel",
          "Compaction_V2/Scheduler/aaaaffff.16149283.56000000.0/TaskInfo.pc1.sales",
          "Compaction_V2/Scheduler/aaaaffff.16176067.56000000.0/",
          "Compaction_V2/Scheduler/aaaaffff.16176067.56000000.0/Status.Init",
          "Compaction_V2/Scheduler/aaaaffff.16176067.56000000.0/TaskInfo.pc2.sales",
          "Compaction_V2/Scheduler/aaaaffff.16176931.56000000.0/",
          "Compaction_V2/Scheduler/aaaaffff.16176931.56000000.0/Status.Init",
          "Compaction_V2/Scheduler/aaaaffff.16176931.56000000.0/TaskInfo.pc1.sales",
          "Compaction_V2/TaskAssigned/",
          "Compaction_V2/TaskAssigned/xcloud24_9876/",
          "Compaction_V2/TaskAssigned/xcloud24_9876/Manager.aaaaffff.16176931.56000000.0",
          "Compaction_V2/TaskAssigned/xcloud25_9876/",
          "Compaction_V2/TaskAssigned/xcloud25_9876/Manager.aaaaffff.16176067.56000000.0"};
}

/// The whole tree after an upgrade.
inline std::vector<std::string> DesignTreeUpgraded() {
  std::vector<std::string> paths = DesignTreeV1();
  for (const std::string& path : DesignTreeV2()) paths.push_back(path);
  paths.insert(paths.end(), {"Compaction_V2/TaskUpgrade.done/", "Compaction_V2/TaskUpgrade.done/Manifest"});
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace test_support

#endif  // COMPTASK_UPGRADE_TESTS_LOCAL_TREE_H_
