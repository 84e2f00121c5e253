/* Every number of the ABI against the number it was published with. A caller was compiled with these, so a test that
 * read them from the header twice would see nothing. */
#include <stddef.h>
#include <stdint.h>

#include "comptask_upgrade.h"

#define SAME(name, number) _Static_assert((name) == (number), #name " must stay " #number)

SAME(CTU_ABI_VERSION, 1);

SAME(CTU_OK, 0);
SAME(CTU_INVALID_ARGUMENT, 1);
SAME(CTU_UNSUPPORTED, 2);
SAME(CTU_BUSY, 3);
SAME(CTU_CANCELLED, 4);
SAME(CTU_INTERNAL, 5);
SAME(CTU_NODES_ONLINE, 10);
SAME(CTU_LOCKED, 11);
SAME(CTU_LOCK_LOST, 12);
SAME(CTU_REFUSED, 13);
SAME(CTU_NEW_V1_TASKS, 14);
SAME(CTU_TASKS_FAILED, 20);
SAME(CTU_DAMAGED, 21);
SAME(CTU_CORRUPT, 22);
SAME(CTU_NOT_FOUND, 30);
SAME(CTU_ALREADY_EXISTS, 31);
SAME(CTU_PERMISSION, 32);
SAME(CTU_QUOTA, 33);
SAME(CTU_RETRY_LATER, 34);
SAME(CTU_OUTCOME_UNKNOWN, 35);
SAME(CTU_STORAGE, 36);
SAME(CTU_CATALOG, 37);
SAME(CTU_LIVENESS, 38);
SAME(CTU_LOCK_SERVICE, 39);
SAME(CTU_TOO_LARGE, 40);
SAME(CTU_NOT_EMPTY, 41);

SAME(CTU_OP_STATUS, 0);
SAME(CTU_OP_UPGRADE, 1);
SAME(CTU_OP_RECOVERY, 2);
SAME(CTU_OP_DELETE, 3);
SAME(CTU_OP_INVALID, 4);

SAME(CTU_PHASE_EMPTY, 0);
SAME(CTU_PHASE_NOT_STARTED, 1);
SAME(CTU_PHASE_UPGRADING, 2);
SAME(CTU_PHASE_UPGRADED, 3);
SAME(CTU_PHASE_DELETING, 4);
SAME(CTU_PHASE_V2_ONLY, 5);
SAME(CTU_PHASE_RECOVERING, 6);
SAME(CTU_PHASE_REOPENING, 7);

SAME(CTU_STAGE_CHECK, 0);
SAME(CTU_STAGE_LIST, 1);
SAME(CTU_STAGE_CONVERT, 2);
SAME(CTU_STAGE_FINISH, 3);
SAME(CTU_STAGE_CLEAN, 4);

SAME(CTU_RECOVERY_AUTO, 0);
SAME(CTU_RECOVERY_CANCEL, 1);
SAME(CTU_RECOVERY_DOWNGRADE_OLD, 2);
SAME(CTU_RECOVERY_DOWNGRADE, 3);

SAME(CTU_PLACE_BY_SCHEMA, 0);
SAME(CTU_PLACE_BY_ENTRY_NODE, 1);
SAME(CTU_PLACE_BY_ENTRY_NODE_OR_SCHEMA, 2);

SAME(CTU_RUN_PLAN, 1);
SAME(CTU_RUN_ONLINE, 2);
SAME(CTU_RUN_VERIFY, 4);
SAME(CTU_RUN_FORCE, 8);
SAME(CTU_RUN_REOPEN, 16);

SAME(CTU_GATE_USE_V1, 1);
SAME(CTU_GATE_USE_V2, 2);
SAME(CTU_GATE_DO_NOT_START, 3);

SAME(sizeof(ctu_code), 4);
SAME(sizeof(ctu_op), 4);

#if UINTPTR_MAX == UINT64_MAX

#define OFFSET(type, member, number) \
  _Static_assert(offsetof(type, member) == (number), #type "." #member " must stay at " #number)

SAME(sizeof(ctu_run_options), 40);
OFFSET(ctu_run_options, struct_size, 0);
OFFSET(ctu_run_options, flags, 8);
OFFSET(ctu_run_options, in_flight, 12);
OFFSET(ctu_run_options, recovery_mode, 16);
OFFSET(ctu_run_options, placement, 20);
OFFSET(ctu_run_options, progress, 24);
OFFSET(ctu_run_options, progress_user_data, 32);

SAME(sizeof(ctu_progress), 64);
OFFSET(ctu_progress, struct_size, 0);
OFFSET(ctu_progress, stage, 8);
OFFSET(ctu_progress, done, 16);
OFFSET(ctu_progress, skipped, 24);
OFFSET(ctu_progress, failed, 32);
OFFSET(ctu_progress, total, 40);
OFFSET(ctu_progress, per_second, 48);
OFFSET(ctu_progress, current, 56);

SAME(sizeof(ctu_report_row), 72);
OFFSET(ctu_report_row, struct_size, 0);
OFFSET(ctu_report_row, v1_name, 8);
OFFSET(ctu_report_row, v2_id, 16);
OFFSET(ctu_report_row, pc, 24);
OFFSET(ctu_report_row, node, 32);
OFFSET(ctu_report_row, outcome, 40);
OFFSET(ctu_report_row, detail, 48);
OFFSET(ctu_report_row, v1_state, 56);
OFFSET(ctu_report_row, v2_state, 60);
OFFSET(ctu_report_row, reason, 64);

SAME(sizeof(ctu_storage_vtable), 80);
OFFSET(ctu_storage_vtable, struct_size, 0);
OFFSET(ctu_storage_vtable, max_concurrency, 8);
OFFSET(ctu_storage_vtable, list, 16);
OFFSET(ctu_storage_vtable, stat, 24);
OFFSET(ctu_storage_vtable, read, 32);
OFFSET(ctu_storage_vtable, create, 40);
OFFSET(ctu_storage_vtable, mkdir, 48);
OFFSET(ctu_storage_vtable, rename, 56);
OFFSET(ctu_storage_vtable, remove, 64);
OFFSET(ctu_storage_vtable, release, 72);

SAME(sizeof(ctu_lock_vtable), 48);
OFFSET(ctu_lock_vtable, struct_size, 0);
OFFSET(ctu_lock_vtable, acquire, 8);
OFFSET(ctu_lock_vtable, check, 16);
OFFSET(ctu_lock_vtable, release_lock, 24);
OFFSET(ctu_lock_vtable, release, 32);
OFFSET(ctu_lock_vtable, confirm, 40);

SAME(sizeof(ctu_catalog_vtable), 48);
OFFSET(ctu_catalog_vtable, struct_size, 0);
OFFSET(ctu_catalog_vtable, schema_pcs, 8);
OFFSET(ctu_catalog_vtable, cluster_pcs, 16);
OFFSET(ctu_catalog_vtable, pc_nodes, 24);
OFFSET(ctu_catalog_vtable, cluster_nodes, 32);
OFFSET(ctu_catalog_vtable, release, 40);

SAME(sizeof(ctu_liveness_vtable), 32);
OFFSET(ctu_liveness_vtable, struct_size, 0);
OFFSET(ctu_liveness_vtable, online_nodes, 8);
OFFSET(ctu_liveness_vtable, change_id, 16);
OFFSET(ctu_liveness_vtable, release, 24);

SAME(sizeof(ctu_codec_vtable), 48);
OFFSET(ctu_codec_vtable, struct_size, 0);
OFFSET(ctu_codec_vtable, decode_v1, 8);
OFFSET(ctu_codec_vtable, encode_v1, 16);
OFFSET(ctu_codec_vtable, decode_v2, 24);
OFFSET(ctu_codec_vtable, encode_v2, 32);
OFFSET(ctu_codec_vtable, release, 40);

SAME(sizeof(ctu_task_v1), 88);
OFFSET(ctu_task_v1, struct_size, 0);
OFFSET(ctu_task_v1, receive_pu, 8);
OFFSET(ctu_task_v1, sequence_no, 16);
OFFSET(ctu_task_v1, receive_ts, 24);
OFFSET(ctu_task_v1, state, 32);
OFFSET(ctu_task_v1, repeat_flag, 36);
OFFSET(ctu_task_v1, sub_task_flag, 37);
OFFSET(ctu_task_v1, repeat_count, 40);
OFFSET(ctu_task_v1, repeat_interval, 44);
OFFSET(ctu_task_v1, success_count, 48);
OFFSET(ctu_task_v1, failed_count, 52);
OFFSET(ctu_task_v1, db_name, 56);
OFFSET(ctu_task_v1, schema_name, 64);
OFFSET(ctu_task_v1, table_name, 72);
OFFSET(ctu_task_v1, partition_name, 80);

SAME(sizeof(ctu_task_v2), 144);
OFFSET(ctu_task_v2, struct_size, 0);
OFFSET(ctu_task_v2, query_id, 8);
OFFSET(ctu_task_v2, sequence_no, 16);
OFFSET(ctu_task_v2, receive_pu, 24);
OFFSET(ctu_task_v2, state, 32);
OFFSET(ctu_task_v2, optimizat_db_name, 40);
OFFSET(ctu_task_v2, optimizat_pc_name, 48);
OFFSET(ctu_task_v2, repeat_flag, 56);
OFFSET(ctu_task_v2, sub_task_flag, 57);
OFFSET(ctu_task_v2, sync_task_flag, 58);
OFFSET(ctu_task_v2, repeat_count, 60);
OFFSET(ctu_task_v2, repeat_interval, 64);
OFFSET(ctu_task_v2, success_count, 68);
OFFSET(ctu_task_v2, failed_count, 72);
OFFSET(ctu_task_v2, db_name, 80);
OFFSET(ctu_task_v2, schema_name, 88);
OFFSET(ctu_task_v2, table_name, 96);
OFFSET(ctu_task_v2, partition_name, 104);
OFFSET(ctu_task_v2, pc_name, 112);
OFFSET(ctu_task_v2, executenode, 120);
OFFSET(ctu_task_v2, compact_filesize_threshold, 128);
OFFSET(ctu_task_v2, compact_group_num, 136);

#endif
