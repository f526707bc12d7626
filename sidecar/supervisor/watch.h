#ifndef SIDECAR_SUPERVISOR_WATCH_H
#define SIDECAR_SUPERVISOR_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "sidecar/common/control/control.h"

/*
 * Notices when tenants/NAME/directory.snapshot or directory.heartbeat beneath
 * the configuration directory has other bytes than those that the gate was
 * last given, and hands the new bytes over as a sealed memfd. inotify(7) looks
 * at the directories, not at the files: a ConfigMap changes by the exchange of
 * the link ..data. What is noticed late or not at all is found by a look every
 * WATCH_POLL_MS. Files are read by bundle_read_file(), so with the rules of the
 * bundle. Only the tenants of the bundle in force are watched: another one
 * needs its policies first, and those come with a reload.
 */
struct watch;

/* TS_OK: handed over. TS_E_AGAIN: not now, it is tried again. Anything else:
 * the receiver is going away. fd stays the caller's. */
typedef ts_err (*watch_feed_fn)(void *ctx, struct ts_str tenant,
                                enum control_feed_kind what, int fd);

struct watch_time {
    uint64_t boot_ms;
    uint64_t real_ms; /* to compare with the age of files */
};

TS_NODISCARD ts_err watch_new(int config_dir, struct watch **ret);
void watch_free(struct watch *w); /* NULL is fine */

/* What the gate has now is what the bundle holds. On failure nothing is
 * watched. */
TS_NODISCARD ts_err watch_reset(struct watch *w, int bundle_fd,
                                uint64_t boot_ms);
void watch_stop(struct watch *w); /* until the next watch_reset() */

int watch_fd(const struct watch *w);       /* to poll; -1: none */
uint64_t watch_due(const struct watch *w); /* boot ms of the next turn; 0 */
/* Reads the notifications; true if there were any. */
bool watch_take(struct watch *w, uint64_t boot_ms);
/* Looks, if it is time to. */
void watch_turn(struct watch *w, struct watch_time now, watch_feed_fn feed,
                void *ctx);

#endif
