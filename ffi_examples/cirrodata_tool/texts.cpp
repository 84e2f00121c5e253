#include "texts.h"

#include <array>
#include <vector>

#include "help_text.h"

namespace cirrodata_tool {
namespace {

struct Entry {
  Text text;
  std::string_view english;
  std::string_view chinese;
};

constexpr std::size_t kTexts = static_cast<std::size_t>(Text::kCount);

constexpr std::array<Entry, kTexts> kEntries{{
    {Text::kTools, "Offline tools of CirroData.", "CirroData 的离线工具。"},
    {Text::kComptaskUpgrade, "Upgrades compaction tasks from V1 to V2.", "将合并任务从 V1 升级到 V2。"},
    {Text::kCompletion, "Writes the completion of a shell to stdout.", "将某种 shell 的补全脚本输出到标准输出。"},
    {Text::kCompletionShell, "bash, zsh or fish", "bash、zsh 或 fish"},
    {Text::kMan, "Writes the manual page, as roff, to stdout.", "将手册页（roff 格式）输出到标准输出。"},
    {Text::kUsageLabel, "Usage", "用法"},
    {Text::kOptionsLabel, "OPTIONS", "选项"},
    {Text::kPositionalsLabel, "Positionals", "位置参数"},
    {Text::kToolLabel, "TOOL", "工具"},
    {Text::kRequiredLabel, "REQUIRED", "（必填）"},
    {Text::kNeedsLabel, "Needs", "需要"},
    {Text::kExcludesLabel, "Excludes", "互斥"},
    {Text::kToolsLabel, "Tools", "工具"},
    {Text::kManName, "NAME", "名称"},
    {Text::kManSynopsis, "SYNOPSIS", "概要"},
    {Text::kGroupTree, "The tree", "目录树"},
    {Text::kGroupNodes, "Which nodes are up", "哪些节点在线"},
    {Text::kGroupRun, "How it is run", "如何运行"},
    {Text::kGroupHdfs, "HDFS", "HDFS"},
    {Text::kGroupZooKeeper, "ZooKeeper", "ZooKeeper"},
    {Text::kGroupOutput, "What is shown and kept", "显示与记录"},
    {Text::kGroupGeneral, "General", "通用"},

    {Text::kHelp, "print this help and end", "显示本帮助后退出"},
    {Text::kVersion, "print the version and end", "显示版本后退出"},
    {Text::kConfig, "take options from this file too; $CIRRODATA_TOOL_CONFIG where none is given",
     "也从此文件读取选项；未给出时取环境变量 $CIRRODATA_TOOL_CONFIG"},
    {Text::kOperation, "status, upgrade, recovery or delete",
     "status（状态）、upgrade（升级）、recovery（回退）或 delete（删除）"},
    {Text::kRoot, "the cluster.compact folder, a path or a URI", "cluster.compact 文件夹，路径或 URI"},
    {Text::kCatalog, "upgrade: JSON snapshot of schemas, process groups and nodes",
     "upgrade：catalog 快照（JSON），含 schema、进程组（PC）与节点"},
    {Text::kOnlineNodes, "upgrade, recovery: file with one online node a line",
     "upgrade、recovery：在线节点文件，每行一个节点"},
    {Text::kAssumeOffline, "upgrade, recovery: your word that every node is offline",
     "upgrade、recovery：由您保证所有节点均已停机"},
    {Text::kOnline, "upgrade: nodes are up and have stopped scheduling V1 tasks",
     "upgrade：节点在线，但已停止调度 V1 任务"},
    {Text::kReopen, "upgrade: take in V1 tasks that turned up after the upgrade was complete",
     "upgrade：纳入升级完成之后出现的 V1 任务"},
    {Text::kPlacement, "upgrade: schema (the default), entry-node or entry-node-or-schema",
     "upgrade：schema（默认）、entry-node 或 entry-node-or-schema"},
    {Text::kMode, "recovery: auto (the default), cancel, downgrade_old or downgrade",
     "recovery：auto（默认）、cancel、downgrade_old 或 downgrade"},
    {Text::kPlan, "upgrade, recovery, delete: do everything but write, and list what would be done",
     "upgrade、recovery、delete：只演练不写入，并列出将要做的事"},
    {Text::kVerify, "status, upgrade, delete: compare every converted task with its V1 task",
     "status、upgrade、delete：将每个已转换的任务与其 V1 任务比对"},
    {Text::kForce, "recovery, delete: go on where the error said that --force would",
     "recovery、delete：错误提示 --force 可以继续时，继续执行"},
    {Text::kInFlight, "calls under way at a time; 0 (the default) suits the storage",
     "同时进行的存储调用数；0（默认）由存储决定"},
    {Text::kJson, "one JSON document on stdout", "在标准输出上输出一个 JSON 文档"},
    {Text::kReportFile, "keep the JSON report in this file, also of a run that failed",
     "将 JSON 报告保存到此文件，运行失败时也保存"},
    {Text::kLogFile, "append the log to this file, at least as much of it as -v shows",
     "将日志追加到此文件，至少与 -v 显示的一样详细"},
    {Text::kVerbose, "more log on stderr: -v info, -vv debug", "在标准错误上显示更多日志：-v 为 info，-vv 为 debug"},
    {Text::kColor, "auto (the default: on a terminal), always or never", "auto（默认：仅在终端上）、always 或 never"},
    {Text::kLanguage, "en or zh; by the locale where none is given", "en 或 zh；未给出时按区域设置"},
    {Text::kHdfsClient, "root on HDFS: native, libhdfs or auto (the default)",
     "根目录在 HDFS 上：native、libhdfs 或 auto（默认）"},
    {Text::kHdfsOption, "root on HDFS: an option of the client; may be repeated",
     "根目录在 HDFS 上：客户端的一个选项；可重复"},
    {Text::kZooKeeper, "the cluster's lock is in ZooKeeper: host:port,host:port[/chroot]",
     "集群的锁在 ZooKeeper 中：host:port,host:port[/chroot]"},
    {Text::kZooKeeperLockPath, "the node of the lock, the same for every run; {0} by default",
     "锁的 ZooKeeper 节点，每次运行都须相同；默认 {0}"},
    {Text::kZooKeeperRegistryPath,
     "upgrade, recovery: the node of the PU registry, whose children are the nodes that are up",
     "upgrade、recovery：PU 注册表的 ZooKeeper 节点，其子节点即在线的节点"},
    {Text::kZooKeeperSessionTimeout, "1,000 to 3,600,000; 0 (the default) stands for 30,000",
     "1,000 至 3,600,000；0（默认）表示 30,000"},
    {Text::kZooKeeperDigestFile, "file with user:password for ZooKeeper", "存有 ZooKeeper 的 user:password 的文件"},
    {Text::kZooKeeperOption, "an option of ZooKeeper's client; may be repeated", "ZooKeeper 客户端的一个选项；可重复"},
    {Text::kComptaskUpgradeHelp, kComptaskUpgradeHelpEnglish, kComptaskUpgradeHelpChinese},

    {Text::kSeeHelp, "see cirrodata-tool comptask-upgrade --help", "参见 cirrodata-tool comptask-upgrade --help"},
    {Text::kMeansNothing, "{0} means nothing to {1}; it goes with {2}", "{0} 对 {1} 没有意义；它只用于 {2}"},
    {Text::kUpgradeNeedsCatalog, "upgrade needs --catalog", "upgrade 需要 --catalog"},
    {Text::kNoSuchWord, "there is no {0} '{1}'; there are: {2}", "{0}没有“{1}”这个值；可用的有：{2}"},
    {Text::kNoSuchTool, "there is no tool '{0}'", "没有“{0}”这个工具"},
    {Text::kKeyValueWanted, "{0} is given as KEY=VALUE", "{0} 的写法是 KEY=VALUE"},
    {Text::kKeyTwice, "{0} gives {1} twice", "{0} 两次给出了 {1}"},
    {Text::kHdfsMeansNothing, "{0} means nothing to a root that is not on HDFS", "根目录不在 HDFS 上时 {0} 没有意义"},
    {Text::kHdfsNeedsLock, "a root on HDFS needs the cluster's lock: give --zookeeper",
     "根目录在 HDFS 上时需要集群的锁：请给出 --zookeeper"},
    {Text::kPasswordOnCommandLine,
     "a password on a command line is everybody's on this machine: give --zookeeper-digest-file",
     "命令行上的密码对本机所有人可见：请改用 --zookeeper-digest-file"},
    {Text::kUpgradeNeedsNodes,
     "upgrade needs --zookeeper with --zookeeper-registry-path, --online-nodes, --assume-offline or --online",
     "upgrade 需要 --zookeeper 及 --zookeeper-registry-path，或 --online-nodes、--assume-offline、--online 之一"},
    {Text::kSayWhichNodesAreUp, "give --online-nodes, --assume-offline, or --zookeeper with --zookeeper-registry-path",
     "给出 --online-nodes、--assume-offline，或 --zookeeper 及 --zookeeper-registry-path"},
    {Text::kOperationNeedsNodes,
     "{0} with --zookeeper needs --zookeeper-registry-path, the node of the PU registry, or instead of it {1}",
     "{0} 使用 --zookeeper 时需要 --zookeeper-registry-path（PU 注册表的 ZooKeeper 节点），或用 {1} 代替"},
    {Text::kSeeToolsHelp, "see cirrodata-tool --help", "参见 cirrodata-tool --help"},
    {Text::kConfigUnreadable, "the configuration file cannot be read: {0}", "无法读取配置文件：{0}"},
    {Text::kConfigReadableNow, "it could not be a moment ago; try again", "片刻之前无法读取，请重试"},
    {Text::kConfigLine, "line {0} of the configuration file is not KEY = VALUE, with quotes that end",
     "配置文件第 {0} 行不是 KEY = VALUE 的形式，或引号没有成对"},
    {Text::kConfigUnknownKey, "the configuration file has the key '{0}', which is no option",
     "配置文件中的键“{0}”不是任何选项"},
    {Text::kConfigUnknownSection, "the configuration file has the section '{0}', which is no tool",
     "配置文件中的节“{0}”不是任何工具"},
    {Text::kConfigForbiddenKey, "the key '{0}' is for the command line alone, not for a configuration file",
     "键“{0}”只能用于命令行，不能写在配置文件中"},
    {Text::kConfigPromiseKey,
     "the key '{0}' is for the command line alone: it is a word about one run, and a file speaks for every run",
     "键“{0}”只能用于命令行：它是对某一次运行的确认，而配置文件对每次运行都有效"},
    {Text::kConfigUsed, "options are taken from the configuration file {0}\n", "从配置文件 {0} 读取选项\n"},
    {Text::kSameFile, "{0} and {1} name one and the same file", "{0} 与 {1} 指定了同一个文件"},
    {Text::kFileInTree, "{0} lies below the root, where a file of the tool's would be a stranger in the trees",
     "{0} 指定的文件在根目录之下，本工具的文件不能放在目录树中"},

    {Text::kCliRequired, "{0} is required", "缺少 {0}"},
    {Text::kCliRequires, "{0} requires {1}", "{0} 需要同时给出 {1}"},
    {Text::kCliExcludes, "{0} excludes {1}", "{0} 与 {1} 不能同时给出"},
    {Text::kCliExtra, "The following argument was not expected: {0}", "不认识的参数：{0}"},
    {Text::kCliExtras, "The following arguments were not expected: {0}", "不认识的参数：{0}"},
    {Text::kCliConversion, "Could not convert: {0} = {1}", "{0} 的值无法理解：{1}"},
    {Text::kCliMissingValue, "{0}: {1} required {2} missing", "{0}：缺少 {1} 个 {2} 值"},
    {Text::kCliTooMany, "{0}: At Most {1} required but received {2}", "{0}：至多 {1} 个值，却给出了 {2} 个"},
    {Text::kCliFlagTwice, "{0}: too many inputs for a flag", "{0}：开关只能有一个值"},
    {Text::kCliFlagValue, "{0}: Should be true/false or a number", "{0}：应为 true、false 或数字"},

    {Text::kNoSuchOperation, "there is no operation '{0}'", "没有“{0}”这个操作"},
    {Text::kUseAnOperation, "use status, upgrade, recovery or delete",
     "请使用 status（状态）、upgrade（升级）、recovery（回退）或 delete（删除）"},
    {Text::kOperations,
     "comptask-upgrade knows these operations:\n"
     "  status    what there is, and what to do next; changes nothing\n"
     "  upgrade   every V1 task becomes a V2 task\n"
     "  recovery  back to V1\n"
     "  delete    the V1 tree goes\n",
     "comptask-upgrade 有以下操作：\n"
     "  status    查看现状与下一步；不改变任何内容\n"
     "  upgrade   升级：每个旧任务（V1）成为新任务（V2）\n"
     "  recovery  回退到 V1\n"
     "  delete    删除 V1 目录树\n"},
    {Text::kCancelledBefore, "cancelled before anything was done", "尚未做任何事即已停止"},
    {Text::kDigestUnreadable, "the digest file cannot be read: {0}", "无法读取密码文件：{0}"},
    {Text::kDigestTooLong, "the digest file is longer than 4096 bytes", "密码文件超过 4096 字节"},
    {Text::kDigestLines, "the digest file has more than one line", "密码文件多于一行"},
    {Text::kDigestContent, "the digest file does not hold user:password", "密码文件的内容不是 user:password"},
    {Text::kDigestNext, "give a file with one line, user:password, that this user can read",
     "请给出一个当前用户可读、只有一行 user:password 的文件"},

    {Text::kError, "error: {0}", "错误：{0}"},
    {Text::kErrorPath, "  path: {0}", "  路径：{0}"},
    {Text::kErrorTask, "  task: {0}", "  任务：{0}"},
    {Text::kErrorNext, "  next: {0}", "  下一步：{0}"},
    {Text::kLevelError, "[error]", "[错误]"},
    {Text::kLevelWarn, "[warn]", "[警告]"},
    {Text::kLevelInfo, "[info]", "[信息]"},
    {Text::kLevelDebug, "[debug]", "[调试]"},
    {Text::kLevelTrace, "[trace]", "[跟踪]"},
    {Text::kInterrupted, "interrupted: the run ends after the wave of changes under way; once more ends it at once\n",
     "已中断：当前这一批更改完成后运行结束；再按一次则立即结束\n"},
    {Text::kReportUnwritten, "the report could not be written to stdout", "报告无法写到标准输出"},
    {Text::kSeeWhereStdoutLeads, "see to where stdout leads, then run status; --report-file keeps a report too",
     "检查标准输出的去向，然后运行 status；--report-file 也可保存报告"},
    {Text::kOnlyTheReportFailed, "the operation succeeded; only its report could not be written\n",
     "操作已成功；只是报告未能写出\n"},
    {Text::kLogFileUnwritable, "the log file cannot be written: {0}", "无法写日志文件：{0}"},
    {Text::kLogFileLost, "the log file can be written no more, and the run goes on without it: {0}",
     "日志文件已无法继续写入，运行继续但不再记录：{0}"},
    {Text::kLogFileLostNext, "see to the disk of the log file; what comes after this is on the screen alone",
     "请检查日志文件所在的磁盘；此后的内容只显示在屏幕上"},
    {Text::kLogFileForeign, "the log file is there already and is no log of this tool",
     "日志文件已存在，且不是本工具的日志"},
    {Text::kLogFileNext, "name a file that is not there, or a log of this tool, which is appended to",
     "请指定一个不存在的文件，或本工具的日志（将追加到其末尾）"},
    {Text::kFileNext, "name a file in a folder that is there, that this user may write and that has room",
     "请指定一个文件，其文件夹存在、当前用户可写且有空间"},
    {Text::kReportFileUnwritable, "the report file cannot be written: {0}", "无法写报告文件：{0}"},
    {Text::kReportFileForeign, "the report file is there already and is no report of this tool",
     "报告文件已存在，且不是本工具的报告"},
    {Text::kReportFileKept, "the report file keeps the report of an earlier run, and does not have this error\n",
     "报告文件保留了先前一次运行的报告，不含此错误\n"},
    {Text::kReportFileNext, "name a file that is not there, or a report that may be replaced",
     "请指定一个不存在的文件，或一个可以被替换的报告"},

    {Text::kStageCheck, "checking", "检查"},
    {Text::kStageList, "listing", "列出任务"},
    {Text::kStageConvert, "going through the tasks", "逐个处理任务"},
    {Text::kStageFinish, "finishing", "提交结果"},
    {Text::kStageClean, "cleaning", "收尾"},
    {Text::kStageOther, "working", "进行中"},
    {Text::kProgressCounts, "{0}: {1} done, {2} skipped, {3} failed of {4} ({5}%)",
     "{0}：已完成 {1}，跳过 {2}，失败 {3}，共 {4}（{5}%）"},
    {Text::kProgressFailed, "{0}, {1} failed", "{0}，失败 {1}"},
    {Text::kTimeLeft, "left", "剩余"},

    {Text::kHeadV1Task, "V1 task", "旧任务（V1）"},
    {Text::kHeadV2Task, "becomes", "新任务（V2）"},
    {Text::kHeadState, "state", "状态"},
    {Text::kHeadPc, "PC", "进程组"},
    {Text::kHeadNode, "node", "节点"},
    {Text::kHeadOutcome, "outcome", "结果"},
    {Text::kMoreTasks, "... and {0} more; --json and --report-file list all {1} tasks, each with its actions",
     "…… 另有 {0} 个；--json 与 --report-file 列出全部 {1} 个任务及其每个动作"},
}};

constexpr bool InOrder() {
  for (std::size_t index = 0; index < kTexts; ++index) {
    if (static_cast<std::size_t>(kEntries[index].text) != index) return false;
  }
  return true;
}
static_assert(InOrder(), "the texts stand in the order of their names");

// A place is a digit in braces.
bool IsPlace(std::string_view pattern, std::size_t index) {
  return pattern.size() > index + 2 && pattern[index] == '{' && pattern[index + 1] >= '0' &&
         pattern[index + 1] <= '9' && pattern[index + 2] == '}';
}

std::string Fill(std::string_view pattern, const std::vector<std::string_view>& arguments) {
  std::string text;
  for (std::size_t index = 0; index < pattern.size(); ++index) {
    if (!IsPlace(pattern, index)) {
      text += pattern[index];
      continue;
    }
    const auto place = static_cast<std::size_t>(pattern[index + 1] - '0');
    if (place < arguments.size()) text += arguments[place];
    index += 2;
  }
  return text;
}

// What stands in the places of a text that the pattern made; none for another text. Places stand in their order, as
// they do in the English patterns.
std::optional<std::vector<std::string_view>> Match(std::string_view pattern, std::string_view text) {
  std::vector<std::string_view> arguments;
  while (!pattern.empty()) {
    if (!IsPlace(pattern, 0)) {
      if (text.empty() || text.front() != pattern.front()) return std::nullopt;
      pattern.remove_prefix(1);
      text.remove_prefix(1);
      continue;
    }
    pattern.remove_prefix(3);
    std::size_t until_place = 0;
    while (until_place < pattern.size() && !IsPlace(pattern, until_place)) ++until_place;
    const std::string_view next = pattern.substr(0, until_place);
    // The last literal ends the text; any other is where it comes first.
    std::size_t at =
        next.size() == pattern.size() && text.size() >= next.size() ? text.size() - next.size() : text.find(next);
    if (at == std::string_view::npos) return std::nullopt;
    arguments.push_back(text.substr(0, at));
    text.remove_prefix(at);
  }
  if (!text.empty()) return std::nullopt;
  return arguments;
}

// What the tool itself puts into a place and what is no name, so that it is translated with the text around it.
struct Word {
  Text text;
  std::size_t place;
  std::string_view english;
  std::string_view chinese;
};

constexpr std::array<Word, 7> kWords{{
    {Text::kNoSuchWord, 0, "recovery mode", "回退方式"},
    {Text::kNoSuchWord, 0, "placement", "放置规则"},
    {Text::kNoSuchWord, 0, "color", "颜色选项"},
    {Text::kNoSuchWord, 0, "language", "语言选项"},
    {Text::kNoSuchWord, 0, "shell", "shell 选项"},
    {Text::kOperationNeedsNodes, 1, "--online-nodes, --assume-offline or --online",
     "--online-nodes、--assume-offline 或 --online"},
    {Text::kOperationNeedsNodes, 1, "--online-nodes or --assume-offline", "--online-nodes 或 --assume-offline"},
}};

std::vector<std::string_view> WithChineseWords(Text text, std::vector<std::string_view> arguments) {
  for (const Word& word : kWords) {
    if (word.text == text && word.place < arguments.size() && arguments[word.place] == word.english) {
      arguments[word.place] = word.chinese;
    }
  }
  return arguments;
}

std::size_t LiteralLength(std::string_view pattern) {
  std::size_t length = pattern.size();
  for (std::size_t index = 0; index < pattern.size(); ++index) {
    if (IsPlace(pattern, index)) length -= 3;
  }
  return length;
}

}  // namespace

std::string Say(Text text, Language language, std::initializer_list<std::string_view> arguments) {
  const Entry& entry = kEntries[static_cast<std::size_t>(text)];
  return Fill(language == Language::kChinese ? entry.chinese : entry.english, arguments);
}

std::string English(Text text, std::initializer_list<std::string_view> arguments) {
  return Say(text, Language::kEnglish, arguments);
}

std::optional<std::string> ChineseFor(std::string_view english, bool may_be_of_cli11) {
  std::optional<std::string> chinese;
  std::size_t longest = 0;
  for (std::size_t index = static_cast<std::size_t>(Text::kSeeHelp);
       index <= static_cast<std::size_t>(Text::kReportFileNext); ++index) {
    const Entry& entry = kEntries[index];
    const std::size_t length = LiteralLength(entry.english);
    const bool is_of_cli11 = entry.text >= Text::kCliRequired && entry.text <= Text::kCliFlagValue;
    if (length < longest || (is_of_cli11 && !may_be_of_cli11)) continue;
    const auto arguments = Match(entry.english, english);
    if (!arguments) continue;
    // The pattern that says most of the text is the one that made it.
    chinese = Fill(entry.chinese, WithChineseWords(entry.text, *arguments));
    longest = length;
  }
  return chinese;
}

}  // namespace cirrodata_tool
