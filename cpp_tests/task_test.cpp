// Task names, ids and bytes, by the C ABI and by the wrapper.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "comptask_upgrade.hpp"
#include "raw_abi.h"

namespace {

namespace ctu = comptask_upgrade;
using test_support::BufferHandle;
using test_support::CodeOf;
using test_support::TaskHandle;

// The code of the error that a call of the wrapper throws; kOk where it throws none.
template <typename Call>
ctu::Code CodeThrownBy(Call call) {
  try {
    call();
  } catch (const ctu::Error& error) {
    return error.code();
  }
  return ctu::Code::kOk;
}

TEST(TaskName, SaysBaseAndState) {
  const std::vector<std::tuple<std::string, std::string, ctu::V1State>> names{
      {"compct.xcloud24_9876.0.1617693156000", "compct.xcloud24_9876.0.1617693156000", ctu::V1State::kInit},
      {"compct.xcloud24_9876.0.1617606756000.Assigned", "compct.xcloud24_9876.0.1617606756000",
       ctu::V1State::kAssigned},
      {"compct.xcloud24_9876.0.1614928356000.Cancel", "compct.xcloud24_9876.0.1614928356000", ctu::V1State::kCancel},
      {"compct.xcloud24_9876.0.1583392356000.Done", "compct.xcloud24_9876.0.1583392356000", ctu::V1State::kDone},
      {"compct.a.b.7.9.12", "compct.a.b.7.9.12", ctu::V1State::kInit}};
  for (const auto& [name, base, state] : names) {
    const ctu::V1Name parsed = ctu::ParseV1Name(name);
    EXPECT_EQ(parsed.base, base);
    EXPECT_EQ(parsed.state, state) << name;
  }
}

TEST(TaskName, IsRefusedWhereItIsNone) {
  for (const std::string name : {"", "compct", "compct..0.1", "compct.pu.x.1", "compct.pu.0.1.done", "compct.pu.00.1",
                                 "compct.pu.0.01", "compct.pu.-1.1", "compct.pu.2147483648.1", "Compct.pu.0.1"}) {
    EXPECT_NE(CodeThrownBy([&] { (void)ctu::ParseV1Name(name); }), ctu::Code::kOk) << name;
  }
}

TEST(TaskName, LeavesNoBufferBehindAnError) {
  auto* base = reinterpret_cast<ctu_buffer*>(1);
  std::int32_t state = 77;
  EXPECT_NE(CodeOf(ctu_task_v1_parse_name("nothing", &base, &state)), CTU_OK);
  EXPECT_EQ(base, nullptr);
  EXPECT_EQ(state, -1);
}

TEST(TaskId, IsMadeOfTimeNumberAndOrdinal) {
  EXPECT_EQ(ctu::V2Id("compct.xcloud24_9876.0.1617693156000"), "aaaaffff.16176931.56000000.0");
  EXPECT_EQ(ctu::V2Id("compct.xcloud24_9876.5.1617693156000", 1), "aaaaffff.16176931.56000001.5");
  EXPECT_EQ(ctu::V2Id("compct.pu.0.12", 999), "aaaaffff.00000000.00012999.0");
  EXPECT_NE(CodeThrownBy([] { (void)ctu::V2Id("compct.pu.0.12", 1000); }), ctu::Code::kOk);
  EXPECT_NE(CodeThrownBy([] { (void)ctu::V2Id("compct.pu.0.12345678901234"); }), ctu::Code::kOk);
  EXPECT_NE(CodeThrownBy([] { (void)ctu::V2Id("nothing"); }), ctu::Code::kOk);
}

TEST(TaskBytes, KeepEveryFieldOfV1) {
  const ctu_task_v1 task = test_support::FullTaskV1();
  const ctu::TaskV1 fields = ctu::detail::FromC(task);
  const ctu::TaskV1 back = ctu::Task::DecodeV1(ctu::Encode(fields).view()).v1();
  EXPECT_EQ(back.receive_pu, "xcloud24_9876");
  EXPECT_EQ(back.sequence_no, 7);
  EXPECT_EQ(back.receive_ts, 1617693156000U);
  EXPECT_EQ(back.state, ctu::V1State::kAssigned);
  EXPECT_TRUE(back.repeat_flag);
  EXPECT_FALSE(back.sub_task_flag);
  EXPECT_EQ(back.repeat_count, -3);
  EXPECT_EQ(back.repeat_interval, 3600);
  EXPECT_EQ(back.success_count, 4000000000U);
  EXPECT_EQ(back.failed_count, 2U);
  EXPECT_EQ(back.db_name, "sales");
  EXPECT_EQ(back.schema_name, "eu");
  EXPECT_EQ(back.table_name, "orders");
  EXPECT_EQ(back.partition_name, "p202104");
}

TEST(TaskBytes, KeepEveryFieldOfV2) {
  const ctu_task_v2 task = test_support::FullTaskV2();
  const ctu::TaskV2 fields = ctu::detail::FromC(task);
  const ctu::TaskV2 back = ctu::Task::DecodeV2(ctu::Encode(fields).view()).v2();
  EXPECT_EQ(back.query_id, "aaaaffff.16176931.56000000");
  EXPECT_EQ(back.sequence_no, 7);
  EXPECT_EQ(back.receive_pu, "xcloud24_9876");
  EXPECT_EQ(back.state, ctu::V2State::kRunning);
  EXPECT_EQ(back.optimizat_db_name, "sales");
  EXPECT_EQ(back.optimizat_pc_name, "pc1");
  EXPECT_FALSE(back.repeat_flag);
  EXPECT_TRUE(back.sub_task_flag);
  EXPECT_TRUE(back.sync_task_flag);
  EXPECT_EQ(back.repeat_count, 5);
  EXPECT_EQ(back.repeat_interval, -60);
  EXPECT_EQ(back.success_count, 1U);
  EXPECT_EQ(back.failed_count, 4000000001U);
  EXPECT_EQ(back.db_name, "sales");
  EXPECT_EQ(back.schema_name, "eu");
  EXPECT_EQ(back.table_name, "orders");
  EXPECT_EQ(back.partition_name, "p202104");
  EXPECT_EQ(back.pc_name, "pc1");
  EXPECT_EQ(back.executenode, "xcloud24_9876");
  EXPECT_EQ(back.compact_filesize_threshold, -5000000000);
  EXPECT_EQ(back.compact_group_num, 9);
}

// The published layout of the bytes, written out by hand, so that no codec is compared with itself.
TEST(TaskBytes, AreTheOnesThatArePublished) {
  ctu::TaskV1 task;
  task.receive_pu = "pu";
  task.sequence_no = 1;
  task.receive_ts = 2;
  task.state = ctu::V1State::kDone;
  task.repeat_flag = true;
  task.repeat_count = 3;
  task.repeat_interval = 4;
  task.success_count = 5;
  task.failed_count = 6;
  task.db_name = "d";
  const std::string payload(
      "\2\0\0\0\0\0\0\0pu\1\0\0\0\2\0\0\0\0\0\0\0\3\0\0\0\1\0\3\0\0\0\4\0\0\0\5\0\0\0\6\0\0\0"
      "\1\0\0\0\0\0\0\0d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
      77);
  std::string expected("CTK1\1\0", 6);
  expected += std::string(1, static_cast<char>(payload.size())) + std::string(3, '\0') + payload;
  const std::string bytes = ctu::Encode(task).str();
  ASSERT_EQ(bytes.size(), expected.size() + 4) << "a CRC32C is all that follows";
  EXPECT_EQ(bytes.substr(0, expected.size()), expected);
}

TEST(TaskBytes, AreRefusedWhereOneBitIsWrong) {
  ctu::TaskV1 task;
  task.receive_pu = "xcloud24_9876";
  const std::string good = ctu::Encode(task).str();
  ASSERT_NO_THROW((void)ctu::Task::DecodeV1(good));
  for (std::size_t index = 0; index < good.size(); ++index) {
    std::string bad = good;
    bad[index] = static_cast<char>(bad[index] ^ 1);
    EXPECT_EQ(CodeThrownBy([&] { (void)ctu::Task::DecodeV1(bad); }), ctu::Code::kCorrupt) << "byte " << index;
  }
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_EQ(CodeThrownBy([&] { (void)ctu::Task::DecodeV1(good.substr(0, length)); }), ctu::Code::kCorrupt) << length;
  }
  EXPECT_EQ(CodeThrownBy([&] { (void)ctu::Task::DecodeV1(good + "x"); }), ctu::Code::kCorrupt);
  EXPECT_EQ(CodeThrownBy([&] { (void)ctu::Task::DecodeV1({}); }), ctu::Code::kCorrupt);
}

TEST(TaskBytes, OfOneVersionAreNotThoseOfTheOther) {
  const std::string v1 = ctu::Encode(ctu::TaskV1{}).str();
  const std::string v2 = ctu::Encode(ctu::TaskV2{}).str();
  EXPECT_EQ(CodeThrownBy([&] { (void)ctu::Task::DecodeV2(v1); }), ctu::Code::kCorrupt);
  EXPECT_EQ(CodeThrownBy([&] { (void)ctu::Task::DecodeV1(v2); }), ctu::Code::kCorrupt);
  EXPECT_EQ(CodeThrownBy([&] { (void)ctu::Task::DecodeV1(v1).v2(); }), ctu::Code::kInvalidArgument);
  EXPECT_EQ(CodeThrownBy([&] { (void)ctu::Task::DecodeV2(v2).v1(); }), ctu::Code::kInvalidArgument);
}

TEST(TaskBytes, HaveAState) {
  ctu_task_v1 v1 = test_support::FullTaskV1();
  ctu_task_v2 v2 = test_support::FullTaskV2();
  for (const std::int32_t state : {-1, 4, 1000}) {
    v1.state = state;
    v2.state = state;
    auto* buffer = reinterpret_cast<ctu_buffer*>(1);
    EXPECT_EQ(CodeOf(ctu_task_v1_encode(&v1, &buffer)), CTU_INVALID_ARGUMENT) << state;
    EXPECT_EQ(buffer, nullptr);
    buffer = reinterpret_cast<ctu_buffer*>(1);
    EXPECT_EQ(CodeOf(ctu_task_v2_encode(&v2, &buffer)), CTU_INVALID_ARGUMENT) << state;
    EXPECT_EQ(buffer, nullptr);
  }
}

TEST(TaskBytes, EndWithANulThatDoesNotCount) {
  const ctu_task_v1 task = test_support::FullTaskV1();
  ctu_buffer* raw = nullptr;
  ASSERT_EQ(CodeOf(ctu_task_v1_encode(&task, &raw)), CTU_OK);
  const BufferHandle buffer(raw);
  EXPECT_EQ(ctu_buffer_data(raw)[ctu_buffer_len(raw)], 0);
}

TEST(TaskView, LivesAsLongAsTheTask) {
  const ctu_task_v1 fields = test_support::FullTaskV1();
  ctu_buffer* raw_buffer = nullptr;
  ASSERT_EQ(CodeOf(ctu_task_v1_encode(&fields, &raw_buffer)), CTU_OK);
  BufferHandle buffer(raw_buffer);
  ctu_task* raw_task = nullptr;
  ASSERT_EQ(CodeOf(ctu_task_v1_decode(ctu_buffer_data(raw_buffer), ctu_buffer_len(raw_buffer), &raw_task)), CTU_OK);
  const TaskHandle task(raw_task);
  buffer.reset();
  ctu_task_v1 view{};
  view.struct_size = sizeof(view);
  ASSERT_EQ(CodeOf(ctu_task_v1_view(raw_task, &view)), CTU_OK);
  EXPECT_EQ(view.struct_size, sizeof(view));
  EXPECT_STREQ(view.receive_pu, "xcloud24_9876");
  EXPECT_STREQ(view.partition_name, "p202104");
}

TEST(Wrapper, RefusesATextWithANulByteInIt) {
  ctu::TaskV1 task;
  task.db_name = std::string("sa\0les", 6);
  EXPECT_EQ(CodeThrownBy([&] { (void)ctu::Encode(task); }), ctu::Code::kInvalidArgument);
  EXPECT_EQ(CodeThrownBy([] { ctu::Config().SetRoot(std::string("a\0b", 3)); }), ctu::Code::kInvalidArgument);
  EXPECT_EQ(ctu::ParseOperation(std::string("status\0", 7)), ctu::Operation::kInvalid);
}

TEST(Operation, IsOneOfFourWords) {
  EXPECT_EQ(ctu_op_parse("status"), 0);
  EXPECT_EQ(ctu_op_parse("upgrade"), 1);
  EXPECT_EQ(ctu_op_parse("recovery"), 2);
  EXPECT_EQ(ctu_op_parse("delete"), 3);
  for (const char* word : {"", "invalid", "upgrades", "upgrad", " upgrade", "1", "\xFF"}) {
    EXPECT_EQ(ctu_op_parse(word), 4) << word;
  }
  EXPECT_EQ(ctu_op_parse(nullptr), 4);
}

TEST(Version, IsThatOfTheHeader) {
  EXPECT_EQ(ctu_abi_version(), CTU_ABI_VERSION);
  EXPECT_STREQ(ctu_version(), "0.1.0");
}

TEST(CodeName, IsTheSpellingOfTheHeader) {
  EXPECT_STREQ(ctu::CodeName(ctu::Code::kOk), "CTU_OK");
  EXPECT_STREQ(ctu::CodeName(ctu::Code::kLockLost), "CTU_LOCK_LOST");
  EXPECT_STREQ(ctu::CodeName(ctu::Code::kNotEmpty), "CTU_NOT_EMPTY");
  EXPECT_STREQ(ctu::CodeName(static_cast<ctu::Code>(99)), "CTU_UNKNOWN");
}

}  // namespace
