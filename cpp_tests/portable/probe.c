/* probe LOCAL_ROOT HDFS_ROOT: the library by its C header alone, as a host on an old system calls it. The local root
 * must have four V1 tasks; of the HDFS root nothing answers. */
#include <stdio.h>
#include <string.h>

#include "comptask_upgrade.h"

/* Opens a root and runs STATUS; both, or the error in their place, are the caller's. */
static ctu_error* Status(const char* root, const char* option_key, const char* option_value, ctu_session** session,
                         ctu_report** report) {
  ctu_config* config = ctu_config_new();
  ctu_run_options options;
  ctu_error* error = ctu_config_root(config, root);
  *session = NULL;
  *report = NULL;
  memset(&options, 0, sizeof(options));
  options.struct_size = sizeof(options);
  if (error == NULL) error = ctu_config_liveness_assume_offline(config);
  if (error == NULL && option_key != NULL) error = ctu_config_hdfs_option(config, option_key, option_value);
  /* A root on HDFS needs a lock, which STATUS does not take: nobody listens there either. */
  if (error == NULL && option_key != NULL) error = ctu_config_lock_zookeeper(config, "127.0.0.1:1", "/lock", 1000);
  if (error == NULL) error = ctu_session_open(config, session);
  if (error == NULL) error = ctu_run(*session, CTU_OP_STATUS, &options, report);
  ctu_config_free(config);
  return error;
}

int main(int argc, char** argv) {
  ctu_session* session = NULL;
  ctu_report* report = NULL;
  ctu_error* error = NULL;
  int wrong = 0;
  if (argc != 3) {
    fprintf(stderr, "usage: probe LOCAL_ROOT HDFS_ROOT\n");
    return 2;
  }
  printf("version %s, ABI %u\n", ctu_version(), (unsigned)ctu_abi_version());

  error = Status(argv[1], NULL, NULL, &session, &report);
  if (error != NULL) {
    printf("local: code %d: %s\n", (int)ctu_error_code(error), ctu_error_message(error));
    wrong = 1;
  } else {
    printf("local: phase %d, %d tasks\n", (int)ctu_report_phase(report), (int)ctu_report_total(report));
  }
  ctu_error_free(error);
  ctu_report_free(report);
  ctu_session_free(session);

  error = Status(argv[2], "wait_ms", "1000", &session, &report);
  if (error == NULL) {
    printf("hdfs: it answers, and nobody is there\n");
    wrong = 1;
  } else {
    printf("hdfs: code %d\n", (int)ctu_error_code(error));
    fprintf(stderr, "hdfs: %s\n", ctu_error_message(error));
  }
  ctu_error_free(error);
  ctu_report_free(report);
  ctu_session_free(session);
  return wrong;
}
