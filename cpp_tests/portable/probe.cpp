// probe FOLDER: lays out a V1 task in the folder, takes it through upgrade, recovery, upgrade and delete, and has an
// error of the library thrown and caught; by the C++ header alone, as a host on an old system does.
#include <sys/stat.h>

#include <fstream>
#include <iostream>
#include <string>

#include "comptask_upgrade.hpp"

namespace {

namespace ctu = comptask_upgrade;

constexpr const char* kName = "compct.xcloud24_9876.0.1617693156000";

void WriteFile(const std::string& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

void LayOut(const std::string& folder) {
  ctu::TaskV1 task;
  task.receive_pu = "xcloud24_9876";
  task.receive_ts = 1617693156000;
  task.db_name = "sales";
  task.schema_name = "eu";
  for (const char* part : {"", "/Compaction", "/Compaction/Scheduler"}) mkdir((folder + "/tree" + part).c_str(), 0755);
  WriteFile(folder + "/tree/Compaction/Scheduler/" + kName, ctu::Encode(task).view());
  WriteFile(folder + "/catalog.json",
            R"({"process_groups": [{"name": "pc1", "nodes": ["xcloud24_9876"]}], "nodes": ["xcloud24_9876"],
                "schemas": [{"db": "sales", "schema": "eu", "process_groups": ["pc1"]}]})");
}

void Run(ctu::Session& session, const char* word) {
  ctu::RunOptions options;
  options.verify = std::string(word) == "upgrade";
  const ctu::RunResult result = session.Run(ctu::ParseOperation(word), options);
  result.ThrowIfFailed();
  std::cout << word << ": phase " << static_cast<int>(result.report->phase()) << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: probe FOLDER\n";
    return 2;
  }
  const std::string folder = argv[1];
  try {
    LayOut(folder);
    ctu::Config config;
    config.SetRoot(folder + "/tree").SetCatalogFile(folder + "/catalog.json").AssumeOffline();
    ctu::Session session(config);
    try {
      (void)ctu::ParseV1Name("no task");
      std::cout << "a bad name passed\n";
      return 1;
    } catch (const ctu::Error& error) {
      std::cout << "thrown: " << ctu::CodeName(error.code()) << "\n";
    }
    for (const char* word : {"upgrade", "recovery", "upgrade", "delete"}) Run(session, word);
  } catch (const std::exception& error) {
    std::cout << error.what() << "\n";
    return 1;
  }
  return 0;
}
