#include "json_text.h"

#include <cstddef>
#include <cstdint>

namespace cirrodata_tool {
namespace {

// The length of the UTF-8 sequence at the beginning, or 0 where there is none. Overlong forms, surrogates and what lies
// beyond U+10FFFF are none: a strict reader would refuse the document.
std::size_t SequenceLength(std::string_view text) {
  const auto byte = [&](std::size_t index) { return static_cast<std::uint8_t>(text[index]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  std::size_t length = 0;
  std::uint8_t second_low = 0x80;
  std::uint8_t second_high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) second_low = 0xA0;
    if (lead == 0xED) second_high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) second_low = 0x90;
    if (lead == 0xF4) second_high = 0x8F;
  }
  if (length == 0 || text.size() < length || byte(1) < second_low || byte(1) > second_high) return 0;
  for (std::size_t index = 2; index < length; ++index) {
    if (byte(index) < 0x80 || byte(index) > 0xBF) return 0;
  }
  return length;
}

void AppendEscaped(std::string& out, char character) {
  static constexpr std::string_view kHexadecimal = "0123456789abcdef";
  const auto byte = static_cast<std::uint8_t>(character);
  if (character == '"' || character == '\\') {
    out += '\\';
    out += character;
  } else if (character == '\n') {
    out += "\\n";
  } else if (character == '\t') {
    out += "\\t";
  } else if (byte < 0x20) {
    out += "\\u00";
    out += kHexadecimal[byte >> 4U];
    out += kHexadecimal[byte & 0xFU];
  } else {
    out += character;
  }
}

}  // namespace

std::string JsonString(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const std::size_t length = SequenceLength(text);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
    } else if (length == 1) {
      AppendEscaped(out, text.front());
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out + "\"";
}

std::string ErrorJson(const comptask_upgrade::Error& error) {
  return "{\"error\":{\"code\":" + std::to_string(static_cast<std::int32_t>(error.code())) +
         ",\"name\":" + JsonString(comptask_upgrade::CodeName(error.code())) +
         ",\"message\":" + JsonString(error.message()) + ",\"path\":" + JsonString(error.path()) +
         ",\"task\":" + JsonString(error.task()) + ",\"next_action\":" + JsonString(error.next_action()) + "}}";
}

}  // namespace cirrodata_tool
