// The library of the tool's terminal by itself: its exports are its header's, NULL is fine, and a bar is seen by nobody
// where there is no terminal.
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

#include "cirrodata_terminal.h"
#include "local_tree.h"
#include "process.h"

namespace {

TEST(TerminalLibrary, ExportsItsHeaderAndNothingElse) {
  std::set<std::string> declared;
  const std::string header = test_support::ReadFile(CIRRODATA_TERMINAL_HEADER);
  const std::regex function(R"(\b(cdt_\w+)\()");
  for (std::sregex_iterator at(header.begin(), header.end(), function), end; at != end; ++at) {
    declared.insert((*at)[1].str());
  }
  const auto listed =
      test_support::RunProcess({COMPTASK_UPGRADE_NM, "-D", "--defined-only", CIRRODATA_TERMINAL_LIBRARY});
  ASSERT_EQ(listed.exit_code, 0) << listed.err;
  std::set<std::string> exported;
  const std::regex symbol(R"( T (\w+)\n)");
  for (std::sregex_iterator at(listed.out.begin(), listed.out.end(), symbol), end; at != end; ++at) {
    exported.insert((*at)[1].str());
  }
  EXPECT_GE(declared.size(), 9U);
  EXPECT_EQ(exported, declared);
}

TEST(TerminalLibrary, TakesNullForEverything) {
  cdt_bar_show(nullptr, nullptr, nullptr, 1, 2);
  cdt_bar_suspend(nullptr, nullptr, nullptr);
  cdt_bar_free(nullptr);
  cdt_table_head(nullptr, nullptr, 2);
  cdt_table_row(nullptr, nullptr, 2);
  EXPECT_STREQ(cdt_table_text(nullptr), "");
  cdt_table_free(nullptr);
  cdt_table* table = cdt_table_new(0);
  const char* cells[] = {"a", nullptr, "c"};
  cdt_table_head(table, nullptr, 3);
  cdt_table_row(table, cells, 3);
  EXPECT_NE(std::string(cdt_table_text(table)).find("a"), std::string::npos);
  cdt_table_free(table);
}

TEST(TerminalLibrary, WritesOnceWithABarAndWithout) {
  int calls = 0;
  const auto count = [](void* user_data) { ++*static_cast<int*>(user_data); };
  cdt_bar_suspend(nullptr, count, &calls);
  EXPECT_EQ(calls, 1);
  testing::internal::CaptureStderr();
  cdt_bar* bar = cdt_bar_new(true, "left");
  ASSERT_NE(bar, nullptr);
  cdt_bar_show(bar, "going", "task", 1, 2);
  cdt_bar_suspend(bar, count, &calls);
  cdt_bar_free(bar);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << "stderr is a file here";
}

}  // namespace
