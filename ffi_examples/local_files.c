#define _POSIX_C_SOURCE 200809L

#include "local_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(const char* what, const char* path) {
  fprintf(stderr, "cannot %s %s: %s\n", what, path, strerror(errno));
  return false;
}

bool make_path(char path[PATH_BYTES], const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(path, PATH_BYTES, format, arguments);
  va_end(arguments);
  if (length >= 0 && length < PATH_BYTES) return true;
  errno = ENAMETOOLONG;
  return fail("name", path);
}

/* A name is durable once its folder is. */
static bool sync_folder(const char* path) {
  const int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return fail("open", path);
  const bool synced = fsync(folder) == 0 || fail("sync", path);
  close(folder);
  return synced;
}

static bool sync_parent(const char* path) {
  char parent[PATH_BYTES];
  if (!make_path(parent, "%s", path)) return false;
  char* slash = strrchr(parent, '/');
  if (slash == NULL) return sync_folder(".");
  slash[slash == parent ? 1 : 0] = '\0';
  return sync_folder(parent);
}

bool make_folders(const char* path) {
  char part[PATH_BYTES];
  if (!make_path(part, "%s/", path)) return false;
  for (char* slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    if (mkdir(part, 0755) == 0) {
      if (!sync_parent(part)) return false;
    } else if (errno != EEXIST) {
      return fail("make", part);
    }
    *slash = '/';
  }
  return true;
}

static bool write_all(int file, const uint8_t* data, size_t length) {
  while (length > 0) {
    const ssize_t written = write(file, data, length);
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) {
      data += written;
      length -= (size_t)written;
    }
  }
  return true;
}

bool create_file(const char* path, const uint8_t* data, size_t length, bool may_exist) {
  const int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file < 0) return (errno == EEXIST && may_exist) || fail("create", path);
  bool written = write_all(file, data, length) && fsync(file) == 0;
  written = close(file) == 0 && written;
  if (!written) return fail("write", path);
  return sync_parent(path);
}

bool read_file(const char* path, size_t limit, uint8_t** data, size_t* length) {
  *data = NULL;
  *length = 0;
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return fail("open", path);
  /* One byte more than may be there, so that a file over the limit is seen. */
  uint8_t* bytes = malloc(limit + 1);
  ssize_t got = bytes == NULL ? -1 : 1;
  while (got > 0 && *length <= limit) {
    got = read(file, bytes + *length, limit + 1 - *length);
    if (got > 0) *length += (size_t)got;
    if (got < 0 && errno == EINTR) got = 1;
  }
  if (got >= 0 && *length > limit) {
    errno = EFBIG;
    got = -1;
  }
  const bool whole = got >= 0 || fail("read", path);
  close(file);
  if (whole) {
    *data = bytes;
  } else {
    free(bytes);
    *length = 0;
  }
  return whole;
}

bool publish_folder(const char* from, const char* to) {
  if (!sync_folder(from)) return false;
  if (rename(from, to) != 0) return errno == ENOTEMPTY || errno == EEXIST || fail("rename to", to);
  return sync_parent(to) && sync_parent(from);
}
