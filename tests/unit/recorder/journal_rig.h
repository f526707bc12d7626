#ifndef TESTS_UNIT_RECORDER_JOURNAL_RIG_H
#define TESTS_UNIT_RECORDER_JOURNAL_RIG_H

#include <stddef.h>
#include <stdint.h>

#include "sidecar/recorder/journal_file.h"

/* A journal in a directory of its own. Functions fail the test themselves. */
struct jrig {
    char dir[64];
    int dirfd;
    struct journal j;
    struct journal_found found;
    char text[JOURNAL_REFUSAL_MAX];
};

int jrig_init(struct jrig *r);  /* 0 */
void jrig_done(struct jrig *r); /* ends what is open, removes everything */
ts_err jrig_open(struct jrig *r, bool init);
void jrig_close(struct jrig *r);
void jrig_empty(struct jrig *r); /* removes every file */

/* The body of an entry of value v, its payload pad bytes longer than it must.
 */
size_t jrig_body(uint8_t *out, size_t cap, enum journal_type type, uint32_t key,
                 uint64_t keep_until, uint8_t v, size_t pad);
ts_err jrig_append(struct jrig *r, enum journal_type type, uint32_t key,
                   uint64_t keep_until, uint8_t v, size_t pad);
/* Tends until nothing is busy; how many slices. */
size_t jrig_compact(struct jrig *r, uint64_t now_s, ts_err *ret);

/* What the last jrig_open() hands to the gate: the value of (type, key), 0 if
 * there is none. Fails if there are two. */
uint32_t jrig_handed(const struct jrig *r, enum journal_type type,
                     uint32_t key);
size_t jrig_handed_count(const struct jrig *r);
void jrig_path(const struct jrig *r, const char *name, char *out, size_t cap);

#endif
