// The tool's own texts, each in English and in Chinese.
#ifndef CIRRODATA_TOOL_TEXTS_H_
#define CIRRODATA_TOOL_TEXTS_H_

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "language.h"

namespace cirrodata_tool {

/// The texts. {0}, {1} and so on in one stand for what differs each time.
enum class Text {
  // Tools and groups of options.
  kTools,
  kComptaskUpgrade,
  kCompletion,
  kCompletionShell,
  kMan,
  kUsageLabel,
  kOptionsLabel,
  kPositionalsLabel,
  kToolLabel,
  kRequiredLabel,
  kNeedsLabel,
  kExcludesLabel,
  kToolsLabel,
  kManName,
  kManSynopsis,
  kGroupTree,
  kGroupNodes,
  kGroupRun,
  kGroupHdfs,
  kGroupZooKeeper,
  kGroupOutput,
  kGroupGeneral,
  // Options.
  kHelp,
  kVersion,
  kConfig,
  kOperation,
  kRoot,
  kCatalog,
  kOnlineNodes,
  kAssumeOffline,
  kOnline,
  kReopen,
  kPlacement,
  kMode,
  kPlan,
  kVerify,
  kForce,
  kInFlight,
  kJson,
  kReportFile,
  kLogFile,
  kVerbose,
  kColor,
  kLanguage,
  kHdfsClient,
  kHdfsOption,
  kZooKeeper,
  kZooKeeperLockPath,
  kZooKeeperRegistryPath,
  kZooKeeperSessionTimeout,
  kZooKeeperDigestFile,
  kZooKeeperOption,
  kComptaskUpgradeHelp,
  // A command line or a configuration file that cannot be meant.
  kSeeHelp,
  kMeansNothing,
  kUpgradeNeedsCatalog,
  kNoSuchWord,
  kNoSuchTool,
  kKeyValueWanted,
  kKeyTwice,
  kHdfsMeansNothing,
  kHdfsNeedsLock,
  kPasswordOnCommandLine,
  kUpgradeNeedsNodes,
  kSayWhichNodesAreUp,
  kOperationNeedsNodes,
  kSeeToolsHelp,
  kConfigUnreadable,
  kConfigReadableNow,
  kConfigLine,
  kConfigUnknownKey,
  kConfigUnknownSection,
  kConfigForbiddenKey,
  kConfigPromiseKey,
  kConfigUsed,
  kSameFile,
  kFileInTree,
  // What CLI11 says.
  kCliRequired,
  kCliRequires,
  kCliExcludes,
  kCliExtra,
  kCliExtras,
  kCliConversion,
  kCliMissingValue,
  kCliTooMany,
  kCliFlagTwice,
  kCliFlagValue,
  // Errors of the adapter.
  kNoSuchOperation,
  kUseAnOperation,
  kOperations,
  kCancelledBefore,
  kDigestUnreadable,
  kDigestTooLong,
  kDigestLines,
  kDigestContent,
  kDigestNext,
  // Output.
  kError,
  kErrorPath,
  kErrorTask,
  kErrorNext,
  kLevelError,
  kLevelWarn,
  kLevelInfo,
  kLevelDebug,
  kLevelTrace,
  kInterrupted,
  kReportUnwritten,
  kSeeWhereStdoutLeads,
  kOnlyTheReportFailed,
  kLogFileUnwritable,
  kLogFileLost,
  kLogFileLostNext,
  kLogFileForeign,
  kLogFileNext,
  kFileNext,
  kReportFileUnwritable,
  kReportFileForeign,
  kReportFileKept,
  kReportFileNext,
  // Progress.
  kStageCheck,
  kStageList,
  kStageConvert,
  kStageFinish,
  kStageClean,
  kStageOther,
  kProgressCounts,
  kProgressFailed,
  kTimeLeft,
  // The table of a plan.
  kHeadV1Task,
  kHeadV2Task,
  kHeadState,
  kHeadPc,
  kHeadNode,
  kHeadOutcome,
  kMoreTasks,
  // How many there are.
  kCount,
};

/// A text with what stands in its places.
std::string Say(Text text, Language language, std::initializer_list<std::string_view> arguments = {});

/// A text in English, in which errors are thrown: they are translated on their way to the screen.
std::string English(Text text, std::initializer_list<std::string_view> arguments = {});

/// The Chinese for a message, kSeeHelp to kReportFileNext, that English() made; none for a text of another origin. What
/// CLI11 says is among them only where it is asked for: its patterns fit much that others say.
std::optional<std::string> ChineseFor(std::string_view english, bool may_be_of_cli11);

}  // namespace cirrodata_tool

#endif  // CIRRODATA_TOOL_TEXTS_H_
