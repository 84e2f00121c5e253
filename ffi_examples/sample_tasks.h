// The tasks that the examples and the tests lay out: four V1 tasks of one PU, one in each state, and the bytes of their
// files by the library's own codec.
#ifndef COMPTASK_UPGRADE_EXAMPLES_SAMPLE_TASKS_H_
#define COMPTASK_UPGRADE_EXAMPLES_SAMPLE_TASKS_H_

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "comptask_upgrade.h"

namespace sample {

/// The state of a V1 task, as its file name and its bytes say it.
enum V1State : std::int32_t { kInit = 0, kAssigned = 1, kCancel = 2, kDone = 3 };

/// A V1 task with the fields that differ between the samples.
struct SampleTask {
  std::string receive_pu;
  std::int32_t sequence_no;
  std::uint64_t receive_ts;
  V1State state;
  std::string schema_name;
  bool sub_task_flag = false;
};

/// The file name of a V1 task without the suffix for its state.
inline std::string V1Base(const SampleTask& task) {
  return "compct." + task.receive_pu + "." + std::to_string(task.sequence_no) + "." + std::to_string(task.receive_ts);
}

/// The file name of a V1 task.
inline std::string V1FileName(const SampleTask& task) {
  static constexpr std::array<const char*, 4> kSuffixes{"", ".Assigned", ".Cancel", ".Done"};
  return V1Base(task) + kSuffixes[static_cast<std::size_t>(task.state)];
}

/// The bytes of a V1 task file.
inline std::string V1Bytes(const SampleTask& task) {
  ctu_task_v1 fields{};
  fields.struct_size = sizeof(fields);
  fields.receive_pu = task.receive_pu.c_str();
  fields.sequence_no = task.sequence_no;
  fields.receive_ts = task.receive_ts;
  fields.state = task.state;
  fields.repeat_flag = true;
  fields.sub_task_flag = task.sub_task_flag;
  fields.repeat_count = 3;
  fields.repeat_interval = 3600;
  fields.success_count = 2;
  fields.failed_count = 1;
  fields.db_name = "sales";
  fields.schema_name = task.schema_name.c_str();
  fields.table_name = "orders";
  fields.partition_name = "p202104";
  ctu_buffer* buffer = nullptr;
  if (ctu_error* error = ctu_task_v1_encode(&fields, &buffer)) {
    const std::string message = ctu_error_message(error);
    ctu_error_free(error);
    throw std::runtime_error(message);
  }
  std::string bytes(reinterpret_cast<const char*>(ctu_buffer_data(buffer)), ctu_buffer_len(buffer));
  ctu_buffer_free(buffer);
  return bytes;
}

/// One task in each state, in the byte order of their file names.
inline std::vector<SampleTask> FourTasks() {
  return {{"xcloud24_9876", 0, 1583392356000, kDone, "us"},
          {"xcloud24_9876", 0, 1614928356000, kCancel, "eu"},
          {"xcloud24_9876", 0, 1617606756000, kAssigned, "us"},
          {"xcloud24_9876", 0, 1617693156000, kInit, "eu"}};
}

}  // namespace sample

#endif  // COMPTASK_UPGRADE_EXAMPLES_SAMPLE_TASKS_H_
