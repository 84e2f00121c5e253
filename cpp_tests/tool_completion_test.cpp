// The completions of the shells, tried in the shells themselves, and the manual page.
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>
#include <vector>

#include "local_tree.h"
#include "process.h"
#include "pty.h"
#include "temp_folder.h"
#include "tool_on_a_tree.h"

namespace {

using test_support::Holds;
using test_support::ProcessResult;
using test_support::RunProcess;
using test_support::Tool;
using Words = std::vector<std::string>;

std::set<std::string> OptionsIn(const std::string& text) {
  std::set<std::string> options;
  const std::regex pattern(R"(--[a-z][a-z-]*[a-z])");
  for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at) options.insert(at->str());
  return options;
}

// The options that the list of the help has, which CLI11 makes.
std::set<std::string> OptionsOfTheHelp() {
  std::set<std::string> options;
  const std::string help = Tool({"comptask-upgrade", "--help"}).out;
  const std::regex pattern(R"(\n  (?:-[a-z],)?(--[a-z-]+))");
  for (std::sregex_iterator at(help.begin(), help.end(), pattern), end; at != end; ++at) options.insert((*at)[1].str());
  return options;
}

class Completion : public testing::Test {
 protected:
  void SetUp() override {
    for (const std::string shell : {"bash", "zsh", "fish"}) {
      const ProcessResult made = Tool({"completion", shell});
      ASSERT_EQ(made.exit_code, 0) << made.err;
      test_support::WriteFile(folder_.Inside(shell), made.out);
    }
    test_support::WriteFile(folder_.Inside("catalog of tonight.json"), "{}");
  }

  // What bash offers for the last of these words.
  [[nodiscard]] std::string InBash(const std::string& words) const {
    const std::string script = "cd '" + folder_.path().string() + "'; source ./bash; COMP_WORDS=(" + words +
                               "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); " +
                               "$(complete -p cirrodata-tool | sed -E 's/.*-F ([^ ]+).*/\\1/'); "
                               "printf '%s\\n' \"${COMPREPLY[@]}\"";
    return RunProcess({"/bin/bash", "-c", script}).out;
  }

  [[nodiscard]] std::string InFish(const std::string& line) const {
    const ProcessResult result =
        RunProcess({"/usr/bin/fish", "--no-config", "-c",
                    "cd '" + folder_.path().string() + "'; source fish; complete -C '" + line + "'"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    // Only the words: what each means stands behind a tab.
    return "\n" + std::regex_replace(result.out, std::regex("\t[^\n]*"), "");
  }

  // Types into an interactive shell: sets it up, then a line with tabs in it, and gives all that was shown.
  [[nodiscard]] std::string Typed(const Words& shell, const std::string& set_up, const std::string& line) const {
    test_support::PtyOptions options;
    options.columns = 200;
    options.variables = {{"TERM", "dumb"},         {"PS1", "READY> "},
                         {"PROMPT", "READY> "},    {"HOME", folder_.path().string()},
                         {"INPUTRC", "/dev/null"}, {"HISTFILE", ""}};
    int prompts = 0;
    std::size_t seen = 0;
    options.on_output = [&, this](const std::string& written, pid_t) -> std::string {
      const std::size_t at = written.find("READY> ", seen);
      if (at == std::string::npos) return "";
      seen = at + 7;
      switch (prompts++) {
        case 0:
          return "cd '" + folder_.path().string() + "'; cirrodata-tool() { printf '<%s>' \"$@\"; echo; }; " + set_up +
                 "\n";
        case 1:
          return line + "\n";
        default:
          return "exit\n";
      }
    };
    return test_support::RunOnTerminal(shell, options).written;
  }

  test_support::TempFolder folder_;
};

TEST_F(Completion, OfBashKnowsToolsOperationsOptionsAndWords) {
  EXPECT_EQ(InBash("cirrodata-tool c"), "comptask-upgrade\ncompletion\n");
  EXPECT_EQ(InBash("cirrodata-tool completion ''"), "bash\nzsh\nfish\n");
  EXPECT_EQ(InBash("cirrodata-tool comptask-upgrade u"), "upgrade\n");
  EXPECT_EQ(InBash("cirrodata-tool comptask-upgrade recovery --mode ''"), "auto\ncancel\ndowngrade_old\ndowngrade\n");
  EXPECT_EQ(InBash("cirrodata-tool comptask-upgrade recovery --mode = c"), "cancel\n") << "--mode=c";
  EXPECT_EQ(InBash("cirrodata-tool comptask-upgrade recovery --mode ="), "auto\ncancel\ndowngrade_old\ndowngrade\n");
  EXPECT_EQ(InBash("cirrodata-tool comptask-upgrade upgrade --placement entry"), "entry-node\nentry-node-or-schema\n");
  EXPECT_EQ(InBash("cirrodata-tool comptask-upgrade upgrade --catalog cat"), "catalog of tonight.json\n");
  EXPECT_EQ(InBash("cirrodata-tool comptask-upgrade status --zookeeper ''"), "\n") << "nobody knows";
  EXPECT_EQ(InBash("cirrodata-tool comptask-upgrade upgrade --mod"), "\n") << "it goes with recovery";
  EXPECT_EQ(InBash("cirrodata-tool comptask-upgrade recovery --mod"), "--mode\n");
  std::set<std::string> offered = OptionsIn(InBash("cirrodata-tool comptask-upgrade --"));
  EXPECT_EQ(offered, OptionsOfTheHelp());
}

TEST_F(Completion, OfBashCompletesWhatIsTyped) {
  const std::string shown = Typed({"/bin/bash", "--norc", "--noprofile", "-i"}, "source ./bash",
                                  "cirrodata-tool compt\trecov\t--mode downgrade_\t --online-nodes cat\t");
  EXPECT_TRUE(
      Holds(shown, "<comptask-upgrade><recovery><--mode><downgrade_old><--online-nodes><catalog of tonight.json>"))
      << shown;
}

TEST_F(Completion, OfZshCompletesWhatIsTyped) {
  const std::string shown = Typed({"/usr/bin/zsh", "-f", "-i"}, "autoload -Uz compinit; compinit -u -D; source ./zsh",
                                  "cirrodata-tool compt\trecov\t--mode downgrade_\t --online-nodes cat\t");
  EXPECT_TRUE(
      Holds(shown, "<comptask-upgrade><recovery><--mode><downgrade_old><--online-nodes><catalog of tonight.json>"))
      << shown;
}

TEST_F(Completion, OfFishKnowsToolsOperationsOptionsAndWords) {
  EXPECT_EQ(InFish("cirrodata-tool comp"), "\ncompletion\ncomptask-upgrade\n");
  EXPECT_EQ(InFish("cirrodata-tool completion "), "\nbash\nfish\nzsh\n");
  EXPECT_EQ(InFish("cirrodata-tool comptask-upgrade "), "\ndelete\nrecovery\nstatus\nupgrade\n");
  EXPECT_EQ(InFish("cirrodata-tool comptask-upgrade recovery --mode d"), "\ndowngrade\ndowngrade_old\n");
  EXPECT_EQ(InFish("cirrodata-tool comptask-upgrade upgrade --mod"), "\n") << "it goes with recovery";
  EXPECT_TRUE(Holds(InFish("cirrodata-tool comptask-upgrade upgrade --catalog cat"), "catalog"));
  const std::string options = InFish("cirrodata-tool comptask-upgrade recovery --");
  for (const std::string& option : OptionsOfTheHelp()) {
    const bool goes_with_recovery =
        !std::set<std::string>{"--catalog", "--online", "--placement", "--reopen", "--verify"}.count(option);
    EXPECT_EQ(Holds(options, "\n" + option + "\n"), goes_with_recovery) << option << " in: " << options;
  }
}

TEST_F(Completion, KnowsTheShells) {
  const ProcessResult result = Tool({"completion", "powershell"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(Holds(result.err, "there is no shell 'powershell'; there are: bash, zsh, fish")) << result.err;
  EXPECT_EQ(Tool({"completion"}).exit_code, 1);
  EXPECT_EQ(Tool({"completion", "bash", "zsh"}).exit_code, 1);
  EXPECT_TRUE(Holds(Tool({"completion", "--help"}).out, "bash, zsh or fish"));
}

// Without a fault that mandoc or groff would tell of, in both languages. It has no date, since it is of a version.
TEST(ManPage, IsGoodRoff) {
  const test_support::TempFolder folder;
  for (const char* language : {"en", "zh"}) {
    const ProcessResult page = Tool({"man", "--language", language});
    ASSERT_EQ(page.exit_code, 0) << page.err;
    const std::string file = folder.Inside("cirrodata-tool.1");
    test_support::WriteFile(file, page.out);
    const ProcessResult lint = RunProcess({"/usr/bin/mandoc", "-Tlint", "-Wwarning", file});
    EXPECT_TRUE(std::regex_match(lint.out, std::regex("mandoc: [^\n]*: WARNING: missing date, using \"\": TH\n")))
        << lint.out << lint.err;
    const ProcessResult shown = RunProcess({"/usr/bin/man", "--warnings", "--local-file", file}, "",
                                           {{"LC_ALL", "C.UTF-8"}, {"MANWIDTH", "100"}});
    EXPECT_EQ(shown.exit_code, 0);
    EXPECT_EQ(shown.err, "") << language;
    EXPECT_TRUE(Holds(shown.out, "/data/cluster.compact \\")) << shown.out;
  }
}

TEST(ManPage, HasTheOptionsOfTheHelp) {
  const std::string page = Tool({"man"}).out;
  for (const std::string& option : OptionsOfTheHelp()) {
    const std::string escaped = std::regex_replace(option, std::regex("-"), "\\-");
    EXPECT_TRUE(Holds(page, "\\fB" + escaped + "\\fR")) << option;
  }
  EXPECT_TRUE(Holds(page, ".SH \"Exit codes\"")) << page;
  EXPECT_EQ(Tool({"man", "more"}).exit_code, 1);
}

}  // namespace
