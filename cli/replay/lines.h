#ifndef CLI_REPLAY_LINES_H
#define CLI_REPLAY_LINES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * A file of one JSON object a line (.jsonl), plain or compressed with xz. Read
 * as a stream: of a file no more than one line is in memory. All that fail
 * print FILE:LINE, what is wrong and what to do.
 */
#define LINES_LINE_MAX ((size_t)16 << 20) /* bytes of one line */

/* Called with each object, borrowed, and its line, from 1; false ends it. */
typedef bool (*lines_seen)(void *ctx, json_t *object, const char *path,
                           size_t line);

/* path ends in ".xz" when it is compressed. Empty lines are passed over; a key
 * that stands twice in one object, or anything that is no object, is an
 * error. */
bool lines_each(const char *path, lines_seen seen, void *ctx);
/* The same of a descriptor, which is closed; path is for what is printed. */
bool lines_of(int fd, bool is_xz, const char *path, lines_seen seen, void *ctx);

#endif
