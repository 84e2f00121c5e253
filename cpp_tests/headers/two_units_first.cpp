// One of two translation units with both headers, linked into one program: what a header defines must be inline.
#include "comptask_upgrade.h"
#include "comptask_upgrade.hpp"

std::string VersionFromSecondUnit();

int main() {
  const comptask_upgrade::Config config;
  return VersionFromSecondUnit() == ctu_version() && config.get() != nullptr ? 0 : 1;
}
