#ifndef SIDECAR_SUPERVISOR_WATCH_PRIV_H
#define SIDECAR_SUPERVISOR_WATCH_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "proto/base/ts_arena.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/supervisor/watch.h"
#include "sidecar/supervisor/watch_plan.h"

/* watch.c knows the tenants and the notifications, watch_look.c the files. */
#define WATCH_HASH_LEN 32
#define WATCH_KINDS    2 /* snapshot, heartbeat; in the order they are sent */

struct watch_file {
    bool known;                   /* hash is of what the gate was given */
    uint8_t hash[WATCH_HASH_LEN]; /* BLAKE2b of its bytes */
    bool seen;                    /* st is of the last look */
    struct stat st;
    bool dirty;    /* must be read, whatever its attributes say */
    bool finished; /* dirty because it was closed or moved here */
    bool resend;   /* to be sent even if its bytes are the same */
    bool faulty;   /* the log has said why it cannot be read */
};

struct watch_tenant {
    struct ts_str name; /* in the arena */
    int wd;             /* of its directory; -1 */
    struct watch_file files[WATCH_KINDS];
};

struct watch {
    int config_dir; /* borrowed */
    int inotify;    /* owned; -1: polling */
    int root_wd, tenants_wd;
    bool limited; /* the log has said that a limit was reached */
    struct watch_plan plan;
    struct ts_arena arena; /* of tenants */
    struct watch_tenant *tenants;
    size_t count;
};

#define WATCH_PATH_MAX (BUNDLE_NAME_MAX + 1)
const char *watch_file_name(size_t kind); /* "directory.snapshot" */
void watch_hash(struct ts_str bytes, uint8_t out[WATCH_HASH_LEN]);

/* What one look came to. */
struct watch_result {
    bool blocked, busy;
};
/* Looks at both files of one tenant. */
void watch_look(const struct watch *w, struct watch_tenant *t, uint64_t real_ms,
                watch_feed_fn feed, void *ctx, struct watch_result *result);

#endif
