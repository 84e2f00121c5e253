// Programs on a terminal.
#ifndef COMPTASK_UPGRADE_TESTS_PTY_H_
#define COMPTASK_UPGRADE_TESTS_PTY_H_

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "environment.h"
#include "temp_folder.h"

namespace test_support {

/// What a program wrote to its terminal, and how it ended.
struct PtyResult {
  int exit_code = -1;
  /// All bytes, of stdout and stderr as far as they are the terminal.
  std::string written;
};

/// How a program is started on a terminal.
struct PtyOptions {
  unsigned short columns = 100;
  Variables variables{{"TERM", "xterm"}};
  /// stdout goes to /dev/null, and only stderr to the terminal.
  bool only_stderr = false;
  /// Called with what was written so far, after each piece of it. What it gives is typed in.
  std::function<std::string(const std::string& written, pid_t process)> on_output;
};

/// Runs a program to its end on a terminal of its own.
inline PtyResult RunOnTerminal(std::vector<std::string> command, const PtyOptions& options = {}) {
  std::vector<char*> arguments;
  for (std::string& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const Environment environment(options.variables);
  const int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  std::array<char, 128> name{};
  if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0 || ptsname_r(master, name.data(), name.size()) != 0) {
    throw std::system_error(errno, std::generic_category(), "no terminal");
  }
  const int terminal = open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0) throw std::system_error(errno, std::generic_category(), name.data());
  winsize size{};
  size.ws_row = 24;
  size.ws_col = options.columns;
  ioctl(terminal, TIOCSWINSZ, &size);
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  const pid_t process = fork();
  if (process < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (process == 0) {
    // Its controlling terminal, for shells.
    setsid();
    ioctl(terminal, TIOCSCTTY, 0);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    dup2(options.on_output ? terminal : null, STDIN_FILENO);
    dup2(options.only_stderr ? null : terminal, STDOUT_FILENO);
    dup2(terminal, STDERR_FILENO);
    execve(arguments[0], arguments.data(), environment.get());
    _exit(127);
  }
  close(terminal);
  close(null);
  PtyResult result;
  // The read fails once the last that had the terminal open is gone.
  for (std::array<char, 4096> bytes{};;) {
    pollfd wanted{master, POLLIN, 0};
    if (poll(&wanted, 1, 240'000) == 0) {
      kill(process, SIGKILL);
      throw std::runtime_error("the process does not end; it wrote: " + result.written);
    }
    const ssize_t count = read(master, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    result.written.append(bytes.data(), static_cast<std::size_t>(count));
    const std::string typed = options.on_output ? options.on_output(result.written, process) : "";
    if (!typed.empty() && write(master, typed.data(), typed.size()) != static_cast<ssize_t>(typed.size())) {
      throw std::system_error(errno, std::generic_category(), "typing");
    }
  }
  close(master);
  int status = 0;
  waitpid(process, &status, 0);
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  return result;
}

}  // namespace test_support

#endif  // COMPTASK_UPGRADE_TESTS_PTY_H_
