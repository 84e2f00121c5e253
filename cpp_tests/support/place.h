// Place: a tree to go back and forth on, so that one test body runs on the local disk and behind host functions.
#ifndef COMPTASK_UPGRADE_TESTS_PLACE_H_
#define COMPTASK_UPGRADE_TESTS_PLACE_H_

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "comptask_upgrade.hpp"
#include "local_tree.h"
#include "memory_hosts.h"

namespace test_support {

/// Every path with its bytes, folders with a '/' at their end and no bytes.
using TreeImage = std::map<std::string, std::string>;

/// The four sample tasks, who may run where and who is up. Paths are relative to cluster.compact.
class Place {
 public:
  Place() = default;
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  virtual ~Place() = default;

  /// The config of a session here.
  [[nodiscard]] virtual comptask_upgrade::Config MakeConfig() const = 0;
  /// From now on these nodes are up, and no other.
  virtual void SetNodesUp(const std::vector<std::string>& nodes) = 0;
  /// Every path in byte order, folders with a '/' at their end.
  [[nodiscard]] virtual std::vector<std::string> Paths() const = 0;
  /// The bytes of a file.
  [[nodiscard]] virtual std::string Read(const std::string& path) const = 0;
  /// When a file was written.
  [[nodiscard]] virtual std::int64_t ModifiedMs(const std::string& path) const = 0;
  /// A folder, and the missing ones above it.
  virtual void MakeFolder(const std::string& path) = 0;
  /// A new file in a folder that is there.
  virtual void Write(const std::string& path, const std::string& bytes) = 0;
  /// Another name for a file.
  virtual void Rename(const std::string& from, const std::string& to) = 0;
  /// A file or a folder goes, with all that is in it.
  virtual void Remove(const std::string& path) = 0;

  /// The whole tree.
  [[nodiscard]] TreeImage Image() const {
    TreeImage image;
    for (const std::string& path : Paths()) image.emplace(path, path.back() == '/' ? "" : Read(path));
    return image;
  }
  /// What is in a folder, by name; folders with a '/' at their end.
  [[nodiscard]] std::vector<std::string> NamesIn(const std::string& folder) const {
    std::vector<std::string> names;
    for (const std::string& path : Paths()) {
      if (path.compare(0, folder.size() + 1, folder + "/") != 0) continue;
      const std::string name = path.substr(folder.size() + 1);
      if (!name.empty() && name.find('/') >= name.size() - 1) names.push_back(name);
    }
    return names;
  }
  /// A V1 task more.
  void AddV1Task(const sample::SampleTask& task) {
    Write("Compaction/Scheduler/" + sample::V1FileName(task), sample::V1Bytes(task));
  }
};

/// The cluster.compact of a folder of the local disk, with catalog.json and online-nodes.txt beside it and the
/// library's own lock.
class LocalPlace : public Place {
 public:
  /// Over what is in the folder.
  explicit LocalPlace(const std::filesystem::path& folder) : folder_(folder) {}

  /// Lays out the sample tasks and the files beside the tree.
  void LayOutFourTasks() {
    MakeFolder("Compaction/Scheduler");
    MakeFolder("Compaction/TaskAssigned");
    WriteFile(catalog(), kCatalogJson);
    SetNodesUp({});
    for (const sample::SampleTask& task : sample::FourTasks()) AddV1Task(task);
  }

  [[nodiscard]] std::string root() const { return root_.string(); }
  [[nodiscard]] std::string catalog() const { return (folder_ / "catalog.json").string(); }
  [[nodiscard]] std::string online_nodes() const { return (folder_ / "online-nodes.txt").string(); }

  [[nodiscard]] comptask_upgrade::Config MakeConfig() const override {
    comptask_upgrade::Config config;
    config.SetRoot(root()).SetCatalogFile(catalog()).SetLivenessFile(online_nodes());
    return config;
  }
  void SetNodesUp(const std::vector<std::string>& nodes) override {
    std::string lines;
    for (const std::string& node : nodes) lines += node + "\n";
    WriteFile(online_nodes(), lines);
  }
  [[nodiscard]] std::vector<std::string> Paths() const override { return AllPaths(root_); }
  [[nodiscard]] std::string Read(const std::string& path) const override { return ReadFile(root_ / path); }
  [[nodiscard]] std::int64_t ModifiedMs(const std::string& path) const override {
    struct stat found {};
    if (stat((root_ / path).c_str(), &found) != 0) throw std::system_error(errno, std::generic_category(), path);
    return static_cast<std::int64_t>(found.st_mtim.tv_sec) * 1000 + found.st_mtim.tv_nsec / 1'000'000;
  }
  void MakeFolder(const std::string& path) override { std::filesystem::create_directories(root_ / path); }
  void Write(const std::string& path, const std::string& bytes) override {
    if (std::filesystem::exists(root_ / path)) throw std::runtime_error(path + " is there already");
    WriteFile(root_ / path, bytes);
  }
  void Rename(const std::string& from, const std::string& to) override {
    std::filesystem::rename(root_ / from, root_ / to);
  }
  void Remove(const std::string& path) override {
    if (std::filesystem::remove_all(root_ / path) == 0) throw std::runtime_error(path + " is not there");
  }

 private:
  const std::filesystem::path folder_;
  const std::filesystem::path root_ = folder_ / "cluster.compact";
};

/// A tree in memory behind a host's own storage, lock, catalog and liveness.
class HostPlace : public Place {
 public:
  [[nodiscard]] comptask_upgrade::Config MakeConfig() const override { return host_.MakeConfig(); }
  void SetNodesUp(const std::vector<std::string>& nodes) override { host_.liveness->online = nodes; }
  [[nodiscard]] std::vector<std::string> Paths() const override {
    std::vector<std::string> paths = host_.storage->tree.AllPaths();
    std::sort(paths.begin(), paths.end());
    return paths;
  }
  [[nodiscard]] std::string Read(const std::string& path) const override {
    std::string bytes;
    Check(host_.storage->tree.Read(path, 1U << 24U, bytes), path);
    return bytes;
  }
  [[nodiscard]] std::int64_t ModifiedMs(const std::string& path) const override {
    sample::MemoryTree::Entry entry;
    Check(host_.storage->tree.Stat(path, entry), path);
    return entry.modified_ms;
  }
  void MakeFolder(const std::string& path) override { Check(host_.storage->tree.MakeFolder(path), path); }
  void Write(const std::string& path, const std::string& bytes) override {
    Check(host_.storage->tree.Create(path, bytes), path);
  }
  void Rename(const std::string& from, const std::string& to) override {
    Check(host_.storage->tree.Rename(from, to), from);
  }
  void Remove(const std::string& path) override { Check(host_.storage->tree.Remove(path, true), path); }

  /// The host itself, for what only a host can do.
  [[nodiscard]] MemoryHost& host() { return host_; }

 private:
  static void Check(ctu_code code, const std::string& path) {
    if (code != CTU_OK) throw std::runtime_error(path + ": code " + std::to_string(code));
  }

  MemoryHost host_;
};

}  // namespace test_support

#endif  // COMPTASK_UPGRADE_TESTS_PLACE_H_
