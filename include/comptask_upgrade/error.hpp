/// Error, the one exception of the wrapper, and the step from an owned ctu_error to it.
#ifndef COMPTASK_UPGRADE_ERROR_HPP_
#define COMPTASK_UPGRADE_ERROR_HPP_

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "comptask_upgrade.h"
#include "comptask_upgrade/codes.hpp"

namespace comptask_upgrade {

/// A failure: its code, what happened (what()), the path and the task it happened to, and what an operator does now.
///
/// A host's own classes may throw it as well: its code and its message then arrive in the library as the answer of the
/// function that threw it.
class Error : public std::runtime_error {
 public:
  /// An error with these details; path, task and next_action are empty where there are none.
  Error(Code code, const std::string& message, std::string path = {}, std::string task = {},
        std::string next_action = {})
      : std::runtime_error(message),
        code_(code),
        details_(std::make_shared<const Details>(Details{std::move(path), std::move(task), std::move(next_action)})) {}

  /// The kind of failure.
  [[nodiscard]] Code code() const noexcept { return code_; }
  /// What happened, the same text as what().
  [[nodiscard]] const char* message() const noexcept { return what(); }
  /// The path it happened to; empty where there is none.
  [[nodiscard]] const std::string& path() const noexcept { return details_->path; }
  /// The task it happened to; empty where there is none.
  [[nodiscard]] const std::string& task() const noexcept { return details_->task; }
  /// What an operator does now; empty where there is nothing to do.
  [[nodiscard]] const std::string& next_action() const noexcept { return details_->next_action; }

 private:
  struct Details {
    std::string path;
    std::string task;
    std::string next_action;
  };

  Code code_;
  // Shared, because an exception must be copied without a chance to throw.
  std::shared_ptr<const Details> details_;
};

namespace detail {

struct ErrorDeleter {
  void operator()(ctu_error* error) const noexcept { ctu_error_free(error); }
};

/// The exception for an error that the library handed over; frees the library's object.
[[nodiscard]] inline Error TakeError(ctu_error* raw) {
  const std::unique_ptr<ctu_error, ErrorDeleter> error(raw);
  return Error(static_cast<Code>(ctu_error_code(raw)), ctu_error_message(raw), ctu_error_path(raw), ctu_error_task(raw),
               ctu_error_next_action(raw));
}

/// Throws where a fallible call handed back an error.
inline void Check(ctu_error* error) {
  if (error != nullptr) throw TakeError(error);
}

/// A text for the C ABI, which cannot hold a NUL byte: what follows one would be lost unseen.
[[nodiscard]] inline const char* CText(const std::string& text) {
  if (text.find('\0') != std::string::npos) throw Error(Code::kInvalidArgument, "a text holds a NUL byte");
  return text.c_str();
}

}  // namespace detail
}  // namespace comptask_upgrade

#endif  // COMPTASK_UPGRADE_ERROR_HPP_
