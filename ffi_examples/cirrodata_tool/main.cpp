// cirrodata-tool: reads the command line, shows texts and errors, and turns the end of a tool into an exit code.
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "comptask_upgrade_adapter.h"
#include "interrupts.h"
#include "options.h"
#include "terminal_output.h"
#include "texts.h"
#include "tool_dispatch.h"

namespace {

using cirrodata_tool::CommandLine;
using cirrodata_tool::ComptaskUpgradeAdapter;
using cirrodata_tool::Interrupts;
using cirrodata_tool::TerminalOutput;
using cirrodata_tool::Text;
using cirrodata_tool::ToolDispatch;
using comptask_upgrade::Code;
using comptask_upgrade::Error;

// The code of the error, as far as a process can say it.
int ExitCode(const Error& error) {
  const auto code = static_cast<std::int32_t>(error.code());
  return code > 0 && code < 256 ? code : CTU_INTERNAL;
}

void RunTool(const CommandLine& line, TerminalOutput& output) {
  const auto adapter = std::make_shared<ComptaskUpgradeAdapter>(line.comptask_upgrade, output);
  const Interrupts interrupts([&] {
    // First, since a terminal that takes nothing would hold the text, and the run with it.
    adapter->Cancel();
    output.ShowText(cirrodata_tool::English(Text::kInterrupted));
  });
  ToolDispatch dispatch;
  dispatch.Register(line.tool_name, adapter);
  dispatch.Dispatch(line.tool_name);
}

// What the log file begins with: which program did what, on what.
std::string Beginning(const CommandLine& line) {
  const auto& options = line.comptask_upgrade;
  return std::string("cirrodata-tool ") + ctu_version() + ", process " + std::to_string(getpid()) + ": " +
         options.operation + (options.plan ? " (plan)" : "") + " of " + options.root;
}

// Why the tool failed; none where it did not.
std::optional<Error> Failure(const CommandLine& line, TerminalOutput& output) {
  try {
    try {
      cirrodata_tool::CheckFilesDiffer(line.files);
      cirrodata_tool::CheckFilesAreOutside(line.comptask_upgrade.root, line.files);
      output.OpenFiles();
    } catch (const Error&) {
      // A command line that cannot be meant is the first thing to put right.
      if (!line.error) throw;
    }
    output.Note(Beginning(line));
    if (!line.config_file.empty()) {
      output.ShowText(cirrodata_tool::English(Text::kConfigUsed, {line.config_file}));
    }
    for (const std::string& given : line.given) output.Note("option " + given);
    if (line.error) return line.error;
    // Who reads the output may go away; the run must come to its end all the same.
    std::signal(SIGPIPE, SIG_IGN);
    RunTool(line, output);
    return std::nullopt;
  } catch (const Error& error) {
    return error;
  } catch (const std::exception& error) {
    return Error(Code::kInternal, error.what());
  }
}

int Run(const CommandLine& line, TerminalOutput& output) {
  if (!line.error && line.tool_name.empty()) {
    std::cout << line.text << std::flush;
    return std::cout ? 0 : CTU_INTERNAL;
  }
  const std::optional<Error> failure = Failure(line, output);
  if (failure) output.ShowError(*failure);
  const std::optional<Error> own_failure = output.Finish(!failure);
  if (failure) return ExitCode(*failure);
  return own_failure ? ExitCode(*own_failure) : 0;
}

}  // namespace

int main(int argument_count, char** arguments) {
  const CommandLine line = cirrodata_tool::ParseCommandLine(argument_count, arguments);
  TerminalOutput output(line.output);
  const int code = Run(line, output);
  output.Note("ended with exit code " + std::to_string(code));
  return code;
}
