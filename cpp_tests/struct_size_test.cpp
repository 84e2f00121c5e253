// The rules by which a struct that crosses the ABI can grow: shorter is an older caller, longer with a zero tail a
// newer one that asks for nothing new, longer with something in the tail a caller that asks for what is not there.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <type_traits>

#include "comptask_upgrade.hpp"
#include "local_tree.h"
#include "raw_abi.h"
#include "temp_folder.h"

namespace {

using namespace test_support;

// A struct as a later version of the header would have it: what is known, and something behind it.
template <typename Struct>
struct Grown {
  Struct known;
  unsigned char tail[32];
};

// Each setter of a host's functions, with functions that it accepts.
template <typename Struct>
struct Setter;

template <>
struct Setter<ctu_storage_vtable> {
  static constexpr const char* kName = "storage";
  static ctu_storage_vtable Table() { return StorageTable(); }
  static constexpr auto kSet = ctu_config_storage;
  static constexpr std::size_t kWithoutRelease = offsetof(ctu_storage_vtable, release);
};
template <>
struct Setter<ctu_lock_vtable> {
  static constexpr const char* kName = "lock";
  static ctu_lock_vtable Table() { return LockTable(); }
  static constexpr auto kSet = ctu_config_lock;
  static constexpr std::size_t kWithoutRelease = offsetof(ctu_lock_vtable, release);
};
template <>
struct Setter<ctu_catalog_vtable> {
  static constexpr const char* kName = "catalog";
  static ctu_catalog_vtable Table() { return CatalogTable(); }
  static constexpr auto kSet = ctu_config_catalog;
  static constexpr std::size_t kWithoutRelease = offsetof(ctu_catalog_vtable, release);
};
template <>
struct Setter<ctu_liveness_vtable> {
  static constexpr const char* kName = "liveness";
  static ctu_liveness_vtable Table() { return LivenessTable(); }
  static constexpr auto kSet = ctu_config_liveness;
  static constexpr std::size_t kWithoutRelease = offsetof(ctu_liveness_vtable, release);
};
template <>
struct Setter<ctu_codec_vtable> {
  static constexpr const char* kName = "codec";
  static ctu_codec_vtable Table() { return CodecTable(); }
  static constexpr auto kSet = ctu_config_codec;
  static constexpr std::size_t kWithoutRelease = offsetof(ctu_codec_vtable, release);
};

template <typename Struct>
class HostFunctions : public testing::Test {};
using AllHostFunctions =
    testing::Types<ctu_storage_vtable, ctu_lock_vtable, ctu_catalog_vtable, ctu_liveness_vtable, ctu_codec_vtable>;

struct HostFunctionsNames {
  template <typename Struct>
  static std::string GetName(int) {
    return Setter<Struct>::kName;
  }
};
TYPED_TEST_SUITE(HostFunctions, AllHostFunctions, HostFunctionsNames);

TYPED_TEST(HostFunctions, OfTheKnownSizeAreTakenAndReleasedOnce) {
  int released = 0;
  ConfigHandle config(ctu_config_new());
  const TypeParam table = Setter<TypeParam>::Table();
  EXPECT_EQ(CodeOf(Setter<TypeParam>::kSet(config.get(), &table, &released)), CTU_OK);
  EXPECT_EQ(released, 0);
  config.reset();
  EXPECT_EQ(released, 1);
}

TYPED_TEST(HostFunctions, OfAnOlderCallerAreTakenAndWhatItDidNotKnowIsNotRead) {
  int released = 0;
  ConfigHandle config(ctu_config_new());
  TypeParam table = Setter<TypeParam>::Table();
  // The release is still there in memory, but the size says that the caller knows of none.
  table.struct_size = Setter<TypeParam>::kWithoutRelease;
  EXPECT_EQ(CodeOf(Setter<TypeParam>::kSet(config.get(), &table, &released)), CTU_OK);
  config.reset();
  EXPECT_EQ(released, 0);
}

TYPED_TEST(HostFunctions, WithAZeroTailAreTaken) {
  int released = 0;
  ConfigHandle config(ctu_config_new());
  Grown<TypeParam> grown{Setter<TypeParam>::Table(), {}};
  grown.known.struct_size = sizeof(grown);
  EXPECT_EQ(CodeOf(Setter<TypeParam>::kSet(config.get(), &grown.known, &released)), CTU_OK);
  config.reset();
  EXPECT_EQ(released, 1);
}

TYPED_TEST(HostFunctions, WithAnythingInTheTailAreRefusedAndNotReleased) {
  for (const std::size_t place : {std::size_t{0}, sizeof(Grown<TypeParam>::tail) - 1}) {
    int released = 0;
    ConfigHandle config(ctu_config_new());
    Grown<TypeParam> grown{Setter<TypeParam>::Table(), {}};
    grown.known.struct_size = sizeof(grown);
    grown.tail[place] = 1;
    EXPECT_EQ(CodeOf(Setter<TypeParam>::kSet(config.get(), &grown.known, &released)), CTU_INVALID_ARGUMENT) << place;
    config.reset();
    EXPECT_EQ(released, 0) << "what was refused stays the caller's";
  }
}

TYPED_TEST(HostFunctions, OfNoSizeAreRefused) {
  for (const std::size_t size : {std::size_t{0}, sizeof(std::size_t) - 1}) {
    int released = 0;
    const ConfigHandle config(ctu_config_new());
    TypeParam table = Setter<TypeParam>::Table();
    table.struct_size = size;
    EXPECT_EQ(CodeOf(Setter<TypeParam>::kSet(config.get(), &table, &released)), CTU_INVALID_ARGUMENT) << size;
  }
}

TYPED_TEST(HostFunctions, WithoutTheOnesThatAreNeededAreRefused) {
  int released = 0;
  const ConfigHandle config(ctu_config_new());
  TypeParam table{};
  table.struct_size = sizeof(table);
  EXPECT_EQ(CodeOf(Setter<TypeParam>::kSet(config.get(), &table, &released)), CTU_INVALID_ARGUMENT);
  // An older caller can leave out what came later, never what was there from the beginning.
  table = Setter<TypeParam>::Table();
  table.struct_size = sizeof(std::size_t);
  EXPECT_EQ(CodeOf(Setter<TypeParam>::kSet(config.get(), &table, &released)), CTU_INVALID_ARGUMENT);
}

class RunOptions : public testing::Test {
 protected:
  void SetUp() override {
    LayOutDesignTree(folder_.path());
    const ConfigHandle config(ctu_config_new());
    ASSERT_EQ(CodeOf(ctu_config_root(config.get(), folder_.path().c_str())), CTU_OK);
    ctu_session* session = nullptr;
    ASSERT_EQ(CodeOf(ctu_session_open(config.get(), &session)), CTU_OK);
    session_.reset(session);
  }

  // Runs STATUS and says how it ended; a report must be there exactly where it ended well.
  ctu_code Status(const ctu_run_options* options) {
    auto* report = reinterpret_cast<ctu_report*>(1);
    const ctu_code code = CodeOf(ctu_run(session_.get(), CTU_OP_STATUS, options, &report));
    EXPECT_EQ(report != nullptr, code == CTU_OK);
    ctu_report_free(report);
    return code;
  }

  TempFolder folder_;
  SessionHandle session_;
};

TEST_F(RunOptions, OfTheKnownSizeAreTaken) {
  ctu_run_options options{};
  options.struct_size = sizeof(options);
  EXPECT_EQ(Status(&options), CTU_OK);
}

TEST_F(RunOptions, OfAnOlderCallerAreTakenAndWhatItDidNotKnowIsNotRead) {
  ctu_run_options options{};
  // A caller of a time without progress: what lies there is nothing to call.
  options.struct_size = offsetof(ctu_run_options, progress);
  std::memset(&options.progress, 1, sizeof(options) - offsetof(ctu_run_options, progress));
  EXPECT_EQ(Status(&options), CTU_OK);
}

TEST_F(RunOptions, WithAZeroTailAreTakenAndWithAnythingInItRefused) {
  Grown<ctu_run_options> grown{};
  grown.known.struct_size = sizeof(grown);
  EXPECT_EQ(Status(&grown.known), CTU_OK);
  grown.tail[0] = 1;
  EXPECT_EQ(Status(&grown.known), CTU_INVALID_ARGUMENT);
  grown.tail[0] = 0;
  grown.tail[sizeof(grown.tail) - 1] = 1;
  EXPECT_EQ(Status(&grown.known), CTU_INVALID_ARGUMENT);
}

TEST_F(RunOptions, OfNoSizeAreRefused) {
  ctu_run_options options{};
  EXPECT_EQ(Status(&options), CTU_INVALID_ARGUMENT);
}

TEST_F(RunOptions, WithNumbersThatNothingHasAreRefused) {
  ctu_run_options options{};
  options.struct_size = sizeof(options);
  options.flags = 1U << 31U;
  EXPECT_EQ(Status(&options), CTU_INVALID_ARGUMENT);
  options.flags = 0;
  for (const std::int32_t number : {-1, 4}) {
    options.recovery_mode = number;
    EXPECT_EQ(Status(&options), CTU_INVALID_ARGUMENT) << number;
    options.recovery_mode = 0;
    options.placement = number;
    EXPECT_EQ(Status(&options), CTU_INVALID_ARGUMENT) << number;
    options.placement = 0;
  }
}

TEST(TaskFields, FollowTheRules) {
  Grown<ctu_task_v1> v1{FullTaskV1(), {}};
  Grown<ctu_task_v2> v2{FullTaskV2(), {}};
  const auto encode_v1 = [&] {
    ctu_buffer* buffer = nullptr;
    const ctu_code code = CodeOf(ctu_task_v1_encode(&v1.known, &buffer));
    ctu_buffer_free(buffer);
    return code;
  };
  const auto encode_v2 = [&] {
    ctu_buffer* buffer = nullptr;
    const ctu_code code = CodeOf(ctu_task_v2_encode(&v2.known, &buffer));
    ctu_buffer_free(buffer);
    return code;
  };
  EXPECT_EQ(encode_v1(), CTU_OK);
  EXPECT_EQ(encode_v2(), CTU_OK);
  v1.known.struct_size = sizeof(v1);
  v2.known.struct_size = sizeof(v2);
  EXPECT_EQ(encode_v1(), CTU_OK);
  EXPECT_EQ(encode_v2(), CTU_OK);
  v1.tail[31] = 1;
  v2.tail[31] = 1;
  EXPECT_EQ(encode_v1(), CTU_INVALID_ARGUMENT);
  EXPECT_EQ(encode_v2(), CTU_INVALID_ARGUMENT);
  v1.known.struct_size = 0;
  v2.known.struct_size = 0;
  EXPECT_EQ(encode_v1(), CTU_INVALID_ARGUMENT);
  EXPECT_EQ(encode_v2(), CTU_INVALID_ARGUMENT);
}

// A struct that the library fills in: it writes as much as the caller knows, and not one byte more.
TEST(FilledStruct, IsWrittenAsFarAsTheCallerKnowsIt) {
  const ctu_task_v1 fields = FullTaskV1();
  ctu_buffer* raw_buffer = nullptr;
  ASSERT_EQ(CodeOf(ctu_task_v1_encode(&fields, &raw_buffer)), CTU_OK);
  const BufferHandle buffer(raw_buffer);
  ctu_task* raw_task = nullptr;
  ASSERT_EQ(CodeOf(ctu_task_v1_decode(ctu_buffer_data(raw_buffer), ctu_buffer_len(raw_buffer), &raw_task)), CTU_OK);
  const TaskHandle task(raw_task);

  ctu_task_v1 view;
  std::memset(&view, 0xAB, sizeof(view));
  const std::size_t known = offsetof(ctu_task_v1, table_name);
  view.struct_size = known;
  ASSERT_EQ(CodeOf(ctu_task_v1_view(raw_task, &view)), CTU_OK);
  EXPECT_EQ(view.struct_size, known);
  EXPECT_STREQ(view.schema_name, "eu");
  const auto* bytes = reinterpret_cast<const unsigned char*>(&view);
  for (std::size_t index = known; index < sizeof(view); ++index) EXPECT_EQ(bytes[index], 0xAB) << index;

  // A caller from a later version finds zeros where this one has nothing to say.
  Grown<ctu_task_v1> grown;
  std::memset(&grown, 0xAB, sizeof(grown));
  grown.known.struct_size = sizeof(grown);
  ASSERT_EQ(CodeOf(ctu_task_v1_view(raw_task, &grown.known)), CTU_OK);
  EXPECT_STREQ(grown.known.partition_name, "p202104");
  for (const unsigned char byte : grown.tail) EXPECT_EQ(byte, 0);

  view.struct_size = 0;
  EXPECT_EQ(CodeOf(ctu_task_v1_view(raw_task, &view)), CTU_INVALID_ARGUMENT);
}

}  // namespace
