// The C header needs nothing before it in C++ either, and may be included twice.
#include "comptask_upgrade.h"
#include "comptask_upgrade.h"  // NOLINT(readability-duplicate-include)

static_assert(sizeof(ctu_code) == 4, "a code has 32 bits");
