// Walks every export of the shared library: its name, that the header declares it, that zeros in every argument do not
// crash it, and that a panic inside it does not come out. A rule that is kept by hand leaks; this one is not.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/lsan_interface.h>
#endif
#endif

namespace {

// The boundary leaves what a panic carried where it lies, since dropping that may panic again. It is a few bytes and no
// leak to look for.
class LeaksAreExpected {
 public:
  LeaksAreExpected() {
#ifdef SANITIZER_LSAN_INTERFACE_H
    __lsan_disable();
#endif
  }
  LeaksAreExpected(const LeaksAreExpected&) = delete;
  LeaksAreExpected& operator=(const LeaksAreExpected&) = delete;
  ~LeaksAreExpected() {
#ifdef SANITIZER_LSAN_INTERFACE_H
    __lsan_enable();
#endif
  }
};

// Any export, called with more arguments than it has; on the calling conventions in use the surplus is not looked at.
using AnyFunction = std::uintptr_t (*)(std::uintptr_t, std::uintptr_t, std::uintptr_t, std::uintptr_t, std::uintptr_t,
                                       std::uintptr_t, std::uintptr_t, std::uintptr_t);

std::uintptr_t CallWithZeros(AnyFunction function) { return function(0, 0, 0, 0, 0, 0, 0, 0); }

// What is in one set and not in the other, for a message that can be read.
std::vector<std::string> OnlyIn(const std::set<std::string>& one, const std::set<std::string>& other) {
  std::vector<std::string> difference;
  std::set_difference(one.begin(), one.end(), other.begin(), other.end(), std::back_inserter(difference));
  return difference;
}

void ExpectSame(const std::set<std::string>& exported, const std::set<std::string>& declared) {
  EXPECT_EQ(OnlyIn(exported, declared), std::vector<std::string>{}) << "exported, not declared";
  EXPECT_EQ(OnlyIn(declared, exported), std::vector<std::string>{}) << "declared, not exported";
}

// The lines that a command prints.
std::vector<std::string> LinesOf(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  if (!pipe) throw std::runtime_error("cannot run " + command);
  std::string text;
  for (int character = std::fgetc(pipe.get()); character != EOF; character = std::fgetc(pipe.get())) {
    text += static_cast<char>(character);
  }
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// The names that a library exports. The node of a symbol version is listed too, as an absolute symbol; it is no export.
std::set<std::string> ExportsOf(const std::string& library) {
  std::set<std::string> names;
  for (const std::string& line : LinesOf("\"" COMPTASK_UPGRADE_NM "\" -D --defined-only \"" + library + "\"")) {
    std::istringstream words(line);
    std::string address;
    std::string type;
    std::string name;
    words >> address >> type >> name;
    if (type != "A") names.insert(name.substr(0, name.find('@')));
  }
  return names;
}

// The shared libraries that a library asks the loader for.
std::set<std::string> NeededBy(const std::string& library) {
  std::set<std::string> names;
  const std::regex needed(R"(\(NEEDED\).*\[(.*)\])");
  for (const std::string& line : LinesOf("\"" COMPTASK_UPGRADE_READELF "\" -d -W \"" + library + "\"")) {
    std::smatch found;
    if (std::regex_search(line, found, needed)) names.insert(found[1].str());
  }
  return names;
}

// The header without its comments.
const std::string& HeaderText() {
  static const std::string kText = [] {
    std::ifstream file(COMPTASK_UPGRADE_HEADER);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    return std::regex_replace(text, std::regex(R"(/\*[^*]*\*+(?:[^/*][^*]*\*+)*/|//[^\n]*)"), " ");
  }();
  return kText;
}

// What the first group of a pattern catches in the header.
std::set<std::string> FoundInHeader(const std::string& pattern) {
  std::set<std::string> names;
  const std::regex regex(pattern);
  const std::string& text = HeaderText();
  for (auto found = std::sregex_iterator(text.begin(), text.end(), regex); found != std::sregex_iterator(); ++found) {
    names.insert((*found)[1].str());
  }
  return names;
}

std::set<std::string> AllFunctions() { return FoundInHeader(R"(\b(ctu_\w+)\s*\([^()]*\)\s*;)"); }

std::set<std::string> FallibleFunctions() { return FoundInHeader(R"(\bctu_error\s*\*\s*(ctu_\w+)\s*\()"); }

bool IsTestHook(const std::string& name) { return name.rfind("ctu_test_", 0) == 0; }

// A library opened for the walk.
class Library {
 public:
  explicit Library(const char* path) : handle_(dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) throw std::runtime_error(dlerror());
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library() { dlclose(handle_); }

  template <typename Function = AnyFunction>
  [[nodiscard]] Function Find(const std::string& name) const {
    void* address = dlsym(handle_, name.c_str());
    if (address == nullptr) throw std::runtime_error("no " + name);
    return reinterpret_cast<Function>(address);
  }

 private:
  void* handle_;
};

// What a call with zeros came to, and the end of what it made.
class Outcome {
 public:
  Outcome(const Library& library, std::string name, std::uintptr_t answer)
      : library_(library), name_(std::move(name)), answer_(answer) {}

  // The code of the error that a fallible function gave, which it frees; -1 where it gave none.
  [[nodiscard]] std::int32_t TakeCode() const {
    if (answer_ == 0) return -1;
    auto* error = reinterpret_cast<void*>(answer_);
    const std::int32_t code = library_.Find<std::int32_t (*)(const void*)>("ctu_error_code")(error);
    EXPECT_STRNE(library_.Find<const char* (*)(const void*)>("ctu_error_message")(error), "") << name_;
    library_.Find<void (*)(void*)>("ctu_error_free")(error);
    return code;
  }

  // What a constructor made is freed by the destructor of the same noun.
  void FreeIfMade() const {
    static const std::string kNew = "_new";
    if (answer_ == 0 || name_.size() < kNew.size() || name_.substr(name_.size() - kNew.size()) != kNew) return;
    const std::string destructor = name_.substr(0, name_.size() - kNew.size()) + "_free";
    library_.Find<void (*)(void*)>(destructor)(reinterpret_cast<void*>(answer_));
  }

 private:
  const Library& library_;
  std::string name_;
  std::uintptr_t answer_;
};

constexpr std::int32_t kInvalidArgument = 1;
constexpr std::int32_t kInternal = 5;

// A C name without a prefix is everybody's: it collides with the host's own.
TEST(Header, HoldsNoNameWithoutAPrefix) {
  const std::set<std::string> macros = FoundInHeader(R"(#\s*define\s+(\w+))");
  ASSERT_GT(macros.size(), 50U);
  for (const std::string& name : macros) {
    EXPECT_TRUE(name.rfind("CTU_", 0) == 0 || name == "COMPTASK_UPGRADE_H") << name;
  }
  for (const std::string& name : FoundInHeader(R"(\b(?:struct|enum|union)\s+(\w+))")) {
    EXPECT_EQ(name.rfind("ctu_", 0), 0U) << name;
  }
  for (const std::string& name : FoundInHeader(R"(\btypedef\b[^;{}()]*\b(\w+)\s*;)")) {
    EXPECT_EQ(name.rfind("ctu_", 0), 0U) << name;
  }
  for (const std::string& name : FoundInHeader(R"(\}\s*(\w+)\s*;)")) EXPECT_EQ(name.rfind("ctu_", 0), 0U) << name;
  EXPECT_TRUE(FoundInHeader(R"(\b(enum)\b)").empty()) << "an enum that crosses is undefined behaviour to be";
}

TEST(Exports, AreThoseOfTheHeaderAndNothingElse) {
  const std::set<std::string> exports = ExportsOf(COMPTASK_UPGRADE_LIBRARY);
  ASSERT_GT(exports.size(), 50U);
  for (const std::string& name : exports) EXPECT_EQ(name.rfind("ctu_", 0), 0U) << name;
  ExpectSame(exports, AllFunctions());
}

// What every Linux has. Any other would have to be installed on each host, and one that is loaded when it is wanted
// (GSSAPI) must not be wanted by the loader.
TEST(Library, NeedsNoLibraryButThoseOfTheSystem) {
  const std::set<std::string> needed = NeededBy(COMPTASK_UPGRADE_LIBRARY);
  ASSERT_EQ(needed.count("libc.so.6"), 1U) << testing::PrintToString(needed);
  for (const std::string& name : needed) {
    EXPECT_TRUE(std::regex_match(name, std::regex(R"((libc|libm|libgcc_s|ld-linux.*)\.so\.\d+)"))) << name;
  }
}

TEST(Exports, OfTheBuildWithHooksAreTwoMore) {
  std::set<std::string> expected = AllFunctions();
  expected.insert({"ctu_test_arm_panic", "ctu_test_caught_panics"});
  ExpectSame(ExportsOf(COMPTASK_UPGRADE_HOOKS_LIBRARY), expected);
}

TEST(Exports, TakeZerosInEveryArgument) {
  const Library library(COMPTASK_UPGRADE_LIBRARY);
  const std::set<std::string> fallible = FallibleFunctions();
  ASSERT_GT(fallible.size(), 30U);
  for (const std::string& name : ExportsOf(COMPTASK_UPGRADE_LIBRARY)) {
    SCOPED_TRACE(name);
    const Outcome outcome(library, name, CallWithZeros(library.Find(name)));
    if (fallible.count(name) != 0) {
      EXPECT_EQ(outcome.TakeCode(), kInvalidArgument);
    } else {
      outcome.FreeIfMade();
    }
  }
}

TEST(Exports, LetNoPanicOut) {
  const Library library(COMPTASK_UPGRADE_HOOKS_LIBRARY);
  const auto arm = library.Find<void (*)()>("ctu_test_arm_panic");
  const auto caught = library.Find<std::uint64_t (*)()>("ctu_test_caught_panics");
  const std::set<std::string> fallible = FallibleFunctions();
  std::uint64_t walked = 0;
  for (const std::string& name : ExportsOf(COMPTASK_UPGRADE_HOOKS_LIBRARY)) {
    if (IsTestHook(name)) continue;
    SCOPED_TRACE(name);
    const AnyFunction function = library.Find(name);
    const std::uint64_t before = caught();
    arm();
    const std::uintptr_t answer = [&] {
      const LeaksAreExpected leaks;
      return CallWithZeros(function);
    }();
    const Outcome outcome(library, name, answer);
    EXPECT_EQ(caught(), before + 1);
    if (fallible.count(name) != 0) {
      EXPECT_EQ(outcome.TakeCode(), kInternal);
    } else {
      outcome.FreeIfMade();
    }
    ++walked;
  }
  EXPECT_EQ(walked, AllFunctions().size());
}

TEST(Exports, PanicOnlyWhereTheyAreArmed) {
  const Library library(COMPTASK_UPGRADE_HOOKS_LIBRARY);
  const auto caught = library.Find<std::uint64_t (*)()>("ctu_test_caught_panics");
  const std::uint64_t before = caught();
  (void)CallWithZeros(library.Find("ctu_abi_version"));
  (void)CallWithZeros(library.Find("ctu_version"));
  EXPECT_EQ(caught(), before);
}

}  // namespace
