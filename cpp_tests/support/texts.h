// What a text holds.
#ifndef COMPTASK_UPGRADE_TESTS_TEXTS_H_
#define COMPTASK_UPGRADE_TESTS_TEXTS_H_

#include <string>
#include <vector>

namespace test_support {

/// Whether a text holds another.
inline bool Holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Whether one of the texts holds another.
inline bool AnyHolds(const std::vector<std::string>& texts, const std::string& part) {
  for (const std::string& text : texts) {
    if (Holds(text, part)) return true;
  }
  return false;
}

}  // namespace test_support

#endif  // COMPTASK_UPGRADE_TESTS_TEXTS_H_
