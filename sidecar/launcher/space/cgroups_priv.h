#ifndef SIDECAR_LAUNCHER_SPACE_CGROUPS_PRIV_H
#define SIDECAR_LAUNCHER_SPACE_CGROUPS_PRIV_H

#include <stddef.h>
#include <sys/types.h>

#include "sidecar/launcher/space/cgroups.h"

enum group_tree {
    GROUP_V2 = 0,
    GROUP_V1_MEMORY,
    GROUP_V1_PIDS,
    GROUP_TREES
};

enum group_state {
    GROUP_NONE = 0, /* no directory */
    GROUP_FREE,
    GROUP_TAKEN,
    GROUP_LEFT,   /* given back with somebody in it */
    GROUP_FOREIGN /* there before us, with somebody in it; not opened */
};

struct group {
    enum group_state state;
    int procs[GROUP_TREES];           /* owned */
    struct space_group_limits limits; /* as set last */
    char name[24];
};

struct space_groups {
    struct filter_key key;
    uint32_t tag;
    int base[GROUP_TREES]; /* O_PATH, owned; -1: there is none */
    uint32_t v2_has;       /* controllers that v2 gives to our groups */
    uint32_t power;
    uint64_t join_us;
    struct group list[SPACE_GROUPS_POOL];
};

/* Errno values; 0 is success. */
int groups_write(int dir, const char *file, const char *text);
int groups_write_number(int dir, const char *file, uint64_t value);
ssize_t groups_read(int dir, const char *file, char *out, size_t cap);
/* EBUSY: it is there, and somebody is in it. */
int groups_make(struct space_groups *g, struct group *x);
/* One that nobody was ever in; NULL: *reterr_errno says why. */
struct group *groups_new(struct space_groups *g, int *reterr_errno);
void groups_remove(struct space_groups *g, struct group *x);
int groups_limit(struct space_groups *g, struct group *x,
                 const struct space_group_limits *l);
bool groups_empty(const struct space_groups *g, const struct group *x);
int groups_kill(const struct space_groups *g, const struct group *x);

/* cgroups_try.c: fills power and join_us, or says why there is none. */
TS_NODISCARD ts_err groups_try(struct space_groups *g, const char **reterr_step,
                               int *reterr_errno);

#endif
