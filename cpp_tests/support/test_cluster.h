// TestCluster: a real HDFS and a real ZooKeeper for one test program, started through the program test-cluster.
#ifndef COMPTASK_UPGRADE_TESTS_TEST_CLUSTER_H_
#define COMPTASK_UPGRADE_TESTS_TEST_CLUSTER_H_

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "json.h"

namespace test_support {

/// The servers. They go with this object, and with the process however that ends, since what started them then comes to
/// the end of its input.
class TestCluster {
 public:
  /// Starts them. Throws where something is missing; what that is stands on stderr by then.
  TestCluster() {
    Start();
    std::string line;
    if (!ReadLine(line)) throw std::runtime_error("there is no test cluster: its program has said why");
    facts_ = JsonReader::Read(line);
  }
  TestCluster(const TestCluster&) = delete;
  TestCluster& operator=(const TestCluster&) = delete;
  ~TestCluster() {
    in_.reset();
    out_.reset();
    waitpid(id_, nullptr, 0);
  }

  /// The root of the file system, without a '/' at its end.
  [[nodiscard]] const std::string& uri() const { return facts_.at("hdfs").at("uri").text; }
  /// The folder with the configuration of HDFS.
  [[nodiscard]] const std::string& conf() const { return facts_.at("hdfs").at("conf").text; }
  /// The Java home of the servers.
  [[nodiscard]] const std::string& java_home() const { return facts_.at("java").at("home").text; }
  /// The jars of the servers, as a class path with a wildcard.
  [[nodiscard]] const std::string& class_path() const { return facts_.at("java").at("class_path").text; }
  /// The connect string of ZooKeeper.
  [[nodiscard]] const std::string& hosts() const { return facts_.at("zookeeper").at("hosts").text; }

  /// Copies a local folder to a path of HDFS that is not there yet, below a folder that is. A JVM: some seconds.
  void Put(const std::filesystem::path& from, const std::string& to) { (void)Ask({"hdfs", "-put", from.string(), to}); }
  /// Makes a folder of HDFS with those above it. A JVM.
  void MakeFolder(const std::string& path) { (void)Ask({"hdfs", "-mkdir", "-p", path}); }
  /// Copies a folder of HDFS to a local path that is not there yet. A JVM.
  void Get(const std::string& from, const std::filesystem::path& to) { (void)Ask({"hdfs", "-get", from, to.string()}); }

  /// What ZooKeeper's own client says to a line of its language.
  std::vector<std::string> ZooKeeper(const std::string& command) { return Ask({"zookeeper", command}); }

 private:
  struct Closer {
    void operator()(FILE* file) const { (void)std::fclose(file); }
  };
  using File = std::unique_ptr<FILE, Closer>;

  // Close-on-exec: a tool that a test starts must not keep the servers alive.
  static void MakePipe(int (&ends)[2]) {
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  }

  void Start() {
    int to[2];
    int from[2];
    MakePipe(to);
    MakePipe(from);
    id_ = fork();
    if (id_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (id_ == 0) {
      dup2(to[0], STDIN_FILENO);
      dup2(from[1], STDOUT_FILENO);
      execl(COMPTASK_UPGRADE_TEST_CLUSTER, COMPTASK_UPGRADE_TEST_CLUSTER, "hdfs", "zookeeper", nullptr);
      std::perror(COMPTASK_UPGRADE_TEST_CLUSTER);
      _exit(127);
    }
    close(to[0]);
    close(from[1]);
    in_.reset(fdopen(to[1], "w"));
    out_.reset(fdopen(from[0], "r"));
    if (!in_ || !out_) throw std::system_error(errno, std::generic_category(), "fdopen");
  }

  bool ReadLine(std::string& line) {
    line.clear();
    for (int character = std::fgetc(out_.get()); character != EOF; character = std::fgetc(out_.get())) {
      if (character == '\n') return true;
      line += static_cast<char>(character);
    }
    return false;
  }

  std::vector<std::string> Ask(const std::vector<std::string>& words) {
    std::string command;
    for (const std::string& word : words) command += (command.empty() ? "" : "\t") + word;
    command += '\n';
    std::vector<std::string> said;
    if (std::fputs(command.c_str(), in_.get()) == EOF || std::fflush(in_.get()) != 0) {
      throw std::runtime_error("the test cluster is gone before: " + command);
    }
    for (std::string line; ReadLine(line);) {
      if (line == "ok") return said;
      if (line.rfind("failed: ", 0) == 0) throw std::runtime_error(command + line);
      said.push_back(line);
    }
    throw std::runtime_error("the test cluster is gone after: " + command);
  }

  pid_t id_ = -1;
  File in_;
  File out_;
  Json facts_;
};

}  // namespace test_support

#endif  // COMPTASK_UPGRADE_TESTS_TEST_CLUSTER_H_
