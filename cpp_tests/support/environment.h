// Environment: that of a program under test, the same on every machine.
#ifndef COMPTASK_UPGRADE_TESTS_ENVIRONMENT_H_
#define COMPTASK_UPGRADE_TESTS_ENVIRONMENT_H_

#include <unistd.h>

#include <map>
#include <string>
#include <vector>

namespace test_support {

/// What a test sets in it.
using Variables = std::map<std::string, std::string>;

/// The environment of this process in the locale C, without what changes what the tool does, and with what a test sets.
class Environment {
 public:
  explicit Environment(const Variables& set = {}) {
    Variables variables{{"LC_ALL", "C"}};
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string text = *entry;
      variables.emplace(text.substr(0, text.find('=')), text.substr(text.find('=') + 1));
    }
    for (const char* name : {"NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CIRRODATA_TOOL_CONFIG"}) variables.erase(name);
    for (const auto& [name, value] : set) variables[name] = value;
    for (const auto& [name, value] : variables) texts_.push_back(name + '=' + value);
    for (std::string& text : texts_) pointers_.push_back(text.data());
    pointers_.push_back(nullptr);
  }

  /// For execve.
  [[nodiscard]] char* const* get() const { return pointers_.data(); }

 private:
  std::vector<std::string> texts_;
  std::vector<char*> pointers_;
};

}  // namespace test_support

#endif  // COMPTASK_UPGRADE_TESTS_ENVIRONMENT_H_
