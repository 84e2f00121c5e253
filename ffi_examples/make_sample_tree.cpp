// make_sample_tree FOLDER [--tasks N]: lays out a cluster.compact of V1 tasks under FOLDER, for trying things out, with
// a catalog.json and an empty online-nodes.txt beside it.
//
// Without --tasks these are one task in each state, with one finished sub-task; with it, N tasks of several PUs.
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "sample_tasks.h"

namespace {

namespace fs = std::filesystem;
using sample::SampleTask;

constexpr int kFirstNode = 24;
constexpr std::uint64_t kFirstTime = 1600000000000;
constexpr std::uint64_t kMostTasks = 100'000'000;

std::string NodeName(int number) { return "xcloud" + std::to_string(number) + "_9876"; }

void WriteFile(const fs::path& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

// Two process groups that share the nodes out between them; schema "eu" runs on the first, "us" on the second.
std::string Catalog(int node_count) {
  std::string all;
  std::string groups[2];
  for (int index = 0; index < node_count; ++index) {
    const std::string name = '"' + NodeName(kFirstNode + index) + '"';
    std::string& group = groups[index % 2];
    all += (all.empty() ? "" : ", ") + name;
    group += (group.empty() ? "" : ", ") + name;
  }
  return "{\n  \"process_groups\": [\n    {\"name\": \"pc1\", \"nodes\": [" + groups[0] +
         "]},\n    {\"name\": \"pc2\", \"nodes\": [" + groups[1] + "]}\n  ],\n  \"nodes\": [" + all +
         "],\n  \"schemas\": [\n    {\"db\": \"sales\", \"schema\": \"eu\", \"process_groups\": [\"pc1\"]},\n"
         "    {\"db\": \"sales\", \"schema\": \"us\", \"process_groups\": [\"pc2\"]}\n  ]\n}\n";
}

void LayOutFourTasks(const fs::path& v1) {
  for (const SampleTask& task : sample::FourTasks()) {
    WriteFile(v1 / "Scheduler" / sample::V1FileName(task), sample::V1Bytes(task));
  }
  const SampleTask sub_task{"xcloud24_9876", 1, 1617606756000, sample::kDone, "us", true};
  const fs::path sub_task_folder = v1 / "TaskAssigned" / "xcloud24_9876" / sample::V1Base(sub_task);
  fs::create_directories(sub_task_folder);
  fs::create_directories(v1 / "TaskAssigned" / "xcloud25_9876");
  WriteFile(sub_task_folder / "Status.Success", "");
  WriteFile(sub_task_folder / "TaskInfo", sample::V1Bytes(sub_task));
}

void LayOutManyTasks(const fs::path& v1, std::uint64_t count, int node_count) {
  for (std::uint64_t index = 0; index < count; ++index) {
    const int node = kFirstNode + static_cast<int>(index % static_cast<std::uint64_t>(node_count));
    // By another part of the index than the node, so that every node has tasks in every state.
    const auto state = static_cast<sample::V1State>(index / 4 % 4);
    const SampleTask task{NodeName(node), 0, kFirstTime + index, state, index / 16 % 2 == 0 ? "eu" : "us"};
    WriteFile(v1 / "Scheduler" / sample::V1FileName(task), sample::V1Bytes(task));
  }
}

void LayOut(const fs::path& folder, std::optional<std::uint64_t> task_count) {
  const fs::path root = folder / "cluster.compact";
  if (fs::exists(root)) throw std::runtime_error(root.string() + " is there already");
  const fs::path v1 = root / "Compaction";
  fs::create_directories(v1 / "Scheduler");
  fs::create_directories(v1 / "TaskAssigned");
  const int node_count = task_count ? 4 : 2;
  if (task_count) {
    LayOutManyTasks(v1, *task_count, node_count);
  } else {
    LayOutFourTasks(v1);
  }
  WriteFile(folder / "catalog.json", Catalog(node_count));
  WriteFile(folder / "online-nodes.txt", "");
}

std::optional<std::uint64_t> ParseCount(const std::string& text) {
  if (text.empty() || text.size() > 9 || text.find_first_not_of("0123456789") != std::string::npos) return {};
  const std::uint64_t count = std::strtoull(text.c_str(), nullptr, 10);
  if (count > kMostTasks) return {};
  return count;
}

}  // namespace

int main(int argument_count, char** arguments) {
  const std::vector<std::string> words(arguments + 1, arguments + argument_count);
  std::optional<std::uint64_t> task_count;
  const bool with_count = words.size() == 3 && words[1] == "--tasks";
  if (with_count) task_count = ParseCount(words[2]);
  if (words.empty() || words[0].empty() || words[0][0] == '-' || (words.size() != 1 && !task_count)) {
    std::cerr << "usage: make_sample_tree FOLDER [--tasks N]\n";
    return 1;
  }
  try {
    LayOut(words[0], task_count);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
