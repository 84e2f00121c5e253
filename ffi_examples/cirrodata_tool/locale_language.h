// The language that the locale asks for.
#ifndef CIRRODATA_TOOL_LOCALE_LANGUAGE_H_
#define CIRRODATA_TOOL_LOCALE_LANGUAGE_H_

#include "language.h"

namespace cirrodata_tool {

/// By the first of LC_ALL, LC_MESSAGES and LANG that is not empty: zh is Chinese, but with a character set other than
/// UTF-8, in which it could not be read, it is English. Where the name has no character set, the system's is asked for.
Language LanguageOfLocale();

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_LOCALE_LANGUAGE_H_
