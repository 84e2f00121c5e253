#include "completion.h"

#include <CLI/CLI.hpp>
#include <map>
#include <string_view>
#include <vector>

#include "option_facts.h"
#include "option_words.h"
#include "texts.h"
#include "tool_commands.h"
#include "usage_error.h"

namespace cirrodata_tool {
namespace {

// A text in single quotes, as every of the three shells reads it.
std::string Quoted(std::string_view text, std::string_view quote) {
  std::string quoted = "'";
  for (const char character : text) {
    if (character == '\'') {
      quoted += quote;
    } else {
      quoted += character;
    }
  }
  return quoted + "'";
}

std::vector<const CLI::App*> Tools(const CLI::App& app) { return app.get_subcommands(nullptr); }

bool TakesFile(const OptionFacts& option) { return option.value == "FILE"; }
bool TakesFolder(const OptionFacts& option) { return option.value == "URI"; }
bool GoesWith(const OptionFacts& option, const std::string& operation) {
  return option.operations.empty() || option.operations.count(operation) != 0;
}

std::string Names(const std::vector<OptionFacts>& options) {
  std::string names;
  for (const OptionFacts& option : options) names += (names.empty() ? "" : " ") + Joined(option.names);
  return names;
}

std::string BashValues(const std::vector<OptionFacts>& options) {
  std::string files;
  std::string folders;
  std::string others;
  std::string text;
  for (const OptionFacts& option : options) {
    if (option.value.empty()) continue;
    if (!option.words.empty()) {
      text += "    " + option.long_name() + ") words=" + Quoted(Joined(option.words), "'\\''") + " ;;\n";
      continue;
    }
    std::string& list = TakesFile(option) ? files : TakesFolder(option) ? folders : others;
    list += (list.empty() ? "" : " | ") + option.long_name();
  }
  if (!files.empty()) {
    text += "    " + files +
            ")\n      compopt -o filenames\n      mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n" +
            "      return\n      ;;\n";
  }
  if (!folders.empty()) {
    text += "    " + folders +
            ")\n      compopt -o filenames\n      mapfile -t COMPREPLY < <(compgen -d -- \"$word\")\n" +
            "      return\n      ;;\n";
  }
  // What nobody can know beforehand.
  if (!others.empty()) text += "    " + others + ") return ;;\n";
  return text;
}

std::string Bash(const CLI::App& app, const CLI::App& tool) {
  const std::vector<OptionFacts> options = FactsOf(tool);
  const std::vector<std::string>& operations = WordsOf("operation");
  std::string tools;
  for (const CLI::App* each : Tools(app)) tools += each->get_name() + " ";
  std::string by_operation;
  for (const std::string& operation : operations) {
    std::vector<OptionFacts> its;
    for (const OptionFacts& option : options) {
      if (GoesWith(option, operation)) its.push_back(option);
    }
    by_operation += "      " + operation + ") words=" + Quoted(Names(its), "'\\''") + " ;;\n";
  }
  return R"(# bash completion for cirrodata-tool, made by: cirrodata-tool completion bash
_cirrodata_tool() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} operation='' words='' index
  COMPREPLY=()
  # bash takes --mode=auto for three words.
  [[ $word != '=' ]] || word=''
  [[ $previous != '=' ]] || previous=${COMP_WORDS[COMP_CWORD - 2]}
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W ')" +
         tools + Names(FactsOf(app)) + R"(' -- "$word")
    return
  fi
  case ${COMP_WORDS[1]} in
    comptask-upgrade) ;;
    completion)
      mapfile -t COMPREPLY < <(compgen -W ')" +
         Joined(WordsOf("shell")) + R"(' -- "$word")
      return
      ;;
    *) return ;;
  esac
  case $previous in
)" + BashValues(options) +
         R"(  esac
  if [[ -z $words ]]; then
    for ((index = 2; index < COMP_CWORD; ++index)); do
      case ${COMP_WORDS[index]} in
        )" +
         CLI::detail::join(operations, " | ") + R"()
          operation=${COMP_WORDS[index]}
          break
          ;;
      esac
    done
    case $operation in
)" + by_operation +
         "      *) words=" + Quoted(Joined(operations) + " " + Names(options), "'\\''") + R"( ;;
    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _cirrodata_tool cirrodata-tool
)";
}

// A description inside brackets.
std::string ZshDescription(const std::string& description) {
  std::string text;
  for (const char character : description) {
    if (character == '[' || character == ']' || character == '\\') text += '\\';
    text += character;
  }
  return '[' + text + ']';
}

std::string ZshAction(const OptionFacts& option) {
  if (option.value.empty()) return "";
  std::string action = " ";
  if (!option.words.empty()) action = "(" + Joined(option.words) + ")";
  if (TakesFile(option)) action = "_files";
  if (TakesFolder(option)) action = "_directories";
  return ":" + option.value + ":" + action;
}

std::string Zsh(const CLI::App& app, const CLI::App& tool) {
  std::string tools;
  for (const CLI::App* each : Tools(app)) {
    tools += "    " + Quoted(each->get_name() + ":" + each->get_description(), "'\\''") + "\n";
  }
  std::string specs;
  for (const OptionFacts& option : FactsOf(tool)) {
    for (const std::string& name : option.names) {
      std::string excluded = option.may_be_repeated ? "" : Joined(option.names);
      for (const std::string& other : option.excludes) excluded += " " + other;
      const std::string prefix = option.may_be_repeated ? "*" : "(" + excluded + ")";
      const std::string equals = option.value.empty() ? "" : "=";
      specs += "    " +
               Quoted(prefix + name + equals + ZshDescription(option.description) + ZshAction(option), "'\\''") +
               " \\\n";
    }
  }
  return R"(#compdef cirrodata-tool
# zsh completion for cirrodata-tool, made by: cirrodata-tool completion zsh
_cirrodata-tool() {
  local -a tools=(
)" + tools +
         R"(  )
  if ((CURRENT == 2)); then
    _describe tool tools
    return
  fi
  local tool=$words[2]
  shift words
  ((CURRENT--))
  case $tool in
    completion) _arguments '1:shell:()" +
         Joined(WordsOf("shell")) + R"()' ;;
    comptask-upgrade) _arguments -S \
)" + specs +
         "    '1:operation:(" + Joined(WordsOf("operation")) + R"()' ;;
  esac
}
# Autoloaded it is called at once; read by source it is made known.
if [[ $funcstack[1] == _cirrodata-tool ]]; then
  _cirrodata-tool "$@"
else
  compdef _cirrodata-tool cirrodata-tool
fi
)";
}

std::string Fish(const CLI::App& app, const CLI::App& tool) {
  const auto quoted = [](const std::string& text) { return Quoted(text, "\\'"); };
  const std::string operations = Joined(WordsOf("operation"));
  std::string text = R"(# fish completion for cirrodata-tool, made by: cirrodata-tool completion fish
function __cirrodata_tool_uses
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test $words[2] = $argv[1]
end
complete -c cirrodata-tool -f
)";
  for (const CLI::App* each : Tools(app)) {
    text += "complete -c cirrodata-tool -n 'test (count (commandline -opc)) -eq 1' -a " + each->get_name() + " -d " +
            quoted(each->get_description()) + "\n";
  }
  text +=
      "complete -c cirrodata-tool -n '__cirrodata_tool_uses completion' -a " + quoted(Joined(WordsOf("shell"))) + "\n";
  const std::string uses = "__cirrodata_tool_uses comptask-upgrade";
  text += "complete -c cirrodata-tool -n '" + uses + "; and not __fish_seen_subcommand_from " + operations + "' -a " +
          quoted(operations) + "\n";
  for (const OptionFacts& option : FactsOf(tool)) {
    std::string condition = uses;
    if (!option.operations.empty()) {
      condition += "; and __fish_seen_subcommand_from " +
                   Joined(std::vector<std::string>(option.operations.begin(), option.operations.end()));
    }
    text += "complete -c cirrodata-tool -n " + quoted(condition);
    for (const std::string& name : option.names) {
      text += name.rfind("--", 0) == 0 ? " -l " + name.substr(2) : " -s " + name.substr(1);
    }
    if (!option.value.empty()) {
      text += TakesFile(option) ? " -r -F" : " -x";
      if (TakesFolder(option)) text += " -a '(__fish_complete_directories)'";
      if (!option.words.empty()) text += " -a " + quoted(Joined(option.words));
    }
    text += " -d " + quoted(option.description) + "\n";
  }
  return text;
}

}  // namespace

std::string Completion(const CLI::App& app, const CLI::App& tool, const std::string& shell) {
  using Make = std::string (*)(const CLI::App&, const CLI::App&);
  static const std::map<std::string, Make> kMakers{{"bash", Bash}, {"zsh", Zsh}, {"fish", Fish}};
  const auto found = kMakers.find(shell);
  if (found == kMakers.end()) {
    throw UsageError(English(Text::kNoSuchWord, {"shell", shell, CLI::detail::join(WordsOf("shell"), ", ")}));
  }
  return found->second(app, tool);
}

}  // namespace cirrodata_tool
