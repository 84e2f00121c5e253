/* Durable files and folders on a local disk, by plain POSIX calls: what a host that writes by itself owes a tree. Each
 * function says on stderr what failed and where, and answers whether it went well. */
#ifndef COMPTASK_UPGRADE_EXAMPLES_LOCAL_FILES_H_
#define COMPTASK_UPGRADE_EXAMPLES_LOCAL_FILES_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most bytes of a path, its NUL among them. */
#define PATH_BYTES 4096

/* Writes a path as printf does; false where it would be too long. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
bool make_path(char path[PATH_BYTES], const char *format, ...);

/* A folder and the missing ones above it. Fine where it is there. */
bool make_folders(const char* path);

/* A new file, whole and durable; fine where it is there already and `may_exist`. */
bool create_file(const char* path, const uint8_t* data, size_t length, bool may_exist);

/* A whole file of at most `limit` bytes. `*data` is the caller's, to be given to free(); NULL on failure. */
bool read_file(const char* path, size_t limit, uint8_t** data, size_t* length);

/* Makes a folder that was filled visible under its name, by one rename, durably. Where another folder has that name and
 * something in it, an earlier attempt has made it: it stays, and that is fine. */
bool publish_folder(const char* from, const char* to);

#endif /* COMPTASK_UPGRADE_EXAMPLES_LOCAL_FILES_H_ */
