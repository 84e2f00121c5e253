// Must be stopped by ThreadSanitizer.
#include <cstdio>
#include <thread>

int main() {
  int shared = 0;
  std::thread other([&shared] { shared = 1; });
  shared += 2;
  other.join();
  std::puts("survived");
  return shared == 0 ? 1 : 0;
}
