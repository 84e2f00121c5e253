// The languages of cirrodata-tool: which one it speaks, and that it has every text of its own in both.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "cirrodata_tool/texts.h"
#include "local_tree.h"
#include "process.h"
#include "texts.h"
#include "tool_on_a_tree.h"

namespace {

using cirrodata_tool::ChineseFor;
using cirrodata_tool::English;
using cirrodata_tool::Language;
using cirrodata_tool::Say;
using cirrodata_tool::Text;
using test_support::Holds;
using test_support::ProcessResult;
using test_support::Tool;
using test_support::Variables;
using Words = std::vector<std::string>;

bool HasChinese(const std::string& text) {
  return std::any_of(text.begin(), text.end(), [](char each) {
    const auto byte = static_cast<unsigned char>(each);
    return byte >= 0xE3 && byte <= 0xE9;
  });
}

std::vector<Text> AllTexts() {
  std::vector<Text> texts;
  for (int index = 0; index < static_cast<int>(Text::kCount); ++index) texts.push_back(static_cast<Text>(index));
  return texts;
}

TEST(Texts, AreThereInBothLanguages) {
  // Names that are the same everywhere.
  const std::set<Text> names{Text::kGroupHdfs, Text::kGroupZooKeeper};
  for (const Text text : AllTexts()) {
    const std::string english = Say(text, Language::kEnglish);
    const std::string chinese = Say(text, Language::kChinese);
    SCOPED_TRACE(english);
    EXPECT_NE(english, "");
    EXPECT_FALSE(HasChinese(english));
    EXPECT_EQ(HasChinese(chinese) || Holds(chinese, "、"), names.count(text) == 0) << chinese;
    EXPECT_EQ(english.back() == '\n', chinese.back() == '\n');
  }
}

TEST(Texts, HaveTheSamePlacesInBothLanguages) {
  for (const Text text : AllTexts()) {
    const std::vector<std::string> marks{"<zero>", "<one>", "<two>", "<three>", "<four>", "<five>"};
    const auto filled = [&](Language language) {
      return Say(text, language, {marks[0], marks[1], marks[2], marks[3], marks[4], marks[5]});
    };
    for (const std::string& mark : marks) {
      EXPECT_EQ(Holds(filled(Language::kEnglish), mark), Holds(filled(Language::kChinese), mark))
          << filled(Language::kEnglish);
    }
  }
}

TEST(Texts, AreFoundAgainByTheirEnglish) {
  for (int index = static_cast<int>(Text::kSeeHelp); index <= static_cast<int>(Text::kReportFileNext); ++index) {
    const auto text = static_cast<Text>(index);
    EXPECT_EQ(ChineseFor(English(text, {"a-b", "7", "x y"}), true), Say(text, Language::kChinese, {"a-b", "7", "x y"}))
        << English(text, {"a-b", "7", "x y"});
  }
  EXPECT_FALSE(ChineseFor("a file is required", false)) << "so may others than CLI11 speak";
  EXPECT_FALSE(ChineseFor("nobody has said this", true)) << "what is not the tool's has no Chinese";
}

TEST(ToolLanguage, IsThatOfTheLocale) {
  const std::vector<std::pair<Variables, bool>> cases{
      {{{"LC_ALL", "zh_CN.UTF-8"}}, true},
      {{{"LC_ALL", "zh_CN.utf8"}, {"LANG", "en_US.UTF-8"}}, true},
      {{{"LC_ALL", ""}, {"LC_MESSAGES", "zh_TW.UTF-8"}, {"LANG", "en_US.UTF-8"}}, true},
      {{{"LC_ALL", ""}, {"LC_MESSAGES", ""}, {"LC_CTYPE", "C.UTF-8"}, {"LANG", "zh_CN"}}, true},
      {{{"LC_ALL", ""}, {"LC_MESSAGES", "zh_CN"}, {"LC_CTYPE", "C.UTF-8"}, {"LANG", "C"}}, true},
      {{{"LC_ALL", ""}, {"LC_MESSAGES", "zh_CN"}, {"LC_CTYPE", "C"}, {"LANG", "C"}}, false},
      {{{"LC_ALL", ""}, {"LC_MESSAGES", "zh_CN"}, {"LC_CTYPE", "no_SUCH"}, {"LANG", "C"}}, true},
      {{{"LC_ALL", "C"}, {"LC_MESSAGES", "zh_CN.UTF-8"}, {"LANG", "zh_CN.UTF-8"}}, false},
      {{{"LC_ALL", ""}, {"LC_MESSAGES", "en_US.UTF-8"}, {"LANG", "zh_CN.UTF-8"}}, false},
      {{{"LC_ALL", "de_DE.UTF-8"}}, false},
      {{{"LC_ALL", "zh_CN.GB18030"}}, false},
      {{{"LC_ALL", ""}, {"LC_MESSAGES", ""}, {"LANG", ""}}, false}};
  for (const auto& [variables, is_chinese] : cases) {
    EXPECT_EQ(HasChinese(Tool({}, variables).out), is_chinese) << testing::PrintToString(variables);
  }
}

TEST(ToolLanguage, OfTheCommandLineWins) {
  EXPECT_TRUE(HasChinese(Tool({"--language", "zh"}).out));
  EXPECT_TRUE(HasChinese(Tool({"--language=zh", "--help"}).out));
  EXPECT_FALSE(HasChinese(Tool({"--language", "en"}, {{"LC_ALL", "zh_CN.UTF-8"}}).out));
  for (const Words& words :
       {Words{"--language", "fr"}, {"comptask-upgrade", "status", "--root", "x", "--language", "fr"}}) {
    const ProcessResult refused = Tool(words);
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_TRUE(Holds(refused.err, "there is no language 'fr'; there are: en, zh")) << refused.err;
  }
}

TEST(ToolLanguage, IsThatOfTheHelp) {
  const ProcessResult english = Tool({"comptask-upgrade", "--help"});
  const ProcessResult chinese = Tool({"comptask-upgrade", "--help", "--language", "zh"});
  EXPECT_EQ(chinese.exit_code, 0);
  for (const char* part :
       {"用法: cirrodata-tool comptask-upgrade", "升级", "回退", "取消升级", "降级", "删除 V1 目录树", "节点", "进程组",
        "退出码", "--report-file FILE", "密码", "旧任务", "新任务"}) {
    EXPECT_TRUE(Holds(chinese.out, part)) << part << " in: " << chinese.out;
  }
  // Every option and every exit code is in both.
  for (const std::string& text : {english.out, chinese.out}) {
    for (const char* part : {"--config", "--log-file", "--color", "--language", "  41  "}) {
      EXPECT_TRUE(Holds(text, part)) << part << " in: " << text;
    }
  }
}

TEST(ToolLanguage, IsThatOfUsageErrors) {
  const std::vector<std::pair<Words, std::string>> cases{
      {{"no-such-tool"}, "错误：不认识的参数：no-such-tool\n"},
      {{"comptask-upgrade", "status"}, "错误：缺少 --root\n"},
      {{"comptask-upgrade", "status", "--root", "x", "--force"},
       "错误：--force 对 status 没有意义；它只用于 delete, recovery\n"},
      {{"comptask-upgrade", "status", "--root", "x", "--in-flight", "many"}, "错误：--in-flight 的值无法理解：many\n"},
      {{"comptask-upgrade", "status", "--root"}, "错误：--root：缺少 1 个 URI 值\n"},
      {{"comptask-upgrade", "recovery", "--root", "x", "--zookeeper-lock-path", "/a"},
       "错误：--zookeeper-lock-path 需要同时给出 --zookeeper\n"},
      {{"comptask-upgrade", "recovery", "--root", "x", "--mode", "back"}, "错误：回退方式没有“back”这个值；可用的有："},
      {{"comptask-upgrade", "upgrade", "--root", "x", "--catalog", "c", "--online", "--placement", "back"},
       "错误：放置规则没有“back”这个值"},
      {{"comptask-upgrade", "status", "--root", "x", "--color", "color"}, "错误：颜色选项没有“color”这个值"},
      {{"--language", "fr"}, "错误：语言选项没有“fr”这个值；可用的有：en, zh\n"},
      {{"completion", "shell"}, "错误：shell 选项没有“shell”这个值"},
      {{"comptask-upgrade", "upgrade", "--root", "x", "--catalog", "c", "--zookeeper", "h:1"},
       "，或用 --online-nodes、--assume-offline 或 --online 代替\n"},
      {{"comptask-upgrade", "recovery", "--root", "x", "--zookeeper", "h:1"},
       "，或用 --online-nodes 或 --assume-offline 代替\n"},
      {{"comptask-upgrade", "repair", "--root", "x"}, "错误：没有“repair”这个操作\n"},
      {{"comptask-upgrade", "repair", "--root", "x"}, "comptask-upgrade 有以下操作：\n"},
      {{"comptask-upgrade", "status", "--root", "x", "--config", "no-such"},
       "错误：无法读取配置文件：No such file or directory\n  路径：no-such\n"}};
  for (const auto& [words, part] : cases) {
    const ProcessResult result = Tool(words, {{"LC_ALL", "zh_CN.UTF-8"}});
    EXPECT_EQ(result.exit_code, 1) << result.err;
    EXPECT_TRUE(Holds(result.err, part)) << part << " in: " << result.err;
    EXPECT_TRUE(Holds(result.err, "  下一步：")) << result.err;
  }
}

class ToolInChinese : public test_support::ToolOnATree {
 protected:
  [[nodiscard]] ProcessResult Chinese(const std::string& operation, const Words& options = {}) const {
    return Run(operation, options, {{"LC_ALL", "zh_CN.UTF-8"}});
  }
};

TEST_F(ToolInChinese, JsonIsEnglish) {
  EXPECT_EQ(Chinese("status", {"--json"}).out.find("\"root\""), Run("status", {"--json"}).out.find("\"root\""));
  EXPECT_FALSE(HasChinese(Chinese("status", {"--json"}).out));
  const ProcessResult refused = Chinese("delete", {"--json"});
  EXPECT_EQ(refused.exit_code, 13);
  EXPECT_FALSE(HasChinese(refused.out)) << refused.out;
  EXPECT_EQ(test_support::Document(refused).at("error").at("name").text, "CTU_REFUSED");
}

TEST_F(ToolInChinese, TheWholeRunIsChineseOnTheScreen) {
  const ProcessResult plan = Chinese("upgrade", {"--plan"});
  EXPECT_EQ(plan.exit_code, 0);
  EXPECT_TRUE(Holds(plan.out, " 旧任务（V1） ")) << plan.out;
  EXPECT_TRUE(Holds(plan.out, "| 将转换\n")) << plan.out;
  const ProcessResult upgraded = Chinese("upgrade");
  EXPECT_EQ(upgraded.exit_code, 0);
  EXPECT_TRUE(Holds(upgraded.err, "逐个处理任务：已完成 0，跳过 0，失败 0，共 4（0%）\n")) << upgraded.err;
}

TEST_F(ToolInChinese, TextsOfTheLibraryAreTranslated) {
  const ProcessResult status = Chinese("status");
  EXPECT_EQ(status.exit_code, 0);
  EXPECT_TRUE(HasChinese(status.out)) << status.out;
  const ProcessResult refused = Chinese("delete");
  EXPECT_EQ(refused.exit_code, 13);
  EXPECT_TRUE(HasChinese(refused.err.substr(refused.err.find("错误：") + 9))) << refused.err;
}

}  // namespace
