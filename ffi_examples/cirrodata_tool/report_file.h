// ReportFile: the JSON report that stays.
#ifndef CIRRODATA_TOOL_REPORT_FILE_H_
#define CIRRODATA_TOOL_REPORT_FILE_H_

#include <string>
#include <string_view>

namespace cirrodata_tool {

/// A file that is written whole, beside its place under another name, and then renamed. A file that is there is
/// replaced only where it is empty, or a report or an error of this tool; and a report never by an error.
class ReportFile {
 public:
  /// Looks whether the report could be written; throws Error, with the path, where it could not.
  explicit ReportFile(std::string path);

  /// Puts the report of a run in its place, readable by its owner alone. Throws Error where that fails; what was there
  /// is there still then.
  void WriteReport(std::string_view document) const;

  /// The same for the error of a run that has no report; false, and nothing is changed, where the report of a run is
  /// there.
  [[nodiscard]] bool WriteError(std::string_view document) const;

 private:
  [[nodiscard]] bool Write(std::string_view document, bool may_replace_report) const;

  const std::string path_;
};

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_REPORT_FILE_H_
