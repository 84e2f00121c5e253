/* What cirrodata-tool shows on a terminal: a bar on stderr, and tables as text.
 *
 * Texts are NUL-ended UTF-8; NULL is taken for "". Control bytes in them are shown as U+FFFD. Nothing throws or
 * unwinds, and NULL is fine for every object. The library belongs to the tool of its own version: it promises no ABI
 * beyond it.
 */
#ifndef CIRRODATA_TERMINAL_H
#define CIRRODATA_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A bar on stderr, which must be a terminal; elsewhere it stays unseen. Any thread may use it. It has a thread of its
 * own, so that its clock goes on while nothing is heard of the run. */
typedef struct cdt_bar cdt_bar;

/* A table. One thread at a time. */
typedef struct cdt_table cdt_table;

/* Writes something while the bar is off the screen. It must not use the bar, and must not throw. */
typedef void (*cdt_write_fn)(void* user_data);

/* A bar, drawn from its first cdt_bar_show on; `time_left` is the word for the time left. The caller owns it; NULL
 * where there can be none. */
cdt_bar* cdt_bar_new(bool colours, const char* time_left);

/* Shows what is going on (label), the task at hand, and how many of how many tasks were seen; a total of 0 is one that
 * is not known yet, and shown as a spinner. */
void cdt_bar_show(const cdt_bar* bar, const char* label, const char* task, uint64_t seen, uint64_t total);

/* Calls `write` once while the bar is off the screen, and draws the bar again. Without a bar it is just called. */
void cdt_bar_suspend(const cdt_bar* bar, cdt_write_fn write, void* user_data);

/* Takes the bar off the screen and ends it; its thread has ended when this returns. */
void cdt_bar_free(cdt_bar* bar);

/* A table that is `width` characters wide at most, where a long cell goes on in a further line; 0 for one as wide as
 * its cells. The caller owns it; NULL where there can be none. */
cdt_table* cdt_table_new(uint16_t width);

/* The names of the columns. */
void cdt_table_head(cdt_table* table, const char* const* cells, size_t count);

/* One more row. */
void cdt_table_row(cdt_table* table, const char* const* cells, size_t count);

/* The table, each line with its line feed. Lives until the next call with this table; "" for NULL. */
const char* cdt_table_text(cdt_table* table);

/* Ends a table. */
void cdt_table_free(cdt_table* table);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* CIRRODATA_TERMINAL_H */
