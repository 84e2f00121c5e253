/* The C ABI of comptask-upgrade. Generated from src/capi by cbindgen; do not edit.
 *
 * - A fallible call returns NULL, or an error that the caller owns and ends with ctu_error_free.
 * - Order of arguments: self, inputs, outputs. Outputs are written on every path: NULL or zero on failure.
 * - Strings in are NUL-ended UTF-8 of at most 64 KiB and are copied. Strings out belong to the object they come from.
 * - Every _new and _open has a _free, which takes NULL. _close reports, _free only frees.
 * - A struct that crosses begins with its size: zero it, then set struct_size to its sizeof. A shorter one is an older
 *   caller's; of a longer one the rest must be zero.
 * - Nothing unwinds or aborts, no signal handler is set, no environment variable is read, but by the system's Kerberos
 *   library where HDFS asks for a ticket. No thread outlives its call;
 *   that of a job has ended when ctu_job_wait or ctu_job_free returns. The HDFS client libhdfs, where it is asked for, brings
 *   a JVM into the process, with its own threads and its handlers of faults, until the process ends.
 * - An object is used from one thread at a time, unless its comment says otherwise.
 */

#ifndef COMPTASK_UPGRADE_H
#define COMPTASK_UPGRADE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The version of this ABI. It only grows: a newer library of the same number serves every older caller.
#define CTU_ABI_VERSION 1

// The stage of a run: phase, liveness, lock, names.
#define CTU_STAGE_CHECK 0

// The stage of a run: folders are listed.
#define CTU_STAGE_LIST 1

// The stage of a run: tasks are converted, or compared.
#define CTU_STAGE_CONVERT 2

// The stage of a run: the change that decides.
#define CTU_STAGE_FINISH 3

// The stage of a run: what is no longer needed goes.
#define CTU_STAGE_CLEAN 4

// RECOVERY by cancel where that is possible.
#define CTU_RECOVERY_AUTO 0

// RECOVERY as if the upgrade had never been.
#define CTU_RECOVERY_CANCEL 1

// RECOVERY to the old files as they are.
#define CTU_RECOVERY_DOWNGRADE_OLD 2

// RECOVERY with what happened since.
#define CTU_RECOVERY_DOWNGRADE 3

// Tasks are placed by their schema.
#define CTU_PLACE_BY_SCHEMA 0

// Tasks are placed in the PC of the node that received them; where that is no longer installed they become Cancel.
#define CTU_PLACE_BY_ENTRY_NODE 1

// Tasks are placed in the PC of the node that received them; where that is no longer installed, by their schema.
#define CTU_PLACE_BY_ENTRY_NODE_OR_SCHEMA 2

// A dry run: everything but writing, each action listed in the report.
#define CTU_RUN_PLAN 1

// UPGRADE inside a running node that has stopped its V1 scheduling: no node need be down, and V1 is listed again until
// nothing new or changed turns up. Cancel is not possible afterwards.
#define CTU_RUN_ONLINE 2

// Compare every pair of tasks, field by field.
#define CTU_RUN_VERIFY 4

// DELETE or RECOVERY although something is lost that the refusal without it names.
#define CTU_RUN_FORCE 8

// UPGRADE takes a complete upgrade up again for V1 tasks that turned up since.
#define CTU_RUN_REOPEN 16

// A node that starts uses V1: V1 tasks are there and nothing is upgraded.
#define CTU_GATE_USE_V1 1

// A node that starts uses V2: the upgrade is complete, or there is nothing in V1.
#define CTU_GATE_USE_V2 2

// A node must not start: an operation is under way, or is to be finished first.
#define CTU_GATE_DO_NOT_START 3

// No task in V1 or V2, no mark.
#define CTU_PHASE_EMPTY 0

// V1 tasks, no mark.
#define CTU_PHASE_NOT_STARTED 1

// An upgrade has begun and is not complete.
#define CTU_PHASE_UPGRADING 2

// The upgrade is complete and V1 is still there.
#define CTU_PHASE_UPGRADED 3

// DELETE has begun.
#define CTU_PHASE_DELETING 4

// Only V2 tasks, no mark.
#define CTU_PHASE_V2_ONLY 5

// A RECOVERY is under way.
#define CTU_PHASE_RECOVERING 6

// A complete upgrade was taken up again.
#define CTU_PHASE_REOPENING 7

// Bytes, with a NUL after the last one. The caller owns it and ends it with ctu_buffer_free.
typedef struct ctu_buffer ctu_buffer;

// What sessions are opened from. The caller owns it and ends it with ctu_config_free; sessions opened from it go on.
// One thread at a time. Each setter replaces what was set before. A setter that fails changes nothing, and releases
// nothing: what was handed to it stays the caller's.
typedef struct ctu_config ctu_config;

// An error. The caller of the call that returned it owns it and ends it with ctu_error_free.
typedef struct ctu_error ctu_error;

// An operation that runs on a thread of the library, for a process that goes on working meanwhile. The caller owns it
// and ends it with ctu_job_free. Any thread may call ctu_job_done, ctu_job_progress, ctu_job_cancel and ctu_job_wait,
// several at once too.
//
// While its run lasts the session is the job's: every call on the session answers CTU_BUSY, but for
// ctu_session_cancel, which ends this run as it would any other, and ctu_session_free. What is to be asked meanwhile,
// STATUS for one, is asked of a second session on the same root. A session that is freed lives on, unseen, until its
// jobs are freed: its lock is given up and what the host supplied is released by then, not before.
typedef struct ctu_job ctu_job;

// What a host function answers beside its code. It is the library's: a host function fills it while it is called and
// keeps nothing of it.
typedef struct ctu_reply ctu_reply;

// What a run says when it ends. The caller owns it and ends it with ctu_report_free. Any number of threads may read it.
typedef struct ctu_report ctu_report;

// The root and everything outside it. The caller owns it and ends it with ctu_session_free. One thread at a time, but
// for ctu_session_cancel; a call while another, or a job, is under way answers CTU_BUSY.
typedef struct ctu_session ctu_session;

// A decoded task; ctu_task_v1_view or ctu_task_v2_view looks into it. The caller owns it and ends it with ctu_task_free.
typedef struct ctu_task ctu_task;

// A code: what went wrong, by cause. Codes are numbered by hand and never reused.
typedef int32_t ctu_code;

// A V1 task (seed: CompactTaskInfoDataV1). Strings are NUL-ended UTF-8. `state`: Init 0, Assigned 1, Cancel 2, Done 3.
typedef struct ctu_task_v1 {
  // sizeof(ctu_task_v1), set by the caller.
  size_t struct_size;
  // The PU that received the task.
  const char *receive_pu;
  // Its sequence number, not negative.
  int32_t sequence_no;
  // When it was received, in milliseconds since 1970.
  uint64_t receive_ts;
  // Its state.
  int32_t state;
  // Whether it repeats.
  bool repeat_flag;
  // Whether it has sub-tasks.
  bool sub_task_flag;
  // How often it repeats.
  int32_t repeat_count;
  // The time between two repeats, in the engine's unit.
  int32_t repeat_interval;
  // Sub-tasks that succeeded.
  uint32_t success_count;
  // Sub-tasks that failed.
  uint32_t failed_count;
  // The database of its table.
  const char *db_name;
  // The schema of its table.
  const char *schema_name;
  // Its table.
  const char *table_name;
  // Its partition; "" for the whole table.
  const char *partition_name;
} ctu_task_v1;

// A V2 task (seed: CompactTaskInfoDataV2). Strings are NUL-ended UTF-8. `state`: Init 0, Running 1, Cancel 2, Done 3.
typedef struct ctu_task_v2 {
  // sizeof(ctu_task_v2), set by the caller.
  size_t struct_size;
  // The query id.
  const char *query_id;
  // Its sequence number, not negative.
  int32_t sequence_no;
  // The PU that received the task.
  const char *receive_pu;
  // Its state.
  int32_t state;
  // The database of its optimization.
  const char *optimizat_db_name;
  // The PC of its optimization; may be "".
  const char *optimizat_pc_name;
  // Whether it repeats.
  bool repeat_flag;
  // Whether it has sub-tasks.
  bool sub_task_flag;
  // Whether a client waits for it; false for upgraded tasks.
  bool sync_task_flag;
  // How often it repeats.
  int32_t repeat_count;
  // The time between two repeats, in the engine's unit.
  int32_t repeat_interval;
  // Sub-tasks that succeeded.
  uint32_t success_count;
  // Sub-tasks that failed.
  uint32_t failed_count;
  // The database of its table.
  const char *db_name;
  // The schema of its table.
  const char *schema_name;
  // Its table.
  const char *table_name;
  // Its partition; "" for the whole table.
  const char *partition_name;
  // The PC it runs in; may be "".
  const char *pc_name;
  // The node that runs it; may be "".
  const char *executenode;
  // The memo's threshold of the file size, in bytes; 0 means the engine's default.
  int64_t compact_filesize_threshold;
  // The memo's number of groups; 0 means the engine's default.
  int32_t compact_group_num;
} ctu_task_v2;

// The host's storage (seed: IHdfsAccessService). Paths are below the root, '/' between, no leading '/'; "" is the root.
// Each function answers CTU_OK or the code that fits the failure. A change has three outcomes: made (CTU_OK), not made
// (any other code), and CTU_OUTCOME_UNKNOWN where the reply was lost: the library looks and decides, so never retry.
// What a change made must be durable when the function returns.
// With max_concurrency 1 every function is called on the thread of the run; else also on threads of the library that
// end before the call of the run does. release may be NULL.
typedef struct ctu_storage_vtable {
  // sizeof(ctu_storage_vtable), set by the caller.
  size_t struct_size;
  // How many calls at a time the storage takes; 0 for any number.
  uint32_t max_concurrency;
  // Every child of a folder by ctu_reply_entry, once each, in any order. CTU_NOT_FOUND where there is no folder.
  ctu_code (*list)(void *user_data, const char *dir, struct ctu_reply *reply);
  // What lies at a path by one ctu_reply_entry. CTU_NOT_FOUND.
  ctu_code (*stat)(void *user_data, const char *path, struct ctu_reply *reply);
  // The whole file by ctu_reply_bytes. CTU_NOT_FOUND; CTU_TOO_LARGE where it has over `limit` bytes.
  ctu_code (*read)(void *user_data, const char *path, uint64_t limit, struct ctu_reply *reply);
  // A new file with these bytes. CTU_ALREADY_EXISTS where anything is there, CTU_NOT_FOUND without the parent.
  ctu_code (*create)(void *user_data, const char *path, const uint8_t *data, size_t len, struct ctu_reply *reply);
  // The folder and its missing parents; fine where it is there. CTU_ALREADY_EXISTS where a file is.
  ctu_code (*mkdir)(void *user_data, const char *path, struct ctu_reply *reply);
  // Atomic, file or folder, never onto or into anything. CTU_ALREADY_EXISTS, CTU_NOT_FOUND.
  ctu_code (*rename)(void *user_data, const char *from, const char *to, struct ctu_reply *reply);
  // The end of a file, or of a folder and, where `recursive`, all it holds. CTU_NOT_FOUND, CTU_NOT_EMPTY.
  ctu_code (*remove)(void *user_data, const char *path, bool recursive, struct ctu_reply *reply);
  // Called once, when the library needs user_data no more; may be NULL.
  void (*release)(void *user_data);
} ctu_storage_vtable;

// The host's lock (seed: zklock). Functions are called one at a time; `check` before every single change and from any
// thread that changes, so it should look at a flag that the lock's own watch clears, and make no round trip.
typedef struct ctu_lock_vtable {
  // sizeof(ctu_lock_vtable), set by the caller.
  size_t struct_size;
  // Takes the lock, never waits. CTU_LOCKED where another has it, its holder by ctu_reply_name.
  ctu_code (*acquire)(void *user_data, const char *holder, struct ctu_reply *reply);
  // CTU_OK while the lock is held; CTU_LOCK_LOST.
  ctu_code (*check)(void *user_data, struct ctu_reply *reply);
  // Gives the lock up.
  ctu_code (*release_lock)(void *user_data, struct ctu_reply *reply);
  // Called once, when the library needs user_data no more; may be NULL.
  void (*release)(void *user_data);
  // As `check`, by a round trip to the lock service: called before each group of tasks and before the few changes
  // that decide everything. May be NULL where `check` is as good.
  ctu_code (*confirm)(void *user_data, struct ctu_reply *reply);
} ctu_lock_vtable;

// The host's catalog (seed: MetaDataService), called on the thread of the run. Names come by ctu_reply_name, in any
// order. A catalog that cannot be reached answers CTU_CATALOG: that is no answer, and the task stays unconverted.
typedef struct ctu_catalog_vtable {
  // sizeof(ctu_catalog_vtable), set by the caller.
  size_t struct_size;
  // The PCs that a schema may use; CTU_NOT_FOUND where there is no such schema.
  ctu_code (*schema_pcs)(void *user_data, const char *db, const char *schema, struct ctu_reply *reply);
  // The PCs of the cluster.
  ctu_code (*cluster_pcs)(void *user_data, struct ctu_reply *reply);
  // The nodes of a PC.
  ctu_code (*pc_nodes)(void *user_data, const char *pc, struct ctu_reply *reply);
  // All nodes of the cluster.
  ctu_code (*cluster_nodes)(void *user_data, struct ctu_reply *reply);
  // Called once, when the library needs user_data no more; may be NULL.
  void (*release)(void *user_data);
} ctu_catalog_vtable;

// The host's liveness (seed: PUCtrl), called on the thread of the run.
typedef struct ctu_liveness_vtable {
  // sizeof(ctu_liveness_vtable), set by the caller.
  size_t struct_size;
  // The names of the nodes that are up, by ctu_reply_name. CTU_LIVENESS where that cannot be told.
  ctu_code (*online_nodes)(void *user_data, struct ctu_reply *reply);
  // A number that grows whenever a node comes or goes; may be NULL.
  ctu_code (*change_id)(void *user_data, int64_t *out, struct ctu_reply *reply);
  // Called once, when the library needs user_data no more; may be NULL.
  void (*release)(void *user_data);
} ctu_liveness_vtable;

// The host's codec, for the bytes that an installed CirroData writes; then the library never looks inside a file.
// Called on the thread of the run. Encoding must give the same bytes for the same task each time.
typedef struct ctu_codec_vtable {
  // sizeof(ctu_codec_vtable), set by the caller.
  size_t struct_size;
  // Answers with ctu_reply_task_v1; CTU_CORRUPT with the offset and the reason in ctu_reply_message.
  ctu_code (*decode_v1)(void *user_data, const uint8_t *data, size_t len, struct ctu_reply *reply);
  // Answers with ctu_reply_bytes.
  ctu_code (*encode_v1)(void *user_data, const struct ctu_task_v1 *task, struct ctu_reply *reply);
  // Answers with ctu_reply_task_v2; CTU_CORRUPT with the offset and the reason in ctu_reply_message.
  ctu_code (*decode_v2)(void *user_data, const uint8_t *data, size_t len, struct ctu_reply *reply);
  // Answers with ctu_reply_bytes.
  ctu_code (*encode_v2)(void *user_data, const struct ctu_task_v2 *task, struct ctu_reply *reply);
  // Called once, when the library needs user_data no more; may be NULL.
  void (*release)(void *user_data);
} ctu_codec_vtable;

// Takes a record of the log: level 1 error, 2 warning, 3 info, 4 debug, 5 trace. The texts live through the call. What
// has the target `comptask_upgrade::report` stands in the report of the run, or in its error, as well.
// Called on the thread of the run.
typedef void (*ctu_log_fn)(void *user_data, int32_t level, const char *target, const char *message);

// An operation, numbered as the seed numbers them (OP_TYPE).
typedef int32_t ctu_op;

// How far a run is.
typedef struct ctu_progress {
  // sizeof(ctu_progress): set by the library for a progress function, by the caller for ctu_job_progress.
  size_t struct_size;
  // CTU_STAGE_*.
  int32_t stage;
  // Tasks done in this stage.
  uint64_t done;
  // Tasks that were done before.
  uint64_t skipped;
  // Tasks that failed.
  uint64_t failed;
  // Tasks in all; 0 where that is not known yet.
  uint64_t total;
  // Tasks a second in this stage; 0 in its first moments.
  double per_second;
  // The V1 name of the task at hand; "" between tasks. Lives through the call of a progress function; see
  // ctu_job_progress for how long it does there.
  const char *current;
} ctu_progress;

// Hears of progress, on the thread of the run: the one that called ctu_run, or a thread of the library for a job. It
// must not call the session or wait for the job.
typedef void (*ctu_progress_fn)(void *user_data, const struct ctu_progress *progress);

// What a caller asks of a run. All zero, but for the size, is the default.
typedef struct ctu_run_options {
  // sizeof(ctu_run_options), set by the caller.
  size_t struct_size;
  // CTU_RUN_* put together by or.
  uint32_t flags;
  // Storage calls under way at a time; 0 lets the storage choose.
  uint32_t in_flight;
  // CTU_RECOVERY_*.
  int32_t recovery_mode;
  // CTU_PLACE_*.
  int32_t placement;
  // Hears of progress; may be NULL.
  ctu_progress_fn progress;
  // The first argument of `progress`.
  void *progress_user_data;
} ctu_run_options;

// A task that a report lists. Its strings live as long as the report; none is NULL.
typedef struct ctu_report_row {
  // sizeof(ctu_report_row), set by the caller.
  size_t struct_size;
  // The V1 file's name.
  const char *v1_name;
  // The V2 id; "" where it has none.
  const char *v2_id;
  // The PC; may be "".
  const char *pc;
  // The node; may be "".
  const char *node;
  // What became of it: "converted", "skipped", "cancelled", "failed", "left", "would convert", "would cancel",
  // "would skip", "would fail", "differs", "new"; of RECOVERY "downgraded", "kept", "lost", "would downgrade",
  // "would keep", "would lose". Later versions may add words.
  const char *outcome;
  // Why, in words, and in a plan the actions, one a line; "" where nothing needs saying.
  const char *detail;
  // The state that its V1 name says: Init 0, Assigned 1, Cancel 2, Done 3; -1 where it is not known.
  int32_t v1_state;
  // Its V2 state: Init 0, Running 1, Cancel 2, Done 3; -1 where it has none.
  int32_t v2_state;
  // Why, in words and without the actions of a plan; "" where nothing needs saying.
  const char *reason;
} ctu_report_row;

// Success.
#define CTU_OK 0

// A call, an option or a name that cannot be meant.
#define CTU_INVALID_ARGUMENT 1

// This build or this version does not do it.
#define CTU_UNSUPPORTED 2

// The session is doing something else at the moment.
#define CTU_BUSY 3

// The caller asked the run to stop.
#define CTU_CANCELLED 4

// A defect of the library or of a host function.
#define CTU_INTERNAL 5

// Nodes are up that must be down.
#define CTU_NODES_ONLINE 10

// Another run holds the cluster's lock.
#define CTU_LOCKED 11

// The lock was lost while a run held it.
#define CTU_LOCK_LOST 12

// The trees are in a phase, or a state, in which the operation must not run.
#define CTU_REFUSED 13

// V1 tasks turned up, or changed, after the upgrade was complete.
#define CTU_NEW_V1_TASKS 14

// The run went through, but some tasks failed.
#define CTU_TASKS_FAILED 20

// What an upgrade made is no longer as it was made.
#define CTU_DAMAGED 21

// The bytes of a file are not what they must be.
#define CTU_CORRUPT 22

// A file or folder is not there.
#define CTU_NOT_FOUND 30

// A file or folder is there that must not be.
#define CTU_ALREADY_EXISTS 31

// A right is missing.
#define CTU_PERMISSION 32

// The disk is full or a quota is used up.
#define CTU_QUOTA 33

// The storage cannot serve now and will later.
#define CTU_RETRY_LATER 34

// The reply was lost: the change may or may not have been made.
#define CTU_OUTCOME_UNKNOWN 35

// Any other failure of the storage.
#define CTU_STORAGE 36

// The catalog cannot be read.
#define CTU_CATALOG 37

// The liveness of the nodes cannot be told.
#define CTU_LIVENESS 38

// The lock service cannot be reached.
#define CTU_LOCK_SERVICE 39

// A file, a name or a number is over its bound.
#define CTU_TOO_LARGE 40

// A folder that must be empty is not.
#define CTU_NOT_EMPTY 41

// Says where things stand; takes no lock and writes nothing.
#define CTU_OP_STATUS 0

// V1 tasks become V2 tasks.
#define CTU_OP_UPGRADE 1

// Back to V1.
#define CTU_OP_RECOVERY 2

// The V1 tree goes.
#define CTU_OP_DELETE 3

// No operation.
#define CTU_OP_INVALID 4

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The ABI version of the library that is loaded, to hold against CTU_ABI_VERSION of the header.
uint32_t ctu_abi_version(void);

// The version of the library that is loaded, such as "0.1.0". Lives for ever.
const char *ctu_version(void);

// The code of an error; CTU_OK for NULL.
ctu_code ctu_error_code(const struct ctu_error *error);

// What happened, in words, beginning with the word of the code. Lives as long as the error; never NULL.
const char *ctu_error_message(const struct ctu_error *error);

// The file or folder it happened to; "" where there is none. Lives as long as the error; never NULL.
const char *ctu_error_path(const struct ctu_error *error);

// The V1 name of the task it happened to; "" where there is none. Lives as long as the error; never NULL.
const char *ctu_error_task(const struct ctu_error *error);

// What an operator does now. Lives as long as the error; never NULL.
const char *ctu_error_next_action(const struct ctu_error *error);

// Ends an error. NULL is fine.
void ctu_error_free(struct ctu_error *error);

// The bytes; a NUL follows the last one, so that text can be read as a C string. Lives as long as the buffer; NULL for
// NULL.
const uint8_t *ctu_buffer_data(const struct ctu_buffer *buffer);

// How many bytes there are, without the NUL; 0 for NULL.
size_t ctu_buffer_len(const struct ctu_buffer *buffer);

// Ends a buffer. NULL is fine.
void ctu_buffer_free(struct ctu_buffer *buffer);

// Reads a V1 file name: its base, and the state that its suffix says (Init 0, Assigned 1, Cancel 2, Done 3).
// CTU_INVALID_ARGUMENT where the name is no V1 name. `*base_out` is owned by the caller, NULL on failure; `*state_out`
// is -1 on failure.
struct ctu_error *ctu_task_v1_parse_name(const char *name, struct ctu_buffer **base_out, int32_t *state_out);

// The V2 id that a V1 base becomes, such as "aaaaffff.16176931.56000000.0". The ordinal, 0 to 999, tells tasks of
// several PUs apart that share time and sequence number. `*out` is owned by the caller, NULL on failure.
struct ctu_error *ctu_task_v2_id(const char *v1_base, uint32_t ordinal, struct ctu_buffer **out);

// The bytes of a V1 task in the default codec. `*out` is owned by the caller, NULL on failure.
struct ctu_error *ctu_task_v1_encode(const struct ctu_task_v1 *task, struct ctu_buffer **out);

// The V1 task in bytes of the default codec; CTU_CORRUPT with offset and reason where they hold none. `*out` is owned
// by the caller, NULL on failure.
struct ctu_error *ctu_task_v1_decode(const uint8_t *data, size_t len, struct ctu_task **out);

// The bytes of a V2 task in the default codec. `*out` is owned by the caller, NULL on failure.
struct ctu_error *ctu_task_v2_encode(const struct ctu_task_v2 *task, struct ctu_buffer **out);

// The V2 task in bytes of the default codec; CTU_CORRUPT with offset and reason where they hold none. `*out` is owned
// by the caller, NULL on failure.
struct ctu_error *ctu_task_v2_decode(const uint8_t *data, size_t len, struct ctu_task **out);

// Looks into a V1 task: fills in `*out`, whose struct_size the caller has set. Its strings live as long as the task.
// CTU_INVALID_ARGUMENT where it is a V2 task.
struct ctu_error *ctu_task_v1_view(const struct ctu_task *task, struct ctu_task_v1 *out);

// Looks into a V2 task: fills in `*out`, whose struct_size the caller has set. Its strings live as long as the task.
// CTU_INVALID_ARGUMENT where it is a V1 task.
struct ctu_error *ctu_task_v2_view(const struct ctu_task *task, struct ctu_task_v2 *out);

// Ends a task. NULL is fine.
void ctu_task_free(struct ctu_task *task);

// The reason of the failure that the host function returns. The text is copied.
void ctu_reply_message(struct ctu_reply *reply, const char *text);

// Bytes of a file or of an encoded task; further calls append. The bytes are copied.
void ctu_reply_bytes(struct ctu_reply *reply, const uint8_t *data, size_t len);

// One entry: a child for list, the path itself for stat (whose name may be anything). `len` in bytes, `mtime_ms` in
// milliseconds since 1970. The name is copied; one that is not UTF-8 is reported as unknown and never touched.
void ctu_reply_entry(struct ctu_reply *reply, const char *name, bool is_dir, uint64_t len, int64_t mtime_ms);

// One name, of a PC, a node or the holder of a lock; further calls append. The name is copied.
void ctu_reply_name(struct ctu_reply *reply, const char *name);

// The task that decode_v1 found. The struct and its strings are copied.
void ctu_reply_task_v1(struct ctu_reply *reply, const struct ctu_task_v1 *task);

// The task that decode_v2 found. The struct and its strings are copied.
void ctu_reply_task_v2(struct ctu_reply *reply, const struct ctu_task_v2 *task);

// A config with nothing set.
struct ctu_config *ctu_config_new(void);

// Ends a config. NULL is fine. What the host supplied is released once the sessions opened from it, and the jobs of
// these, are freed too.
void ctu_config_free(struct ctu_config *config);

// The cluster.compact folder: a path; file:// and an absolute path taken as it stands; or, in a build with an HDFS
// client, hdfs://host:port/path, hdfs://name-service/path, or hdfs:///path on the default file system of the Hadoop
// configuration. "." is the working folder; "" is CTU_INVALID_ARGUMENT. With a storage of the host it is any name, for
// messages.
struct ctu_error *ctu_config_root(struct ctu_config *config, const char *uri);

// Which client serves an hdfs:// root: "native", which needs no JVM; "libhdfs", which uses the JVM of the process or
// starts one that stays until the process ends; or "auto", the first of the two that this build has. CTU_UNSUPPORTED
// where it lacks it.
struct ctu_error *ctu_config_hdfs_client(struct ctu_config *config, const char *name);

// An option of the HDFS client: user, conf_dir, conf_from_environment, call_timeout_ms, wait_ms, in_flight, block_size,
// replication, kerberos_principal, kerberos_keytab, kerberos_cache, or a key of Hadoop's own (dfs., fs., hadoop., ipc.);
// of libhdfs alone java_home, class_path, jvm_options and jvm_from_environment. The environment is not asked for Hadoop's
// configuration unless conf_from_environment is "true", nor for what a JVM is started with unless jvm_from_environment
// is. CTU_INVALID_ARGUMENT for any other key or a value that cannot be meant, CTU_UNSUPPORTED in a build without an HDFS
// client.
struct ctu_error *ctu_config_hdfs_option(struct ctu_config *config,
                                         const char *key,
                                         const char *value);

// The host's storage. The table is copied; `user_data` is each function's first argument.
struct ctu_error *ctu_config_storage(struct ctu_config *config,
                                     const struct ctu_storage_vtable *storage,
                                     void *user_data);

// A lock in ZooKeeper at a path like "/cirrodata/compact_lock", whose missing nodes are made. hosts is
// "host:port,host:port/chroot"; port 2181 where none is given. session_timeout_ms is 1,000 to 3,600,000, or 0 for
// 30,000; the servers may grant another one. Nothing is asked of ZooKeeper before the lock is taken. CTU_UNSUPPORTED in
// a build without the feature zookeeper.
struct ctu_error *ctu_config_lock_zookeeper(struct ctu_config *config,
                                            const char *hosts,
                                            const char *path,
                                            uint32_t session_timeout_ms);

// An option of ZooKeeper, for the lock and the liveness alike, before or after they are set:
// "digest": "user:password", credentials of the scheme digest; what the library makes then belongs to that user alone.
// Without TLS they go over the network as they are. They are never shown in a message or a log.
// In a build with the feature zookeeper-tls, and CTU_UNSUPPORTED in another one:
// "tls": "true" for TLS alone, version 1.2 or 1.3; "false", the default, for none. hosts then names ports for TLS.
// "tls_ca_file": a PEM file with the authorities to trust, without which there is no TLS: those of the system are not
// trusted. A server's certificate must be for its name, or its IP address, in hosts.
// "tls_certificate_file" and "tls_key_file", both or neither: PEM files with the client certificate and the authorities
// in between, and with its private key, which has no pass phrase. ZooKeeper asks for one unless it is told not to. Its
// subject shares what a digest owns, where the server takes it for a user.
// A file is read by this call, and again when a session is opened; CTU_NOT_FOUND or CTU_PERMISSION where it cannot be.
// What does not go together is CTU_INVALID_ARGUMENT from the open. An unknown key is CTU_INVALID_ARGUMENT;
// CTU_UNSUPPORTED in a build without the feature zookeeper.
struct ctu_error *ctu_config_zookeeper_option(struct ctu_config *config, const char *key, const char *value);

// The host's lock. The table is copied; `user_data` is each function's first argument. A local root has a file lock
// where none is set.
struct ctu_error *ctu_config_lock(struct ctu_config *config, const struct ctu_lock_vtable *lock, void *user_data);

// The catalog from a JSON snapshot, read and checked now. CTU_CATALOG names what is wrong with it.
struct ctu_error *ctu_config_catalog_file(struct ctu_config *config, const char *path);

// The host's catalog. The table is copied; `user_data` is each function's first argument.
struct ctu_error *ctu_config_catalog(struct ctu_config *config,
                                     const struct ctu_catalog_vtable *catalog,
                                     void *user_data);

// The nodes that are up from the PU registry's node in ZooKeeper: the names of its children. hosts as for
// ctu_config_lock_zookeeper. Nothing is asked of ZooKeeper before a run; a registry that is not there is CTU_LIVENESS
// then. CTU_UNSUPPORTED in a build without the feature zookeeper.
struct ctu_error *ctu_config_liveness_zookeeper(struct ctu_config *config, const char *hosts, const char *path);

// The nodes that are up from a text file, one a line, '#' begins a remark; read anew each time. CTU_LIVENESS where it
// cannot be read now.
struct ctu_error *ctu_config_liveness_file(struct ctu_config *config, const char *path);

// The caller's word that every node is down.
struct ctu_error *ctu_config_liveness_assume_offline(struct ctu_config *config);

// The host's liveness. The table is copied; `user_data` is each function's first argument.
struct ctu_error *ctu_config_liveness(struct ctu_config *config,
                                      const struct ctu_liveness_vtable *liveness,
                                      void *user_data);

// The host's codec, in place of the default one. The table is copied; `user_data` is each function's first argument.
struct ctu_error *ctu_config_codec(struct ctu_config *config, const struct ctu_codec_vtable *codec, void *user_data);

// The host's log, for records up to a level: 0 none, 1 error, 2 warning, 3 info, 4 debug, 5 trace. NULL ends logging.
// `user_data` has no release: it must live until the config, the sessions opened from it and the jobs of these are freed.
struct ctu_error *ctu_config_log(struct ctu_config *config,
                                 ctu_log_fn log,
                                 void *user_data,
                                 int32_t max_level);

// Opens a session. Nothing is locked or changed by that. `*out` is owned by the caller, NULL on failure. A storage of
// the host needs a lock too: CTU_INVALID_ARGUMENT without one.
struct ctu_error *ctu_session_open(const struct ctu_config *config, struct ctu_session **out);

// Asks the run that is under way, or the next one where none is, to stop before its next wave with CTU_CANCELLED. Any
// thread; not from a signal handler. NULL is fine.
void ctu_session_cancel(const struct ctu_session *session);

// What a node of the new version does that starts; asked after it has registered itself as a PU and before it touches a
// task. `*verdict_out` is CTU_GATE_*, and 0 on failure: then the node must not start either. In the phase Upgraded the
// start is recorded durably. Takes no lock; asking twice is asking once.
struct ctu_error *ctu_node_gate(struct ctu_session *session, const char *node, int32_t *verdict_out);

// Whether the nodes let an operation go on (seed: CheckAllOffline). The phase is looked at first: an operation that has
// nothing to do, STATUS and DELETE need no node down. CTU_NODES_ONLINE names those that are up.
struct ctu_error *ctu_session_check_all_offline(struct ctu_session *session, ctu_op op);

// Takes the lock for several runs (seed: SetLock); ctu_run takes it by itself where it is not held. CTU_LOCKED names
// the holder.
struct ctu_error *ctu_session_lock(struct ctu_session *session);

// Gives the lock up (seed: ReleaseLock); fine where it is not held.
struct ctu_error *ctu_session_unlock(struct ctu_session *session);

// Gives up what the session holds and reports a failure of that. The session is still to be freed.
struct ctu_error *ctu_session_close(struct ctu_session *session);

// Ends a session. NULL is fine. A lock that it still holds is given up without a report: see ctu_session_close. Also
// while a job of it runs: the job goes on, and what it needs of the session lives until the job is freed.
void ctu_session_free(struct ctu_session *session);

// The operation that a word asks for (seed: checkOptition): "status", "upgrade", "recovery", "delete"; anything else,
// and NULL, is CTU_OP_INVALID.
ctu_op ctu_op_parse(const char *word);

// Runs an operation to its end. `options` may be NULL for the defaults. `*out`, owned by the caller, is the report: also
// where some tasks failed or the run was stopped, and NULL where the run did not get far enough to have one.
struct ctu_error *ctu_run(struct ctu_session *session,
                          ctu_op op,
                          const struct ctu_run_options *options,
                          struct ctu_report **out);

// The phase after the run, or, of a plan, before it: CTU_PHASE_*; -1 for NULL, and where no phase fits the trees.
int32_t ctu_report_phase(const struct ctu_report *report);

// V1 tasks seen, of RECOVERY V2 tasks: converted + skipped + cancelled + failed + left. 0 for NULL, as for all counts.
uint64_t ctu_report_total(const struct ctu_report *report);

// Tasks that the run converted, or, of a plan, would convert; of RECOVERY those written to V1.
uint64_t ctu_report_converted(const struct ctu_report *report);

// Tasks that were converted before; of RECOVERY those that stay as V1 has them, or that go with V2 at no loss.
uint64_t ctu_report_skipped(const struct ctu_report *report);

// Tasks converted to state Cancel since no place was found for them.
uint64_t ctu_report_cancelled(const struct ctu_report *report);

// Tasks that failed.
uint64_t ctu_report_failed(const struct ctu_report *report);

// Tasks still to be done; of RECOVERY those that are left out by force.
uint64_t ctu_report_left(const struct ctu_report *report);

// How many warnings the report holds; their texts are in its summary and its JSON.
uint64_t ctu_report_warnings(const struct ctu_report *report);

// How many tasks the report lists one by one: all that failed, were cancelled or need a look, and the first 10,000
// others; of a plan, all.
size_t ctu_report_task_count(const struct ctu_report *report);

// Looks at a task: fills in `*out`, whose struct_size the caller has set. CTU_INVALID_ARGUMENT past the last one.
struct ctu_error *ctu_report_task(const struct ctu_report *report, size_t index, struct ctu_report_row *out);

// A few lines for a person. Lives as long as the report; "" for NULL.
const char *ctu_report_summary(const struct ctu_report *report);

// The summary without its lines about single tasks, for a host that shows those in its own way: of a plan of many tasks
// they are most of it. Lives as long as the report; "" for NULL.
const char *ctu_report_overview(const struct ctu_report *report);

// The whole report as JSON; its schema is docs/report.schema.json. Lives as long as the report; "" for NULL.
const char *ctu_report_json(const struct ctu_report *report);

// The two trees as a STATUS saw them, drawn with box characters in UTF-8: each name that is there, how often, and what
// it means, a line each. Lives as long as the report; "" for the other operations and for NULL.
const char *ctu_report_picture(const struct ctu_report *report);

// Ends a report. NULL is fine.
void ctu_report_free(struct ctu_report *report);

// Starts an operation on a thread of the library, the one thread that a job has beside those of the storage. `options`
// may be NULL for the defaults; they are copied. `*out` is owned by the caller, NULL on failure: CTU_BUSY while the
// session runs something else, CTU_INVALID_ARGUMENT for options that mean nothing to the operation, CTU_RETRY_LATER
// where the system has no thread to give. What goes wrong later is the answer of ctu_job_wait.
//
// The progress function of the options, the log and the host's functions are called on the job's thread, the first of
// them possibly before this call returns: it waits until the run has the session. So the caller must not hold a lock
// here that they wait for. progress_user_data must live until the run has ended: until ctu_job_done is true, or ctu_job_wait
// or ctu_job_free has returned, but for a ctu_job_free on the job's own thread. The thread has the signal mask of the
// calling one.
struct ctu_error *ctu_job_start(struct ctu_session *session,
                                ctu_op op,
                                const struct ctu_run_options *options,
                                struct ctu_job **out);

// Whether the run has ended: ctu_job_wait does not wait any more, the session is free for the next call, and the
// progress function is not called again. True for NULL. Any thread.
bool ctu_job_done(const struct ctu_job *job);

// How far the run is, by its latest word: fills in `*out`, whose struct_size the caller has set. Before the first word
// it is CTU_STAGE_CHECK with all counts 0; after the end the last word stays. `out->current` belongs to the job and
// lives until the same thread asks this job again, or ctu_job_free: threads that ask at once do not take each other's
// texts away. Any thread.
struct ctu_error *ctu_job_progress(const struct ctu_job *job, struct ctu_progress *out);

// Asks the job's run to stop before its next wave with CTU_CANCELLED: this run alone. Once it has ended this does
// nothing, and no later run of the session hears of it. NULL is fine. Any thread; not from a signal handler.
void ctu_job_cancel(const struct ctu_job *job);

// Waits for the end of the run and answers as ctu_run would have: `*out`, owned by the caller, is the report, also where
// some tasks failed or the run was stopped, and NULL where the run did not get far enough to have one. That is handed
// out once: to the first call that sees the end, while every other one, at the same time or later, is
// CTU_INVALID_ARGUMENT once the run has ended. Nothing is waited for or handed out where `out` is NULL. Any thread but
// the job's own (from its progress function, say), where it is CTU_INVALID_ARGUMENT too. The job is still to be freed.
struct ctu_error *ctu_job_wait(struct ctu_job *job,
                               struct ctu_report **out);

// Ends a job. NULL is fine. A run that is still under way is asked to stop, as by ctu_job_cancel, and waited for; no
// thread is left. Once, and while no other thread uses the job. Not from a function that the job itself calls: there it
// cannot wait, so the thread ends by itself some time later.
void ctu_job_free(struct ctu_job *job);

// Marks a task as being converted for a node (seed: MarkUpgradingFile). Needs the session's lock: ctu_session_lock.
struct ctu_error *ctu_mark_upgrading(struct ctu_session *session, const char *v1_base, const char *node);

// Marks a task as converted (seed: MarkUpgradedFile); CTU_NOT_FOUND where it was not marked as being so for this node.
// Needs the session's lock.
struct ctu_error *ctu_mark_upgraded(struct ctu_session *session, const char *v1_base, const char *node);

// Whether a task is converted (seed: IfUpgraded). `*out` is false on failure.
struct ctu_error *ctu_mark_is_upgraded(struct ctu_session *session, const char *v1_base, bool *out);

// Removes every mark of a task (seed: UnMarkUpgradeFile); fine where it has none. Needs the session's lock.
struct ctu_error *ctu_mark_remove(struct ctu_session *session, const char *v1_base);

// Marks the whole upgrade as complete (seed: MarkAllFileUpgrade): writes the manifest and makes the done mark.
// CTU_REFUSED, with the names, unless every V1 task is marked as converted. Needs the session's lock.
struct ctu_error *ctu_mark_all_upgraded(struct ctu_session *session);

// Clears the marks of a complete upgrade (seed: ClearAllFileUpgradeMark): the small ones beside the done mark while V1
// is there, the done mark itself once V1 is gone. CTU_REFUSED while an upgrade is under way. Needs the session's lock.
struct ctu_error *ctu_mark_clear_all(struct ctu_session *session);

// A text of this library (a summary, a message, a next action, a line of the log) in another language, line by line; at
// most 1 MiB. What has no translation stays as it is, and so do names, paths and numbers. `language` is "en" or "zh", or
// a locale such as "zh_CN.UTF-8", "C" or "POSIX": what stands before the first `_`, `.` or `@` counts, and any other
// language is English, which gives the same text back. The library itself speaks English; it reads no environment and
// keeps no setting. `*out` is owned by the caller, NULL on failure. Any thread may call it.
struct ctu_error *ctu_text_translate(const char *text,
                                     const char *language,
                                     struct ctu_buffer **out);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* COMPTASK_UPGRADE_H */
