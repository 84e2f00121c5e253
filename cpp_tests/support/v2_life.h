// What nodes of the new version do to V2 tasks once an upgrade is complete, and what the sample tasks are called there.
#ifndef COMPTASK_UPGRADE_TESTS_V2_LIFE_H_
#define COMPTASK_UPGRADE_TESTS_V2_LIFE_H_

#include <stdexcept>
#include <string>

#include "comptask_upgrade.hpp"
#include "place.h"

namespace test_support {

/// The V1 names of the sample tasks without their states, and their V2 ids.
inline constexpr const char* kInitBase = "compct.xcloud24_9876.0.1617693156000";
inline constexpr const char* kAssignedBase = "compct.xcloud24_9876.0.1617606756000";
inline constexpr const char* kCancelBase = "compct.xcloud24_9876.0.1614928356000";
inline constexpr const char* kDoneBase = "compct.xcloud24_9876.0.1583392356000";
inline constexpr const char* kInitId = "aaaaffff.16176931.56000000.0";
inline constexpr const char* kAssignedId = "aaaaffff.16176067.56000000.0";
inline constexpr const char* kCancelId = "aaaaffff.16149283.56000000.0";
inline constexpr const char* kDoneId = "aaaaffff.15833923.56000000.0";

/// The folder of a V2 task.
inline std::string V2Folder(const std::string& id) { return "Compaction_V2/Scheduler/" + id; }

/// The path of the one file of a V2 task whose name begins so.
inline std::string V2File(const Place& place, const std::string& id, const std::string& beginning) {
  for (const std::string& name : place.NamesIn(V2Folder(id))) {
    if (name.compare(0, beginning.size(), beginning) == 0) return V2Folder(id) + "/" + name;
  }
  throw std::runtime_error("V2 task " + id + " has no " + beginning);
}

/// The record of a V2 task.
inline comptask_upgrade::TaskV2 V2Record(const Place& place, const std::string& id) {
  return comptask_upgrade::Task::DecodeV2(place.Read(V2File(place, id, "TaskInfo."))).v2();
}

/// A V2 task goes into another state, by its Status alone.
inline void SetStatus(Place& place, const std::string& id, const std::string& state) {
  place.Rename(V2File(place, id, "Status."), V2Folder(id) + "/Status." + state);
}

/// A node writes another record into a V2 task.
inline void Rewrite(Place& place, const std::string& id, const comptask_upgrade::TaskV2& task) {
  const std::string info = V2File(place, id, "TaskInfo.");
  place.Remove(info);
  place.Write(info, comptask_upgrade::Encode(task).str());
}

/// V2 finishes a task and clears it, with its manager file.
inline void Clear(Place& place, const std::string& id) {
  place.Remove(V2Folder(id));
  for (const std::string& node : place.NamesIn("Compaction_V2/TaskAssigned")) {
    const std::string folder = "Compaction_V2/TaskAssigned/" + node.substr(0, node.size() - 1);
    for (const std::string& manager : place.NamesIn(folder)) {
      if (manager == "Manager." + id) place.Remove(folder + "/" + manager);
    }
  }
}

/// A task that V2 makes by itself, running, with everything that V1 cannot hold. Its id.
inline std::string AddBornTask(Place& place, const std::string& query_id) {
  comptask_upgrade::TaskV2 task;
  task.query_id = query_id;
  task.sequence_no = 4;
  task.receive_pu = "xcloud25_9876";
  task.state = comptask_upgrade::V2State::kRunning;
  task.optimizat_db_name = "sales";
  task.optimizat_pc_name = "pc1";
  task.sync_task_flag = true;
  task.repeat_count = 7;
  task.db_name = "sales";
  task.schema_name = "eu";
  task.table_name = "returns";
  task.pc_name = "pc1";
  task.executenode = "xcloud24_9876";
  task.compact_group_num = 3;
  const std::string id = query_id + ".4";
  place.MakeFolder(V2Folder(id));
  place.Write(V2Folder(id) + "/TaskInfo.pc1.sales", comptask_upgrade::Encode(task).str());
  place.Write(V2Folder(id) + "/Status.Running", "");
  place.MakeFolder("Compaction_V2/TaskAssigned/xcloud24_9876");
  place.Write("Compaction_V2/TaskAssigned/xcloud24_9876/Manager." + id, "");
  return id;
}

/// The V1 name, without its state, that a task born in V2 gets where nothing stands in its way.
inline std::string BornBase(const Place& place, const std::string& id) {
  const std::int64_t written = place.ModifiedMs(V2File(place, id, "TaskInfo."));
  return "compct.xcloud25_9876.4." + std::to_string(written);
}

}  // namespace test_support

#endif  // COMPTASK_UPGRADE_TESTS_V2_LIFE_H_
