// The files that a command line names, judged together before the first of them is opened.
#ifndef CIRRODATA_TOOL_FILE_NAMES_H_
#define CIRRODATA_TOOL_FILE_NAMES_H_

#include <string>
#include <vector>

namespace cirrodata_tool {

/// A file and the option that names it.
struct NamedFile {
  std::string option;
  std::string path;
};

/// Throws UsageError, with both options, where two of the files are one, by whatever names: the tool would write over
/// what it reads, or over what it wrote. A device, such as /dev/null, may be named twice.
void CheckFilesDiffer(const std::vector<NamedFile>& files);

/// Throws UsageError where the log file or the report file lies below a root on the local disk, whose trees hold
/// nothing but what the database knows.
void CheckFilesAreOutside(const std::string& root, const std::vector<NamedFile>& files);

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_FILE_NAMES_H_
