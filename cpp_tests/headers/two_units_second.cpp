// The other of two translation units with both headers; in the other order.
// clang-format off
#include "comptask_upgrade.hpp"
#include "comptask_upgrade.h"
// clang-format on

std::string VersionFromSecondUnit();

std::string VersionFromSecondUnit() {
  const comptask_upgrade::Config config;
  return config.get() != nullptr ? ctu_version() : "";
}
