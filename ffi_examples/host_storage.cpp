// A host that brings its own storage, lock, catalog and liveness, in plain calls of the C ABI: four tasks in a tree in
// memory go through status, upgrade, upgrade again and delete.
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "comptask_upgrade.h"
#include "memory_tree.h"
#include "sample_tasks.h"

namespace {

using sample::MemoryTree;

// Everything the host's functions work with; user_data points to it.
struct Host {
  MemoryTree tree;
  bool locked = false;
  std::vector<std::string> online_nodes;
};

Host& HostOf(void* user_data) { return *static_cast<Host*>(user_data); }

// ---- storage ----

ctu_code ListFolder(void* user_data, const char* folder, ctu_reply* reply) {
  std::vector<MemoryTree::Entry> entries;
  const ctu_code code = HostOf(user_data).tree.List(folder, entries);
  for (const MemoryTree::Entry& entry : entries) {
    ctu_reply_entry(reply, entry.name.c_str(), entry.is_folder, entry.length, entry.modified_ms);
  }
  return code;
}

ctu_code StatPath(void* user_data, const char* path, ctu_reply* reply) {
  MemoryTree::Entry entry;
  const ctu_code code = HostOf(user_data).tree.Stat(path, entry);
  if (code == CTU_OK) {
    ctu_reply_entry(reply, entry.name.c_str(), entry.is_folder, entry.length, entry.modified_ms);
  }
  return code;
}

ctu_code ReadFile(void* user_data, const char* path, std::uint64_t limit, ctu_reply* reply) {
  std::string bytes;
  const ctu_code code = HostOf(user_data).tree.Read(path, limit, bytes);
  if (code == CTU_OK) ctu_reply_bytes(reply, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  return code;
}

ctu_code CreateFile(void* user_data, const char* path, const std::uint8_t* data, std::size_t length, ctu_reply*) {
  return HostOf(user_data).tree.Create(path, {reinterpret_cast<const char*>(data), length});
}

ctu_code MakeFolder(void* user_data, const char* path, ctu_reply*) { return HostOf(user_data).tree.MakeFolder(path); }

ctu_code RenamePath(void* user_data, const char* from, const char* to, ctu_reply*) {
  return HostOf(user_data).tree.Rename(from, to);
}

ctu_code RemovePath(void* user_data, const char* path, bool recursive, ctu_reply*) {
  return HostOf(user_data).tree.Remove(path, recursive);
}

// ---- lock ----

ctu_code AcquireLock(void* user_data, const char* holder, ctu_reply* reply) {
  (void)holder;  // Another process would be shown this name while it waits.
  if (HostOf(user_data).locked) {
    ctu_reply_name(reply, "this very example");
    return CTU_LOCKED;
  }
  HostOf(user_data).locked = true;
  return CTU_OK;
}

ctu_code CheckLock(void* user_data, ctu_reply*) { return HostOf(user_data).locked ? CTU_OK : CTU_LOCK_LOST; }

ctu_code ReleaseLock(void* user_data, ctu_reply*) {
  HostOf(user_data).locked = false;
  return CTU_OK;
}

// ---- catalog: the schema "eu" runs on pc1, "us" on pc2, each with one node ----

ctu_code SchemaProcessGroups(void*, const char* db, const char* schema, ctu_reply* reply) {
  if (std::string_view(db) != "sales") return CTU_NOT_FOUND;
  if (std::string_view(schema) == "eu") return ctu_reply_name(reply, "pc1"), CTU_OK;
  if (std::string_view(schema) == "us") return ctu_reply_name(reply, "pc2"), CTU_OK;
  return CTU_NOT_FOUND;
}

ctu_code ClusterProcessGroups(void*, ctu_reply* reply) {
  ctu_reply_name(reply, "pc1");
  ctu_reply_name(reply, "pc2");
  return CTU_OK;
}

ctu_code ProcessGroupNodes(void*, const char* process_group, ctu_reply* reply) {
  ctu_reply_name(reply, std::string_view(process_group) == "pc1" ? "xcloud24_9876" : "xcloud25_9876");
  return CTU_OK;
}

ctu_code ClusterNodes(void*, ctu_reply* reply) {
  ctu_reply_name(reply, "xcloud24_9876");
  ctu_reply_name(reply, "xcloud25_9876");
  return CTU_OK;
}

// ---- liveness and log ----

ctu_code OnlineNodes(void* user_data, ctu_reply* reply) {
  for (const std::string& node : HostOf(user_data).online_nodes) ctu_reply_name(reply, node.c_str());
  return CTU_OK;
}

void Log(void*, std::int32_t level, const char*, const char* message) {
  std::printf("log, level %d: %s\n", static_cast<int>(level), message);
}

// ---- the example ----

// Prints an error and ends it; says whether there was one.
bool Failed(const char* what, ctu_error* error) {
  if (error == nullptr) return false;
  std::printf("%s failed with code %d: %s\n", what, static_cast<int>(ctu_error_code(error)), ctu_error_message(error));
  if (*ctu_error_next_action(error) != '\0') std::printf("  what to do: %s\n", ctu_error_next_action(error));
  ctu_error_free(error);
  return true;
}

void PrintTree(const char* when, const MemoryTree& tree) {
  std::printf("---- the tree %s\n", when);
  for (const std::string& path : tree.AllPaths()) std::printf("%s\n", path.c_str());
}

bool LayOut(MemoryTree& tree) {
  const std::string scheduler = "Compaction/Scheduler";
  bool fine = tree.MakeFolder(scheduler) == CTU_OK && tree.MakeFolder("Compaction/TaskAssigned") == CTU_OK;
  for (const sample::SampleTask& task : sample::FourTasks()) {
    fine = fine && tree.Create(scheduler + "/" + sample::V1FileName(task), sample::V1Bytes(task)) == CTU_OK;
  }
  return fine;
}

ctu_error* Configure(ctu_config* config, Host& host) {
  ctu_storage_vtable storage{};
  storage.struct_size = sizeof(storage);
  storage.list = ListFolder;
  storage.stat = StatPath;
  storage.read = ReadFile;
  storage.create = CreateFile;
  storage.mkdir = MakeFolder;
  storage.rename = RenamePath;
  storage.remove = RemovePath;
  ctu_lock_vtable lock{};
  lock.struct_size = sizeof(lock);
  lock.acquire = AcquireLock;
  lock.check = CheckLock;
  lock.release_lock = ReleaseLock;
  ctu_catalog_vtable catalog{};
  catalog.struct_size = sizeof(catalog);
  catalog.schema_pcs = SchemaProcessGroups;
  catalog.cluster_pcs = ClusterProcessGroups;
  catalog.pc_nodes = ProcessGroupNodes;
  catalog.cluster_nodes = ClusterNodes;
  ctu_liveness_vtable liveness{};
  liveness.struct_size = sizeof(liveness);
  liveness.online_nodes = OnlineNodes;

  constexpr std::int32_t kWarnings = 2;
  ctu_error* error = ctu_config_root(config, "memory");
  if (error == nullptr) error = ctu_config_storage(config, &storage, &host);
  if (error == nullptr) error = ctu_config_lock(config, &lock, &host);
  if (error == nullptr) error = ctu_config_catalog(config, &catalog, &host);
  if (error == nullptr) error = ctu_config_liveness(config, &liveness, &host);
  if (error == nullptr) error = ctu_config_log(config, Log, nullptr, kWarnings);
  return error;
}

bool Run(ctu_session* session, const char* title, ctu_op operation) {
  ctu_run_options options{};
  options.struct_size = sizeof(options);
  ctu_report* report = nullptr;
  ctu_error* error = ctu_run(session, operation, &options, &report);
  std::printf("---- %s\n", title);
  if (report != nullptr) {
    std::printf("phase %d; %llu tasks: %llu converted, %llu skipped, %llu cancelled, %llu failed, %llu left\n",
                static_cast<int>(ctu_report_phase(report)), static_cast<unsigned long long>(ctu_report_total(report)),
                static_cast<unsigned long long>(ctu_report_converted(report)),
                static_cast<unsigned long long>(ctu_report_skipped(report)),
                static_cast<unsigned long long>(ctu_report_cancelled(report)),
                static_cast<unsigned long long>(ctu_report_failed(report)),
                static_cast<unsigned long long>(ctu_report_left(report)));
  }
  ctu_report_free(report);
  return !Failed(title, error);
}

int RunExample(ctu_session* session, Host& host) {
  PrintTree("before", host.tree);
  bool fine = Run(session, "status", CTU_OP_STATUS);

  // As long as a node is up, an upgrade is refused and nothing is changed.
  host.online_nodes = {"xcloud25_9876"};
  fine = !Run(session, "upgrade while a node is up", CTU_OP_UPGRADE) && fine;
  host.online_nodes.clear();

  fine = Run(session, "upgrade", CTU_OP_UPGRADE) && fine;
  PrintTree("after the upgrade", host.tree);
  fine = Run(session, "upgrade again", CTU_OP_UPGRADE) && fine;
  fine = Run(session, "delete", CTU_OP_DELETE) && fine;
  PrintTree("after the delete", host.tree);
  fine = !Failed("close", ctu_session_close(session)) && fine;
  return fine ? 0 : 1;
}

}  // namespace

int main() {
  Host host;
  if (!LayOut(host.tree)) {
    std::printf("the tree could not be laid out\n");
    return 1;
  }
  ctu_config* config = ctu_config_new();
  ctu_session* session = nullptr;
  int exit_code = 1;
  if (!Failed("config", Configure(config, host)) && !Failed("open", ctu_session_open(config, &session))) {
    exit_code = RunExample(session, host);
  }
  ctu_session_free(session);
  ctu_config_free(config);
  return exit_code;
}
