#ifndef SIDECAR_LAUNCHER_METADATA_RUNS_H
#define SIDECAR_LAUNCHER_METADATA_RUNS_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/launcher/metadata/place.h"

/*
 * Which runs there are, and where each may write: said by the launcher, asked
 * by the threads of metadata.h. A run that ends while it is looked at stays
 * until that is done.
 */
#define METADATA_RUNS_MAX 256

struct metadata_run {
    uint64_t mark; /* life/tree.h; 0: free */
    uint32_t users;
    uint32_t count;
    struct place_root *roots; /* owned */
};

struct metadata_runs {
    pthread_mutex_t lock;
    struct metadata_run list[METADATA_RUNS_MAX];
};

void metadata_runs_init(struct metadata_runs *r);

/* fds: where it may write; copies are made. TS_E_LIMIT: no room. */
TS_NODISCARD ts_err metadata_runs_add(struct metadata_runs *r, uint64_t mark,
                                      const int *fds, uint32_t count);
/* Nothing happens if there is none. */
void metadata_runs_remove(struct metadata_runs *r, uint64_t mark);

/* NULL: none has that mark. To be given back. */
const struct metadata_run *metadata_runs_hold(struct metadata_runs *r,
                                              uint64_t mark);
void metadata_runs_let_go(struct metadata_runs *r,
                          const struct metadata_run *run);

#endif
