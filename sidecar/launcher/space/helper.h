#ifndef SIDECAR_LAUNCHER_SPACE_HELPER_H
#define SIDECAR_LAUNCHER_SPACE_HELPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/launcher/layers/filter.h"

/*
 * A helper: a copy of this process (no exec) that makes namespaces and hands
 * descriptors back, so that this one never leaves its own. It has no exit
 * signal, hence nobody but helper_end() waits for it; it dies with us.
 */
struct helper {
    pid_t pid;
    int sock; /* SOCK_SEQPACKET, ours */
};

#define HELPER_FDS  8
#define HELPER_STEP 24 /* bytes of a step's name, NUL included */

struct helper_note {
    uint32_t index;
    int32_t err;   /* errno of the step that failed, 0 if none did */
    uint32_t from; /* whatever the two agree on */
    uint32_t fd_count;
    char step[HELPER_STEP];
};

/* fn's result is the exit status. key may be NULL where no filter is. */
TS_NODISCARD ts_err helper_start(const struct filter_key *key,
                                 int (*fn)(int sock, void *arg), void *arg,
                                 struct helper *ret);
/* In the helper. False: the other side is gone. */
bool helper_tell(int sock, const struct helper_note *n, const int *fds);
/* Received descriptors are the caller's; the rest of fds is -1. TS_E_CLOSED:
 * no further note comes. */
TS_NODISCARD ts_err helper_hear(const struct helper *h, struct helper_note *ret,
                                int fds[HELPER_FDS]);
void helper_end(struct helper *h); /* kills and reaps it */

/* The same as static text, for messages that outlive the note. */
const char *helper_step_text(const struct helper_note *n);

#endif
