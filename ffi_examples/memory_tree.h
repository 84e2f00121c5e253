// A file system in memory that keeps the storage contract of the library: what a host's own storage has to do, in the
// fewest lines. Every call is whole under one lock, so it is atomic and, as far as memory can be, durable.
#ifndef COMPTASK_UPGRADE_EXAMPLES_MEMORY_TREE_H_
#define COMPTASK_UPGRADE_EXAMPLES_MEMORY_TREE_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "comptask_upgrade.h"

namespace sample {

/// A tree of folders and files. Paths have '/' between their parts and none at the beginning; "" is the root.
class MemoryTree {
 public:
  /// What stat and list tell of an entry; the name is its last part.
  struct Entry {
    std::string name;
    bool is_folder = false;
    std::uint64_t length = 0;
    std::int64_t modified_ms = 0;
  };

  /// Every child once.
  ctu_code List(const std::string& folder, std::vector<Entry>& entries) const {
    const std::lock_guard<std::mutex> guard(mutex_);
    if (!IsFolder(folder)) return CTU_NOT_FOUND;
    const std::string prefix = folder.empty() ? "" : folder + "/";
    for (auto child = nodes_.lower_bound(prefix); child != nodes_.end() && StartsWith(child->first, prefix); ++child) {
      const std::string name = child->first.substr(prefix.size());
      if (!name.empty() && name.find('/') == std::string::npos) entries.push_back(Describe(name, child->second));
    }
    return CTU_OK;
  }

  /// One entry.
  ctu_code Stat(const std::string& path, Entry& entry) const {
    const std::lock_guard<std::mutex> guard(mutex_);
    const auto found = nodes_.find(path);
    if (found == nodes_.end()) return CTU_NOT_FOUND;
    entry = Describe(path.substr(path.rfind('/') + 1), found->second);
    return CTU_OK;
  }

  /// The whole file, unless it is longer than the limit.
  ctu_code Read(const std::string& path, std::uint64_t limit, std::string& bytes) const {
    const std::lock_guard<std::mutex> guard(mutex_);
    const auto found = nodes_.find(path);
    if (found == nodes_.end() || found->second.is_folder) return CTU_NOT_FOUND;
    if (found->second.bytes.size() > limit) return CTU_TOO_LARGE;
    bytes = found->second.bytes;
    return CTU_OK;
  }

  /// A new file in a folder that is there.
  ctu_code Create(const std::string& path, std::string_view bytes) {
    const std::lock_guard<std::mutex> guard(mutex_);
    if (nodes_.count(path) != 0) return CTU_ALREADY_EXISTS;
    if (!IsFolder(ParentOf(path))) return CTU_NOT_FOUND;
    nodes_[path] = Node{false, std::string(bytes), Tick()};
    return CTU_OK;
  }

  /// A folder and the missing ones above it.
  ctu_code MakeFolder(const std::string& path) {
    const std::lock_guard<std::mutex> guard(mutex_);
    std::vector<std::string> missing;
    for (std::string folder = path; !IsFolder(folder); folder = ParentOf(folder)) {
      if (nodes_.count(folder) != 0) return CTU_ALREADY_EXISTS;
      missing.push_back(folder);
    }
    for (const std::string& folder : missing) nodes_[folder] = Node{true, "", Tick()};
    return CTU_OK;
  }

  /// Moves a file, or a folder with all that is in it, to a name that is free.
  ctu_code Rename(const std::string& from, const std::string& to) {
    const std::lock_guard<std::mutex> guard(mutex_);
    if (from.empty() || StartsWith(to, from + "/")) return CTU_INVALID_ARGUMENT;
    if (nodes_.count(from) == 0) return CTU_NOT_FOUND;
    if (nodes_.count(to) != 0) return CTU_ALREADY_EXISTS;
    if (!IsFolder(ParentOf(to))) return CTU_NOT_FOUND;
    for (const std::string& path : WithDescendants(from)) {
      auto node = nodes_.extract(path);
      node.key() = to + path.substr(from.size());
      nodes_.insert(std::move(node));
    }
    return CTU_OK;
  }

  /// Takes an entry away; a folder that is not empty only if recursive.
  ctu_code Remove(const std::string& path, bool recursive) {
    const std::lock_guard<std::mutex> guard(mutex_);
    if (path.empty()) return CTU_INVALID_ARGUMENT;
    if (nodes_.count(path) == 0) return CTU_NOT_FOUND;
    const std::vector<std::string> paths = WithDescendants(path);
    if (paths.size() > 1 && !recursive) return CTU_NOT_EMPTY;
    for (const std::string& each : paths) nodes_.erase(each);
    return CTU_OK;
  }

  /// Every path in byte order, folders with a '/' at their end.
  std::vector<std::string> AllPaths() const {
    const std::lock_guard<std::mutex> guard(mutex_);
    std::vector<std::string> paths;
    for (const auto& [path, node] : nodes_) {
      if (!path.empty()) paths.push_back(node.is_folder ? path + "/" : path);
    }
    return paths;
  }

 private:
  struct Node {
    bool is_folder = false;
    std::string bytes;
    std::int64_t modified_ms = 0;
  };

  static bool StartsWith(const std::string& text, const std::string& prefix) {
    return text.compare(0, prefix.size(), prefix) == 0;
  }

  static std::string ParentOf(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "" : path.substr(0, slash);
  }

  static Entry Describe(const std::string& name, const Node& node) {
    return {name, node.is_folder, node.bytes.size(), node.modified_ms};
  }

  bool IsFolder(const std::string& path) const {
    const auto found = nodes_.find(path);
    return found != nodes_.end() && found->second.is_folder;
  }

  std::vector<std::string> WithDescendants(const std::string& path) const {
    std::vector<std::string> paths{path};
    const std::string prefix = path + "/";
    for (auto child = nodes_.lower_bound(prefix); child != nodes_.end() && StartsWith(child->first, prefix); ++child) {
      paths.push_back(child->first);
    }
    return paths;
  }

  // A clock that only counts, so that two runs of an example are alike.
  std::int64_t Tick() { return ++now_ms_; }

  mutable std::mutex mutex_;
  std::int64_t now_ms_ = 1617700000000;
  std::map<std::string, Node> nodes_{{"", Node{true, "", now_ms_}}};
};

}  // namespace sample

#endif  // COMPTASK_UPGRADE_EXAMPLES_MEMORY_TREE_H_
