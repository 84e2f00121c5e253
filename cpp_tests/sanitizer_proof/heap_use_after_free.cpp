// Reads memory that was freed. A sanitized build must not let it come to its last line.
#include <cstdio>
#include <memory>

int main() {
  auto owner = std::make_unique<int>(1);
  // Volatile, so that no optimizer knows that the read is of freed memory, and leaves it out.
  int* volatile freed = owner.get();
  owner.reset();
  std::printf("read %d\nsurvived\n", *freed);
  return 0;
}
