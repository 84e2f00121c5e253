/// Report: what a run did.
#ifndef COMPTASK_UPGRADE_REPORT_HPP_
#define COMPTASK_UPGRADE_REPORT_HPP_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "comptask_upgrade.h"
#include "comptask_upgrade/error.hpp"
#include "comptask_upgrade/task.hpp"

namespace comptask_upgrade {

/// One task of a report.
struct ReportRow {
  /// The V1 file's name.
  std::string v1_name;
  /// The V2 id; "" where it has none.
  std::string v2_id;
  /// The PC; may be "".
  std::string pc;
  /// The node; may be "".
  std::string node;
  /// "converted", "skipped", "cancelled", "failed", "left", "would convert", "would cancel", ...
  std::string outcome;
  /// Why, in words, and in a plan the actions, one a line; "" where nothing needs saying.
  std::string detail;
  /// The state that its V1 name says; kNone where it is not known.
  V1State v1_state = V1State::kNone;
  /// Its V2 state; kNone where it has none.
  V2State v2_state = V2State::kNone;
  /// Why, in words and without the actions of a plan, which `detail` has too.
  std::string reason;
};

/// What a run did, or found.
class Report {
 public:
  /// Takes over a report of the C ABI; it is freed with this object.
  explicit Report(ctu_report* handle) noexcept : handle_(handle) {}

  /// The phase after the run.
  [[nodiscard]] Phase phase() const noexcept { return static_cast<Phase>(ctu_report_phase(handle_.get())); }
  /// All tasks: converted + skipped + cancelled + failed + left.
  [[nodiscard]] std::uint64_t total() const noexcept { return ctu_report_total(handle_.get()); }
  /// Tasks that this run converted.
  [[nodiscard]] std::uint64_t converted() const noexcept { return ctu_report_converted(handle_.get()); }
  /// Tasks that an earlier run had converted.
  [[nodiscard]] std::uint64_t skipped() const noexcept { return ctu_report_skipped(handle_.get()); }
  /// Tasks that were converted to the state Cancel because they could not be placed.
  [[nodiscard]] std::uint64_t cancelled() const noexcept { return ctu_report_cancelled(handle_.get()); }
  /// Tasks that failed and stay for the next run.
  [[nodiscard]] std::uint64_t failed() const noexcept { return ctu_report_failed(handle_.get()); }
  /// Tasks that the run did not come to.
  [[nodiscard]] std::uint64_t left() const noexcept { return ctu_report_left(handle_.get()); }
  /// How many warnings the report holds.
  [[nodiscard]] std::uint64_t warnings() const noexcept { return ctu_report_warnings(handle_.get()); }
  /// How many tasks the report lists one by one.
  [[nodiscard]] std::size_t task_count() const noexcept { return ctu_report_task_count(handle_.get()); }
  /// One of these tasks.
  [[nodiscard]] ReportRow task(std::size_t index) const {
    auto raw = detail::SizedStruct<ctu_report_row>();
    detail::Check(ctu_report_task(handle_.get(), index, &raw));
    return {raw.v1_name, raw.v2_id, raw.pc, raw.node, raw.outcome, raw.detail, static_cast<V1State>(raw.v1_state),
            static_cast<V2State>(raw.v2_state),
            // A library older than this header leaves it as it was.
            raw.reason == nullptr ? "" : raw.reason};
  }
  /// A few lines for a person; lives as long as the report.
  [[nodiscard]] const char* summary() const noexcept { return ctu_report_summary(handle_.get()); }
  /// The summary without its lines about single tasks, for a host that shows those by itself; lives as long as the
  /// report.
  [[nodiscard]] const char* overview() const noexcept { return ctu_report_overview(handle_.get()); }
  /// The whole report; lives as long as the report.
  [[nodiscard]] const char* json() const noexcept { return ctu_report_json(handle_.get()); }
  /// The two trees as a STATUS saw them, drawn a name a line; "" for the other operations. Lives as long as the report.
  [[nodiscard]] const char* picture() const noexcept { return ctu_report_picture(handle_.get()); }

 private:
  struct Deleter {
    void operator()(ctu_report* handle) const noexcept { ctu_report_free(handle); }
  };
  std::unique_ptr<ctu_report, Deleter> handle_;
};

/// How a run ended. A run whose tasks failed has an error and a report; one that could not begin has no report.
struct [[nodiscard]] RunResult {
  /// What the run did; empty where it did not get far enough.
  std::optional<Report> report;
  /// Why it failed; empty where it did all it was asked to.
  std::optional<Error> error;

  /// Whether the run did all it was asked to.
  [[nodiscard]] bool ok() const noexcept { return !error.has_value(); }
  /// Throws the error where there is one.
  void ThrowIfFailed() const {
    if (error) throw *error;
  }
};

namespace detail {

/// How a run ended, from what the C ABI handed over.
[[nodiscard]] inline RunResult TakeResult(ctu_report* report, ctu_error* error) {
  RunResult result;
  if (report != nullptr) result.report.emplace(report);
  if (error != nullptr) result.error.emplace(TakeError(error));
  return result;
}

}  // namespace detail
}  // namespace comptask_upgrade

#endif  // COMPTASK_UPGRADE_REPORT_HPP_
