// A STAND-IN for what the reader of docs/tool-dispatch.md already has: MetaDataService, here over a text file whose
// lines are "schema DB SCHEMA PC", "pc PC NODE" and "node NODE".
#ifndef COMPTASK_UPGRADE_TESTS_EXISTING_META_DATA_SERVICE_H_
#define COMPTASK_UPGRADE_TESTS_EXISTING_META_DATA_SERVICE_H_

#include <fstream>
#include <set>
#include <string>
#include <utility>

namespace meta {

/// How a call ended.
enum class MetaResult { kOk, kNoSuchSchema, kNotReachable };

/// Schemas, the PCs that they may use, and nodes; names in no order.
class MetaDataService {
 public:
  explicit MetaDataService(std::string file) : file_(std::move(file)) {}

  MetaResult GetSchemaPCs(const std::string& db, const std::string& schema, std::set<std::string>& pcs) {
    const MetaResult result = AfterWords("schema " + db + " " + schema + " ", pcs);
    return result == MetaResult::kOk && pcs.empty() ? MetaResult::kNoSuchSchema : result;
  }
  MetaResult GetAllPCs(std::set<std::string>& pcs) {
    std::set<std::string> pairs;
    const MetaResult result = AfterWords("pc ", pairs);
    for (const std::string& pair : pairs) pcs.insert(pair.substr(0, pair.find(' ')));
    return result;
  }
  MetaResult GetPCNodes(const std::string& pc, std::set<std::string>& nodes) {
    return AfterWords("pc " + pc + " ", nodes);
  }
  MetaResult GetAllNodes(std::set<std::string>& nodes) { return AfterWords("node ", nodes); }

 private:
  // What follows on each line that begins so.
  MetaResult AfterWords(const std::string& beginning, std::set<std::string>& found) const {
    std::ifstream file(file_);
    if (!file) return MetaResult::kNotReachable;
    for (std::string line; std::getline(file, line);) {
      if (line.compare(0, beginning.size(), beginning) == 0) found.insert(line.substr(beginning.size()));
    }
    return MetaResult::kOk;
  }

  const std::string file_;
};

}  // namespace meta

#endif  // COMPTASK_UPGRADE_TESTS_EXISTING_META_DATA_SERVICE_H_
