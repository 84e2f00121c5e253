// A library without network code: what it lacks is "unsupported", and the error names the cargo feature that brings it.
#include <gtest/gtest.h>

#include <string>

#include "comptask_upgrade.hpp"
#include "texts.h"

namespace {

namespace ctu = comptask_upgrade;

template <typename Call>
void ExpectUnsupported(const char* feature, Call call) {
  try {
    call();
    ADD_FAILURE() << "it is in this library";
  } catch (const ctu::Error& error) {
    EXPECT_EQ(error.code(), ctu::Code::kUnsupported) << error.what();
    EXPECT_TRUE(test_support::Holds(error.next_action(), std::string("feature ") + feature)) << error.next_action();
  }
}

TEST(BareLibrary, NamesTheFeatureForHdfs) {
  ctu::Config config;
  ExpectUnsupported("hdfs-native", [&] { config.SetHdfsClient("auto"); });
  ExpectUnsupported("hdfs-native", [&] { config.SetHdfsOption("dfs.replication", "1"); });
  config.SetRoot("hdfs://nowhere:9000/cluster.compact");
  ExpectUnsupported("hdfs-native", [&] { const ctu::Session session(config); });
}

TEST(BareLibrary, NamesTheFeatureForZooKeeper) {
  ctu::Config config;
  ExpectUnsupported("zookeeper", [&] { config.SetZooKeeperLock("localhost:2181", "/lock", 10000); });
  ExpectUnsupported("zookeeper", [&] { config.SetZooKeeperLiveness("localhost:2181", "/pus"); });
  ExpectUnsupported("zookeeper", [&] { config.SetZooKeeperOption("digest", "user:password"); });
}

}  // namespace
