// TextCodec: task files as plain text, which the library's own codec cannot read. Where an upgrade works with it, the
// library left every byte to the host.
#ifndef COMPTASK_UPGRADE_TESTS_TEXT_CODEC_H_
#define COMPTASK_UPGRADE_TESTS_TEXT_CODEC_H_

#include <sstream>
#include <string>
#include <string_view>

#include "comptask_upgrade.hpp"

namespace test_support {

/// One field a line, in a fixed order. Fields that the tests leave at zero are left out.
class TextCodec : public comptask_upgrade::CodecHost {
 public:
  using Code = comptask_upgrade::Code;
  using Reply = comptask_upgrade::Reply;
  using TaskV1 = comptask_upgrade::TaskV1;
  using TaskV2 = comptask_upgrade::TaskV2;

  static std::string Text(const TaskV1& task) {
    std::ostringstream text;
    text << "text-v1\n"
         << task.receive_pu << '\n'
         << task.sequence_no << '\n'
         << task.receive_ts << '\n'
         << static_cast<int>(task.state) << '\n'
         << task.db_name << '\n'
         << task.schema_name << '\n'
         << task.table_name << '\n'
         << task.partition_name << '\n';
    return text.str();
  }

  static std::string Text(const TaskV2& task) {
    std::ostringstream text;
    text << "text-v2\n"
         << task.query_id << '\n'
         << task.sequence_no << '\n'
         << task.receive_pu << '\n'
         << static_cast<int>(task.state) << '\n'
         << task.optimizat_db_name << '\n'
         << task.optimizat_pc_name << '\n'
         << task.db_name << '\n'
         << task.schema_name << '\n'
         << task.table_name << '\n'
         << task.partition_name << '\n'
         << task.pc_name << '\n'
         << task.executenode << '\n';
    return text.str();
  }

  Code DecodeV1(std::string_view bytes, Reply& reply) override {
    std::istringstream lines{std::string(bytes)};
    if (Line(lines) != "text-v1") return NotText(reply);
    TaskV1 task;
    task.receive_pu = Line(lines);
    task.sequence_no = std::stoi(Line(lines));
    task.receive_ts = std::stoull(Line(lines));
    task.state = static_cast<comptask_upgrade::V1State>(std::stoi(Line(lines)));
    task.db_name = Line(lines);
    task.schema_name = Line(lines);
    task.table_name = Line(lines);
    task.partition_name = Line(lines);
    reply.Decoded(task);
    return Code::kOk;
  }

  Code EncodeV1(const TaskV1& task, Reply& reply) override {
    reply.Bytes(Text(task));
    return Code::kOk;
  }

  Code DecodeV2(std::string_view bytes, Reply& reply) override {
    std::istringstream lines{std::string(bytes)};
    if (Line(lines) != "text-v2") return NotText(reply);
    TaskV2 task;
    task.query_id = Line(lines);
    task.sequence_no = std::stoi(Line(lines));
    task.receive_pu = Line(lines);
    task.state = static_cast<comptask_upgrade::V2State>(std::stoi(Line(lines)));
    task.optimizat_db_name = Line(lines);
    task.optimizat_pc_name = Line(lines);
    task.db_name = Line(lines);
    task.schema_name = Line(lines);
    task.table_name = Line(lines);
    task.partition_name = Line(lines);
    task.pc_name = Line(lines);
    task.executenode = Line(lines);
    reply.Decoded(task);
    return Code::kOk;
  }

  Code EncodeV2(const TaskV2& task, Reply& reply) override {
    // In two pieces, since bytes are appended.
    const std::string text = Text(task);
    reply.Bytes(std::string_view(text).substr(0, 3));
    reply.Bytes(std::string_view(text).substr(3));
    return Code::kOk;
  }

 private:
  static std::string Line(std::istringstream& lines) {
    std::string line;
    std::getline(lines, line);
    return line;
  }

  static Code NotText(Reply& reply) {
    reply.Message("this is no text task");
    return Code::kCorrupt;
  }
};

}  // namespace test_support

#endif  // COMPTASK_UPGRADE_TESTS_TEXT_CODEC_H_
