// Screen: what a terminal shows of what was written to it.
#ifndef COMPTASK_UPGRADE_TESTS_SCREEN_H_
#define COMPTASK_UPGRADE_TESTS_SCREEN_H_

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace test_support {

/// A terminal of so many columns whose lines go on for ever. Knows what a bar and coloured lines need, and throws at
/// anything else.
class Screen {
 public:
  explicit Screen(std::size_t columns) : columns_(columns), lines_(1) {}

  /// Takes what was written, from its beginning.
  static Screen Of(std::string_view written, std::size_t columns) {
    Screen screen(columns);
    while (!written.empty()) written.remove_prefix(screen.Take(written));
    return screen;
  }

  /// The lines that are shown, without blanks at their ends.
  [[nodiscard]] std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    for (const auto& cells : lines_) {
      std::string line;
      for (const std::string& cell : cells) line += cell.empty() ? "" : cell;
      line.erase(line.find_last_not_of(' ') + 1);
      lines.push_back(line);
    }
    while (!lines.empty() && lines.back().empty()) lines.pop_back();
    return lines;
  }

  /// The lines as one text.
  [[nodiscard]] std::string Text() const {
    std::string text;
    for (const std::string& line : Lines()) text += line + '\n';
    return text;
  }

 private:
  // How many bytes were taken.
  std::size_t Take(std::string_view text) {
    const char first = text.front();
    if (first == '\x1b') return TakeEscape(text);
    if (first == '\r') {
      column_ = 0;
    } else if (first == '\n') {
      ++row_;
      if (row_ == lines_.size()) lines_.emplace_back();
    } else {
      return TakeCharacter(text);
    }
    return 1;
  }

  std::size_t TakeEscape(std::string_view text) {
    const std::size_t end = text.find_first_not_of("0123456789;?", 2);
    if (text.size() < 3 || text[1] != '[' || end == std::string_view::npos) throw std::runtime_error("half an escape");
    const std::string number(text.substr(2, end - 2));
    const std::size_t count = number.empty() || number.front() == '?' ? 1 : std::stoul(number);
    switch (text[end]) {
      case 'A':
        row_ -= std::min(row_, count);
        break;
      case 'B':
        row_ += count;
        while (row_ >= lines_.size()) lines_.emplace_back();
        break;
      case 'K':
        // 2 is the whole line, none is what is right of the cursor.
        lines_[row_].resize(number == "2" ? 0 : std::min(column_, lines_[row_].size()));
        break;
      case 'm':
      case 'h':
      case 'l':
        break;
      default:
        throw std::runtime_error("an escape that this screen does not know: " + std::string(text.substr(1, end)));
    }
    return end + 1;
  }

  std::size_t TakeCharacter(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    // Of those of three bytes our texts have Chinese ones, which take two columns, and a few marks, which take one.
    const std::size_t width = length == 3 && lead >= 0xE3 ? 2 : 1;
    if (column_ + width > columns_) {
      column_ = 0;
      ++row_;
      if (row_ == lines_.size()) lines_.emplace_back();
    }
    auto& cells = lines_[row_];
    if (cells.size() < column_ + width) cells.resize(column_ + width, " ");
    cells[column_] = std::string(text.substr(0, length));
    if (width == 2) cells[column_ + 1] = "";
    column_ += width;
    return length;
  }

  std::size_t columns_;
  std::vector<std::vector<std::string>> lines_;
  std::size_t row_ = 0;
  std::size_t column_ = 0;
};

}  // namespace test_support

#endif  // COMPTASK_UPGRADE_TESTS_SCREEN_H_
