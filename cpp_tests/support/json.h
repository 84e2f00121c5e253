// A strict JSON reader, small and unhurried: enough to say whether a text is one document and what is in it.
#ifndef COMPTASK_UPGRADE_TESTS_JSON_H_
#define COMPTASK_UPGRADE_TESTS_JSON_H_

#include <cstddef>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace test_support {

/// A JSON value. Numbers are kept as they are written.
struct Json {
  enum class Kind { kNull, kBoolean, kNumber, kString, kArray, kObject };

  Kind kind = Kind::kNull;
  bool boolean = false;
  std::string text;
  std::vector<Json> items;
  std::map<std::string, Json> members;

  /// A member of an object; throws where there is none.
  [[nodiscard]] const Json& at(const std::string& name) const {
    const auto found = members.find(name);
    if (kind != Kind::kObject || found == members.end()) throw std::runtime_error("no member '" + name + "'");
    return found->second;
  }
};

/// Reads a text that must be one JSON document and nothing else; throws where it is not.
class JsonReader {
 public:
  static Json Read(std::string_view text) {
    JsonReader reader(text);
    const Json value = reader.Value(0);
    reader.SkipSpace();
    if (reader.position_ != text.size()) reader.Fail("something after the document");
    return value;
  }

 private:
  explicit JsonReader(std::string_view text) : text_(text) {}

  [[noreturn]] void Fail(const std::string& why) const {
    throw std::runtime_error("no JSON at byte " + std::to_string(position_) + ": " + why);
  }

  [[nodiscard]] char Peek() const { return position_ < text_.size() ? text_[position_] : '\0'; }

  char Next() {
    if (position_ >= text_.size()) Fail("the text ends");
    return text_[position_++];
  }

  bool Take(char character) {
    if (Peek() != character || position_ >= text_.size()) return false;
    ++position_;
    return true;
  }

  void Expect(std::string_view word) {
    for (const char character : word) {
      if (Next() != character) Fail("expected " + std::string(word));
    }
  }

  void SkipSpace() {
    while (position_ < text_.size() && std::string_view(" \t\r\n").find(Peek()) != std::string_view::npos) ++position_;
  }

  Json Value(int depth) {
    if (depth > 64) Fail("too deep");
    SkipSpace();
    Json value;
    switch (Peek()) {
      case '{':
        ReadObject(value, depth);
        break;
      case '[':
        ReadArray(value, depth);
        break;
      case '"':
        value.kind = Json::Kind::kString;
        value.text = String();
        break;
      case 't':
      case 'f':
        value.kind = Json::Kind::kBoolean;
        value.boolean = Peek() == 't';
        Expect(value.boolean ? "true" : "false");
        break;
      case 'n':
        Expect("null");
        break;
      default:
        value.kind = Json::Kind::kNumber;
        value.text = Number();
    }
    return value;
  }

  void ReadObject(Json& value, int depth) {
    value.kind = Json::Kind::kObject;
    Expect("{");
    SkipSpace();
    if (Take('}')) return;
    do {
      SkipSpace();
      const std::string name = String();
      SkipSpace();
      Expect(":");
      if (!value.members.emplace(name, Value(depth + 1)).second) Fail("'" + name + "' twice");
      SkipSpace();
    } while (Take(','));
    Expect("}");
  }

  void ReadArray(Json& value, int depth) {
    value.kind = Json::Kind::kArray;
    Expect("[");
    SkipSpace();
    if (Take(']')) return;
    do {
      value.items.push_back(Value(depth + 1));
      SkipSpace();
    } while (Take(','));
    Expect("]");
  }

  std::string String() {
    Expect("\"");
    std::string out;
    for (char character = Next(); character != '"'; character = Next()) {
      if (static_cast<unsigned char>(character) < 0x20) Fail("a control byte in a string");
      if (character == '\\') {
        AppendEscape(out);
      } else {
        out += character;
      }
    }
    return out;
  }

  void AppendEscape(std::string& out) {
    static constexpr std::string_view kLetters = "\"\\/bfnrt";
    static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    const char letter = Next();
    if (letter == 'u') {
      unsigned code = 0;
      for (int digit = 0; digit < 4; ++digit) code = code * 16 + HexadecimalDigit();
      // Our texts escape control bytes only; what is above stays a mark that a comparison sees.
      if (code < 0x80) {
        out += static_cast<char>(code);
      } else {
        out += "\\u" + std::to_string(code);
      }
      return;
    }
    const std::size_t index = kLetters.find(letter);
    if (index == std::string_view::npos) Fail("an unknown escape");
    out += kMeanings[index];
  }

  unsigned HexadecimalDigit() {
    const char digit = Next();
    if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0');
    if (digit >= 'a' && digit <= 'f') return static_cast<unsigned>(digit - 'a' + 10);
    if (digit >= 'A' && digit <= 'F') return static_cast<unsigned>(digit - 'A' + 10);
    Fail("no hexadecimal digit");
  }

  std::string Number() {
    const std::size_t begin = position_;
    Take('-');
    if (!Take('0')) Digits();
    if (Take('.')) Digits();
    if (Take('e') || Take('E')) {
      if (!Take('+')) Take('-');
      Digits();
    }
    return std::string(text_.substr(begin, position_ - begin));
  }

  void Digits() {
    if (Peek() < '0' || Peek() > '9') Fail("expected a value");
    while (Peek() >= '0' && Peek() <= '9') ++position_;
  }

  std::string_view text_;
  std::size_t position_ = 0;
};

}  // namespace test_support

#endif  // COMPTASK_UPGRADE_TESTS_JSON_H_
