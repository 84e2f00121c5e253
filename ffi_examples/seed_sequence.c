/* seed_sequence ROOT ONLINE_NODES upgrade|delete: a host that drives the loop over the tasks by itself, as the seed's
 * sequence diagrams draw it, and writes the files of the V2 tasks by its own hands on a local disk. Of the library it
 * takes the lock, the marks, the rules for names and the bytes of a task.
 *
 *   upgrade   CheckAllOffline, SetLock, GetAllMainTaskFromScheduler; for each task IfUpgraded, GetMainTaskInfo,
 *             UpgradeMainTaskInfo, MarkUpgradingFile, CreateMaintaskMgr, CreateMainTask, MarkUpgradedFile; then
 *             MarkAllFileUpgrade, ReleaseLock
 *   delete    SetLock, DeleteOldTask, ClearAllFileUpgradeMark, ReleaseLock
 *
 * What makes it safe to kill at any time: a main task becomes visible by one rename of a finished folder; its manager
 * file is there before it, since a main task that no node works on would hang; the mark says "done" after both. What an
 * attempt made that was cut short, the next one finds and keeps, as all names are functions of the V1 name.
 *
 * Exit status: the code of the library's error, 36 where a file could not be read or written, 1 for bad usage. */
#define _XOPEN_SOURCE 700

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "comptask_upgrade.h"
#include "local_files.h"

#define NAME_BYTES 256
#define ID_BYTES 64
#define TASK_FILE_LIMIT ((size_t)16 << 20)

/* A V1 task file, as its name tells. */
typedef struct v1_file {
  char name[NAME_BYTES];
  char base[NAME_BYTES];
  int32_t state;
  uint32_t ordinal; /* which of several tasks with the same time and number it is */
} v1_file;

/* Where a task may run. */
typedef struct place {
  const char *schema, *pc, *node;
} place;

/* What MetaDataService would answer. */
static const place PLACES[] = {{"eu", "pc1", "xcloud24_9876"}, {"us", "pc2", "xcloud25_9876"}};
static const place NOWHERE = {"", "", ""};

/* Says what failed and frees the error; its code, CTU_OK where there is none. */
static ctu_code code_of(const char* step, ctu_error* error) {
  const ctu_code code = ctu_error_code(error);
  if (error != NULL) fprintf(stderr, "%s: %s %s\n", step, ctu_error_message(error), ctu_error_path(error));
  ctu_error_free(error);
  return code;
}

/* Copies the text of a buffer and ends it. */
static bool take_text(ctu_buffer* buffer, char* text, size_t size) {
  const int length = snprintf(text, size, "%s", (const char*)ctu_buffer_data(buffer));
  ctu_buffer_free(buffer);
  return length >= 0 && (size_t)length < size;
}

/* ".<sequence>.<time>" of a base: the PU before it may hold dots. */
static const char* tail_of(const char* base) {
  const char* last = strrchr(base, '.');
  for (--last; *last != '.'; --last) {
  }
  return last;
}

/* Tasks with the same number and time stand together, in the byte order of their PU. */
static int by_tail_and_pu(const void* one, const void* other) {
  const char* left = ((const v1_file*)one)->base;
  const char* right = ((const v1_file*)other)->base;
  const int tails = strcmp(tail_of(left), tail_of(right));
  if (tails != 0) return tails;
  const size_t left_length = (size_t)(tail_of(left) - left);
  const size_t right_length = (size_t)(tail_of(right) - right);
  const int order = memcmp(left, right, left_length < right_length ? left_length : right_length);
  return order != 0 ? order : (left_length > right_length) - (left_length < right_length);
}

/* GetAllMainTaskFromScheduler, without the names that are no task's. `*files` is given to free(). */
static ctu_code list_tasks(const char* root, v1_file** files, size_t* count) {
  char folder[PATH_BYTES];
  if (!make_path(folder, "%s/Compaction/Scheduler", root)) return CTU_STORAGE;
  DIR* stream = opendir(folder);
  if (stream == NULL) return fprintf(stderr, "cannot list %s: %s\n", folder, strerror(errno)), CTU_STORAGE;
  bool complete = true;
  const struct dirent* entry = NULL;
  while (complete && (errno = 0, entry = readdir(stream)) != NULL) {
    v1_file file = {.state = 0};
    ctu_buffer* base = NULL;
    ctu_error* unknown = ctu_task_v1_parse_name(entry->d_name, &base, &file.state);
    ctu_error_free(unknown);
    if (unknown != NULL) continue;
    /* The room is doubled whenever it is used up. */
    if ((*count & (*count - 1)) == 0) {
      v1_file* grown = realloc(*files, (*count == 0 ? 1 : 2 * *count) * sizeof(**files));
      complete = grown != NULL;
      if (complete) *files = grown;
    }
    complete = take_text(base, file.base, sizeof(file.base)) && complete;
    snprintf(file.name, sizeof(file.name), "%s", entry->d_name);
    if (complete) (*files)[(*count)++] = file;
  }
  complete = complete && errno == 0;
  closedir(stream);
  if (!complete) return fprintf(stderr, "cannot list all of %s\n", folder), CTU_STORAGE;
  if (*count > 0) qsort(*files, *count, sizeof(**files), by_tail_and_pu);
  for (size_t at = 1; at < *count; ++at) {
    v1_file* file = &(*files)[at];
    const v1_file* before = file - 1;
    if (strcmp(file->base, before->base) == 0) {
      return fprintf(stderr, "%s is there under two suffixes, and nothing is guessed\n", file->base), CTU_CORRUPT;
    }
    if (strcmp(tail_of(file->base), tail_of(before->base)) == 0) file->ordinal = before->ordinal + 1;
  }
  return CTU_OK;
}

static place place_of(const char* db, const char* schema) {
  for (size_t at = 0; strcmp(db, "sales") == 0 && at < sizeof(PLACES) / sizeof(*PLACES); ++at) {
    if (strcmp(schema, PLACES[at].schema) == 0) return PLACES[at];
  }
  return NOWHERE;
}

/* UpgradeMainTaskInfo. The texts of the answer are those of `old`, `query_id` and `where`. */
static ctu_task_v2 upgraded(const ctu_task_v1* old, const v1_file* file, const char* query_id, const place* where) {
  /* Init and Assigned become Init; where nobody may run a task it becomes Cancel, so that no record is lost. */
  static const int32_t STATES[] = {0, 0, 2, 3};
  ctu_task_v2 task = {.struct_size = sizeof(task)};
  task.query_id = query_id;
  task.sequence_no = old->sequence_no;
  task.receive_pu = old->receive_pu;
  task.state = STATES[file->state] == 0 && *where->node == '\0' ? 2 : STATES[file->state];
  task.optimizat_db_name = old->db_name;
  task.optimizat_pc_name = where->pc;
  task.repeat_flag = old->repeat_flag;
  task.sub_task_flag = old->sub_task_flag;
  task.repeat_count = old->repeat_count;
  task.repeat_interval = old->repeat_interval;
  task.success_count = old->success_count;
  task.failed_count = old->failed_count;
  task.db_name = old->db_name;
  task.schema_name = old->schema_name;
  task.table_name = old->table_name;
  task.partition_name = old->partition_name;
  task.pc_name = where->pc;
  task.executenode = where->node;
  return task;
}

/* A text as a part of a file name: what would end the part or the name is written as % and two digits. */
static bool escape(const char* text, char* out, size_t size) {
  size_t length = 0;
  for (; *text != '\0'; ++text) {
    const unsigned char byte = (unsigned char)*text;
    if (length + 4 > size) return fprintf(stderr, "a name is too long\n"), false;
    const bool plain = strchr("./%:", byte) == NULL && byte >= 0x20 && byte != 0x7F;
    length += (size_t)snprintf(out + length, size - length, plain ? "%c" : "%%%02X", byte);
  }
  out[length] = '\0';
  return true;
}

/* CreateMaintaskMgr, and then CreateMainTask: built aside, made visible by one rename. */
static bool create_v2(const char* root, const char* staging, const char* id, const ctu_task_v2* task) {
  static const char* const STATES[] = {"Init", "Running", "Cancel", "Done"};
  char path[PATH_BYTES], aside[PATH_BYTES], pc[NAME_BYTES], db[NAME_BYTES];
  if (task->state <= 1) {
    if (!make_path(path, "%s/Compaction_V2/TaskAssigned/%s", root, task->executenode) || !make_folders(path))
      return false;
    if (!make_path(path, "%s/Compaction_V2/TaskAssigned/%s/Manager.%s", root, task->executenode, id)) return false;
    if (!create_file(path, NULL, 0, true)) return false;
    printf("  CreateMaintaskMgr: %s\n", task->executenode);
  }
  ctu_buffer* bytes = NULL;
  if (code_of("encode", ctu_task_v2_encode(task, &bytes)) != CTU_OK) return false;
  const bool made = make_path(aside, "%s/%s", staging, id) && make_folders(aside) &&
                    escape(task->pc_name, pc, sizeof(pc)) && escape(task->db_name, db, sizeof(db)) &&
                    make_path(path, "%s/TaskInfo.%s.%s", aside, pc, db) &&
                    create_file(path, ctu_buffer_data(bytes), ctu_buffer_len(bytes), false) &&
                    make_path(path, "%s/Status.%s", aside, STATES[task->state]) && create_file(path, NULL, 0, false) &&
                    make_path(path, "%s/Compaction_V2/Scheduler/%s", root, id) && publish_folder(aside, path);
  ctu_buffer_free(bytes);
  if (made) printf("  CreateMainTask: %s, %s, TaskInfo.%s.%s\n", id, STATES[task->state], pc, db);
  return made;
}

/* Whether the id inside a V1 task is the one of its name. */
static bool is_the_one_named(const ctu_task_v1* task, const v1_file* file) {
  char base[NAME_BYTES];
  const int length = snprintf(base, sizeof(base), "compct.%s.%" PRId32 ".%" PRIu64, task->receive_pu, task->sequence_no,
                              task->receive_ts);
  return length > 0 && (size_t)length < sizeof(base) && strcmp(base, file->base) == 0;
}

/* One turn of the loop for a task that is not upgraded, from its decoded V1 record on. */
static ctu_code convert(ctu_session* session, const char* root, const char* staging, const v1_file* file,
                        const ctu_task_v1* old) {
  if (!is_the_one_named(old, file)) return fprintf(stderr, "%s holds another task\n", file->name), CTU_CORRUPT;
  char id[ID_BYTES], query_id[ID_BYTES];
  ctu_buffer* made_id = NULL;
  const ctu_code named = code_of("id", ctu_task_v2_id(file->base, file->ordinal, &made_id));
  if (named != CTU_OK) return named;
  if (!take_text(made_id, id, sizeof(id))) return CTU_TOO_LARGE;
  snprintf(query_id, sizeof(query_id), "%.*s", (int)(strrchr(id, '.') - id), id);
  const place where = place_of(old->db_name, old->schema_name);
  const ctu_task_v2 task = upgraded(old, file, query_id, &where);
  printf("  UpgradeMainTaskInfo: state %" PRId32 " -> %" PRId32 ", pc '%s', node '%s'\n", file->state, task.state,
         where.pc, where.node);

  ctu_code code = code_of("MarkUpgradingFile", ctu_mark_upgrading(session, file->base, where.node));
  if (code != CTU_OK) return code;
  printf("  MarkUpgradingFile\n");
  if (!create_v2(root, staging, id, &task)) return CTU_STORAGE;
  code = code_of("MarkUpgradedFile", ctu_mark_upgraded(session, file->base, where.node));
  if (code == CTU_OK) printf("  MarkUpgradedFile\n");
  return code;
}

static ctu_code upgrade_one(ctu_session* session, const char* root, const char* staging, const v1_file* file) {
  printf("%s\n", file->name);
  bool is_upgraded = false;
  ctu_code code = code_of("IfUpgraded", ctu_mark_is_upgraded(session, file->base, &is_upgraded));
  if (code != CTU_OK) return code;
  printf("  IfUpgraded: %s\n", is_upgraded ? "yes" : "no");
  if (is_upgraded) return CTU_OK;

  char path[PATH_BYTES];
  uint8_t* bytes = NULL;
  size_t length = 0;
  if (!make_path(path, "%s/Compaction/Scheduler/%s", root, file->name)) return CTU_STORAGE;
  if (!read_file(path, TASK_FILE_LIMIT, &bytes, &length)) return CTU_STORAGE;
  ctu_task* decoded = NULL;
  ctu_task_v1 old = {.struct_size = sizeof(old)};
  code = code_of("decode", ctu_task_v1_decode(bytes, length, &decoded));
  if (code == CTU_OK) code = code_of("view", ctu_task_v1_view(decoded, &old));
  free(bytes);
  if (code == CTU_OK) {
    printf("  GetMainTaskInfo: %s.%s.%s\n", old.db_name, old.schema_name, old.table_name);
    code = convert(session, root, staging, file, &old);
  }
  ctu_task_free(decoded);
  return code;
}

/* Whether there is something to upgrade: the phase, which the library reads off the trees. */
static ctu_code look_at_phase(ctu_session* session, bool* to_upgrade) {
  ctu_report* report = NULL;
  const ctu_code code = code_of("STATUS", ctu_run(session, CTU_OP_STATUS, NULL, &report));
  const int32_t phase = ctu_report_phase(report);
  ctu_report_free(report);
  if (code != CTU_OK) return code;
  *to_upgrade = phase == CTU_PHASE_NOT_STARTED || phase == CTU_PHASE_UPGRADING;
  if (*to_upgrade) return CTU_OK;
  if (phase == CTU_PHASE_EMPTY || phase == CTU_PHASE_UPGRADED || phase == CTU_PHASE_V2_ONLY) {
    printf("nothing to upgrade\n");
    return CTU_OK;
  }
  fprintf(stderr, "another operation is to be finished first\n");
  return CTU_REFUSED;
}

/* UpdateTaskFromOld. A task that fails does not stop the others; the upgrade is then not marked as complete. */
static ctu_code update_task_from_old(ctu_session* session, const char* root) {
  bool to_upgrade = false;
  const ctu_code looked = look_at_phase(session, &to_upgrade);
  if (looked != CTU_OK || !to_upgrade) return looked;
  v1_file* files = NULL;
  size_t count = 0;
  ctu_code failure = list_tasks(root, &files, &count);
  char staging[PATH_BYTES];
  if (failure == CTU_OK && make_path(staging, "%s/Compaction_V2/Scheduler", root) && make_folders(staging) &&
      make_path(staging, "%s/Compaction_V2/.staging", root) && make_folders(staging) &&
      make_path(staging, "%s/Compaction_V2/.staging/seed_sequence.XXXXXX", root) && mkdtemp(staging) != NULL) {
    printf("GetAllMainTaskFromScheduler: %zu tasks\n", count);
    for (size_t at = 0; at < count; ++at) {
      const ctu_code code = upgrade_one(session, root, staging, &files[at]);
      if (code != CTU_OK) failure = code;
    }
  } else if (failure == CTU_OK) {
    failure = CTU_STORAGE;
  }
  free(files);
  if (failure != CTU_OK) return failure;
  /* It writes the manifest from what is there, and clears what is left aside. */
  failure = code_of("MarkAllFileUpgrade", ctu_mark_all_upgraded(session));
  if (failure == CTU_OK) printf("MarkAllFileUpgrade\n");
  return failure;
}

/* DeleteOldTask: the library removes the V1 tree, after it has compared every pair of tasks. */
static ctu_code delete_old_task(ctu_session* session) {
  ctu_report* report = NULL;
  ctu_code code = code_of("DeleteOldTask", ctu_run(session, CTU_OP_DELETE, NULL, &report));
  if (code == CTU_OK) printf("DeleteOldTask: %" PRIu64 " tasks\n", ctu_report_total(report));
  ctu_report_free(report);
  if (code != CTU_OK) return code;
  code = code_of("ClearAllFileUpgradeMark", ctu_mark_clear_all(session));
  if (code == CTU_OK) printf("ClearAllFileUpgradeMark\n");
  return code;
}

static ctu_code run(ctu_session* session, const char* root, ctu_op op) {
  ctu_code code = code_of("CheckAllOffline", ctu_session_check_all_offline(session, op));
  if (code != CTU_OK) return code;
  printf("CheckAllOffline\n");
  code = code_of("SetLock", ctu_session_lock(session));
  if (code != CTU_OK) return code;
  printf("SetLock\n");
  code = op == CTU_OP_UPGRADE ? update_task_from_old(session, root) : delete_old_task(session);
  const ctu_code released = code_of("ReleaseLock", ctu_session_unlock(session));
  if (released == CTU_OK) printf("ReleaseLock\n");
  return code != CTU_OK ? code : released;
}

int main(int argument_count, char** arguments) {
  const ctu_op op = argument_count == 4 ? ctu_op_parse(arguments[3]) : CTU_OP_INVALID;
  if (op != CTU_OP_UPGRADE && op != CTU_OP_DELETE) {
    fprintf(stderr, "usage: seed_sequence ROOT ONLINE_NODES upgrade|delete\n");
    return CTU_INVALID_ARGUMENT;
  }
  ctu_config* config = ctu_config_new();
  ctu_session* session = NULL;
  ctu_code code = code_of("root", ctu_config_root(config, arguments[1]));
  if (code == CTU_OK) code = code_of("nodes", ctu_config_liveness_file(config, arguments[2]));
  if (code == CTU_OK) code = code_of("open", ctu_session_open(config, &session));
  if (code == CTU_OK) code = run(session, arguments[1], op);
  ctu_session_free(session);
  ctu_config_free(config);
  return fflush(stdout) == 0 ? code : CTU_STORAGE;
}
