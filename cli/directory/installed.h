#ifndef CLI_DIRECTORY_INSTALLED_H
#define CLI_DIRECTORY_INSTALLED_H

#include <stdbool.h>

#include "cli/directory/place.h"
#include "proto/base/ts_arena.h"
#include "proto/trust/heartbeat.h"
#include "proto/trust/store.h"

/* Everything that trust.yaml says of one tenant; lives in an arena. */
struct dir_trust {
    const struct trust_store *store;
    struct trust_key *keys; /* issuers, directory keys, revokers */
    size_t count;
};

bool dir_trust_load(const struct dir_place *p, struct ts_arena *arena,
                    struct dir_trust *ret);

/* A signed snapshot as it was found. */
struct dir_found {
    struct ts_bytes bytes;
    struct directory_snapshot s;
    const struct trust_key *by; /* NULL: no directory key's signature holds */
    const char *why;            /* then; a static text */
};

/*
 * Reads a snapshot without judging its age. False (printed): no snapshot at
 * all, or one of another tenant (when tenant is not empty). trust NULL: nobody
 * to verify it with. name NULL: nothing is printed.
 */
bool dir_found_read(const char *name, struct ts_bytes bytes,
                    const struct dir_trust *trust, struct ts_str tenant,
                    struct ts_arena *arena, struct dir_found *ret);

/* "user bob" for the entry that reterr_what and reterr_index of the snapshot's
 * codec name; out is short text for a person. */
void dir_entry_name(const struct directory_snapshot *s, const char *what,
                    uint32_t index, char *out, size_t cap);

/* CLOCK_REALTIME in seconds; not time(2), which runs up to a tick behind. */
bool dir_now(uint64_t *ret);

#endif
