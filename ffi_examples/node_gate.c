/* node_gate ROOT NODE ONLINE_NODES: what a node of the new version does as it starts, in the one order that is safe:
 *
 *   1. it registers itself, so that whoever looks for nodes from now on sees it;
 *   2. it asks the gate, which looks for an operation that is under way and records the start;
 *   3. it acts on the verdict, and only then touches a task.
 *
 * An upgrade makes itself known first and looks for nodes then, so at least one of the two sees the other. Asked in the
 * other order, both could miss each other.
 *
 * ONLINE_NODES is the registry here: a text file with one node a line, as the operations read it. In a cluster it is an
 * ephemeral node in ZooKeeper, which goes with the process; here the process takes its line out again as it ends.
 *
 * Exit status: 0 the node may start, by the V1 or the V2 tasks as the line says that it prints; 3 it must not start; 1
 * anything went wrong, and then it must not start either; 2 bad usage. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "comptask_upgrade.h"

enum { START = 0, FAILED = 1, BAD_USAGE = 2, DO_NOT_START = 3 };

/* Prints an error of the library and ends it; says whether there was one. */
static bool failed(const char* what, ctu_error* error) {
  if (error == NULL) return false;
  fprintf(stderr, "%s: %s\n", what, ctu_error_message(error));
  if (*ctu_error_next_action(error) != '\0') fprintf(stderr, "  what to do: %s\n", ctu_error_next_action(error));
  ctu_error_free(error);
  return true;
}

/* An open registry that nobody else changes until it is closed; -1 where that failed. */
static int open_registry(const char* path) {
  const int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if (file >= 0 && fcntl(file, F_SETLKW, &whole) == 0) return file;
  fprintf(stderr, "%s: %s\n", path, strerror(errno));
  if (file >= 0) close(file);
  return -1;
}

static bool write_all(int file, const char* bytes, size_t length) {
  while (length > 0) {
    const ssize_t written = write(file, bytes, length);
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) {
      bytes += written;
      length -= (size_t)written;
    }
  }
  return true;
}

/* Adds the line of a node to the registry. */
static bool enter(const char* path, const char* node) {
  const int file = open_registry(path);
  if (file < 0) return false;
  const bool entered = lseek(file, 0, SEEK_END) >= 0 && write_all(file, node, strlen(node)) &&
                       write_all(file, "\n", 1) && fsync(file) == 0;
  if (!entered) fprintf(stderr, "%s: %s\n", path, strerror(errno));
  close(file);
  return entered;
}

/* Where a line that is the node's begins; -1 where there is none. */
static off_t line_of(const char* text, const char* node) {
  for (const char* line = text; *line != '\0';) {
    const size_t length = strcspn(line, "\n");
    if (length == strlen(node) && strncmp(line, node, length) == 0) return (off_t)(line - text);
    line += length + (line[length] == '\n' ? 1 : 0);
  }
  return -1;
}

/* Takes a node out of the registry: its line becomes a comment by one byte, so that whoever reads the file meanwhile
 * sees every other node as it is. A file that is written anew is empty for a moment, as if no node were up. */
static bool leave(const char* path, const char* node) {
  const int file = open_registry(path);
  if (file < 0) return false;
  const off_t size = lseek(file, 0, SEEK_END);
  char* text = size < 0 ? NULL : calloc(1, (size_t)size + 1);
  bool left = text != NULL && pread(file, text, (size_t)size, 0) == (ssize_t)size;
  for (off_t at = left ? line_of(text, node) : -1; left && at >= 0; at = line_of(text, node)) {
    text[at] = '#';
    left = pwrite(file, "#", 1, at) == 1;
  }
  left = left && fsync(file) == 0;
  if (!left) fprintf(stderr, "%s: %s\n", path, strerror(errno));
  free(text);
  close(file);
  return left;
}

/* Asks the gate. CTU_GATE_DO_NOT_START where the answer is that, 0 where there is none. */
static int32_t ask_gate(const char* root, const char* node) {
  ctu_config* config = ctu_config_new();
  ctu_session* session = NULL;
  int32_t verdict = 0;
  /* A gate needs no catalog and no liveness: it reads the trees and takes no lock. */
  if (!failed("config", ctu_config_root(config, root)) && !failed("open", ctu_session_open(config, &session))) {
    (void)failed("gate", ctu_node_gate(session, node, &verdict));
  }
  ctu_session_free(session);
  ctu_config_free(config);
  return verdict;
}

/* Acts on the verdict. */
static int act(const char* node, int32_t verdict) {
  switch (verdict) {
    case CTU_GATE_USE_V1:
      printf("%s: starts and uses the V1 tasks\n", node);
      return START;
    case CTU_GATE_USE_V2:
      printf("%s: starts and uses the V2 tasks\n", node);
      return START;
    case CTU_GATE_DO_NOT_START:
      printf("%s: does not start: an operation is under way, or is to be finished first\n", node);
      return DO_NOT_START;
    default:
      /* No answer, or one of a newer library that this node does not know: in doubt it stays down. */
      fprintf(stderr, "%s: does not start: the gate gave no answer\n", node);
      return FAILED;
  }
}

int main(int argument_count, char** arguments) {
  if (argument_count != 4) {
    fprintf(stderr, "usage: node_gate ROOT NODE ONLINE_NODES\n");
    return BAD_USAGE;
  }
  const char* root = arguments[1];
  const char* node = arguments[2];
  const char* registry = arguments[3];
  if (!enter(registry, node)) return FAILED;
  int status = act(node, ask_gate(root, node));
  /* A node that works would stay in the registry until it ends; this one ends here. */
  if (!leave(registry, node)) status = FAILED;
  return fflush(stdout) == 0 ? status : FAILED;
}
