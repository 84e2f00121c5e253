#include "colors.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace cirrodata_tool {
namespace {

std::string_view Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

bool IsCapableTerminal(int descriptor) {
  const std::string_view kind = Environment("TERM");
  return isatty(descriptor) != 0 && !kind.empty() && kind != "dumb";
}

unsigned Columns(int descriptor) {
  winsize size{};
  return isatty(descriptor) != 0 && ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0U;
}

Colors::Colors(ColorChoice choice, int descriptor)
    : are_on_(choice == ColorChoice::kAlways ||
              (choice == ColorChoice::kAuto && IsCapableTerminal(descriptor) && Environment("NO_COLOR").empty())) {}

std::string Colors::In(const char* code, std::string_view text) const {
  if (!are_on_ || text.empty()) return std::string(text);
  return std::string("\x1b[") + code + 'm' + std::string(text) + "\x1b[0m";
}

}  // namespace cirrodata_tool
