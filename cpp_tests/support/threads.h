// How many threads this process has, by the system's own count.
#ifndef COMPTASK_UPGRADE_TESTS_THREADS_H_
#define COMPTASK_UPGRADE_TESTS_THREADS_H_

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <thread>

namespace test_support {

inline std::size_t ThreadCount() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

/// Whether there are soon no more threads than this: one that was joined stays in the system's list for a moment.
inline bool FallsToThreadCount(std::size_t count) {
  for (int attempt = 0; attempt < 5000; ++attempt) {
    if (ThreadCount() <= count) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

}  // namespace test_support

#endif  // COMPTASK_UPGRADE_TESTS_THREADS_H_
