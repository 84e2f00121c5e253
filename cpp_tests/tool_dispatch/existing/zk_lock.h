// A STAND-IN for what the reader of docs/tool-dispatch.md already has: zklock over zkadapter, here over a file.
#ifndef COMPTASK_UPGRADE_TESTS_EXISTING_ZK_LOCK_H_
#define COMPTASK_UPGRADE_TESTS_EXISTING_ZK_LOCK_H_

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <utility>

namespace zkadapter {

/// How a call ended.
enum class ZkResult { kOk, kTaken, kLost, kNoConnection };

/// A lock whose node holds the name of its holder.
class ZkLock {
 public:
  /// The lock at a path.
  explicit ZkLock(std::string path) : path_(std::move(path)) {}

  /// Called on the thread of the adapter where the session ends, and the lock with it.
  void OnSessionLost(std::function<void()> callback) { on_session_lost_ = std::move(callback); }

  /// Takes the lock, or kTaken at once where another has it.
  ZkResult TryLock(const std::string& holder) {
    const int node = open(path_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
    if (node < 0) return errno == EEXIST ? ZkResult::kTaken : ZkResult::kNoConnection;
    const bool written = write(node, holder.data(), holder.size()) == static_cast<ssize_t>(holder.size());
    close(node);
    holder_ = holder;
    return written ? ZkResult::kOk : ZkResult::kNoConnection;
  }
  /// Who has it.
  [[nodiscard]] std::string Holder() const {
    std::ifstream node(path_);
    return {std::istreambuf_iterator<char>(node), std::istreambuf_iterator<char>()};
  }
  /// Whether the node is still ours: one round trip.
  ZkResult AskServer() {
    if (Holder() == holder_) return ZkResult::kOk;
    if (on_session_lost_) on_session_lost_();
    return ZkResult::kLost;
  }
  /// Gives the lock back.
  ZkResult Unlock() { return unlink(path_.c_str()) == 0 ? ZkResult::kOk : ZkResult::kLost; }

 private:
  const std::string path_;
  std::string holder_;
  std::function<void()> on_session_lost_;
};

}  // namespace zkadapter

#endif  // COMPTASK_UPGRADE_TESTS_EXISTING_ZK_LOCK_H_
