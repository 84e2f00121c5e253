// ReportFile: the JSON report that stays.
#ifndef CIRRODATA_TOOL_REPORT_FILE_H_
#define CIRRODATA_TOOL_REPORT_FILE_H_

#include <string>
#include <string_view>

namespace cirrodata_tool {

/// A file that is written whole, beside its place under another name, and then renamed. A file that is there is
/// replaced only where it is empty, or a report or an error of this tool.
class ReportFile {
 public:
  /// Looks whether the report could be written; throws Error, with the path, where it could not.
  explicit ReportFile(std::string path);

  /// Puts the document in its place, readable by its owner alone. Throws Error where that fails; what was there is
  /// there still then.
  void Write(std::string_view document) const;

 private:
  void CheckPlace() const;

  const std::string path_;
};

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_REPORT_FILE_H_
