#include "interrupts.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>

namespace cirrodata_tool {
namespace {

constexpr char kInterrupted = 'i';
constexpr char kEnd = 'e';

// A handler has nothing but globals to work with.
std::atomic<int> wake_descriptor{-1};
std::atomic<bool> interrupted_before{false};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free,
              "a signal handler may touch no other atomics");

void WriteByte(int descriptor, char byte) {
  while (write(descriptor, &byte, 1) < 0 && errno == EINTR) {
  }
}

extern "C" void OnSignal(int signal_number) {
  const int saved_errno = errno;
  if (interrupted_before.exchange(true)) {
    // Here and not on the other thread, which may be busy with the first one. It takes effect as the handler returns.
    std::signal(signal_number, SIG_DFL);
    raise(signal_number);
  } else {
    WriteByte(wake_descriptor.load(), kInterrupted);
  }
  errno = saved_errno;
}

void Install(int signal_number, struct sigaction& previous) {
  sigaction(signal_number, nullptr, &previous);
  if (previous.sa_handler == SIG_IGN) return;
  struct sigaction action {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(signal_number, &action, nullptr);
}

}  // namespace

Interrupts::Interrupts(std::function<void()> on_first) : on_first_(std::move(on_first)) {
  if (pipe2(pipe_, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  wake_descriptor = pipe_[1];
  interrupted_before = false;
  waiter_ = std::thread([this] { Wait(); });
  Install(SIGINT, previous_interrupt_);
  Install(SIGTERM, previous_terminate_);
}

Interrupts::~Interrupts() {
  sigaction(SIGINT, &previous_interrupt_, nullptr);
  sigaction(SIGTERM, &previous_terminate_, nullptr);
  WriteByte(pipe_[1], kEnd);
  waiter_.join();
  wake_descriptor = -1;
  close(pipe_[0]);
  close(pipe_[1]);
}

void Interrupts::Wait() {
  for (;;) {
    char byte = kEnd;
    const ssize_t count = read(pipe_[0], &byte, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count != 1 || byte == kEnd) return;
    on_first_();
  }
}

}  // namespace cirrodata_tool
