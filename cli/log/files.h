#ifndef CLI_LOG_FILES_H
#define CLI_LOG_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"

/*
 * The lines of a decision log, in order, from segment files. A directory stands
 * for every log-NNN.jsonl in it, oldest first. Memory: one line.
 */
#define LOG_DIR_DEFAULT "/var/log/tipstaff"

struct log_files {
    char **paths; /* owned, as what they point to */
    size_t count, cap;
    size_t next; /* which is opened next */
    int fd;      /* owned */
    char *buf;   /* owned, RECORD_LINE_MAX */
    size_t start, len;
    bool ended;
    uint64_t bytes_total, bytes_read; /* for progress */
};
struct log_place {
    const char *path; /* borrowed from the struct above */
    uint64_t line;    /* in that file, from 1 */
    bool first;       /* of its file */
};

/* operands: files and directories; none means LOG_DIR_DEFAULT. Prints what is
 * wrong and returns false. */
bool log_files_open(struct log_files *f, const char *const *operands,
                    size_t count);
void log_files_close(struct log_files *f);
/* The next line without its newline, borrowed until the next call. TS_E_AGAIN:
 * the end. TS_E_TRUNCATED: a last line without its newline. TS_E_LIMIT: longer
 * than any line of ours. place is set in every case but the end. */
TS_NODISCARD ts_err log_files_next(struct log_files *f, struct ts_str *ret,
                                   struct log_place *place);

#endif
