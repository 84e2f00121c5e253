// A STAND-IN for what the reader of docs/tool-dispatch.md already has: PUCtrl, here over a text file: on its first line
// how often the registry has changed, then a PU that is up on each.
#ifndef COMPTASK_UPGRADE_TESTS_EXISTING_PU_CTRL_H_
#define COMPTASK_UPGRADE_TESTS_EXISTING_PU_CTRL_H_

#include <cstdint>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace pu {

/// The registry of PUs. false where it cannot be reached.
class PUCtrl {
 public:
  explicit PUCtrl(std::string file) : file_(std::move(file)) {}

  /// The PUs that are up.
  bool GetOnlinePUs(std::vector<std::string>& pus) const {
    std::ifstream file(file_);
    std::string line;
    if (!std::getline(file, line)) return false;
    while (std::getline(file, line)) pus.push_back(line);
    return true;
  }
  /// How often a PU has come or gone.
  bool GetChangeCount(std::int64_t& count) const {
    std::ifstream file(file_);
    return static_cast<bool>(file >> count);
  }

 private:
  const std::string file_;
};

}  // namespace pu

#endif  // COMPTASK_UPGRADE_TESTS_EXISTING_PU_CTRL_H_
