// Interrupts: Ctrl-C and SIGTERM, turned from signals into a plain call.
#ifndef CIRRODATA_TOOL_INTERRUPTS_H_
#define CIRRODATA_TOOL_INTERRUPTS_H_

#include <csignal>
#include <functional>
#include <thread>

namespace cirrodata_tool {

/// While it lives, the first SIGINT or SIGTERM calls a function on a thread of its own, and a second one ends the
/// process at once, as if nobody had asked for it. One at a time in a process. A signal that the process was told to
/// ignore stays ignored.
class Interrupts {
 public:
  /// Calls on_first for the first signal.
  explicit Interrupts(std::function<void()> on_first);
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;
  ~Interrupts();

 private:
  void Wait();

  std::function<void()> on_first_;
  int pipe_[2] = {-1, -1};
  struct sigaction previous_interrupt_ {};
  struct sigaction previous_terminate_ {};
  std::thread waiter_;
};

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_INTERRUPTS_H_
