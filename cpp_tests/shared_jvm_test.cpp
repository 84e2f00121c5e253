// A host with a JVM of its own: the HDFS client libhdfs uses that one, and leaves it and the process as they were.
#include <dirent.h>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <jni.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "comptask_upgrade.hpp"
#include "local_tree.h"
#include "temp_folder.h"
#include "test_cluster.h"
#include "texts.h"

namespace {

namespace ctu = comptask_upgrade;
namespace fs = std::filesystem;
using test_support::TestCluster;

// Every jar of a folder, as the JVM takes them.
std::string Jars(const std::string& with_wildcard) {
  std::string class_path;
  for (const auto& entry : fs::directory_iterator(fs::path(with_wildcard).parent_path())) {
    if (entry.path().extension() == ".jar") class_path += (class_path.empty() ? "" : ":") + entry.path().string();
  }
  return class_path;
}

// Starts the JVM as a host does, on the calling thread.
JavaVM* StartJvm(const TestCluster& cluster) {
  void* const library = dlopen((cluster.java_home() + "/lib/server/libjvm.so").c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (library == nullptr) throw std::runtime_error(dlerror());
  using Create = jint(JavaVM**, void**, void*);
  auto* const create = reinterpret_cast<Create*>(dlsym(library, "JNI_CreateJavaVM"));
  if (create == nullptr) throw std::runtime_error(dlerror());
  std::string class_path = "-Djava.class.path=" + Jars(cluster.class_path());
  std::string heap = "-Xmx256m";
  std::string signals = "-Xrs";
  std::string mine = "-Dof.the.host=yes";
  JavaVMOption options[] = {
      {class_path.data(), nullptr}, {heap.data(), nullptr}, {signals.data(), nullptr}, {mine.data(), nullptr}};
  JavaVMInitArgs arguments{JNI_VERSION_1_8, 4, options, JNI_FALSE};
  JavaVM* machine = nullptr;
  void* environment = nullptr;
  if (create(&machine, &environment, &arguments) != JNI_OK) throw std::runtime_error("the JVM does not start");
  return machine;
}

// The threads of this process whose names the library gives.
std::vector<std::string> ThreadsOfTheLibrary() {
  std::vector<std::string> names;
  for (const auto& task : fs::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(task.path() / "comm"), name);
    if (name.rfind("ctu-", 0) == 0) names.push_back(name);
  }
  return names;
}

void OnInterrupt(int /*signal*/) {}

TEST(SharedJvm, IsUsedAndLeftAsItWas) {
  TestCluster cluster;
  test_support::TempFolder folder;
  test_support::LayOutDesignTree(folder.path() / "cluster.compact");
  cluster.Put(folder.path() / "cluster.compact", "/");
  test_support::WriteFile(folder.Inside("catalog.json"), test_support::kCatalogJson);
  (void)cluster.ZooKeeper("create /pu");

  std::signal(SIGINT, OnInterrupt);
  std::signal(SIGTERM, OnInterrupt);
  JavaVM* const machine = StartJvm(cluster);
  void* environment = nullptr;
  ASSERT_EQ(machine->GetEnv(&environment, JNI_VERSION_1_8), JNI_OK);
  {
    ctu::Config config;
    // No java_home and no class_path: those of the host count.
    config.SetRoot(cluster.uri() + "/cluster.compact").SetHdfsClient("libhdfs");
    config.SetCatalogFile(folder.Inside("catalog.json")).AssumeOffline();
    config.SetZooKeeperLock(cluster.hosts(), "/lock", 10000);
    ctu::Session session(config);
    EXPECT_FALSE(ThreadsOfTheLibrary().empty());
    const ctu::RunResult upgraded = session.Run(ctu::Operation::kUpgrade);
    ASSERT_TRUE(upgraded.ok()) << upgraded.error->what();
    EXPECT_EQ(upgraded.report->converted(), 4U);
    session.Close();
  }
  EXPECT_EQ(ThreadsOfTheLibrary(), std::vector<std::string>{});

  // The host goes on in its JVM, on the thread that it had attached.
  auto* const java = static_cast<JNIEnv*>(environment);
  jclass system = java->FindClass("java/lang/System");
  jmethodID get = java->GetStaticMethodID(system, "getProperty", "(Ljava/lang/String;)Ljava/lang/String;");
  auto* const value =
      static_cast<jstring>(java->CallStaticObjectMethod(system, get, java->NewStringUTF("of.the.host")));
  ASSERT_NE(value, nullptr) << "it is another JVM";
  EXPECT_FALSE(java->ExceptionCheck());
  for (const int number : {SIGINT, SIGTERM}) {
    struct sigaction action {};
    ASSERT_EQ(sigaction(number, nullptr, &action), 0);
    EXPECT_EQ(action.sa_handler, OnInterrupt) << number;
  }
  // A second session in the same process.
  ctu::Config config;
  config.SetRoot(cluster.uri() + "/cluster.compact").SetHdfsClient("libhdfs");
  config.SetZooKeeperLock(cluster.hosts(), "/lock", 10000);
  const ctu::RunResult status = ctu::Session(config).Run(ctu::Operation::kStatus);
  ASSERT_TRUE(status.ok()) << status.error->what();
  EXPECT_EQ(status.report->phase(), ctu::Phase::kUpgraded);
}

}  // namespace
