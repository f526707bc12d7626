#include "sidecar/launcher/space/cgroups.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "sidecar/launcher/space/cgroups_priv.h"

#define LEFT_LOOKS 4 /* before a new one is made, which costs more */

static const struct {
    const char *name;
    enum group_tree kind;
} trees[GROUP_TREES] = {
    {"v2", GROUP_V2}, {"memory", GROUP_V1_MEMORY}, {"pids", GROUP_V1_PIDS}};

int groups_write(int dir, const char *file, const char *text)
{
    int err = 0, fd = openat(dir, file, O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return errno;
    if (write(fd, text, strlen(text)) < 0)
        err = errno;
    (void)close(fd);
    return err;
}

int groups_write_number(int dir, const char *file, uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    return groups_write(dir, file, text);
}

ssize_t groups_read(int dir, const char *file, char *out, size_t cap)
{
    int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return -1;
    n = read(fd, out, cap - 1);
    (void)close(fd);
    if (n >= 0)
        out[n] = '\0';
    return n;
}

static int open_group(const struct space_groups *g, int tree,
                      const struct group *x)
{
    return openat(g->base[tree], x->name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* One of that name was left by a launcher before this one, with limits and
 * counts of its own, and with whoever is in it still: only a new one will do.
 */
static long make_folder(const struct space_groups *g, int tree,
                        const struct group *x)
{
    long rc = filter_call4(&g->key, SYS_mkdirat, g->base[tree],
                           raw_ptr(x->name), 0755, 0);

    if (rc != -EEXIST)
        return rc;
    rc = filter_call4(&g->key, SYS_unlinkat, g->base[tree], raw_ptr(x->name),
                      AT_REMOVEDIR, 0);
    return rc < 0 ? rc
                  : filter_call4(&g->key, SYS_mkdirat, g->base[tree],
                                 raw_ptr(x->name), 0755, 0);
}

/* A group in each tree; all or nothing. */
int groups_make(struct space_groups *g, struct group *x)
{
    int err = 0;

    for (int t = 0; t < GROUP_TREES; t++)
        x->procs[t] = -1;
    for (int t = 0; t < GROUP_TREES && err == 0; t++) {
        long rc;
        int dir;

        if (g->base[t] < 0)
            continue;
        rc = make_folder(g, t, x);
        if (rc < 0) {
            err = (int)-rc;
            break;
        }
        dir = open_group(g, t, x);
        x->procs[t] =
            dir < 0 ? -1 : openat(dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);
        if (x->procs[t] < 0)
            err = errno;
        ts_fd_close(&dir);
    }
    if (err != 0)
        groups_remove(g, x);
    return err;
}

void groups_remove(struct space_groups *g, struct group *x)
{
    for (int t = 0; t < GROUP_TREES; t++) {
        ts_fd_close(&x->procs[t]);
        if (g->base[t] >= 0)
            (void)filter_call4(&g->key, SYS_unlinkat, g->base[t],
                               raw_ptr(x->name), AT_REMOVEDIR, 0);
    }
    x->state = GROUP_NONE;
}

/* Swap is memory too. Version 1 wants memory <= memory + swap at any moment,
 * so one of the two orders fails; hence twice. */
static int limit_v1_memory(int dir, uint64_t bytes)
{
    int err = groups_write_number(dir, "memory.limit_in_bytes", bytes);

    (void)groups_write_number(dir, "memory.memsw.limit_in_bytes", bytes);
    return err == 0 ? 0
                    : groups_write_number(dir, "memory.limit_in_bytes", bytes);
}

static int limit_v2(const struct space_groups *g, int dir,
                    const struct space_group_limits *l)
{
    int err = 0;

    if ((g->v2_has & GROUP_MEMORY) != 0) {
        err = groups_write_number(dir, "memory.max", l->memory_bytes);
        (void)groups_write(dir, "memory.swap.max", "0");
        (void)groups_write(dir, "memory.oom.group", "1");
    }
    if (err == 0 && (g->v2_has & GROUP_PIDS) != 0)
        err = groups_write_number(dir, "pids.max", l->processes);
    return err;
}

int groups_limit(struct space_groups *g, struct group *x,
                 const struct space_group_limits *l)
{
    int err = 0;

    if (x->limits.memory_bytes == l->memory_bytes &&
        x->limits.processes == l->processes)
        return 0; /* as the last tool's */
    x->limits = (struct space_group_limits){0};
    for (int t = 0; t < GROUP_TREES && err == 0; t++) {
        int dir;

        if (g->base[t] < 0)
            continue;
        dir = open_group(g, t, x);
        if (dir < 0)
            return errno;
        if (trees[t].kind == GROUP_V2)
            err = limit_v2(g, dir, l);
        else if (trees[t].kind == GROUP_V1_MEMORY)
            err = limit_v1_memory(dir, l->memory_bytes);
        else
            err = groups_write_number(dir, "pids.max", l->processes);
        ts_fd_close(&dir);
    }
    if (err == 0)
        x->limits = *l;
    return err;
}

bool groups_empty(const struct space_groups *g, const struct group *x)
{
    char text[256];
    bool empty = true;

    for (int t = 0; t < GROUP_TREES && empty; t++) {
        int dir;

        if (g->base[t] < 0)
            continue;
        dir = open_group(g, t, x);
        if (dir < 0)
            return false;
        if (trees[t].kind == GROUP_V2)
            empty = groups_read(dir, "cgroup.events", text, sizeof(text)) > 0 &&
                    strstr(text, "populated 0") != NULL;
        else
            empty = groups_read(dir, "cgroup.procs", text, sizeof(text)) == 0;
        ts_fd_close(&dir);
    }
    return empty;
}

int groups_kill(const struct space_groups *g, const struct group *x)
{
    int err, dir;

    if (g->base[GROUP_V2] < 0)
        return ENOTSUP;
    dir = open_group(g, GROUP_V2, x);
    if (dir < 0)
        return errno;
    err = groups_write(dir, "cgroup.kill", "1");
    (void)close(dir);
    return err;
}

static void read_v2(struct space_groups *g)
{
    char text[256];
    const char *at = text;

    if (g->base[GROUP_V2] < 0 ||
        groups_read(g->base[GROUP_V2], "cgroup.subtree_control", text,
                    sizeof(text)) <= 0)
        return;
    g->v2_has |= strstr(at, "memory") != NULL ? (uint32_t)GROUP_MEMORY : 0;
    g->v2_has |= strstr(at, "pids") != NULL ? (uint32_t)GROUP_PIDS : 0;
    g->v2_has |= strstr(at, "cpu") != NULL ? (uint32_t)GROUP_CPU : 0;
}

static void name_group(struct space_groups *g, uint32_t index)
{
    struct group *x = &g->list[index];

    (void)snprintf(x->name, sizeof(x->name), "t%u-%u", (unsigned)g->tag,
                   (unsigned)index);
}

ts_err space_groups_new(int dir_fd, uint32_t tag, const struct filter_key *key,
                        struct space_groups **ret, const char **reterr_step,
                        int *reterr_errno)
{
    struct space_groups *g = ts_mem_alloc(sizeof(*g));
    int found = 0;
    ts_err e;

    *reterr_step = "cgroup folder";
    *reterr_errno = ENOMEM;
    if (g == NULL)
        return TS_E_NOMEM;
    g->key = *key;
    g->tag = tag;
    for (uint32_t i = 0; i < SPACE_GROUPS_POOL; i++) {
        name_group(g, i);
        for (int t = 0; t < GROUP_TREES; t++)
            g->list[i].procs[t] = -1;
    }
    for (int t = 0; t < GROUP_TREES; t++) {
        g->base[t] =
            openat(dir_fd, trees[t].name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        found += g->base[t] >= 0 ? 1 : 0;
    }
    *reterr_errno = ENOENT;
    read_v2(g);
    e = found == 0 ? TS_E_NOT_FOUND : groups_try(g, reterr_step, reterr_errno);
    if (e != TS_OK) {
        space_groups_free(g);
        return e;
    }
    *ret = g;
    return TS_OK;
}

void space_groups_free(struct space_groups *g)
{
    if (g == NULL)
        return;
    for (uint32_t i = 0; i < SPACE_GROUPS_POOL; i++) {
        if (g->list[i].state != GROUP_NONE && g->list[i].state != GROUP_FOREIGN)
            groups_remove(g, &g->list[i]);
    }
    for (int t = 0; t < GROUP_TREES; t++)
        ts_fd_close(&g->base[t]);
    ts_mem_free(g);
}

uint32_t space_groups_power(const struct space_groups *g)
{
    return g->power;
}

uint64_t space_groups_join_us(const struct space_groups *g)
{
    return g->join_us;
}

bool space_groups_weakened(const struct space_groups *g)
{
    return (g->power & (GROUP_MEMORY | GROUP_PIDS)) !=
           (GROUP_MEMORY | GROUP_PIDS);
}

/* One that came to be empty after all, among the first so many. */
static struct group *find_left(struct space_groups *g, int looks)
{
    for (uint32_t i = 0; looks > 0 && i < SPACE_GROUPS_POOL; i++) {
        if (g->list[i].state != GROUP_LEFT)
            continue;
        if (groups_empty(g, &g->list[i]))
            return &g->list[i];
        looks--;
    }
    return NULL;
}

/* Whoever is in one that was there before us is ended, if that can be done, and
 * the group is not used until it could be made anew. */
static struct group *make_one(struct space_groups *g, enum group_state from,
                              int looks, int *reterr_errno)
{
    for (uint32_t i = 0; looks > 0 && i < SPACE_GROUPS_POOL; i++) {
        struct group *x = &g->list[i];

        if (x->state != from)
            continue;
        looks--;
        *reterr_errno = groups_make(g, x);
        if (*reterr_errno == 0)
            return x;
        if (*reterr_errno != EBUSY)
            return NULL;
        (void)groups_kill(g, x);
        x->state = GROUP_FOREIGN;
    }
    return NULL;
}

struct group *groups_new(struct space_groups *g, int *reterr_errno)
{
    struct group *x;

    *reterr_errno = EAGAIN;
    x = make_one(g, GROUP_NONE, SPACE_GROUPS_POOL, reterr_errno);
    if (x != NULL || (*reterr_errno != EAGAIN && *reterr_errno != EBUSY))
        return x;
    return make_one(g, GROUP_FOREIGN, LEFT_LOOKS, reterr_errno);
}

/* One that is free, or came to be empty after all, or a new one; where none can
 * be made, any that came to be empty. */
static struct group *find(struct space_groups *g, int *reterr_errno)
{
    struct group *x;

    for (uint32_t i = 0; i < SPACE_GROUPS_POOL; i++) {
        if (g->list[i].state == GROUP_FREE)
            return &g->list[i];
    }
    x = find_left(g, LEFT_LOOKS);
    if (x == NULL)
        x = groups_new(g, reterr_errno);
    return x != NULL ? x : find_left(g, SPACE_GROUPS_POOL);
}

ts_err space_groups_take(struct space_groups *g,
                         const struct space_group_limits *l,
                         struct space_group *ret, int *reterr_errno)
{
    struct group *x = find(g, reterr_errno);
    struct space_group r;
    int err;

    if (x == NULL)
        return ts_err_from_errno(*reterr_errno);
    x->state = GROUP_FREE;
    err = groups_limit(g, x, l);
    if (err != 0) {
        *reterr_errno = err;
        return ts_err_from_errno(err);
    }
    for (int t = 0; t < SPACE_GROUPS_MAX; t++)
        r.procs[t] = t < GROUP_TREES ? x->procs[t] : -1;
    r.index = (uint32_t)(x - g->list);
    x->state = GROUP_TAKEN;
    *ret = r;
    return TS_OK;
}

static struct group *taken(struct space_groups *g, uint32_t index)
{
    return index < SPACE_GROUPS_POOL && g->list[index].state == GROUP_TAKEN
               ? &g->list[index]
               : NULL;
}

ts_err space_groups_kill(struct space_groups *g, uint32_t index)
{
    const struct group *x = taken(g, index);

    if (x == NULL)
        return TS_E_STATE;
    if ((g->power & GROUP_KILL) == 0)
        return TS_E_UNSUPPORTED;
    return ts_err_from_errno(groups_kill(g, x));
}

bool space_groups_is_empty(const struct space_groups *g, uint32_t index)
{
    return index < SPACE_GROUPS_POOL && g->list[index].state != GROUP_NONE &&
           g->list[index].state != GROUP_FOREIGN &&
           groups_empty(g, &g->list[index]);
}

void space_groups_give(struct space_groups *g, uint32_t index)
{
    struct group *x = taken(g, index);

    if (x != NULL)
        x->state = groups_empty(g, x) ? GROUP_FREE : GROUP_LEFT;
}
