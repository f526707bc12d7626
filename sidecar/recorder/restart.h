#ifndef SIDECAR_RECORDER_RESTART_H
#define SIDECAR_RECORDER_RESTART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/recorder/line.h"
#include "sidecar/recorder/open.h"
#include "sidecar/recorder/segment.h"

/*
 * Where an earlier life of the recorder stopped. Reads the last segment whole
 * and checks its chain; its first lines ("segment") say which launches were
 * open when it was begun, so older segments need not be read.
 *
 * Cut away: a last line without its newline, and blocks that a crash left
 * unwritten (they read as zeros). A last segment whose first lines are not
 * whole is removed, and the one before it is the last again. Anything else
 * that is wrong refuses to start.
 */
struct restart {
    struct chain chain; /* after the last line */
    bool has_segment;   /* false: the directory holds no log yet */
    uint64_t first_seq; /* of the last segment */
    uint64_t size;      /* its good bytes */
    uint64_t cut_bytes; /* bytes after them, to be cut */
    /* The newest number of the journal that the last segment speaks of, and the
     * sidecar whose journal it was; 0 and "" when it says nothing. */
    uint64_t journal;
    char sidecar[TS_ID_MAX + 1];
};

/* Adds to open (which must be initialised) the launches without an outcome. On
 * failure reterr_text (cap bytes) names file, line and flaw. */
TS_NODISCARD ts_err restart_scan(int log_dir, struct open_launches *open,
                                 struct restart *ret, char *reterr_text,
                                 size_t reterr_cap);

#endif
