/// The numbers of the C ABI as enum classes, each made of its C constant.
#ifndef COMPTASK_UPGRADE_CODES_HPP_
#define COMPTASK_UPGRADE_CODES_HPP_

#include <cstdint>

#include "comptask_upgrade.h"

namespace comptask_upgrade {

/// What kind of failure an error is. A number that a newer library adds is carried as it is.
enum class Code : ctu_code {
  kOk = CTU_OK,
  kInvalidArgument = CTU_INVALID_ARGUMENT,
  kUnsupported = CTU_UNSUPPORTED,
  kBusy = CTU_BUSY,
  kCancelled = CTU_CANCELLED,
  kInternal = CTU_INTERNAL,
  kNodesOnline = CTU_NODES_ONLINE,
  kLocked = CTU_LOCKED,
  kLockLost = CTU_LOCK_LOST,
  kRefused = CTU_REFUSED,
  kNewV1Tasks = CTU_NEW_V1_TASKS,
  kTasksFailed = CTU_TASKS_FAILED,
  kDamaged = CTU_DAMAGED,
  kCorrupt = CTU_CORRUPT,
  kNotFound = CTU_NOT_FOUND,
  kAlreadyExists = CTU_ALREADY_EXISTS,
  kPermission = CTU_PERMISSION,
  kQuota = CTU_QUOTA,
  kRetryLater = CTU_RETRY_LATER,
  kOutcomeUnknown = CTU_OUTCOME_UNKNOWN,
  kStorage = CTU_STORAGE,
  kCatalog = CTU_CATALOG,
  kLiveness = CTU_LIVENESS,
  kLockService = CTU_LOCK_SERVICE,
  kTooLarge = CTU_TOO_LARGE,
  kNotEmpty = CTU_NOT_EMPTY,
};

/// The name of a code as the C header spells it, "CTU_LOCKED" for one; "CTU_UNKNOWN" for a number it does not name.
[[nodiscard]] constexpr const char* CodeName(Code code) noexcept {
  switch (code) {
    case Code::kOk:
      return "CTU_OK";
    case Code::kInvalidArgument:
      return "CTU_INVALID_ARGUMENT";
    case Code::kUnsupported:
      return "CTU_UNSUPPORTED";
    case Code::kBusy:
      return "CTU_BUSY";
    case Code::kCancelled:
      return "CTU_CANCELLED";
    case Code::kInternal:
      return "CTU_INTERNAL";
    case Code::kNodesOnline:
      return "CTU_NODES_ONLINE";
    case Code::kLocked:
      return "CTU_LOCKED";
    case Code::kLockLost:
      return "CTU_LOCK_LOST";
    case Code::kRefused:
      return "CTU_REFUSED";
    case Code::kNewV1Tasks:
      return "CTU_NEW_V1_TASKS";
    case Code::kTasksFailed:
      return "CTU_TASKS_FAILED";
    case Code::kDamaged:
      return "CTU_DAMAGED";
    case Code::kCorrupt:
      return "CTU_CORRUPT";
    case Code::kNotFound:
      return "CTU_NOT_FOUND";
    case Code::kAlreadyExists:
      return "CTU_ALREADY_EXISTS";
    case Code::kPermission:
      return "CTU_PERMISSION";
    case Code::kQuota:
      return "CTU_QUOTA";
    case Code::kRetryLater:
      return "CTU_RETRY_LATER";
    case Code::kOutcomeUnknown:
      return "CTU_OUTCOME_UNKNOWN";
    case Code::kStorage:
      return "CTU_STORAGE";
    case Code::kCatalog:
      return "CTU_CATALOG";
    case Code::kLiveness:
      return "CTU_LIVENESS";
    case Code::kLockService:
      return "CTU_LOCK_SERVICE";
    case Code::kTooLarge:
      return "CTU_TOO_LARGE";
    case Code::kNotEmpty:
      return "CTU_NOT_EMPTY";
  }
  return "CTU_UNKNOWN";
}

/// What Session::Run does.
enum class Operation : ctu_op {
  kStatus = CTU_OP_STATUS,
  kUpgrade = CTU_OP_UPGRADE,
  kRecovery = CTU_OP_RECOVERY,
  kDelete = CTU_OP_DELETE,
  kInvalid = CTU_OP_INVALID,
};

/// Where between V1 and V2 the trees stand.
enum class Phase : std::int32_t {
  kEmpty = CTU_PHASE_EMPTY,
  kNotStarted = CTU_PHASE_NOT_STARTED,
  kUpgrading = CTU_PHASE_UPGRADING,
  kUpgraded = CTU_PHASE_UPGRADED,
  kDeleting = CTU_PHASE_DELETING,
  kV2Only = CTU_PHASE_V2_ONLY,
  kRecovering = CTU_PHASE_RECOVERING,
  kReopening = CTU_PHASE_REOPENING,
};

/// What a run is busy with.
enum class Stage : std::int32_t {
  kCheck = CTU_STAGE_CHECK,
  kList = CTU_STAGE_LIST,
  kConvert = CTU_STAGE_CONVERT,
  kFinish = CTU_STAGE_FINISH,
  kClean = CTU_STAGE_CLEAN,
};

/// Which way back a recovery takes.
enum class RecoveryMode : std::int32_t {
  kAuto = CTU_RECOVERY_AUTO,
  kCancel = CTU_RECOVERY_CANCEL,
  kDowngradeOld = CTU_RECOVERY_DOWNGRADE_OLD,
  kDowngrade = CTU_RECOVERY_DOWNGRADE,
};

/// How a task finds its process group.
enum class Placement : std::int32_t {
  kBySchema = CTU_PLACE_BY_SCHEMA,
  kByEntryNode = CTU_PLACE_BY_ENTRY_NODE,
  kByEntryNodeOrSchema = CTU_PLACE_BY_ENTRY_NODE_OR_SCHEMA,
};

/// What a node of the new version does that starts.
enum class Gate : std::int32_t {
  kUseV1 = CTU_GATE_USE_V1,
  kUseV2 = CTU_GATE_USE_V2,
  kDoNotStart = CTU_GATE_DO_NOT_START,
};

}  // namespace comptask_upgrade

#endif  // COMPTASK_UPGRADE_CODES_HPP_
