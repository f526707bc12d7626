/* The table of runs, between the launcher and its threads. */
#include "sidecar/launcher/metadata/runs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"

#define ENDED UINT64_MAX /* of a run that is gone and still looked at */

void metadata_runs_init(struct metadata_runs *r)
{
    memset(r, 0, sizeof(*r));
    (void)pthread_mutex_init(&r->lock, NULL);
}

static void free_roots(struct place_root *roots, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        ts_fd_close(&roots[i].fd);
    ts_mem_free(roots);
}

static ts_err hold_root(int fd, struct place_root *ret)
{
    struct stat st;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

    if (copy < 0)
        return ts_err_from_errno(errno);
    if (fstat(copy, &st) != 0) {
        (void)close(copy);
        return TS_E_SYSTEM;
    }
    *ret = (struct place_root){copy, st.st_dev, st.st_ino};
    return TS_OK;
}

static struct metadata_run *find(struct metadata_runs *r, uint64_t mark)
{
    for (size_t i = 0; i < METADATA_RUNS_MAX; i++) {
        if (r->list[i].mark == mark)
            return &r->list[i];
    }
    return NULL;
}

ts_err metadata_runs_add(struct metadata_runs *r, uint64_t mark, const int *fds,
                         uint32_t count)
{
    struct place_root *roots = NULL;
    struct metadata_run *run;
    ts_err e = TS_OK;
    uint32_t n = 0;

    if (mark == 0 || mark == ENDED)
        return TS_E_INVALID;
    if (count > 0 && (roots = ts_mem_alloc(count * sizeof(*roots))) == NULL)
        return TS_E_NOMEM;
    while (n < count && (e = hold_root(fds[n], &roots[n])) == TS_OK)
        n++;
    if (e == TS_OK) {
        (void)pthread_mutex_lock(&r->lock);
        run = find(r, 0);
        if (run == NULL)
            e = TS_E_LIMIT;
        else
            *run = (struct metadata_run){
                .mark = mark, .count = count, .roots = roots};
        (void)pthread_mutex_unlock(&r->lock);
    }
    if (e != TS_OK)
        free_roots(roots, n);
    return e;
}

void metadata_runs_remove(struct metadata_runs *r, uint64_t mark)
{
    struct metadata_run old = {0};
    struct metadata_run *run;

    if (mark == 0 || mark == ENDED)
        return;
    (void)pthread_mutex_lock(&r->lock);
    run = find(r, mark);
    if (run != NULL && run->users == 0) {
        old = *run;
        *run = (struct metadata_run){0};
    } else if (run != NULL) {
        run->mark = ENDED;
    }
    (void)pthread_mutex_unlock(&r->lock);
    free_roots(old.roots, old.count);
}

const struct metadata_run *metadata_runs_hold(struct metadata_runs *r,
                                              uint64_t mark)
{
    struct metadata_run *run = NULL;

    if (mark == 0 || mark == ENDED)
        return NULL;
    (void)pthread_mutex_lock(&r->lock);
    run = find(r, mark);
    if (run != NULL)
        run->users++;
    (void)pthread_mutex_unlock(&r->lock);
    return run;
}

void metadata_runs_let_go(struct metadata_runs *r,
                          const struct metadata_run *held)
{
    struct metadata_run *run = &r->list[held - r->list];
    struct metadata_run old = {0};

    (void)pthread_mutex_lock(&r->lock);
    run->users--;
    if (run->users == 0 && run->mark == ENDED) {
        old = *run;
        *run = (struct metadata_run){0};
    }
    (void)pthread_mutex_unlock(&r->lock);
    free_roots(old.roots, old.count);
}
