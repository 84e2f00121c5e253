#include "cluster_options.h"

#include <cerrno>
#include <cstddef>
#include <fstream>
#include <system_error>

#include "texts.h"

namespace cirrodata_tool {
namespace {

using comptask_upgrade::Code;
using comptask_upgrade::Config;
using comptask_upgrade::Error;

constexpr std::size_t kDigestBytesLimit = 4096;

// The one line of the file. No message shows what it holds.
std::string ReadDigest(const std::string& path) {
  const auto refused = [&](Code code, Text why, const std::string& cause = "") {
    return Error(code, English(why, {cause}), path, "", English(Text::kDigestNext));
  };
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(kDigestBytesLimit + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  // Reading up to the end fails too, and is how it should go.
  if (!file.eof() && !file) {
    const int cause = errno;
    throw refused(cause == ENOENT ? Code::kNotFound : Code::kInvalidArgument, Text::kDigestUnreadable,
                  std::generic_category().message(cause));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kDigestBytesLimit) throw refused(Code::kTooLarge, Text::kDigestTooLong);
  if (!text.empty() && text.back() == '\n') text.pop_back();
  if (!text.empty() && text.back() == '\r') text.pop_back();
  if (text.find('\n') != std::string::npos) throw refused(Code::kInvalidArgument, Text::kDigestLines);
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == text.size()) {
    throw refused(Code::kInvalidArgument, Text::kDigestContent);
  }
  return text;
}

}  // namespace

void Configure(const HdfsOptions& hdfs, Config& config) {
  if (hdfs.client) config.SetHdfsClient(*hdfs.client);
  for (const auto& [key, value] : hdfs.options) config.SetHdfsOption(key, value);
}

void Configure(const ZooKeeperOptions& zookeeper, Config& config) {
  config.SetZooKeeperLock(zookeeper.hosts, zookeeper.lock_path, zookeeper.session_timeout_ms);
  if (zookeeper.registry_path) config.SetZooKeeperLiveness(zookeeper.hosts, *zookeeper.registry_path);
  for (const auto& [key, value] : zookeeper.options) config.SetZooKeeperOption(key, value);
  if (zookeeper.digest_file) config.SetZooKeeperOption("digest", ReadDigest(*zookeeper.digest_file));
}

}  // namespace cirrodata_tool
