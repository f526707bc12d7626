#include "sidecar/gate/feed_in.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "proto/base/ts_fd.h"
#include "proto/wire/limits.h"
#include "sidecar/common/log.h"
#include "sidecar/gate/feed.h"

_Static_assert((int)FEED_SNAPSHOT == (int)CONTROL_FEED_SNAPSHOT &&
                   (int)FEED_HEARTBEAT == (int)CONTROL_FEED_HEARTBEAT,
               "the same kinds, whoever brings them");

/* TS_E_AGAIN: offer it again; everything else is settled. */
static ts_err offer(struct gate *g, struct ts_str tenant, enum feed_what what,
                    int fd)
{
    struct revoke_asker nobody = {0};
    struct feed_offer o = {.what = what, .tenant = tenant, .by = "file"};
    struct feed_refusal no;
    struct stat st;
    void *map;
    ts_err e;

    if (fstat(fd, &st) != 0 || st.st_size <= 0 ||
        st.st_size > (off_t)TS_SNAPSHOT_MAX) {
        log_event(LOG_WARN, "feed_refused reason=size");
        return TS_OK;
    }
    map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) {
        log_event(LOG_ERROR, "feed_refused reason=mmap");
        return TS_OK;
    }
    o.object = (struct ts_bytes){.ptr = map, .len = (size_t)st.st_size};
    e = feed_apply(g, &o, nobody, &no); /* a refusal is logged there */
    (void)munmap(map, (size_t)st.st_size);
    return e == TS_E_AGAIN ? e : TS_OK;
}

static bool is_of(const struct feed_waiting *w, const struct control_feed *f)
{
    return w->fd_held && w->what == (int)f->what &&
           ts_str_eq((struct ts_str){.ptr = w->tenant, .len = w->tenant_len},
                     f->tenant);
}

static void let_go(struct feed_waiting *w)
{
    ts_fd_close(&w->fd);
    w->fd_held = false;
}

/* The slot of its predecessor, or a free one, or NULL. */
static struct feed_waiting *slot_for(struct gate *g,
                                     const struct control_feed *f)
{
    struct feed_waiting *found = NULL;

    for (uint32_t i = 0; i < GATE_FEEDS; i++) {
        if (is_of(&g->feeds[i], f)) {
            let_go(&g->feeds[i]);
            return &g->feeds[i];
        }
        if (!g->feeds[i].fd_held)
            found = &g->feeds[i];
    }
    return found;
}

void feed_in_take(struct gate *g, const struct control_feed *f, int fd)
{
    struct feed_waiting *w = slot_for(g, f);

    if (offer(g, f->tenant, (enum feed_what)f->what, fd) != TS_E_AGAIN) {
        ts_fd_close(&fd);
        return;
    }
    if (w == NULL || f->tenant.len > sizeof(w->tenant)) {
        /* It goes stale, which denies: the next heartbeat brings it again. */
        log_event(LOG_ERROR, "feed_dropped reason=\"too many wait\"");
        ts_fd_close(&fd);
        return;
    }
    memcpy(w->tenant, f->tenant.ptr, f->tenant.len);
    w->tenant_len = f->tenant.len;
    w->what = (int)f->what;
    w->fd = fd;
    w->fd_held = true;
    g->feeds_wait = true;
    gate_retry_soon(g);
}

void feed_in_retry(struct gate *g)
{
    if (!g->feeds_wait)
        return;
    g->feeds_wait = false;
    for (uint32_t i = 0; i < GATE_FEEDS; i++) {
        struct feed_waiting *w = &g->feeds[i];
        struct ts_str tenant = {.ptr = w->tenant, .len = w->tenant_len};

        if (!w->fd_held)
            continue;
        if (offer(g, tenant, (enum feed_what)w->what, w->fd) == TS_E_AGAIN) {
            g->feeds_wait = true;
            gate_retry_soon(g);
        } else {
            let_go(w);
        }
    }
}

void feed_in_close(struct gate *g)
{
    for (uint32_t i = 0; i < GATE_FEEDS; i++) {
        if (g->feeds[i].fd_held)
            let_go(&g->feeds[i]);
    }
}
