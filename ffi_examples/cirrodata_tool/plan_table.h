// The tasks of a plan as a table.
#ifndef CIRRODATA_TOOL_PLAN_TABLE_H_
#define CIRRODATA_TOOL_PLAN_TABLE_H_

#include <string>

#include "comptask_upgrade.hpp"
#include "language.h"

namespace cirrodata_tool {

/// A table of so many columns of characters at most, or as wide as it needs to be where that is 0. Those tasks are
/// first that would fail, be lost or be cancelled; of very many the first are shown, and a line says how many more
/// there are. Empty where the plan lists no task.
std::string PlanTable(const comptask_upgrade::Report& report, unsigned columns, Language language);

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_PLAN_TABLE_H_
