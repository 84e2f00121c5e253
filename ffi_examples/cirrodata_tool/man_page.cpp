#include "man_page.h"

#include <CLI/CLI.hpp>
#include <sstream>
#include <string_view>

#include "comptask_upgrade.hpp"
#include "option_facts.h"
#include "texts.h"

namespace cirrodata_tool {
namespace {

constexpr std::string_view kChineseColon = "：";

// A text in which roff sees no command and no escape; its hyphens can be copied into a shell.
std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char character : text) {
    if (character == '\\') {
      escaped += "\\e";
    } else if (character == '-') {
      escaped += "\\-";
    } else {
      if ((character == '.' || character == '\'') && (escaped.empty() || escaped.back() == '\n')) escaped += "\\&";
      escaped += character;
    }
  }
  return escaped;
}

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// The help's own headings, and below each its lines as they are.
void AppendHelp(std::ostream& out, const std::string& help) {
  std::istringstream lines(help);
  bool is_open = false;
  std::string blank;
  for (std::string line; std::getline(lines, line);) {
    const bool is_heading =
        !line.empty() && line.front() != ' ' && (EndsWith(line, ":") || EndsWith(line, kChineseColon));
    if (is_heading) {
      if (is_open) out << ".fi\n";
      line.resize(line.size() - (EndsWith(line, ":") ? 1 : kChineseColon.size()));
      out << ".SH \"" << Escaped(line) << "\"\n.nf\n";
      is_open = true;
      blank.clear();
    } else if (line.empty()) {
      blank = ".sp\n";
    } else {
      out << blank << Escaped(line) << '\n';
      blank.clear();
    }
  }
  if (is_open) out << ".fi\n";
}

void AppendOption(std::ostream& out, const OptionFacts& option) {
  out << ".TP\n";
  for (std::size_t index = 0; index < option.names.size(); ++index) {
    out << (index == 0 ? "" : ", ") << "\\fB" << Escaped(option.names[index]) << "\\fR";
  }
  if (!option.value.empty()) out << " \\fI" << Escaped(option.value) << "\\fR";
  out << '\n' << Escaped(option.description) << '\n';
}

}  // namespace

std::string ManPage(const CLI::App& tool, Language language) {
  std::ostringstream out;
  const std::string version = ctu_version();
  out << ".\\\" Made by: cirrodata-tool man\n"
      << ".TH CIRRODATA\\-TOOL 1 \"\" \"cirrodata\\-tool " << Escaped(version) << "\"\n"
      << ".SH " << Say(Text::kManName, language) << '\n'
      << "cirrodata\\-tool \\- " << Escaped(Say(Text::kComptaskUpgrade, language)) << '\n'
      << ".SH " << Say(Text::kManSynopsis, language) << '\n'
      << ".B cirrodata\\-tool comptask\\-upgrade\n"
      << "\\fBstatus\\fR|\\fBupgrade\\fR|\\fBrecovery\\fR|\\fBdelete\\fR\n"
      << "\\fB\\-\\-root\\fR \\fIURI\\fR [" << Say(Text::kOptionsLabel, language) << "]\n"
      << ".br\n.B cirrodata\\-tool completion\n\\fBbash\\fR|\\fBzsh\\fR|\\fBfish\\fR\n"
      << ".br\n.B cirrodata\\-tool man\n"
      << ".SH \"" << Escaped(Say(Text::kOptionsLabel, language)) << "\"\n";
  const std::vector<OptionFacts> options = FactsOf(tool);
  for (const std::string& group : tool.get_groups()) {
    bool is_first = true;
    for (const OptionFacts& option : options) {
      if (option.group != group) continue;
      if (is_first) out << ".SS \"" << Escaped(group) << "\"\n";
      is_first = false;
      AppendOption(out, option);
    }
  }
  AppendHelp(out, Say(Text::kComptaskUpgradeHelp, language));
  return out.str();
}

}  // namespace cirrodata_tool
