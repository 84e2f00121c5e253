// Programs run as processes: what they print, how they end, signals to them.
#ifndef COMPTASK_UPGRADE_TESTS_PROCESS_H_
#define COMPTASK_UPGRADE_TESTS_PROCESS_H_

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "environment.h"
#include "local_tree.h"
#include "temp_folder.h"

namespace test_support {

/// How a process ended and what it printed.
struct ProcessResult {
  /// The exit code, or -1 where a signal ended it.
  int exit_code = -1;
  /// The signal that ended it, or 0.
  int signal = 0;
  std::string out;
  std::string err;
};

/// A process under way, in an Environment of its own. Its input is a text, its output goes to files, so that nobody has
/// to fill or empty a pipe. Killed if it outlives this object.
class Process {
 public:
  explicit Process(std::vector<std::string> command, const std::string& input = "", const Variables& variables = {})
      : command_(std::move(command)) {
    WriteFile(folder_.Inside("in"), input);
    const Environment environment(variables);
    std::vector<char*> arguments;
    for (std::string& word : command_) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const int in = Open("in", O_RDONLY);
    const int out = Open("out", O_CREAT | O_WRONLY | O_APPEND);
    const int err = Open("err", O_CREAT | O_WRONLY | O_APPEND);
    id_ = fork();
    if (id_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (id_ == 0) {
      // A shell may have started us with signals ignored, and the tool would rightly keep that.
      signal(SIGINT, SIG_DFL);
      signal(SIGTERM, SIG_DFL);
      dup2(in, STDIN_FILENO);
      dup2(out, STDOUT_FILENO);
      dup2(err, STDERR_FILENO);
      execve(arguments[0], arguments.data(), environment.get());
      _exit(127);
    }
    close(in);
    close(out);
    close(err);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (id_ <= 0) return;
    kill(id_, SIGKILL);
    waitpid(id_, nullptr, 0);
  }

  /// Sends it a signal, unless its end has been seen: kill(0, ...) would reach this test and all it runs under.
  void Signal(int signal_number) const {
    if (id_ > 0) kill(id_, signal_number);
  }

  /// Whether it still runs.
  bool Running() {
    if (id_ <= 0) return false;
    if (waitpid(id_, &status_, WNOHANG) == 0) return true;
    id_ = 0;
    return false;
  }

  /// What it has printed so far.
  [[nodiscard]] std::string Out() const { return ReadFile(folder_.Inside("out")); }
  [[nodiscard]] std::string Err() const { return ReadFile(folder_.Inside("err")); }

  /// Waits for its end; one that takes minutes is killed and an error.
  ProcessResult Wait() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(4);
    while (Running()) {
      if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("the process does not end");
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    ProcessResult result;
    if (WIFEXITED(status_)) result.exit_code = WEXITSTATUS(status_);
    if (WIFSIGNALED(status_)) result.signal = WTERMSIG(status_);
    result.out = Out();
    result.err = Err();
    return result;
  }

 private:
  [[nodiscard]] int Open(const std::string& name, int flags) const {
    const int descriptor = open(folder_.Inside(name).c_str(), flags | O_CLOEXEC, 0600);
    if (descriptor < 0) throw std::system_error(errno, std::generic_category(), name);
    return descriptor;
  }

  TempFolder folder_;
  std::vector<std::string> command_;
  pid_t id_ = -1;
  int status_ = 0;
};

/// Runs a program to its end, with a text as its input and variables in its environment.
inline ProcessResult RunProcess(std::vector<std::string> command, const std::string& input = "",
                                const Variables& variables = {}) {
  return Process(std::move(command), input, variables).Wait();
}

}  // namespace test_support

#endif  // COMPTASK_UPGRADE_TESTS_PROCESS_H_
