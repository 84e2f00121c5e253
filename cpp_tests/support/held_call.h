// HeldCall: a run that is stopped in the middle of one storage call, for as long as a test wants.
#ifndef COMPTASK_UPGRADE_TESTS_HELD_CALL_H_
#define COMPTASK_UPGRADE_TESTS_HELD_CALL_H_

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "memory_hosts.h"

namespace test_support {

/// Holds the first call of a name on a path with a part, until it is let go. To be made before the run, on a storage
/// that nobody else intercepts; must outlive the run.
class HeldCall {
 public:
  HeldCall(MemoryHost& host, std::string call, std::string path_part)
      : call_(std::move(call)), path_part_(std::move(path_part)) {
    host.storage->intercept = [this](std::string_view call, const std::string& path, Reply&) -> std::optional<Code> {
      if (call == call_ && path.find(path_part_) != std::string::npos) Hold();
      return {};
    };
  }
  HeldCall(const HeldCall&) = delete;
  HeldCall& operator=(const HeldCall&) = delete;

  /// Waits until the run has come to the call.
  void AwaitReached() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return reached_; });
  }

  /// Lets the run go on, now or once it comes to the call.
  void LetGo() {
    const std::lock_guard<std::mutex> guard(mutex_);
    let_go_ = true;
    changed_.notify_all();
  }

 private:
  void Hold() {
    std::unique_lock<std::mutex> lock(mutex_);
    reached_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return let_go_; });
  }

  const std::string call_;
  const std::string path_part_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool reached_ = false;
  bool let_go_ = false;
};

}  // namespace test_support

#endif  // COMPTASK_UPGRADE_TESTS_HELD_CALL_H_
