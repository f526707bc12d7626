#ifndef SIDECAR_LAUNCHER_START_UIDS_H
#define SIDECAR_LAUNCHER_START_UIDS_H

#include <stdint.h>
#include <sys/types.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

/*
 * Who has which uid. The first of the configured range is the writers' uid:
 * tools whose files stay run as it, in every launcher, since a uid whose files
 * live on must never be another tool's. The rest is cut into slices, one for
 * each launcher, that of the profile which most tools have (files) the largest;
 * a slice's uids go to one running tool each.
 *
 * A uid comes back when its tool is gone to the last process and the last file
 * (uids_give). If something of it may be left it is never given back: a range
 * that shrinks is a nuisance, a uid that is reused is a hole. Uids are handed
 * out in turn, so that one that has just come back rests longest. Pure: no
 * system calls.
 */
#define UIDS_SLICE_MAX   4096
#define UIDS_FILES       1 /* its launcher's index */
#define UIDS_FILES_PARTS 3 /* of which every other slice has one */

struct uids {
    uid_t writers;  /* 0: there is no range */
    uid_t first;    /* of the slice */
    uint32_t count; /* of the slice; 0: no tool can have a uid of its own */
    uint32_t next;  /* where the search begins */
    uint32_t taken; /* by running tools, or for good */
    uint8_t used[UIDS_SLICE_MAX / 8];
};

/* The slice of launcher `index` of `launchers` in first..first+count-1. */
void uids_init(struct uids *u, uid_t first, uint32_t count, uint32_t launchers,
               uint32_t index);
/* TS_E_LIMIT: all are taken. */
TS_NODISCARD ts_err uids_take(struct uids *u, uid_t *ret);
/* Nothing of its tool is left. Does nothing for the writers' uid and for 0
 * (none). */
void uids_give(struct uids *u, uid_t uid);

#endif
