// The C ABI in tests: errors judged and freed in one step, and vtables whose functions answer something harmless.
#ifndef COMPTASK_UPGRADE_TESTS_RAW_ABI_H_
#define COMPTASK_UPGRADE_TESTS_RAW_ABI_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "comptask_upgrade.h"

namespace test_support {

/// The code of an error, which it frees; CTU_OK for none. The message goes to message where one is given.
inline ctu_code CodeOf(ctu_error* error, std::string* message = nullptr) {
  if (error == nullptr) return CTU_OK;
  const ctu_code code = ctu_error_code(error);
  EXPECT_NE(code, CTU_OK) << "an error whose code says that there is none";
  EXPECT_STRNE(ctu_error_message(error), "") << "an error without a message";
  if (message != nullptr) *message = ctu_error_message(error);
  ctu_error_free(error);
  return code;
}

struct ConfigDeleter {
  void operator()(ctu_config* config) const { ctu_config_free(config); }
};
using ConfigHandle = std::unique_ptr<ctu_config, ConfigDeleter>;

struct SessionDeleter {
  void operator()(ctu_session* session) const { ctu_session_free(session); }
};
using SessionHandle = std::unique_ptr<ctu_session, SessionDeleter>;

struct BufferDeleter {
  void operator()(ctu_buffer* buffer) const { ctu_buffer_free(buffer); }
};
using BufferHandle = std::unique_ptr<ctu_buffer, BufferDeleter>;

struct TaskDeleter {
  void operator()(ctu_task* task) const { ctu_task_free(task); }
};
using TaskHandle = std::unique_ptr<ctu_task, TaskDeleter>;

struct ReportDeleter {
  void operator()(ctu_report* report) const { ctu_report_free(report); }
};
using ReportHandle = std::unique_ptr<ctu_report, ReportDeleter>;

/// Counts how often it is released; user_data points to the count.
inline void CountRelease(void* user_data) { ++*static_cast<int*>(user_data); }

inline ctu_storage_vtable StorageTable() {
  ctu_storage_vtable table{};
  table.struct_size = sizeof(table);
  table.list = [](void*, const char*, ctu_reply*) -> ctu_code { return CTU_NOT_FOUND; };
  table.stat = [](void*, const char*, ctu_reply*) -> ctu_code { return CTU_NOT_FOUND; };
  table.read = [](void*, const char*, std::uint64_t, ctu_reply*) -> ctu_code { return CTU_NOT_FOUND; };
  table.create = [](void*, const char*, const std::uint8_t*, std::size_t, ctu_reply*) -> ctu_code {
    return CTU_PERMISSION;
  };
  table.mkdir = [](void*, const char*, ctu_reply*) -> ctu_code { return CTU_PERMISSION; };
  table.rename = [](void*, const char*, const char*, ctu_reply*) -> ctu_code { return CTU_PERMISSION; };
  table.remove = [](void*, const char*, bool, ctu_reply*) -> ctu_code { return CTU_PERMISSION; };
  table.release = CountRelease;
  return table;
}

inline ctu_lock_vtable LockTable() {
  ctu_lock_vtable table{};
  table.struct_size = sizeof(table);
  table.acquire = [](void*, const char*, ctu_reply*) -> ctu_code { return CTU_OK; };
  table.check = [](void*, ctu_reply*) -> ctu_code { return CTU_OK; };
  table.release_lock = [](void*, ctu_reply*) -> ctu_code { return CTU_OK; };
  table.release = CountRelease;
  return table;
}

inline ctu_catalog_vtable CatalogTable() {
  ctu_catalog_vtable table{};
  table.struct_size = sizeof(table);
  table.schema_pcs = [](void*, const char*, const char*, ctu_reply*) -> ctu_code { return CTU_NOT_FOUND; };
  table.cluster_pcs = [](void*, ctu_reply*) -> ctu_code { return CTU_OK; };
  table.pc_nodes = [](void*, const char*, ctu_reply*) -> ctu_code { return CTU_OK; };
  table.cluster_nodes = [](void*, ctu_reply*) -> ctu_code { return CTU_OK; };
  table.release = CountRelease;
  return table;
}

inline ctu_liveness_vtable LivenessTable() {
  ctu_liveness_vtable table{};
  table.struct_size = sizeof(table);
  table.online_nodes = [](void*, ctu_reply*) -> ctu_code { return CTU_OK; };
  table.release = CountRelease;
  return table;
}

inline ctu_codec_vtable CodecTable() {
  ctu_codec_vtable table{};
  table.struct_size = sizeof(table);
  table.decode_v1 = [](void*, const std::uint8_t*, std::size_t, ctu_reply*) -> ctu_code { return CTU_CORRUPT; };
  table.encode_v1 = [](void*, const ctu_task_v1*, ctu_reply*) -> ctu_code { return CTU_CORRUPT; };
  table.decode_v2 = [](void*, const std::uint8_t*, std::size_t, ctu_reply*) -> ctu_code { return CTU_CORRUPT; };
  table.encode_v2 = [](void*, const ctu_task_v2*, ctu_reply*) -> ctu_code { return CTU_CORRUPT; };
  table.release = CountRelease;
  return table;
}

/// A V1 task with something in every field.
inline ctu_task_v1 FullTaskV1() {
  ctu_task_v1 task{};
  task.struct_size = sizeof(task);
  task.receive_pu = "xcloud24_9876";
  task.sequence_no = 7;
  task.receive_ts = 1617693156000;
  task.state = 1;
  task.repeat_flag = true;
  task.sub_task_flag = false;
  task.repeat_count = -3;
  task.repeat_interval = 3600;
  task.success_count = 4000000000U;
  task.failed_count = 2;
  task.db_name = "sales";
  task.schema_name = "eu";
  task.table_name = "orders";
  task.partition_name = "p202104";
  return task;
}

/// A V2 task with something in every field.
inline ctu_task_v2 FullTaskV2() {
  ctu_task_v2 task{};
  task.struct_size = sizeof(task);
  task.query_id = "aaaaffff.16176931.56000000";
  task.sequence_no = 7;
  task.receive_pu = "xcloud24_9876";
  task.state = 1;
  task.optimizat_db_name = "sales";
  task.optimizat_pc_name = "pc1";
  task.repeat_flag = false;
  task.sub_task_flag = true;
  task.sync_task_flag = true;
  task.repeat_count = 5;
  task.repeat_interval = -60;
  task.success_count = 1;
  task.failed_count = 4000000001U;
  task.db_name = "sales";
  task.schema_name = "eu";
  task.table_name = "orders";
  task.partition_name = "p202104";
  task.pc_name = "pc1";
  task.executenode = "xcloud24_9876";
  task.compact_filesize_threshold = -5000000000;
  task.compact_group_num = 9;
  return task;
}

}  // namespace test_support

#endif  // COMPTASK_UPGRADE_TESTS_RAW_ABI_H_
