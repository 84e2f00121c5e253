// cirrodata-tool on a terminal: the bar, the log beside it, colours, and the table of a plan; and what of these is left
// out where there is no terminal.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <regex>
#include <string>
#include <vector>

#include "local_tree.h"
#include "process.h"
#include "pty.h"
#include "screen.h"
#include "temp_folder.h"
#include "tool_on_a_tree.h"
#include "tool_path.h"

namespace {

using test_support::Holds;
using test_support::ProcessResult;
using test_support::PtyOptions;
using test_support::PtyResult;
using test_support::RunOnTerminal;
using test_support::Screen;
using test_support::Tool;
using test_support::Variables;
using Words = std::vector<std::string>;

constexpr int kTasks = 2000;

// Colours, bold and their end; a cursor that is moved is none.
bool HasColor(const std::string& text) { return std::regex_search(text, std::regex("\x1b\\[[0-9;]*m")); }

PtyOptions Wide(unsigned short columns) {
  PtyOptions options;
  options.columns = columns;
  return options;
}

Words Command(Words words) {
  words.insert(words.begin(), test_support::ToolPath());
  return words;
}

// What was drawn one after another.
std::vector<std::string> Frames(const std::string& written) {
  static const std::string kClear = "\r\x1b[2K";
  std::vector<std::string> frames;
  for (std::size_t begin = 0; begin < written.size();) {
    std::size_t end = std::min(written.find(kClear, begin), written.find("\x1b[1A", begin));
    end = std::min(end, written.size());
    frames.push_back(written.substr(begin, end - begin));
    begin = written.compare(end, 1, "\r") == 0 ? end + kClear.size() : end + 4;
  }
  return frames;
}

bool AnyMatches(const std::vector<std::string>& texts, const std::regex& pattern) {
  return std::any_of(texts.begin(), texts.end(),
                     [&](const std::string& text) { return text.size() < 1000 && std::regex_match(text, pattern); });
}

// A tree that takes a moment.
class ToolOnATerminal : public testing::Test {
 protected:
  void LayOut(int tasks) {
    const ProcessResult made = test_support::RunProcess(
        {COMPTASK_UPGRADE_MAKE_SAMPLE_TREE, folder_.path().string(), "--tasks", std::to_string(tasks)});
    ASSERT_EQ(made.exit_code, 0) << made.err;
  }

  [[nodiscard]] Words Upgrade(const Words& options = {}) const {
    Words words{"comptask-upgrade", "upgrade",
                "--root",           folder_.Inside("cluster.compact"),
                "--catalog",        folder_.Inside("catalog.json"),
                "--assume-offline"};
    words.insert(words.end(), options.begin(), options.end());
    return words;
  }

  test_support::TempFolder folder_;
};

TEST_F(ToolOnATerminal, ShowsABarWithRateTimeLeftAndTask) {
  LayOut(kTasks);
  const PtyResult result = RunOnTerminal(Command(Upgrade({"--color", "never"})), Wide(140));
  EXPECT_EQ(result.exit_code, 0) << result.written;
  // The first line is as wide as the terminal, so the second one follows without a line feed.
  const std::regex bar(
      R"(going through the tasks  compct\.[^ ]+ +\[[=> ]+\] \d+/2000 \d+%  \d+/s  left (--:--|\d\d:\d\d))");
  const std::regex spinner(R"([-\\|/ ] (checking|listing)  00:00:\d\d +)");
  EXPECT_TRUE(AnyMatches(Frames(result.written), bar)) << result.written;
  EXPECT_TRUE(AnyMatches(Frames(result.written), spinner)) << "before the tasks are counted: " << result.written;
  const std::string left = Screen::Of(result.written, 140).Text();
  EXPECT_EQ(left.rfind("upgrade: all 2000 tasks are upgraded\n", 0), 0U) << "the bar goes without a trace: " << left;
}

TEST_F(ToolOnATerminal, KeepsTheLogAndTheBarApart) {
  LayOut(kTasks);
  // A task that cannot be read has its own line, in the middle of the run.
  test_support::WriteFile(folder_.path() / "cluster.compact/Compaction/Scheduler/compct.xcloud24_9876.7.1600000000000",
                          "broken");
  PtyOptions options = Wide(1000);
  options.only_stderr = true;
  const PtyResult result = RunOnTerminal(Command(Upgrade({"-vv", "--color", "never"})), options);
  EXPECT_EQ(result.exit_code, 20) << result.written;
  EXPECT_TRUE(Holds(result.written, "/2001 ")) << "there was a bar: " << result.written;
  EXPECT_TRUE(Holds(result.written, "going through the tasks, 1 failed ")) << result.written;
  const std::regex line(R"(\d\d:\d\d:\d\d \[(error|warn|info|debug)\] .+|error: .+|  (next|task|path): .+)");
  int lines = 0;
  for (const std::string& shown : Screen::Of(result.written, 1000).Lines()) {
    EXPECT_TRUE(std::regex_match(shown.substr(0, 40), line)) << shown;
    EXPECT_FALSE(Holds(shown, "going through the tasks")) << shown;
    ++lines;
  }
  EXPECT_GT(lines, 3) << result.written;
}

TEST_F(ToolOnATerminal, KeepsTheWordAboutAnInterruptWhole) {
  LayOut(kTasks);
  PtyOptions options = Wide(140);
  bool is_sent = false;
  // -vv has a line for each task, and they are more than the terminal holds unread: the run waits for this reader.
  options.on_output = [&](const std::string& written, pid_t process) {
    if (!is_sent && Holds(written, "going through the tasks")) {
      is_sent = true;
      kill(process, SIGINT);
    }
    return "";
  };
  const PtyResult result = RunOnTerminal(Command(Upgrade({"-vv", "--color", "never"})), options);
  EXPECT_EQ(result.exit_code, 4) << result.written;
  const auto lines = Screen::Of(result.written, 140).Lines();
  EXPECT_EQ(std::count(lines.begin(), lines.end(),
                       "interrupted: the run ends after the wave of changes under way; once more ends it at once"),
            1)
      << result.written;
}

TEST_F(ToolOnATerminal, WritesPlainLinesWhereTheCursorCannotBeMoved) {
  LayOut(20);
  PtyOptions options;
  options.variables = {{"TERM", "dumb"}};
  const PtyResult result = RunOnTerminal(Command(Upgrade()), options);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_FALSE(Holds(result.written, "\x1b")) << result.written;
  EXPECT_TRUE(Holds(result.written, "going through the tasks: 0 done, 0 skipped, 0 failed of 20 (0%)\r\n"))
      << result.written;
}

TEST_F(ToolOnATerminal, ColorsThePhaseAndTheErrorThere) {
  LayOut(4);
  const Words status{"comptask-upgrade", "status", "--root", folder_.Inside("cluster.compact")};
  const Words missing{"comptask-upgrade", "status", "--root", folder_.Inside("nowhere")};
  const std::string phase = "\x1b[1m  phase     NotStarted\x1b[0m\r\n";
  EXPECT_TRUE(Holds(RunOnTerminal(Command(status)).written, phase));
  const std::string error = RunOnTerminal(Command(missing)).written;
  EXPECT_TRUE(std::regex_search(error, std::regex("\x1b\\[31merror: [^\\r\\n]+\x1b\\[0m\\r\\n"))) << error;
  for (const Variables& variables :
       {Variables{{"TERM", "xterm"}, {"NO_COLOR", "1"}}, {{"TERM", "dumb"}}, {{"TERM", ""}}}) {
    PtyOptions options;
    options.variables = variables;
    for (const Words& words : {status, missing}) {
      EXPECT_FALSE(HasColor(RunOnTerminal(Command(words), options).written)) << testing::PrintToString(variables);
    }
  }
  PtyOptions options;
  options.variables = {{"TERM", "xterm"}, {"NO_COLOR", ""}};
  EXPECT_TRUE(Holds(RunOnTerminal(Command(status), options).written, phase)) << "an empty NO_COLOR is none";
}

TEST_F(ToolOnATerminal, ColorsWhereItIsToldTo) {
  LayOut(4);
  Words status{"comptask-upgrade", "status", "--root", folder_.Inside("cluster.compact")};
  EXPECT_FALSE(HasColor(Tool(status).out)) << "stdout is a file";
  status.insert(status.end(), {"--color", "always"});
  EXPECT_TRUE(Holds(Tool(status, {{"NO_COLOR", "1"}}).out, "\x1b[1m  phase     NotStarted\x1b[0m\n"));
  status.back() = "never";
  EXPECT_FALSE(HasColor(RunOnTerminal(Command(status)).written));
  status.back() = "sometimes";
  const ProcessResult refused = Tool(status);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_TRUE(Holds(refused.err, "there is no color 'sometimes'; there are: auto, always, never")) << refused.err;
}

TEST_F(ToolOnATerminal, ShowsWarningsInYellowWithTheirTime) {
  LayOut(4);
  test_support::WriteFile(folder_.path() / "catalog.json", R"({"process_groups": [{"name": "pc1", "nodes": ["a"]}],
      "nodes": ["a"], "schemas": []})");
  const ProcessResult plain = Tool(Upgrade());
  EXPECT_EQ(plain.exit_code, 0) << plain.err;
  const std::regex line(R"((^|\n)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d \[warn\] [^\n]+\n)");
  EXPECT_TRUE(std::regex_search(plain.err, line)) << plain.err;
  test_support::TempFolder another;
  const ProcessResult made = test_support::RunProcess({COMPTASK_UPGRADE_MAKE_SAMPLE_TREE, another.path().string()});
  Words words = Upgrade({"--color", "always"});
  words[3] = another.Inside("cluster.compact");
  const ProcessResult colored = Tool(words);
  EXPECT_TRUE(Holds(colored.err, " \x1b[33m[warn]\x1b[0m ")) << colored.err;
  EXPECT_TRUE(Holds(colored.out, "\x1b[33m  warning ")) << colored.out;
}

TEST_F(ToolOnATerminal, ListsThePlanAsATableOfItsWidth) {
  LayOut(60);
  const PtyResult result = RunOnTerminal(Command(Upgrade({"--plan", "--color", "never"})), Wide(80));
  EXPECT_EQ(result.exit_code, 0);
  const std::string& written = result.written;
  const std::size_t head = written.find(" V1 task");
  ASSERT_NE(head, std::string::npos) << written;
  // The last line is no part of the table.
  std::size_t end = written.find("... and 10 more");
  ASSERT_NE(end, std::string::npos) << written;
  std::string table = written.substr(head, end - head);
  for (std::size_t begin = 0; begin < table.size();) {
    const std::size_t line_end = table.find("\r\n", begin);
    EXPECT_LE(line_end - begin, 80U) << table.substr(begin, line_end - begin);
    begin = line_end + 2;
  }
}

TEST_F(ToolOnATerminal, CutsNoCellOfATableElsewhereButTheTableAfterFiftyTasks) {
  LayOut(60);
  test_support::WriteFile(folder_.path() / "cluster.compact/Compaction/Scheduler/compct.zzz.7.1699999999999", "broken");
  const ProcessResult result = Tool(Upgrade({"--plan"}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(std::regex_search(
      result.out,
      std::regex("\n V1 task +\\| becomes +\\| state +\\| PC +\\| node +\\| outcome\n=+\n"
                 " compct\\.zzz\\.7\\.1699999999999 +\\| +\\| +\\| +\\| +\\| would fail: [^\n]+\n compct\\.")))
      << "what would fail comes first: " << result.out;
  EXPECT_TRUE(
      Holds(result.out, "\n... and 11 more; --json and --report-file list all 61 tasks, each with its actions\n"))
      << result.out;
  EXPECT_FALSE(Holds(result.out, "\n  task ")) << result.out;
  EXPECT_FALSE(Holds(result.out, "TaskInfo")) << "the actions of a task are in the JSON alone: " << result.out;
  int rows = 0;
  for (std::size_t at = 0; (at = result.out.find("\n compct.", at)) != std::string::npos; ++at) ++rows;
  EXPECT_EQ(rows, 50);
  const ProcessResult json = Tool(Upgrade({"--plan", "--json"}));
  EXPECT_EQ(test_support::Document(json).at("tasks").items.size(), 61U);
  EXPECT_TRUE(Holds(json.out, "TaskInfo")) << "the JSON has the actions";
}

}  // namespace
