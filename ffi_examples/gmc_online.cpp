// gmc_online ROOT CATALOG: a node of the new version with the commands of its GMC, read from stdin, one a line. The
// node has stopped scheduling V1 tasks and goes on with all its other work while an upgrade runs beside it as a job.
//
//   UPGRADE            starts the upgrade
//   STATUS             how far the job is, what the tree looks like, and that the node goes on working
//   CANCEL             asks the job to stop; a later UPGRADE goes on where it stopped
//   WAIT               waits for the job and says how it ended
//   HELP               lists these
//   QUIT               stops a job that is under way, waits for it, and ends; so does the end of the input
#include <algorithm>
#include <atomic>
#include <cctype>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <iostream>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "comptask_upgrade.hpp"

namespace {

using comptask_upgrade::Code;
using comptask_upgrade::CodeName;
using comptask_upgrade::Config;
using comptask_upgrade::Error;
using comptask_upgrade::Job;
using comptask_upgrade::JobProgress;
using comptask_upgrade::Operation;
using comptask_upgrade::Phase;
using comptask_upgrade::RunOptions;
using comptask_upgrade::RunResult;
using comptask_upgrade::Session;
using comptask_upgrade::Stage;

const char* StageName(Stage stage) {
  switch (stage) {
    case Stage::kCheck:
      return "checking";
    case Stage::kList:
      return "listing";
    case Stage::kConvert:
      return "converting";
    case Stage::kFinish:
      return "finishing";
    case Stage::kClean:
      return "cleaning";
  }
  return "working";
}

const char* PhaseName(Phase phase) {
  switch (phase) {
    case Phase::kEmpty:
      return "Empty";
    case Phase::kNotStarted:
      return "NotStarted";
    case Phase::kUpgrading:
      return "Upgrading";
    case Phase::kUpgraded:
      return "Upgraded";
    case Phase::kDeleting:
      return "Deleting";
    case Phase::kV2Only:
      return "V2Only";
    case Phase::kRecovering:
      return "Recovering";
    case Phase::kReopening:
      return "Reopening";
  }
  return "unknown";
}

// All that the node does beside its GMC: a piece of work a millisecond, on a thread of its own.
class NodeWork {
 public:
  NodeWork() : thread_([this] { Work(); }) {}
  NodeWork(const NodeWork&) = delete;
  NodeWork& operator=(const NodeWork&) = delete;
  ~NodeWork() {
    {
      const std::lock_guard<std::mutex> guard(mutex_);
      ended_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  [[nodiscard]] std::uint64_t pieces() const { return pieces_; }

 private:
  void Work() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!changed_.wait_for(lock, std::chrono::milliseconds(1), [this] { return ended_; })) ++pieces_;
  }

  std::atomic<std::uint64_t> pieces_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
  // The last member, so that the others are there when it starts.
  std::thread thread_;
};

void ShowError(const char* what, const Error& error) {
  std::cout << what << ": " << CodeName(error.code()) << ": " << error.what() << '\n';
  if (!error.next_action().empty()) std::cout << "  what to do: " << error.next_action() << '\n';
}

// The commands.
class Gmc {
 public:
  explicit Gmc(const Config& config) : upgrade_session_(config), status_session_(config) {}

  // Does what a line asks for; false where that is the end.
  bool Obey(const std::string& line) {
    std::istringstream stream(line);
    std::vector<std::string> words;
    for (std::string word; stream >> word;) {
      std::transform(word.begin(), word.end(), word.begin(),
                     [](unsigned char letter) { return static_cast<char>(std::toupper(letter)); });
      words.push_back(word);
    }
    if (words.empty()) return true;
    const auto command = Commands().find(words[0]);
    if (command == Commands().end() || words.size() > 1) {
      std::cout << "there is no command '" << line << "'; HELP lists those there are\n";
      return true;
    }
    if (words[0] == "QUIT") return false;
    try {
      (this->*command->second)();
    } catch (const Error& error) {
      ShowError("error", error);
    }
    return true;
  }

  // Leaves nothing behind: a job that is under way is stopped and waited for.
  void Quit() {
    if (job_) {
      job_->Cancel();
      Wait();
    }
    std::cout << "quit: the node did " << node_.pieces() << " pieces of work\n";
  }

 private:
  using Command = void (Gmc::*)();

  static const std::map<std::string, Command>& Commands() {
    static const std::map<std::string, Command> kCommands{{"UPGRADE", &Gmc::Upgrade}, {"STATUS", &Gmc::Status},
                                                          {"CANCEL", &Gmc::Cancel},   {"WAIT", &Gmc::Wait},
                                                          {"HELP", &Gmc::Help},       {"QUIT", nullptr}};
    return kCommands;
  }

  void Upgrade() {
    if (job_ && !job_->done()) {
      std::cout << "upgrade: it is under way already\n";
      return;
    }
    // One that has ended and that nobody waited for.
    if (job_) Wait();
    RunOptions options;
    options.online = true;
    job_.emplace(upgrade_session_.StartJob(Operation::kUpgrade, options));
    std::cout << "upgrade: started\n";
  }

  void Status() {
    if (!job_) {
      std::cout << "job: none\n";
    } else if (job_->done()) {
      std::cout << "job: ended; WAIT says how\n";
    } else {
      const JobProgress now = job_->progress();
      std::cout << "job: under way, " << StageName(now.stage) << ", " << now.done << " done, " << now.skipped
                << " skipped, " << now.failed << " failed of " << now.total << '\n';
    }
    // By a session of its own, since the other one is the job's; STATUS takes no lock, so neither hinders the other.
    const RunResult result = status_session_.Run(Operation::kStatus);
    if (result.error) ShowError("tree", *result.error);
    if (result.report) {
      std::cout << "tree: " << PhaseName(result.report->phase()) << ", " << result.report->total()
                << " V1 tasks: " << result.report->skipped() << " done, " << result.report->left() << " left\n";
    }
    std::cout << "node: " << node_.pieces() << " pieces of work\n";
  }

  void Cancel() {
    if (!job_ || job_->done()) {
      std::cout << "cancel: no job is under way\n";
      return;
    }
    job_->Cancel();
    std::cout << "cancel: the job ends before its next step\n";
  }

  void Wait() {
    if (!job_) {
      std::cout << "wait: there is no job\n";
      return;
    }
    const RunResult result = job_->Wait();
    job_.reset();
    if (result.report) {
      std::cout << "upgrade: " << result.report->converted() << " converted, " << result.report->cancelled()
                << " cancelled, " << result.report->skipped() << " skipped, " << result.report->failed() << " failed, "
                << result.report->left() << " left\n";
    }
    if (result.error) {
      ShowError("upgrade", *result.error);
    } else {
      std::cout << "upgrade: complete\n";
    }
  }

  void Help() { std::cout << "UPGRADE  STATUS  CANCEL  WAIT  HELP  QUIT\n"; }

  NodeWork node_;
  Session upgrade_session_;
  Session status_session_;
  // The last member: the first to go, while its session is still there.
  std::optional<Job> job_;
};

}  // namespace

int main(int argument_count, char** arguments) {
  if (argument_count != 3) {
    std::cerr << "usage: gmc_online ROOT CATALOG < COMMANDS\n";
    return CTU_INVALID_ARGUMENT;
  }
  try {
    // No liveness: an online upgrade leaves the check out, since this very node is up.
    Config config;
    config.SetRoot(arguments[1]).SetCatalogFile(arguments[2]);
    Gmc gmc(config);
    // Each answer is out before the next line is read.
    for (std::string line; std::getline(std::cin, line) && gmc.Obey(line);) std::cout << std::flush;
    gmc.Quit();
  } catch (const Error& error) {
    ShowError("error", error);
    return CTU_INTERNAL;
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
    return CTU_INTERNAL;
  }
  return std::cout.flush() ? 0 : CTU_INTERNAL;
}
