// cirrodata-tool: reads the command line, shows texts and errors, and turns the end of a tool into an exit code.
#include <cstdint>
#include <exception>
#include <iostream>
#include <memory>

#include "comptask_upgrade_adapter.h"
#include "interrupts.h"
#include "options.h"
#include "terminal_output.h"
#include "tool_dispatch.h"

namespace {

using cirrodata_tool::CommandLine;
using cirrodata_tool::ComptaskUpgradeAdapter;
using cirrodata_tool::Interrupts;
using cirrodata_tool::TerminalOutput;
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
    output.ShowText("interrupted: the run ends after the wave of changes under way; once more ends it at once\n");
    adapter->Cancel();
  });
  ToolDispatch dispatch;
  dispatch.Register(cirrodata_tool::kComptaskUpgradeTool, adapter);
  dispatch.Dispatch(line.tool_name);
}

}  // namespace

int main(int argument_count, char** arguments) {
  const CommandLine line = cirrodata_tool::ParseCommandLine(argument_count, arguments);
  TerminalOutput output(line.json);
  try {
    if (line.error) throw *line.error;
    if (line.tool_name.empty()) {
      std::cout << line.text << std::flush;
      return std::cout ? 0 : CTU_INTERNAL;
    }
    RunTool(line, output);
  } catch (const Error& error) {
    output.ShowError(error);
    return ExitCode(error);
  } catch (const std::exception& error) {
    output.ShowError(Error(Code::kInternal, error.what()));
    return CTU_INTERNAL;
  }
  return 0;
}
