/// Tasks: their fields, their bytes and their names.
#ifndef COMPTASK_UPGRADE_TASK_HPP_
#define COMPTASK_UPGRADE_TASK_HPP_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "comptask_upgrade.h"
#include "comptask_upgrade/error.hpp"

namespace comptask_upgrade {

/// The state of a V1 task; kNone where a report does not know it.
enum class V1State : std::int32_t { kNone = -1, kInit = 0, kAssigned = 1, kCancel = 2, kDone = 3 };

/// The state of a V2 task; kNone where a report has none.
enum class V2State : std::int32_t { kNone = -1, kInit = 0, kRunning = 1, kCancel = 2, kDone = 3 };

/// Bytes that the library made.
class Buffer {
 public:
  /// Takes over a buffer of the C ABI; it is freed with this object.
  explicit Buffer(ctu_buffer* handle) noexcept : handle_(handle) {}

  /// The bytes, for as long as this object lives.
  [[nodiscard]] std::string_view view() const noexcept {
    return {reinterpret_cast<const char*>(ctu_buffer_data(handle_.get())), ctu_buffer_len(handle_.get())};
  }
  /// A copy of the bytes.
  [[nodiscard]] std::string str() const { return std::string(view()); }
  /// How many bytes there are.
  [[nodiscard]] std::size_t size() const noexcept { return ctu_buffer_len(handle_.get()); }

 private:
  struct Deleter {
    void operator()(ctu_buffer* handle) const noexcept { ctu_buffer_free(handle); }
  };
  std::unique_ptr<ctu_buffer, Deleter> handle_;
};

/// The fields of a task of the system before its refactoring.
struct TaskV1 {
  /// The PU that received the task.
  std::string receive_pu;
  /// Its sequence number, not negative.
  std::int32_t sequence_no = 0;
  /// When it was received, in milliseconds since 1970.
  std::uint64_t receive_ts = 0;
  /// Its state.
  V1State state = V1State::kInit;
  /// Whether it repeats.
  bool repeat_flag = false;
  /// Whether it has sub-tasks.
  bool sub_task_flag = false;
  /// How often it repeats.
  std::int32_t repeat_count = 0;
  /// The time between two repeats, in the engine's unit.
  std::int32_t repeat_interval = 0;
  /// Sub-tasks that succeeded.
  std::uint32_t success_count = 0;
  /// Sub-tasks that failed.
  std::uint32_t failed_count = 0;
  /// The database of its table.
  std::string db_name;
  /// The schema of its table.
  std::string schema_name;
  /// Its table.
  std::string table_name;
  /// Its partition; "" for the whole table.
  std::string partition_name;
};

/// The fields of a task of the system after its refactoring.
struct TaskV2 {
  /// The query id.
  std::string query_id;
  /// Its sequence number, not negative.
  std::int32_t sequence_no = 0;
  /// The PU that received the task.
  std::string receive_pu;
  /// Its state.
  V2State state = V2State::kInit;
  /// The database of its optimization.
  std::string optimizat_db_name;
  /// The PC of its optimization; may be "".
  std::string optimizat_pc_name;
  /// Whether it repeats.
  bool repeat_flag = false;
  /// Whether it has sub-tasks.
  bool sub_task_flag = false;
  /// Whether a client waits for it; false for upgraded tasks.
  bool sync_task_flag = false;
  /// How often it repeats.
  std::int32_t repeat_count = 0;
  /// The time between two repeats, in the engine's unit.
  std::int32_t repeat_interval = 0;
  /// Sub-tasks that succeeded.
  std::uint32_t success_count = 0;
  /// Sub-tasks that failed.
  std::uint32_t failed_count = 0;
  /// The database of its table.
  std::string db_name;
  /// The schema of its table.
  std::string schema_name;
  /// Its table.
  std::string table_name;
  /// Its partition; "" for the whole table.
  std::string partition_name;
  /// The PC it runs in; may be "".
  std::string pc_name;
  /// The node that runs it; may be "".
  std::string executenode;
  /// The memo's threshold of the file size, in bytes; 0 means the engine's default.
  std::int64_t compact_filesize_threshold = 0;
  /// The memo's number of groups; 0 means the engine's default.
  std::int32_t compact_group_num = 0;
};

namespace detail {

/// A struct of the C ABI, zeroed but for its size.
template <typename Versioned>
[[nodiscard]] Versioned SizedStruct() noexcept {
  Versioned versioned{};
  versioned.struct_size = sizeof(Versioned);
  return versioned;
}

/// The C struct for a V1 task; its strings belong to the task.
[[nodiscard]] inline ctu_task_v1 ToC(const TaskV1& task) {
  auto raw = SizedStruct<ctu_task_v1>();
  raw.receive_pu = CText(task.receive_pu);
  raw.sequence_no = task.sequence_no;
  raw.receive_ts = task.receive_ts;
  raw.state = static_cast<std::int32_t>(task.state);
  raw.repeat_flag = task.repeat_flag;
  raw.sub_task_flag = task.sub_task_flag;
  raw.repeat_count = task.repeat_count;
  raw.repeat_interval = task.repeat_interval;
  raw.success_count = task.success_count;
  raw.failed_count = task.failed_count;
  raw.db_name = CText(task.db_name);
  raw.schema_name = CText(task.schema_name);
  raw.table_name = CText(task.table_name);
  raw.partition_name = CText(task.partition_name);
  return raw;
}

/// The C struct for a V2 task; its strings belong to the task.
[[nodiscard]] inline ctu_task_v2 ToC(const TaskV2& task) {
  auto raw = SizedStruct<ctu_task_v2>();
  raw.query_id = CText(task.query_id);
  raw.sequence_no = task.sequence_no;
  raw.receive_pu = CText(task.receive_pu);
  raw.state = static_cast<std::int32_t>(task.state);
  raw.optimizat_db_name = CText(task.optimizat_db_name);
  raw.optimizat_pc_name = CText(task.optimizat_pc_name);
  raw.repeat_flag = task.repeat_flag;
  raw.sub_task_flag = task.sub_task_flag;
  raw.sync_task_flag = task.sync_task_flag;
  raw.repeat_count = task.repeat_count;
  raw.repeat_interval = task.repeat_interval;
  raw.success_count = task.success_count;
  raw.failed_count = task.failed_count;
  raw.db_name = CText(task.db_name);
  raw.schema_name = CText(task.schema_name);
  raw.table_name = CText(task.table_name);
  raw.partition_name = CText(task.partition_name);
  raw.pc_name = CText(task.pc_name);
  raw.executenode = CText(task.executenode);
  raw.compact_filesize_threshold = task.compact_filesize_threshold;
  raw.compact_group_num = task.compact_group_num;
  return raw;
}

/// A copy of a V1 task of the C ABI.
[[nodiscard]] inline TaskV1 FromC(const ctu_task_v1& raw) {
  TaskV1 task;
  task.receive_pu = raw.receive_pu;
  task.sequence_no = raw.sequence_no;
  task.receive_ts = raw.receive_ts;
  task.state = static_cast<V1State>(raw.state);
  task.repeat_flag = raw.repeat_flag;
  task.sub_task_flag = raw.sub_task_flag;
  task.repeat_count = raw.repeat_count;
  task.repeat_interval = raw.repeat_interval;
  task.success_count = raw.success_count;
  task.failed_count = raw.failed_count;
  task.db_name = raw.db_name;
  task.schema_name = raw.schema_name;
  task.table_name = raw.table_name;
  task.partition_name = raw.partition_name;
  return task;
}

/// A copy of a V2 task of the C ABI.
[[nodiscard]] inline TaskV2 FromC(const ctu_task_v2& raw) {
  TaskV2 task;
  task.query_id = raw.query_id;
  task.sequence_no = raw.sequence_no;
  task.receive_pu = raw.receive_pu;
  task.state = static_cast<V2State>(raw.state);
  task.optimizat_db_name = raw.optimizat_db_name;
  task.optimizat_pc_name = raw.optimizat_pc_name;
  task.repeat_flag = raw.repeat_flag;
  task.sub_task_flag = raw.sub_task_flag;
  task.sync_task_flag = raw.sync_task_flag;
  task.repeat_count = raw.repeat_count;
  task.repeat_interval = raw.repeat_interval;
  task.success_count = raw.success_count;
  task.failed_count = raw.failed_count;
  task.db_name = raw.db_name;
  task.schema_name = raw.schema_name;
  task.table_name = raw.table_name;
  task.partition_name = raw.partition_name;
  task.pc_name = raw.pc_name;
  task.executenode = raw.executenode;
  task.compact_filesize_threshold = raw.compact_filesize_threshold;
  task.compact_group_num = raw.compact_group_num;
  return task;
}

/// Where the bytes begin; never NULL, which the C ABI takes for a missing argument.
[[nodiscard]] inline const std::uint8_t* Bytes(std::string_view bytes) noexcept {
  return reinterpret_cast<const std::uint8_t*>(bytes.data() == nullptr ? "" : bytes.data());
}

}  // namespace detail

/// A task that the library decoded, V1 or V2.
class Task {
 public:
  /// Takes over a task of the C ABI; it is freed with this object.
  explicit Task(ctu_task* handle) noexcept : handle_(handle) {}

  /// Decodes the bytes of a V1 task file, written by the library's own codec.
  [[nodiscard]] static Task DecodeV1(std::string_view bytes) {
    ctu_task* handle = nullptr;
    detail::Check(ctu_task_v1_decode(detail::Bytes(bytes), bytes.size(), &handle));
    return Task(handle);
  }
  /// Decodes the bytes of a V2 task file, written by the library's own codec.
  [[nodiscard]] static Task DecodeV2(std::string_view bytes) {
    ctu_task* handle = nullptr;
    detail::Check(ctu_task_v2_decode(detail::Bytes(bytes), bytes.size(), &handle));
    return Task(handle);
  }

  /// Its fields, where it is a V1 task.
  [[nodiscard]] TaskV1 v1() const {
    auto raw = detail::SizedStruct<ctu_task_v1>();
    detail::Check(ctu_task_v1_view(handle_.get(), &raw));
    return detail::FromC(raw);
  }
  /// Its fields, where it is a V2 task.
  [[nodiscard]] TaskV2 v2() const {
    auto raw = detail::SizedStruct<ctu_task_v2>();
    detail::Check(ctu_task_v2_view(handle_.get(), &raw));
    return detail::FromC(raw);
  }

 private:
  struct Deleter {
    void operator()(ctu_task* handle) const noexcept { ctu_task_free(handle); }
  };
  std::unique_ptr<ctu_task, Deleter> handle_;
};

/// The bytes of a task file, by the library's own codec.
[[nodiscard]] inline Buffer Encode(const TaskV1& task) {
  const ctu_task_v1 raw = detail::ToC(task);
  ctu_buffer* handle = nullptr;
  detail::Check(ctu_task_v1_encode(&raw, &handle));
  return Buffer(handle);
}

/// The bytes of a task file, by the library's own codec.
[[nodiscard]] inline Buffer Encode(const TaskV2& task) {
  const ctu_task_v2 raw = detail::ToC(task);
  ctu_buffer* handle = nullptr;
  detail::Check(ctu_task_v2_encode(&raw, &handle));
  return Buffer(handle);
}

/// What the name of a V1 task file says.
struct V1Name {
  /// The name without the suffix.
  std::string base;
  /// The state that the suffix says.
  V1State state = V1State::kInit;
};

/// Reads the name of a V1 task file: its base without the suffix, and the state the suffix stands for.
[[nodiscard]] inline V1Name ParseV1Name(const std::string& name) {
  ctu_buffer* base = nullptr;
  std::int32_t state = 0;
  detail::Check(ctu_task_v1_parse_name(detail::CText(name), &base, &state));
  return {Buffer(base).str(), static_cast<V1State>(state)};
}

/// The id of the V2 task that a V1 task becomes; ordinal counts the tasks of several PUs with the same time and number.
[[nodiscard]] inline std::string V2Id(const std::string& v1_base, std::uint32_t ordinal = 0) {
  ctu_buffer* id = nullptr;
  detail::Check(ctu_task_v2_id(detail::CText(v1_base), ordinal, &id));
  return Buffer(id).str();
}

}  // namespace comptask_upgrade

#endif  // COMPTASK_UPGRADE_TASK_HPP_
