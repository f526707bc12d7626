#ifndef SIDECAR_HOOK_WATCHER_H
#define SIDECAR_HOOK_WATCHER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/wire/limits.h"
#include "sidecar/common/control/control.h"
#include "sidecar/hook/queue.h"

/*
 * The loop: what the gate tells goes into the queue, what comes out of it is a
 * run, and what runs fare is told to the gate, at most once a second. Nothing
 * is asked of the gate, and it waits for nothing: a channel that is closed ends
 * this process.
 */
#define WATCHER_SETTINGS (CONTROL_HOOK_BYTES + 64)

struct watcher_run {
    pid_t runner; /* 0: free */
    uint64_t kill_at_ms;
};

struct watcher {
    int control, channel, signals; /* the last is owned */
    char words[WATCHER_SETTINGS];  /* of how, each with a NUL behind it */
    struct control_hook how;
    struct hook_queue *queue; /* owned */
    struct watcher_run runs[CONTROL_HOOK_PARALLEL_MAX];
    struct ts_buf in, out;
    uint64_t ran, failed;
    char code[TS_CODE_MAX]; /* what failed last, or "ok" */
    char text[64];
    bool report_due;
    uint64_t reported_ms;
    uint64_t left_out_told;
};

/* Takes the settings out of the message, whose texts end with it. */
TS_NODISCARD ts_err watcher_settings(struct watcher *w,
                                     const struct control_hook *h);
TS_NODISCARD ts_err watcher_open(struct watcher *w);
/* Until the gate or the supervisor is gone. */
void watcher_serve(struct watcher *w);
void watcher_done(struct watcher *w);

#endif
