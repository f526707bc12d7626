#ifndef SIDECAR_LAUNCHER_METADATA_CARRY_OUT_H
#define SIDECAR_LAUNCHER_METADATA_CARRY_OUT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "sidecar/launcher/layers/filter.h"
#include "sidecar/launcher/metadata/call.h"
#include "sidecar/launcher/metadata/place.h"

/*
 * A call of a tool, made by us. In two steps, between which the caller asks
 * whether the thread that called still waits (its number may be another's by
 * then): first all is taken from it that is needed, then nothing of it is
 * looked at any more. Everything here answers with the errno that the tool
 * gets, 0 for success.
 */
#define METADATA_MASK_MAX 1024 /* bytes: 8192 processors */

struct metadata_means {
    struct filter_key key;
    int proc_fd;  /* /proc */
    int self_fds; /* /proc/self/fd, O_PATH */
    size_t all_len;
    unsigned char all[METADATA_MASK_MAX]; /* our processors, and a tool's */
};

struct metadata_taken {
    int at;   /* owned; where the path begins, or the file itself; -1: none */
    int file; /* owned; the file itself, already; -1: by the path */
    bool times_are_given;
    bool is_nothing; /* both times stay: the path is not even looked at */
    struct timespec times[2];
    size_t mask_len;
    unsigned char mask[METADATA_MASK_MAX];
    char path[PATH_MAX];
};

int metadata_take(const struct metadata_means *m, pid_t thread,
                  const struct metadata_call *c, struct metadata_taken *ret);
void metadata_taken_done(struct metadata_taken *t);

/* Of a file. roots: where the tool may write. */
int metadata_change(const struct metadata_means *m,
                    const struct metadata_call *c,
                    const struct metadata_taken *t,
                    const struct place_root *roots, uint32_t count);

/* Of a thread that the caller knows to be the tool's. */
int metadata_move(const struct metadata_means *m, const struct metadata_call *c,
                  const struct metadata_taken *t);
/* Of one that turned out to be another's. */
void metadata_move_back(const struct metadata_means *m, pid_t thread);

#endif
