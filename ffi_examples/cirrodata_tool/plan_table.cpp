#include "plan_table.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "cirrodata_terminal.h"
#include "texts.h"
#include "translation.h"

namespace cirrodata_tool {
namespace {

using comptask_upgrade::Report;
using comptask_upgrade::ReportRow;
using comptask_upgrade::V2State;

// As many as a person looks through.
constexpr std::size_t kRowsLimit = 50;
constexpr std::size_t kColumns = 6;

struct TableDeleter {
  void operator()(cdt_table* table) const noexcept { cdt_table_free(table); }
};

// What needs a look comes first; a word of a later version does.
int Rank(const std::string& outcome) {
  if (outcome == "would convert" || outcome == "would downgrade") return 2;
  if (outcome == "would skip" || outcome == "would keep") return 3;
  return outcome == "would cancel" ? 1 : 0;
}

// As the names of files spell it.
const char* StateWord(V2State state) {
  switch (state) {
    case V2State::kNone:
      break;
    case V2State::kInit:
      return "Init";
    case V2State::kRunning:
      return "Running";
    case V2State::kCancel:
      return "Cancel";
    case V2State::kDone:
      return "Done";
  }
  return "";
}

using Cells = std::array<std::string, kColumns>;

std::array<const char*, kColumns> Pointers(const Cells& cells) {
  std::array<const char*, kColumns> pointers{};
  std::transform(cells.begin(), cells.end(), pointers.begin(), [](const std::string& cell) { return cell.c_str(); });
  return pointers;
}

Cells Head(Language language) {
  Cells cells;
  const std::array<Text, kColumns> texts{Text::kHeadV1Task, Text::kHeadV2Task, Text::kHeadState,
                                         Text::kHeadPc,     Text::kHeadNode,   Text::kHeadOutcome};
  std::transform(texts.begin(), texts.end(), cells.begin(), [&](Text text) { return Say(text, language); });
  return cells;
}

Cells CellsOf(const ReportRow& row, Language language) {
  std::string outcome = Translated(row.outcome, language);
  if (!row.reason.empty()) outcome += ": " + Translated(row.reason, language);
  return {row.v1_name, row.v2_id, StateWord(row.v2_state), row.pc, row.node, outcome};
}

// The numbers of the tasks in the order they are shown.
std::vector<std::size_t> Order(const Report& report) {
  std::vector<std::pair<int, std::size_t>> ranked;
  for (std::size_t index = 0; index < report.task_count(); ++index) {
    ranked.emplace_back(Rank(report.task(index).outcome), index);
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::size_t> order;
  for (const auto& [rank, index] : ranked) order.push_back(index);
  return order;
}

}  // namespace

std::string PlanTable(const Report& report, unsigned columns, Language language) {
  const std::vector<std::size_t> order = Order(report);
  if (order.empty()) return "";
  const auto width = static_cast<std::uint16_t>(std::min<unsigned>(columns, std::numeric_limits<std::uint16_t>::max()));
  const std::unique_ptr<cdt_table, TableDeleter> table(cdt_table_new(width));
  const Cells head = Head(language);
  cdt_table_head(table.get(), Pointers(head).data(), kColumns);
  const std::size_t shown = std::min(order.size(), kRowsLimit);
  for (std::size_t index = 0; index < shown; ++index) {
    const Cells cells = CellsOf(report.task(order[index]), language);
    cdt_table_row(table.get(), Pointers(cells).data(), kColumns);
  }
  std::string text = cdt_table_text(table.get());
  if (shown < order.size()) {
    text +=
        Say(Text::kMoreTasks, language, {std::to_string(order.size() - shown), std::to_string(order.size())}) + '\n';
  }
  return text;
}

}  // namespace cirrodata_tool
