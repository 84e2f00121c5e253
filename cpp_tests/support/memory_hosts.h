// A host for tests: storage in memory, lock, catalog and liveness, each of which can be told to fail.
#ifndef COMPTASK_UPGRADE_TESTS_MEMORY_HOSTS_H_
#define COMPTASK_UPGRADE_TESTS_MEMORY_HOSTS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "comptask_upgrade.hpp"
#include "memory_tree.h"
#include "sample_tasks.h"

namespace test_support {

using comptask_upgrade::Code;
using comptask_upgrade::Reply;

/// Gets every call before it is done, as its name and its path. It may throw, or answer in the place of the call.
using Intercept = std::function<std::optional<Code>(std::string_view call, const std::string& path, Reply& reply)>;

/// A storage over sample::MemoryTree.
class MemoryStorage : public comptask_upgrade::StorageHost {
 public:
  sample::MemoryTree tree;
  Intercept intercept;
  std::uint32_t concurrency = 1;

  [[nodiscard]] std::uint32_t max_concurrency() const override { return concurrency; }

  Code List(const std::string& folder, Reply& reply) override {
    if (const auto answer = Ask("list", folder, reply)) return *answer;
    std::vector<sample::MemoryTree::Entry> entries;
    const ctu_code code = tree.List(folder, entries);
    for (const auto& entry : entries) reply.Entry(entry.name, entry.is_folder, entry.length, entry.modified_ms);
    return static_cast<Code>(code);
  }
  Code Stat(const std::string& path, Reply& reply) override {
    if (const auto answer = Ask("stat", path, reply)) return *answer;
    sample::MemoryTree::Entry entry;
    const ctu_code code = tree.Stat(path, entry);
    if (code == CTU_OK) reply.Entry(entry.name, entry.is_folder, entry.length, entry.modified_ms);
    return static_cast<Code>(code);
  }
  Code Read(const std::string& path, std::uint64_t limit, Reply& reply) override {
    if (const auto answer = Ask("read", path, reply)) return *answer;
    std::string bytes;
    const ctu_code code = tree.Read(path, limit, bytes);
    if (code == CTU_OK) reply.Bytes(bytes);
    return static_cast<Code>(code);
  }
  Code Create(const std::string& path, std::string_view bytes, Reply& reply) override {
    if (const auto answer = Ask("create", path, reply)) return *answer;
    return static_cast<Code>(tree.Create(path, bytes));
  }
  Code MakeFolder(const std::string& path, Reply& reply) override {
    if (const auto answer = Ask("mkdir", path, reply)) return *answer;
    return static_cast<Code>(tree.MakeFolder(path));
  }
  Code Rename(const std::string& from, const std::string& to, Reply& reply) override {
    if (const auto answer = Ask("rename", to, reply)) return *answer;
    return static_cast<Code>(tree.Rename(from, to));
  }
  Code Remove(const std::string& path, bool recursive, Reply& reply) override {
    if (const auto answer = Ask("remove", path, reply)) return *answer;
    return static_cast<Code>(tree.Remove(path, recursive));
  }

 private:
  std::optional<Code> Ask(std::string_view call, const std::string& path, Reply& reply) {
    return intercept ? intercept(call, path, reply) : std::nullopt;
  }
};

/// Whether a call changes the tree.
inline bool IsChange(std::string_view call) {
  return call == "create" || call == "mkdir" || call == "rename" || call == "remove";
}

/// A lock that somebody else may hold, or take away.
class MemoryLock : public comptask_upgrade::LockHost {
 public:
  std::string other_holder;
  std::atomic<bool> lost{false};
  std::atomic<int> acquired{0};
  std::atomic<int> released{0};
  std::atomic<int> checked{0};
  std::atomic<int> confirmed{0};
  std::string holder;

  Code Acquire(const std::string& name, Reply& reply) override {
    if (!other_holder.empty()) {
      reply.Name(other_holder);
      return Code::kLocked;
    }
    holder = name;
    ++acquired;
    return Code::kOk;
  }
  Code Check(Reply& reply) override {
    ++checked;
    if (!lost) return Code::kOk;
    reply.Message("the lock was taken away by the test");
    return Code::kLockLost;
  }
  Code Confirm(Reply& reply) override {
    ++confirmed;
    return Check(reply);
  }
  Code Release(Reply&) override {
    ++released;
    return Code::kOk;
  }
};

/// "eu" runs on pc1, "us" on pc2, each with one node.
class MemoryCatalog : public comptask_upgrade::CatalogHost {
 public:
  /// Called before every answer; may throw.
  std::function<void()> before;

  Code SchemaProcessGroups(const std::string& db, const std::string& schema, Reply& reply) override {
    if (before) before();
    if (db != "sales" || (schema != "eu" && schema != "us")) return Code::kNotFound;
    reply.Name(schema == "eu" ? "pc1" : "pc2");
    return Code::kOk;
  }
  Code ClusterProcessGroups(Reply& reply) override {
    if (before) before();
    reply.Name("pc1");
    reply.Name("pc2");
    return Code::kOk;
  }
  Code ProcessGroupNodes(const std::string& process_group, Reply& reply) override {
    if (before) before();
    reply.Name(process_group == "pc1" ? "xcloud24_9876" : "xcloud25_9876");
    return Code::kOk;
  }
  Code ClusterNodes(Reply& reply) override {
    if (before) before();
    reply.Name("xcloud24_9876");
    reply.Name("xcloud25_9876");
    return Code::kOk;
  }
};

/// Says which nodes are up, and a change id where the test sets one.
class MemoryLiveness : public comptask_upgrade::LivenessHost {
 public:
  std::vector<std::string> online;
  std::optional<std::int64_t> change_id;
  std::atomic<int> change_id_calls{0};
  std::function<void()> before;

  Code OnlineNodes(Reply& reply) override {
    if (before) before();
    for (const std::string& node : online) reply.Name(node);
    return Code::kOk;
  }
  [[nodiscard]] bool has_change_id() const override { return change_id.has_value(); }
  Code ChangeId(std::int64_t& out, Reply&) override {
    ++change_id_calls;
    out = *change_id;
    return Code::kOk;
  }
};

/// All of them, with a tree laid out, and the config over them.
struct MemoryHost {
  std::shared_ptr<MemoryStorage> storage = std::make_shared<MemoryStorage>();
  std::shared_ptr<MemoryLock> lock = std::make_shared<MemoryLock>();
  std::shared_ptr<MemoryCatalog> catalog = std::make_shared<MemoryCatalog>();
  std::shared_ptr<MemoryLiveness> liveness = std::make_shared<MemoryLiveness>();

  /// A tree with the four sample tasks, and further ones in the state Init.
  explicit MemoryHost(int further_tasks = 0) {
    LayOut("Compaction/TaskAssigned", "");
    LayOut("Compaction/Scheduler", "");
    for (const sample::SampleTask& task : sample::FourTasks()) AddTask(task);
    for (int index = 0; index < further_tasks; ++index) {
      AddTask({"xcloud25_9876", 0, 1500000000000U + static_cast<unsigned>(index), sample::kInit, "us"});
    }
  }

  void AddTask(const sample::SampleTask& task) {
    LayOut("Compaction/Scheduler/" + sample::V1FileName(task), sample::V1Bytes(task));
  }

  /// A file with these bytes, or a folder where there are none.
  void LayOut(const std::string& path, const std::string& bytes) const {
    const ctu_code code = bytes.empty() ? storage->tree.MakeFolder(path) : storage->tree.Create(path, bytes);
    if (code != CTU_OK) throw std::runtime_error("cannot lay out " + path);
  }

  [[nodiscard]] comptask_upgrade::Config MakeConfig() const {
    comptask_upgrade::Config config;
    config.SetRoot("memory").SetStorage(storage).SetLock(lock).SetCatalog(catalog).SetLiveness(liveness);
    return config;
  }
};

}  // namespace test_support

#endif  // COMPTASK_UPGRADE_TESTS_MEMORY_HOSTS_H_
