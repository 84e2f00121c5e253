/// What a host may supply: its storage, lock, catalog, liveness and codec, each as a class to derive from.
///
/// A method answers Code::kOk, or the code of its failure with Reply::Message for the details. It may also throw: an
/// Error arrives with its code and message, anything else as Code::kInternal with what() as the message. No exception
/// crosses into the library. A storage and a lock are called from threads of the library too, the others on the thread
/// of the run. A method must not call the session that called it.
#ifndef COMPTASK_UPGRADE_HOST_HPP_
#define COMPTASK_UPGRADE_HOST_HPP_

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "comptask_upgrade.h"
#include "comptask_upgrade/error.hpp"
#include "comptask_upgrade/task.hpp"

namespace comptask_upgrade {

/// Where a host's method puts its answer; lives for one call and is not to be kept.
class Reply {
 public:
  /// Over the library's object of one call.
  explicit Reply(ctu_reply* handle) noexcept : handle_(handle) {}
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;

  /// The details of the failure that the method returns.
  void Message(const std::string& text) { ctu_reply_message(handle_, detail::CText(text)); }
  /// Appends bytes: a file that is read, a task that is encoded.
  void Bytes(std::string_view bytes) { ctu_reply_bytes(handle_, detail::Bytes(bytes), bytes.size()); }
  /// Adds a child of a listed folder, or answers what stat found (its name is then of no matter).
  void Entry(const std::string& name, bool is_folder, std::uint64_t length, std::int64_t modified_ms) {
    ctu_reply_entry(handle_, detail::CText(name), is_folder, length, modified_ms);
  }
  /// Appends a name: a process group, a node, the holder of a lock.
  void Name(const std::string& name) { ctu_reply_name(handle_, detail::CText(name)); }
  /// Answers a decoded V1 task.
  void Decoded(const TaskV1& task) {
    const ctu_task_v1 raw = detail::ToC(task);
    ctu_reply_task_v1(handle_, &raw);
  }
  /// Answers a decoded V2 task.
  void Decoded(const TaskV2& task) {
    const ctu_task_v2 raw = detail::ToC(task);
    ctu_reply_task_v2(handle_, &raw);
  }

 private:
  ctu_reply* handle_;
};

/// A file system. Paths are relative to the root, '/' between their parts, none at the beginning; "" is the root
/// itself.
///
/// Every change is done, not done, or unknown: a reply that was lost is Code::kOutcomeUnknown, never a second attempt.
class StorageHost {
 public:
  virtual ~StorageHost() = default;
  /// How many calls may be under way at a time; 0 for any number.
  [[nodiscard]] virtual std::uint32_t max_concurrency() const { return 1; }
  /// Every child once, in any order; Code::kNotFound for a missing folder or a file.
  virtual Code List(const std::string& folder, Reply& reply) = 0;
  /// One entry, or Code::kNotFound; links are not followed.
  virtual Code Stat(const std::string& path, Reply& reply) = 0;
  /// The whole file, or Code::kTooLarge where it is longer than the limit.
  virtual Code Read(const std::string& path, std::uint64_t limit, Reply& reply) = 0;
  /// A new file, whole and durable on return; Code::kAlreadyExists if anything is there; the parent must exist.
  virtual Code Create(const std::string& path, std::string_view bytes, Reply& reply) = 0;
  /// The folder and its missing parents; fine if it is there already.
  virtual Code MakeFolder(const std::string& path, Reply& reply) = 0;
  /// Atomic, file or folder, durable on return; Code::kAlreadyExists if anything is at the target.
  virtual Code Rename(const std::string& from, const std::string& to, Reply& reply) = 0;
  /// Code::kNotFound if it is not there; Code::kNotEmpty for a folder with children unless recursive.
  virtual Code Remove(const std::string& path, bool recursive, Reply& reply) = 0;
};

/// The lock that lets one run at a time into the cluster.
class LockHost {
 public:
  virtual ~LockHost() = default;
  /// Takes the lock without waiting; where another has it, Code::kLocked with the holder by Reply::Name.
  virtual Code Acquire(const std::string& holder, Reply& reply) = 0;
  /// Code::kOk while it is held, else Code::kLockLost. Asked before every change, so it should look at a flag that the
  /// lock's own watch clears, and make no round trip.
  virtual Code Check(Reply& reply) = 0;
  /// As Check, by a round trip to the lock service; asked before the few changes that decide everything.
  virtual Code Confirm(Reply& reply) { return Check(reply); }
  /// Gives the lock back.
  virtual Code Release(Reply& reply) = 0;
};

/// Who may run where: the process groups of schemas and their nodes.
class CatalogHost {
 public:
  virtual ~CatalogHost() = default;
  /// The process groups of a schema by Reply::Name; Code::kNotFound where there is no such schema.
  virtual Code SchemaProcessGroups(const std::string& db, const std::string& schema, Reply& reply) = 0;
  /// All process groups of the cluster.
  virtual Code ClusterProcessGroups(Reply& reply) = 0;
  /// The nodes of a process group.
  virtual Code ProcessGroupNodes(const std::string& process_group, Reply& reply) = 0;
  /// All nodes of the cluster.
  virtual Code ClusterNodes(Reply& reply) = 0;
};

/// Which nodes are up.
class LivenessHost {
 public:
  virtual ~LivenessHost() = default;
  /// The nodes that are up by Reply::Name.
  virtual Code OnlineNodes(Reply& reply) = 0;
  /// Whether ChangeId can be asked.
  [[nodiscard]] virtual bool has_change_id() const { return false; }
  /// A number that grows whenever a node comes or goes.
  virtual Code ChangeId(std::int64_t& change_id, Reply& reply) {
    change_id = 0;
    reply.Message("this host has no change id");
    return Code::kUnsupported;
  }
};

/// The bytes of task files as an installed CirroData writes them.
class CodecHost {
 public:
  virtual ~CodecHost() = default;
  /// Answers with Reply::Decoded.
  virtual Code DecodeV1(std::string_view bytes, Reply& reply) = 0;
  /// Answers with Reply::Bytes.
  virtual Code EncodeV1(const TaskV1& task, Reply& reply) = 0;
  /// Answers with Reply::Decoded.
  virtual Code DecodeV2(std::string_view bytes, Reply& reply) = 0;
  /// Answers with Reply::Bytes.
  virtual Code EncodeV2(const TaskV2& task, Reply& reply) = 0;
};

namespace detail {

/// What user_data points to: a host object, kept alive until the library releases it.
template <typename Host>
using HostBox = std::shared_ptr<Host>;

/// Drops the library's share of a host object.
template <typename Host>
void ReleaseHost(void* user_data) noexcept {
  // A destructor that throws ends in std::terminate here, as it would anywhere else.
  delete static_cast<HostBox<Host>*>(user_data);
}

/// Calls a method of the host and turns whatever it throws into a code and a message.
template <typename Host, typename Call>
ctu_code CallHost(void* user_data, ctu_reply* raw_reply, Call call) noexcept {
  try {
    Reply reply(raw_reply);
    return static_cast<ctu_code>(call(**static_cast<HostBox<Host>*>(user_data), reply));
  } catch (const Error& error) {
    ctu_reply_message(raw_reply, error.message());
    // An error that says "no error" must not pass for success.
    return error.code() == Code::kOk ? CTU_INTERNAL : static_cast<ctu_code>(error.code());
  } catch (const std::exception& error) {
    ctu_reply_message(raw_reply, error.what());
    return CTU_INTERNAL;
  } catch (...) {
    ctu_reply_message(raw_reply, "the host threw something that is no std::exception");
    return CTU_INTERNAL;
  }
}

inline std::string_view View(const std::uint8_t* data, std::size_t length) noexcept {
  return {reinterpret_cast<const char*>(data), length};
}

[[nodiscard]] inline ctu_storage_vtable StorageFunctions(const StorageHost& host) {
  using Host = StorageHost;
  auto table = SizedStruct<ctu_storage_vtable>();
  table.max_concurrency = host.max_concurrency();
  table.list = [](void* self, const char* folder, ctu_reply* out) noexcept -> ctu_code {
    return CallHost<Host>(self, out, [&](Host& storage, Reply& reply) { return storage.List(folder, reply); });
  };
  table.stat = [](void* self, const char* path, ctu_reply* out) noexcept -> ctu_code {
    return CallHost<Host>(self, out, [&](Host& storage, Reply& reply) { return storage.Stat(path, reply); });
  };
  table.read = [](void* self, const char* path, std::uint64_t limit, ctu_reply* out) noexcept -> ctu_code {
    return CallHost<Host>(self, out, [&](Host& storage, Reply& reply) { return storage.Read(path, limit, reply); });
  };
  table.create = [](void* self, const char* path, const std::uint8_t* data, std::size_t length,
                    ctu_reply* out) noexcept -> ctu_code {
    return CallHost<Host>(self, out,
                          [&](Host& storage, Reply& reply) { return storage.Create(path, View(data, length), reply); });
  };
  table.mkdir = [](void* self, const char* path, ctu_reply* out) noexcept -> ctu_code {
    return CallHost<Host>(self, out, [&](Host& storage, Reply& reply) { return storage.MakeFolder(path, reply); });
  };
  table.rename = [](void* self, const char* from, const char* to, ctu_reply* out) noexcept -> ctu_code {
    return CallHost<Host>(self, out, [&](Host& storage, Reply& reply) { return storage.Rename(from, to, reply); });
  };
  table.remove = [](void* self, const char* path, bool recursive, ctu_reply* out) noexcept -> ctu_code {
    return CallHost<Host>(self, out,
                          [&](Host& storage, Reply& reply) { return storage.Remove(path, recursive, reply); });
  };
  table.release = [](void* self) noexcept { ReleaseHost<Host>(self); };
  return table;
}

[[nodiscard]] inline ctu_lock_vtable LockFunctions(const LockHost&) {
  using Host = LockHost;
  auto table = SizedStruct<ctu_lock_vtable>();
  table.acquire = [](void* self, const char* holder, ctu_reply* out) noexcept -> ctu_code {
    return CallHost<Host>(self, out, [&](Host& lock, Reply& reply) { return lock.Acquire(holder, reply); });
  };
  table.check = [](void* self, ctu_reply* out) noexcept -> ctu_code {
    return CallHost<Host>(self, out, [](Host& lock, Reply& reply) { return lock.Check(reply); });
  };
  table.confirm = [](void* self, ctu_reply* out) noexcept -> ctu_code {
    return CallHost<Host>(self, out, [](Host& lock, Reply& reply) { return lock.Confirm(reply); });
  };
  table.release_lock = [](void* self, ctu_reply* out) noexcept -> ctu_code {
    return CallHost<Host>(self, out, [](Host& lock, Reply& reply) { return lock.Release(reply); });
  };
  table.release = [](void* self) noexcept { ReleaseHost<Host>(self); };
  return table;
}

[[nodiscard]] inline ctu_catalog_vtable CatalogFunctions(const CatalogHost&) {
  using Host = CatalogHost;
  auto table = SizedStruct<ctu_catalog_vtable>();
  table.schema_pcs = [](void* self, const char* db, const char* schema, ctu_reply* out) noexcept -> ctu_code {
    return CallHost<Host>(self, out,
                          [&](Host& catalog, Reply& reply) { return catalog.SchemaProcessGroups(db, schema, reply); });
  };
  table.cluster_pcs = [](void* self, ctu_reply* out) noexcept -> ctu_code {
    return CallHost<Host>(self, out, [](Host& catalog, Reply& reply) { return catalog.ClusterProcessGroups(reply); });
  };
  table.pc_nodes = [](void* self, const char* process_group, ctu_reply* out) noexcept -> ctu_code {
    return CallHost<Host>(self, out,
                          [&](Host& catalog, Reply& reply) { return catalog.ProcessGroupNodes(process_group, reply); });
  };
  table.cluster_nodes = [](void* self, ctu_reply* out) noexcept -> ctu_code {
    return CallHost<Host>(self, out, [](Host& catalog, Reply& reply) { return catalog.ClusterNodes(reply); });
  };
  table.release = [](void* self) noexcept { ReleaseHost<Host>(self); };
  return table;
}

[[nodiscard]] inline ctu_liveness_vtable LivenessFunctions(const LivenessHost& host) {
  using Host = LivenessHost;
  auto table = SizedStruct<ctu_liveness_vtable>();
  table.online_nodes = [](void* self, ctu_reply* out) noexcept -> ctu_code {
    return CallHost<Host>(self, out, [](Host& liveness, Reply& reply) { return liveness.OnlineNodes(reply); });
  };
  if (host.has_change_id()) {
    table.change_id = [](void* self, std::int64_t* change_id, ctu_reply* out) noexcept -> ctu_code {
      return CallHost<Host>(self, out,
                            [&](Host& liveness, Reply& reply) { return liveness.ChangeId(*change_id, reply); });
    };
  }
  table.release = [](void* self) noexcept { ReleaseHost<Host>(self); };
  return table;
}

[[nodiscard]] inline ctu_codec_vtable CodecFunctions(const CodecHost&) {
  using Host = CodecHost;
  auto table = SizedStruct<ctu_codec_vtable>();
  table.decode_v1 = [](void* self, const std::uint8_t* data, std::size_t length, ctu_reply* out) noexcept -> ctu_code {
    return CallHost<Host>(self, out,
                          [&](Host& codec, Reply& reply) { return codec.DecodeV1(View(data, length), reply); });
  };
  table.encode_v1 = [](void* self, const ctu_task_v1* task, ctu_reply* out) noexcept -> ctu_code {
    return CallHost<Host>(self, out, [&](Host& codec, Reply& reply) { return codec.EncodeV1(FromC(*task), reply); });
  };
  table.decode_v2 = [](void* self, const std::uint8_t* data, std::size_t length, ctu_reply* out) noexcept -> ctu_code {
    return CallHost<Host>(self, out,
                          [&](Host& codec, Reply& reply) { return codec.DecodeV2(View(data, length), reply); });
  };
  table.encode_v2 = [](void* self, const ctu_task_v2* task, ctu_reply* out) noexcept -> ctu_code {
    return CallHost<Host>(self, out, [&](Host& codec, Reply& reply) { return codec.EncodeV2(FromC(*task), reply); });
  };
  table.release = [](void* self) noexcept { ReleaseHost<Host>(self); };
  return table;
}

}  // namespace detail
}  // namespace comptask_upgrade

#endif  // COMPTASK_UPGRADE_HOST_HPP_
