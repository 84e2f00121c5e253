// Overflows a signed number. A sanitized build must not let it come to its last line.
#include <cstdio>
#include <limits>

int main() {
  volatile int largest = std::numeric_limits<int>::max();
  const int beyond = largest + 1;
  std::printf("got %d\nsurvived\n", beyond);
  return 0;
}
