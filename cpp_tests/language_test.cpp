// The library's texts in Chinese, by the C ABI and by the wrapper.
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "comptask_upgrade.hpp"
#include "local_tree.h"
#include "raw_abi.h"
#include "temp_folder.h"
#include "texts.h"

namespace {

namespace ctu = comptask_upgrade;
using test_support::BufferHandle;
using test_support::CodeOf;
using test_support::Holds;

const char* const kEnglish = "  next      stop every node, then run UPGRADE\n";
const char* const kChinese = "  下一步    停止所有节点,然后运行 UPGRADE\n";

// The code of the error that a translation throws; kOk where it throws none.
ctu::Code CodeThrownBy(const std::string& text, const std::string& language) {
  try {
    (void)ctu::Translate(text, language);
  } catch (const ctu::Error& error) {
    return error.code();
  }
  return ctu::Code::kOk;
}

TEST(Language, IsWhatTheLocaleBeginsWith) {
  for (const char* chinese : {"zh", "zh_CN", "zh_CN.UTF-8", "zh@pinyin"}) {
    EXPECT_EQ(ctu::Translate(kEnglish, chinese), kChinese) << chinese;
  }
  for (const char* english : {"en", "en_US.UTF-8", "C", "POSIX", "", "fr_FR"}) {
    EXPECT_EQ(ctu::Translate(kEnglish, english), kEnglish) << english;
  }
}

TEST(Language, LeavesWhatHasNoTranslation) {
  EXPECT_EQ(ctu::Translate("", "zh"), "");
  EXPECT_EQ(ctu::Translate("\n\n", "zh"), "\n\n");
  EXPECT_EQ(ctu::Translate("internal error: disk on fire", "zh"), "内部错误: disk on fire");
}

TEST(Language, TakesAMillionBytesAndNotMore) {
  const std::string whole((1 << 20) - 1, 'x');
  EXPECT_EQ(ctu::Translate(whole, "zh"), whole);
  EXPECT_EQ(CodeThrownBy(whole + "x", "zh"), ctu::Code::kTooLarge);
}

TEST(Language, RefusesWhatIsNoText) {
  EXPECT_EQ(CodeThrownBy("\xFF", "zh"), ctu::Code::kInvalidArgument);
  EXPECT_EQ(CodeThrownBy("text", "\xFF"), ctu::Code::kInvalidArgument);
  EXPECT_EQ(CodeThrownBy(std::string("a\0b", 3), "zh"), ctu::Code::kInvalidArgument);
  EXPECT_EQ(CodeThrownBy("text", std::string("z\0h", 3)), ctu::Code::kInvalidArgument);
}

TEST(Language, GivesABufferThatTheCallerOwns) {
  ctu_buffer* raw = nullptr;
  ASSERT_EQ(CodeOf(ctu_text_translate(kEnglish, "zh", &raw)), CTU_OK);
  const BufferHandle buffer(raw);
  EXPECT_STREQ(reinterpret_cast<const char*>(ctu_buffer_data(raw)), kChinese);
  EXPECT_EQ(ctu_buffer_len(raw), std::string(kChinese).size());
}

TEST(Language, IsThatOfARunsSummaryAndOfItsError) {
  const test_support::TempFolder folder;
  test_support::LayOutDesignTree(folder.path());
  ctu::Config config;
  config.SetRoot(folder.path().string()).AssumeOffline();
  ctu::Session session(config);
  const ctu::RunResult status = session.Run(ctu::Operation::kStatus);
  ASSERT_TRUE(status.ok());
  const std::string summary = ctu::Translate(status.report->summary(), "zh_CN.UTF-8");
  EXPECT_TRUE(Holds(summary, "status(状态): 目录树处于阶段 NotStarted(未开始)\n")) << summary;
  EXPECT_TRUE(Holds(summary, kChinese)) << summary;
  EXPECT_TRUE(Holds(summary, folder.path().string())) << summary;
  const ctu::RunResult upgrade = session.Run(ctu::Operation::kUpgrade);
  ASSERT_FALSE(upgrade.ok());
  EXPECT_EQ(ctu::Translate(upgrade.error->what(), "zh"), "参数无效: UPGRADE 需要 catalog,而没有配置");
  EXPECT_EQ(ctu::Translate(upgrade.error->next_action(), "zh"), "给出 catalog:快照文件,或宿主自己的函数");
}

// The first call makes the tables, in whichever thread it is.
TEST(Language, IsTranslatedByManyThreadsAtOnce) {
  std::vector<std::string> answers(8);
  std::vector<std::thread> threads;
  for (std::string& answer : answers) {
    threads.emplace_back([&answer] { answer = ctu::Translate(kEnglish, "zh"); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& answer : answers) EXPECT_EQ(answer, kChinese);
}

}  // namespace
