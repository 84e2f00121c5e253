/// Translate: what the library says, in another language.
#ifndef COMPTASK_UPGRADE_LANGUAGE_HPP_
#define COMPTASK_UPGRADE_LANGUAGE_HPP_

#include <string>
#include <string_view>

#include "comptask_upgrade.h"
#include "comptask_upgrade/error.hpp"
#include "comptask_upgrade/task.hpp"

namespace comptask_upgrade {

/// A text of the library (a summary, what() of an Error, a next action, a line of the log) in another language, line by
/// line; at most 1 MiB. What has no translation stays as it is, and so do names, paths and numbers. `language` is "en",
/// "zh" or a locale such as "zh_CN.UTF-8" or "C"; any other language is English, which gives the same text back. Throws
/// Error where a text is not UTF-8, is too long or holds a NUL. Any thread may call it.
[[nodiscard]] inline std::string Translate(std::string_view text, std::string_view language) {
  const std::string text_of_c(text);
  const std::string language_of_c(language);
  ctu_buffer* translated = nullptr;
  detail::Check(ctu_text_translate(detail::CText(text_of_c), detail::CText(language_of_c), &translated));
  return Buffer(translated).str();
}

}  // namespace comptask_upgrade

#endif  // COMPTASK_UPGRADE_LANGUAGE_HPP_
