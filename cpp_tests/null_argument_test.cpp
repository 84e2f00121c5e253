// Every fallible function answers "invalid argument" for every pointer that is NULL, and writes its out-parameters all
// the same; every _free takes NULL.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "comptask_upgrade.hpp"
#include "local_tree.h"
#include "raw_abi.h"
#include "temp_folder.h"

namespace {

using namespace test_support;

void ExpectRefused(ctu_error* error, const char* call) { EXPECT_EQ(CodeOf(error), CTU_INVALID_ARGUMENT) << call; }
#define EXPECT_REFUSED(call) ExpectRefused((call), #call)

// A pointer that nobody may find again after a call that writes its out-parameter.
template <typename Handle>
Handle* Poison() {
  return reinterpret_cast<Handle*>(std::uintptr_t{0xDEAD});
}

TEST(NullArgument, IsRefusedByConfig) {
  const ConfigHandle owner(ctu_config_new());
  ctu_config* config = owner.get();
  int released = 0;
  const ctu_storage_vtable storage = StorageTable();
  const ctu_lock_vtable lock = LockTable();
  const ctu_catalog_vtable catalog = CatalogTable();
  const ctu_liveness_vtable liveness = LivenessTable();
  const ctu_codec_vtable codec = CodecTable();
  const ctu_log_fn log = [](void*, std::int32_t, const char*, const char*) {};

  EXPECT_REFUSED(ctu_config_root(nullptr, "root"));
  EXPECT_REFUSED(ctu_config_root(config, nullptr));
  EXPECT_REFUSED(ctu_config_hdfs_client(nullptr, "auto"));
  EXPECT_REFUSED(ctu_config_hdfs_client(config, nullptr));
  EXPECT_REFUSED(ctu_config_hdfs_option(nullptr, "key", "value"));
  EXPECT_REFUSED(ctu_config_hdfs_option(config, nullptr, "value"));
  EXPECT_REFUSED(ctu_config_hdfs_option(config, "key", nullptr));
  EXPECT_REFUSED(ctu_config_zookeeper_option(nullptr, "digest", "user:password"));
  EXPECT_REFUSED(ctu_config_zookeeper_option(config, nullptr, "user:password"));
  EXPECT_REFUSED(ctu_config_zookeeper_option(config, "digest", nullptr));
  EXPECT_REFUSED(ctu_config_storage(nullptr, &storage, &released));
  EXPECT_REFUSED(ctu_config_storage(config, nullptr, &released));
  EXPECT_REFUSED(ctu_config_lock_zookeeper(nullptr, "hosts", "/path", 1000));
  EXPECT_REFUSED(ctu_config_lock_zookeeper(config, nullptr, "/path", 1000));
  EXPECT_REFUSED(ctu_config_lock_zookeeper(config, "hosts", nullptr, 1000));
  EXPECT_REFUSED(ctu_config_lock(nullptr, &lock, &released));
  EXPECT_REFUSED(ctu_config_lock(config, nullptr, &released));
  EXPECT_REFUSED(ctu_config_catalog_file(nullptr, "file"));
  EXPECT_REFUSED(ctu_config_catalog_file(config, nullptr));
  EXPECT_REFUSED(ctu_config_catalog(nullptr, &catalog, &released));
  EXPECT_REFUSED(ctu_config_catalog(config, nullptr, &released));
  EXPECT_REFUSED(ctu_config_liveness_zookeeper(nullptr, "hosts", "/path"));
  EXPECT_REFUSED(ctu_config_liveness_zookeeper(config, nullptr, "/path"));
  EXPECT_REFUSED(ctu_config_liveness_zookeeper(config, "hosts", nullptr));
  EXPECT_REFUSED(ctu_config_liveness_file(nullptr, "file"));
  EXPECT_REFUSED(ctu_config_liveness_file(config, nullptr));
  EXPECT_REFUSED(ctu_config_liveness_assume_offline(nullptr));
  EXPECT_REFUSED(ctu_config_liveness(nullptr, &liveness, &released));
  EXPECT_REFUSED(ctu_config_liveness(config, nullptr, &released));
  EXPECT_REFUSED(ctu_config_codec(nullptr, &codec, &released));
  EXPECT_REFUSED(ctu_config_codec(config, nullptr, &released));
  EXPECT_REFUSED(ctu_config_log(nullptr, log, nullptr, 2));
  EXPECT_EQ(released, 0) << "what was refused stays the caller's";

  ctu_session* session = Poison<ctu_session>();
  EXPECT_REFUSED(ctu_session_open(nullptr, &session));
  EXPECT_EQ(session, nullptr);
  EXPECT_REFUSED(ctu_session_open(config, nullptr));
}

class NullArgumentOfSession : public testing::Test {
 protected:
  void SetUp() override {
    LayOutDesignTree(folder_.path());
    const ConfigHandle config(ctu_config_new());
    ASSERT_EQ(CodeOf(ctu_config_root(config.get(), folder_.path().c_str())), CTU_OK);
    ctu_session* session = nullptr;
    ASSERT_EQ(CodeOf(ctu_session_open(config.get(), &session)), CTU_OK);
    session_.reset(session);
  }

  TempFolder folder_;
  SessionHandle session_;
};

TEST_F(NullArgumentOfSession, IsRefused) {
  ctu_session* session = session_.get();
  ctu_run_options options{};
  options.struct_size = sizeof(options);

  EXPECT_REFUSED(ctu_session_lock(nullptr));
  EXPECT_REFUSED(ctu_session_unlock(nullptr));
  EXPECT_REFUSED(ctu_session_close(nullptr));
  EXPECT_REFUSED(ctu_session_check_all_offline(nullptr, CTU_OP_STATUS));
  ctu_report* report = Poison<ctu_report>();
  EXPECT_REFUSED(ctu_run(nullptr, CTU_OP_STATUS, &options, &report));
  EXPECT_EQ(report, nullptr);
  EXPECT_REFUSED(ctu_run(session, CTU_OP_STATUS, &options, nullptr));
  std::int32_t verdict = 77;
  EXPECT_REFUSED(ctu_node_gate(nullptr, "node", &verdict));
  EXPECT_EQ(verdict, 0);
  verdict = 77;
  EXPECT_REFUSED(ctu_node_gate(session, nullptr, &verdict));
  EXPECT_EQ(verdict, 0);
  verdict = 77;
  EXPECT_REFUSED(ctu_node_gate(session, "", &verdict));
  EXPECT_EQ(verdict, 0);
  EXPECT_REFUSED(ctu_node_gate(session, "node", nullptr));
  ctu_session_cancel(nullptr);
  // The one pointer that may be: no options are the default ones.
  EXPECT_EQ(CodeOf(ctu_run(session, CTU_OP_STATUS, nullptr, &report)), CTU_OK);
  ctu_report_free(report);
  for (const ctu_op op : {-1, CTU_OP_INVALID, 5}) {
    report = Poison<ctu_report>();
    EXPECT_REFUSED(ctu_run(session, op, &options, &report));
    EXPECT_EQ(report, nullptr);
    EXPECT_REFUSED(ctu_session_check_all_offline(session, op));
  }
}

TEST_F(NullArgumentOfSession, IsRefusedByJobs) {
  ctu_job* job = Poison<ctu_job>();
  EXPECT_REFUSED(ctu_job_start(nullptr, CTU_OP_STATUS, nullptr, &job));
  EXPECT_EQ(job, nullptr);
  EXPECT_REFUSED(ctu_job_start(session_.get(), CTU_OP_STATUS, nullptr, nullptr));
  for (const ctu_op op : {-1, CTU_OP_INVALID, 5}) {
    job = Poison<ctu_job>();
    EXPECT_REFUSED(ctu_job_start(session_.get(), op, nullptr, &job));
    EXPECT_EQ(job, nullptr);
  }
  ctu_progress progress{};
  progress.struct_size = sizeof(progress);
  progress.total = 77;
  progress.current = "old";
  EXPECT_REFUSED(ctu_job_progress(nullptr, &progress));
  EXPECT_EQ(progress.total, 0U) << "a failure leaves nothing old in what it was to fill in";
  EXPECT_EQ(progress.current, nullptr);
  ctu_report* report = Poison<ctu_report>();
  EXPECT_REFUSED(ctu_job_wait(nullptr, &report));
  EXPECT_EQ(report, nullptr);
  EXPECT_REFUSED(ctu_job_wait(nullptr, nullptr));
  ctu_job_cancel(nullptr);
  EXPECT_TRUE(ctu_job_done(nullptr)) << "a loop that waits for nothing ends";
}

TEST_F(NullArgumentOfSession, IsRefusedByMarks) {
  ctu_session* session = session_.get();
  const char* base = "compct.xcloud24_9876.0.1617693156000";
  EXPECT_REFUSED(ctu_mark_upgrading(nullptr, base, "node"));
  EXPECT_REFUSED(ctu_mark_upgrading(session, nullptr, "node"));
  EXPECT_REFUSED(ctu_mark_upgrading(session, base, nullptr));
  EXPECT_REFUSED(ctu_mark_upgraded(nullptr, base, "node"));
  EXPECT_REFUSED(ctu_mark_upgraded(session, nullptr, "node"));
  EXPECT_REFUSED(ctu_mark_upgraded(session, base, nullptr));
  bool upgraded = true;
  EXPECT_REFUSED(ctu_mark_is_upgraded(nullptr, base, &upgraded));
  EXPECT_FALSE(upgraded);
  upgraded = true;
  EXPECT_REFUSED(ctu_mark_is_upgraded(session, nullptr, &upgraded));
  EXPECT_FALSE(upgraded);
  EXPECT_REFUSED(ctu_mark_is_upgraded(session, base, nullptr));
  EXPECT_REFUSED(ctu_mark_remove(nullptr, base));
  EXPECT_REFUSED(ctu_mark_remove(session, nullptr));
  EXPECT_REFUSED(ctu_mark_all_upgraded(nullptr));
  EXPECT_REFUSED(ctu_mark_clear_all(nullptr));
}

TEST_F(NullArgumentOfSession, IsRefusedByReportRows) {
  ctu_run_options options{};
  options.struct_size = sizeof(options);
  ctu_report* raw = nullptr;
  ASSERT_EQ(CodeOf(ctu_run(session_.get(), CTU_OP_STATUS, &options, &raw)), CTU_OK);
  const ReportHandle report(raw);
  ctu_report_row row{};
  row.struct_size = sizeof(row);
  row.v1_name = "old";
  EXPECT_REFUSED(ctu_report_task(nullptr, 0, &row));
  EXPECT_REFUSED(ctu_report_task(raw, 0, nullptr));
  EXPECT_REFUSED(ctu_report_task(raw, ctu_report_task_count(raw), &row));
  EXPECT_EQ(row.v1_name, nullptr) << "a failure leaves nothing old in what it was to fill in";
  EXPECT_EQ(row.struct_size, sizeof(row));
  EXPECT_REFUSED(ctu_report_task(raw, SIZE_MAX, &row));
}

TEST(NullArgument, IsRefusedByTasks) {
  const ctu_task_v1 v1 = FullTaskV1();
  const ctu_task_v2 v2 = FullTaskV2();
  const std::uint8_t byte = 0;
  ctu_buffer* buffer = Poison<ctu_buffer>();
  std::int32_t state = 77;
  EXPECT_REFUSED(ctu_task_v1_parse_name(nullptr, &buffer, &state));
  EXPECT_EQ(buffer, nullptr);
  EXPECT_EQ(state, -1);
  state = 77;
  EXPECT_REFUSED(ctu_task_v1_parse_name("compct.pu.0.1", nullptr, &state));
  EXPECT_EQ(state, -1);
  buffer = Poison<ctu_buffer>();
  EXPECT_REFUSED(ctu_task_v1_parse_name("compct.pu.0.1", &buffer, nullptr));
  EXPECT_EQ(buffer, nullptr);
  buffer = Poison<ctu_buffer>();
  EXPECT_REFUSED(ctu_task_v2_id(nullptr, 0, &buffer));
  EXPECT_EQ(buffer, nullptr);
  EXPECT_REFUSED(ctu_task_v2_id("compct.pu.0.1", 0, nullptr));
  buffer = Poison<ctu_buffer>();
  EXPECT_REFUSED(ctu_task_v1_encode(nullptr, &buffer));
  EXPECT_EQ(buffer, nullptr);
  EXPECT_REFUSED(ctu_task_v1_encode(&v1, nullptr));
  buffer = Poison<ctu_buffer>();
  EXPECT_REFUSED(ctu_task_v2_encode(nullptr, &buffer));
  EXPECT_EQ(buffer, nullptr);
  EXPECT_REFUSED(ctu_task_v2_encode(&v2, nullptr));
  ctu_task* task = Poison<ctu_task>();
  EXPECT_REFUSED(ctu_task_v1_decode(nullptr, 1, &task));
  EXPECT_EQ(task, nullptr);
  EXPECT_REFUSED(ctu_task_v1_decode(&byte, 1, nullptr));
  task = Poison<ctu_task>();
  EXPECT_REFUSED(ctu_task_v2_decode(nullptr, 1, &task));
  EXPECT_EQ(task, nullptr);
  EXPECT_REFUSED(ctu_task_v2_decode(&byte, 1, nullptr));
  ctu_task_v1 v1_view{};
  v1_view.struct_size = sizeof(v1_view);
  EXPECT_REFUSED(ctu_task_v1_view(nullptr, &v1_view));
  ctu_task_v2 v2_view{};
  v2_view.struct_size = sizeof(v2_view);
  EXPECT_REFUSED(ctu_task_v2_view(nullptr, &v2_view));

  ASSERT_EQ(CodeOf(ctu_task_v1_encode(&v1, &buffer)), CTU_OK);
  const BufferHandle bytes(buffer);
  ASSERT_EQ(CodeOf(ctu_task_v1_decode(ctu_buffer_data(buffer), ctu_buffer_len(buffer), &task)), CTU_OK);
  const TaskHandle decoded(task);
  EXPECT_REFUSED(ctu_task_v1_view(task, nullptr));
  v2_view.pc_name = "old";
  EXPECT_REFUSED(ctu_task_v2_view(task, &v2_view));
  EXPECT_EQ(v2_view.pc_name, nullptr) << "a failure leaves nothing old in what it was to fill in";
}

TEST(NullArgument, IsRefusedByTranslations) {
  ctu_buffer* buffer = Poison<ctu_buffer>();
  EXPECT_REFUSED(ctu_text_translate(nullptr, "zh", &buffer));
  EXPECT_EQ(buffer, nullptr);
  buffer = Poison<ctu_buffer>();
  EXPECT_REFUSED(ctu_text_translate("text", nullptr, &buffer));
  EXPECT_EQ(buffer, nullptr);
  EXPECT_REFUSED(ctu_text_translate("text", "zh", nullptr));
}

TEST(NullArgument, InATaskIsRefusedFieldByField) {
  const char* ctu_task_v1::*const kV1Fields[] = {&ctu_task_v1::receive_pu, &ctu_task_v1::db_name,
                                                 &ctu_task_v1::schema_name, &ctu_task_v1::table_name,
                                                 &ctu_task_v1::partition_name};
  for (const auto field : kV1Fields) {
    ctu_task_v1 task = FullTaskV1();
    task.*field = nullptr;
    ctu_buffer* buffer = Poison<ctu_buffer>();
    EXPECT_REFUSED(ctu_task_v1_encode(&task, &buffer));
    EXPECT_EQ(buffer, nullptr);
  }
  const char* ctu_task_v2::*const kV2Fields[] = {&ctu_task_v2::query_id,          &ctu_task_v2::receive_pu,
                                                 &ctu_task_v2::optimizat_db_name, &ctu_task_v2::db_name,
                                                 &ctu_task_v2::schema_name,       &ctu_task_v2::optimizat_pc_name,
                                                 &ctu_task_v2::table_name,        &ctu_task_v2::partition_name,
                                                 &ctu_task_v2::pc_name,           &ctu_task_v2::executenode};
  for (const auto field : kV2Fields) {
    ctu_task_v2 task = FullTaskV2();
    task.*field = nullptr;
    ctu_buffer* buffer = Poison<ctu_buffer>();
    EXPECT_REFUSED(ctu_task_v2_encode(&task, &buffer));
    EXPECT_EQ(buffer, nullptr);
  }
}

TEST(NullArgument, IsFineForEveryFreeAndAnsweredByEveryGetter) {
  ctu_error_free(nullptr);
  ctu_config_free(nullptr);
  ctu_session_free(nullptr);
  ctu_job_free(nullptr);
  ctu_report_free(nullptr);
  ctu_task_free(nullptr);
  ctu_buffer_free(nullptr);

  EXPECT_STREQ(ctu_error_path(nullptr), "");
  EXPECT_STREQ(ctu_error_task(nullptr), "");
  EXPECT_STREQ(ctu_error_message(nullptr), "");
  EXPECT_STREQ(ctu_error_next_action(nullptr), "");
  EXPECT_EQ(ctu_error_code(nullptr), CTU_OK);
  EXPECT_EQ(ctu_report_total(nullptr), 0U);
  EXPECT_EQ(ctu_report_converted(nullptr), 0U);
  EXPECT_EQ(ctu_report_skipped(nullptr), 0U);
  EXPECT_EQ(ctu_report_cancelled(nullptr), 0U);
  EXPECT_EQ(ctu_report_failed(nullptr), 0U);
  EXPECT_EQ(ctu_report_left(nullptr), 0U);
  EXPECT_EQ(ctu_report_warnings(nullptr), 0U);
  EXPECT_EQ(ctu_report_task_count(nullptr), 0U);
  EXPECT_STREQ(ctu_report_summary(nullptr), "");
  EXPECT_STREQ(ctu_report_overview(nullptr), "");
  EXPECT_STREQ(ctu_report_json(nullptr), "");
  EXPECT_STREQ(ctu_report_picture(nullptr), "");
  EXPECT_EQ(ctu_buffer_len(nullptr), 0U);
}

TEST(NullArgument, IsFineForEveryReply) {
  const ctu_task_v1 v1 = FullTaskV1();
  const ctu_task_v2 v2 = FullTaskV2();
  const std::uint8_t byte = 0;
  ctu_reply_message(nullptr, "text");
  ctu_reply_bytes(nullptr, &byte, 1);
  ctu_reply_entry(nullptr, "name", false, 0, 0);
  ctu_reply_name(nullptr, "name");
  ctu_reply_task_v1(nullptr, &v1);
  ctu_reply_task_v2(nullptr, &v2);
}

TEST(Utf8, IsWhatEveryTextMustBe) {
  const ConfigHandle config(ctu_config_new());
  EXPECT_REFUSED(ctu_config_root(config.get(), "\xFF"));
  EXPECT_REFUSED(ctu_config_catalog_file(config.get(), "\xC3"));
  EXPECT_REFUSED(ctu_config_liveness_file(config.get(), "a\x80z"));
  ctu_task_v1 task = FullTaskV1();
  task.table_name = "\xED\xA0\x80";
  ctu_buffer* buffer = Poison<ctu_buffer>();
  EXPECT_REFUSED(ctu_task_v1_encode(&task, &buffer));
  EXPECT_EQ(buffer, nullptr);
}

TEST(Root, OfNoNameIsRefused) {
  const ConfigHandle config(ctu_config_new());
  EXPECT_REFUSED(ctu_config_root(config.get(), ""));
}

TEST(Root, ThatWasNeverSetIsRefused) {
  const ConfigHandle config(ctu_config_new());
  ctu_session* session = Poison<ctu_session>();
  EXPECT_REFUSED(ctu_session_open(config.get(), &session));
  EXPECT_EQ(session, nullptr);
}

}  // namespace
