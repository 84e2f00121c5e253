/// Config: the root and everything outside it that a session works with.
#ifndef COMPTASK_UPGRADE_CONFIG_HPP_
#define COMPTASK_UPGRADE_CONFIG_HPP_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "comptask_upgrade.h"
#include "comptask_upgrade/error.hpp"
#include "comptask_upgrade/host.hpp"

namespace comptask_upgrade {

/// How much a log message matters; a smaller number matters more. kOff is the level of no message.
enum class LogLevel : std::int32_t { kOff = 0, kError = 1, kWarn = 2, kInfo = 3, kDebug = 4, kTrace = 5 };

/// Gets the log: level, target (the part of the library that speaks) and message, on the thread of the run. What has
/// the target "comptask_upgrade::report" stands in the report of the run, or in its error, as well. What it throws is
/// dropped, since a log that fails must not stop an upgrade.
using LogCallback = std::function<void(LogLevel, std::string_view, std::string_view)>;

/// What to open a session on. It may go as soon as its sessions are open.
class Config {
 public:
  Config() : handle_(ctu_config_new()) {
    if (!handle_) throw Error(Code::kInternal, "ctu_config_new gave nothing");
  }

  /// The cluster.compact folder: a path, file:// or hdfs://. Without an HDFS client in the library, hdfs:// is
  /// Code::kUnsupported as the session is opened. With a storage of the host's own, any name.
  Config& SetRoot(const std::string& uri) { return Done(ctu_config_root(handle_.get(), detail::CText(uri))); }
  /// The HDFS client: "libhdfs", "native" or "auto". Code::kUnsupported where the library was built without it.
  Config& SetHdfsClient(const std::string& name) {
    return Done(ctu_config_hdfs_client(handle_.get(), detail::CText(name)));
  }
  /// An option of the HDFS client. Code::kUnsupported where the library was built without one.
  Config& SetHdfsOption(const std::string& key, const std::string& value) {
    return Done(ctu_config_hdfs_option(handle_.get(), detail::CText(key), detail::CText(value)));
  }
  /// A storage of the host's own.
  Config& SetStorage(std::shared_ptr<StorageHost> host) {
    return SetHost(std::move(host), detail::StorageFunctions, ctu_config_storage);
  }
  /// The lock in ZooKeeper, in place of any other, for a local root too: a file lock is not taken beside it.
  /// Code::kUnsupported where the library was built without the cargo feature zookeeper.
  Config& SetZooKeeperLock(const std::string& hosts, const std::string& path, std::uint32_t session_timeout_ms) {
    return Done(
        ctu_config_lock_zookeeper(handle_.get(), detail::CText(hosts), detail::CText(path), session_timeout_ms));
  }
  /// An option of ZooKeeper, for the lock and the liveness alike: digest, tls, tls_ca_file, tls_certificate_file,
  /// tls_key_file; ctu_config_zookeeper_option says what each
  /// means. Code::kUnsupported as for SetZooKeeperLock.
  Config& SetZooKeeperOption(const std::string& key, const std::string& value) {
    return Done(ctu_config_zookeeper_option(handle_.get(), detail::CText(key), detail::CText(value)));
  }
  /// A lock of the host's own.
  Config& SetLock(std::shared_ptr<LockHost> host) {
    return SetHost(std::move(host), detail::LockFunctions, ctu_config_lock);
  }
  /// A catalog snapshot in a JSON file.
  Config& SetCatalogFile(const std::string& path) {
    return Done(ctu_config_catalog_file(handle_.get(), detail::CText(path)));
  }
  /// A catalog of the host's own.
  Config& SetCatalog(std::shared_ptr<CatalogHost> host) {
    return SetHost(std::move(host), detail::CatalogFunctions, ctu_config_catalog);
  }
  /// The registry of nodes in ZooKeeper. Code::kUnsupported as for SetZooKeeperLock.
  Config& SetZooKeeperLiveness(const std::string& hosts, const std::string& path) {
    return Done(ctu_config_liveness_zookeeper(handle_.get(), detail::CText(hosts), detail::CText(path)));
  }
  /// A file with the name of one online node a line.
  Config& SetLivenessFile(const std::string& path) {
    return Done(ctu_config_liveness_file(handle_.get(), detail::CText(path)));
  }
  /// The caller's word that every node is offline.
  Config& AssumeOffline() { return Done(ctu_config_liveness_assume_offline(handle_.get())); }
  /// A liveness of the host's own.
  Config& SetLiveness(std::shared_ptr<LivenessHost> host) {
    return SetHost(std::move(host), detail::LivenessFunctions, ctu_config_liveness);
  }
  /// The codec for the bytes that an installed CirroData writes.
  Config& SetCodec(std::shared_ptr<CodecHost> host) {
    return SetHost(std::move(host), detail::CodecFunctions, ctu_config_codec);
  }
  /// Where the log goes, and the last level that is wanted; an empty callback ends logging.
  Config& SetLog(LogCallback callback, LogLevel max_level) {
    auto log = callback ? std::make_shared<LogCallback>(std::move(callback)) : nullptr;
    Done(ctu_config_log(handle_.get(), log ? Log : nullptr, log.get(), static_cast<std::int32_t>(max_level)));
    handle_.get_deleter().log = std::move(log);
    return *this;
  }

  /// The handle of the C ABI, still owned by this object.
  [[nodiscard]] const ctu_config* get() const noexcept { return handle_.get(); }
  /// What a session opened from this config must keep alive: the C ABI releases hosts by itself, but no log callback.
  [[nodiscard]] std::shared_ptr<const void> kept_alive() const noexcept { return handle_.get_deleter().log; }

 private:
  struct Deleter {
    // In the deleter, so that it goes after the handle in a move assignment too.
    std::shared_ptr<LogCallback> log;
    void operator()(ctu_config* handle) const noexcept { ctu_config_free(handle); }
  };

  static void Log(void* user_data, std::int32_t level, const char* target, const char* message) noexcept {
    try {
      (*static_cast<LogCallback*>(user_data))(static_cast<LogLevel>(level), target, message);
    } catch (...) {
    }
  }

  Config& Done(ctu_error* error) {
    detail::Check(error);
    return *this;
  }

  template <typename Host, typename Table>
  Config& SetHost(std::shared_ptr<Host> host, Table (*functions)(const Host&),
                  ctu_error* (*set)(ctu_config*, const Table*, void*)) {
    if (!host) throw Error(Code::kInvalidArgument, "the host object is NULL");
    const Table table = functions(*host);
    auto box = std::make_unique<detail::HostBox<Host>>(std::move(host));
    detail::Check(set(handle_.get(), &table, box.get()));
    // From here on the library holds it and gives it back through the table's release.
    (void)box.release();
    return *this;
  }

  std::unique_ptr<ctu_config, Deleter> handle_;
};

}  // namespace comptask_upgrade

#endif  // COMPTASK_UPGRADE_CONFIG_HPP_
