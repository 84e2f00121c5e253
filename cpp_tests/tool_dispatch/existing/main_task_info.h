// A STAND-IN for what the reader of docs/tool-dispatch.md already has: the records of main tasks and their bytes, which
// the library's own codec cannot read. A file is a word, then its fields, each as its length, a colon and its text.
#ifndef COMPTASK_UPGRADE_TESTS_EXISTING_MAIN_TASK_INFO_H_
#define COMPTASK_UPGRADE_TESTS_EXISTING_MAIN_TASK_INFO_H_

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace compaction {

/// Where bytes stopped to make sense, and why.
struct ParseError {
  std::size_t offset = 0;
  std::string reason;
};

/// Writes fields one after another.
class FieldWriter {
 public:
  explicit FieldWriter(std::string_view word) : bytes_(word) {}
  void Field(const std::string& text) { bytes_ += std::to_string(text.size()) + ":" + text; }
  template <typename Number, typename = std::enable_if_t<std::is_arithmetic_v<Number>>>
  void Field(Number number) {
    Field(std::to_string(number));
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// Reads them again; after the first that is wrong it reads no more.
class FieldReader {
 public:
  FieldReader(std::string_view bytes, std::string_view word) : bytes_(bytes) {
    if (bytes.substr(0, word.size()) == word) {
      at_ = word.size();
    } else {
      Fail("it does not begin with " + std::string(word.substr(0, word.find('\n'))));
    }
  }
  void Field(std::string& text) {
    if (failed_) return;
    std::size_t length = 0;
    const std::size_t colon = bytes_.find(':', at_);
    if (colon == std::string_view::npos || !Number(bytes_.substr(at_, colon - at_), length))
      return Fail("a field has no length");
    if (length > bytes_.size() - colon - 1) return Fail("a field goes beyond the end");
    text = bytes_.substr(colon + 1, length);
    at_ = colon + 1 + length;
  }
  template <typename Value, typename = std::enable_if_t<std::is_arithmetic_v<Value>>>
  void Field(Value& number) {
    const std::size_t before = at_;
    std::string text;
    Field(text);
    std::int64_t value = 0;
    if (failed_) return;
    if (!Number(std::string_view(text), value) || static_cast<std::int64_t>(static_cast<Value>(value)) != value) {
      at_ = before;
      return Fail("a field is no number of its kind");
    }
    number = static_cast<Value>(value);
  }
  /// Whether all fields were there and nothing after them.
  bool Ended(ParseError& error) {
    if (!failed_ && at_ != bytes_.size()) Fail("something follows the last field");
    error = error_;
    return !failed_;
  }

 private:
  template <typename Value>
  static bool Number(std::string_view text, Value& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
  }
  void Fail(const std::string& reason) {
    failed_ = true;
    error_ = {at_, reason};
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
  bool failed_ = false;
  ParseError error_;
};

/// A main task of the system before its refactoring.
struct CompactMainTaskInfoV1 {
  std::string receive_pu;
  int sequence_no = 0;
  std::uint64_t receive_ts = 0;
  int state = 0;
  bool repeat_flag = false, sub_task_flag = false;
  int repeat_count = 0, repeat_interval = 0;
  unsigned success_count = 0, failed_count = 0;
  std::string db_name, schema_name, table_name, partition_name;

  /// The bytes of its file.
  [[nodiscard]] std::string Serialize() const {
    FieldWriter writer("MainTask1\n");
    Each(*this, writer);
    return writer.bytes();
  }
  /// Reads the bytes of its file.
  bool Parse(std::string_view bytes, ParseError& error) {
    FieldReader reader(bytes, "MainTask1\n");
    Each(*this, reader);
    return reader.Ended(error);
  }

 private:
  template <typename Task, typename Fields>
  static void Each(Task& task, Fields& fields) {
    fields.Field(task.receive_pu), fields.Field(task.sequence_no), fields.Field(task.receive_ts);
    fields.Field(task.state), fields.Field(task.repeat_flag), fields.Field(task.sub_task_flag);
    fields.Field(task.repeat_count), fields.Field(task.repeat_interval);
    fields.Field(task.success_count), fields.Field(task.failed_count);
    fields.Field(task.db_name), fields.Field(task.schema_name);
    fields.Field(task.table_name), fields.Field(task.partition_name);
  }
};

/// A main task of the system after its refactoring.
struct CompactMainTaskInfoV2 {
  std::string query_id;
  int sequence_no = 0;
  std::string receive_pu;
  int state = 0;
  std::string optimizat_db_name, optimizat_pc_name;
  bool repeat_flag = false, sub_task_flag = false, sync_task_flag = false;
  int repeat_count = 0, repeat_interval = 0;
  unsigned success_count = 0, failed_count = 0;
  std::string db_name, schema_name, table_name, partition_name;
  std::string pc_name, executenode;
  std::int64_t compact_filesize_threshold = 0;
  int compact_group_num = 0;

  /// The bytes of its file.
  [[nodiscard]] std::string Serialize() const {
    FieldWriter writer("MainTask2\n");
    Each(*this, writer);
    return writer.bytes();
  }
  /// Reads the bytes of its file.
  bool Parse(std::string_view bytes, ParseError& error) {
    FieldReader reader(bytes, "MainTask2\n");
    Each(*this, reader);
    return reader.Ended(error);
  }

 private:
  template <typename Task, typename Fields>
  static void Each(Task& task, Fields& fields) {
    fields.Field(task.query_id), fields.Field(task.sequence_no), fields.Field(task.receive_pu);
    fields.Field(task.state), fields.Field(task.optimizat_db_name), fields.Field(task.optimizat_pc_name);
    fields.Field(task.repeat_flag), fields.Field(task.sub_task_flag), fields.Field(task.sync_task_flag);
    fields.Field(task.repeat_count), fields.Field(task.repeat_interval);
    fields.Field(task.success_count), fields.Field(task.failed_count);
    fields.Field(task.db_name), fields.Field(task.schema_name);
    fields.Field(task.table_name), fields.Field(task.partition_name);
    fields.Field(task.pc_name), fields.Field(task.executenode);
    fields.Field(task.compact_filesize_threshold), fields.Field(task.compact_group_num);
  }
};

}  // namespace compaction

#endif  // COMPTASK_UPGRADE_TESTS_EXISTING_MAIN_TASK_INFO_H_
