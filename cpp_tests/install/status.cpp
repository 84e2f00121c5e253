// status ROOT: the phase of a tree, by the C++ header alone. Built outside the tree, as a host of the library is.
#include <iostream>
#include <string>

#include "comptask_upgrade.hpp"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: status ROOT\n";
    return 2;
  }
  comptask_upgrade::Config config;
  config.SetRoot(argv[1]).AssumeOffline();
  comptask_upgrade::Session session(config);
  const auto result = session.Run(comptask_upgrade::Operation::kStatus);
  result.ThrowIfFailed();
  std::cout << "phase " << static_cast<int>(result.report->phase()) << " of " << ctu_version() << "\n";
  return 0;
}
