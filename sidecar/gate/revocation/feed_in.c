#include "sidecar/gate/revocation/feed_in.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "proto/wire/limits.h"
#include "sidecar/common/log.h"
#include "sidecar/gate/revocation/feed.h"

_Static_assert((int)FEED_SNAPSHOT == (int)CONTROL_FEED_SNAPSHOT &&
                   (int)FEED_HEARTBEAT == (int)CONTROL_FEED_HEARTBEAT,
               "the same kinds, whoever brings them");

/* TS_E_AGAIN: offer it again. TS_E_DENIED: refused, which is logged. */
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
        return TS_E_DENIED;
    }
    map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) {
        log_event(LOG_ERROR, "feed_refused reason=mmap");
        return TS_E_DENIED;
    }
    o.object = (struct ts_bytes){.ptr = map, .len = (size_t)st.st_size};
    e = feed_apply(g, &o, nobody, &no); /* a refusal is logged there */
    (void)munmap(map, (size_t)st.st_size);
    return e;
}

static bool is_of(const struct feed_waiting *w, struct ts_str tenant,
                  enum feed_what what)
{
    return w->fd_held && w->what == (int)what &&
           ts_str_eq((struct ts_str){.ptr = w->tenant, .len = w->tenant_len},
                     tenant);
}

static void let_go(struct feed_waiting *w)
{
    ts_fd_close(&w->fd);
    w->fd_held = false;
}

static struct feed_waiting *waiting(struct gate *g, struct ts_str tenant,
                                    enum feed_what what)
{
    for (uint32_t i = 0; g->feeds_wait && i < g->feed_cap; i++) {
        if (is_of(&g->feeds[i], tenant, what))
            return &g->feeds[i];
    }
    return NULL;
}

static struct feed_waiting *free_slot(struct gate *g)
{
    uint32_t cap = g->feed_cap > 0 ? 2 * g->feed_cap : 16;
    struct feed_waiting *more;

    for (uint32_t i = 0; i < g->feed_cap; i++) {
        if (!g->feeds[i].fd_held)
            return &g->feeds[i];
    }
    if (cap > GATE_FEEDS_MAX ||
        (more = ts_mem_alloc(cap * sizeof(*more))) == NULL)
        return NULL;
    if (g->feed_cap > 0)
        memcpy(more, g->feeds, g->feed_cap * sizeof(*more));
    ts_mem_free(g->feeds);
    more[g->feed_cap].fd_held = false;
    g->feeds = more;
    more += g->feed_cap;
    g->feed_cap = cap;
    return more;
}

/* w: its predecessor, whose place it takes, or NULL. */
static void wait_for_turn(struct gate *g, struct feed_waiting *w,
                          const struct control_feed *f, int fd)
{
    if (w != NULL)
        let_go(w);
    else
        w = free_slot(g);
    if (w == NULL || f->tenant.len > sizeof(w->tenant)) {
        /* Nobody would bring it again; a new start reads it from its file. */
        ts_fd_close(&fd);
        gate_fail(g, "a directory could not wait for its turn");
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

void feed_in_take(struct gate *g, const struct control_feed *f, int fd)
{
    enum feed_what what = (enum feed_what)f->what;
    struct feed_waiting *w = waiting(g, f->tenant, what);
    ts_err e;

    /* A heartbeat is of the directory that came before it. */
    if (what == FEED_HEARTBEAT &&
        waiting(g, f->tenant, FEED_SNAPSHOT) != NULL) {
        wait_for_turn(g, w, f, fd);
        return;
    }
    e = offer(g, f->tenant, what, fd);
    if (e == TS_E_AGAIN) {
        wait_for_turn(g, w, f, fd);
        return;
    }
    if (e == TS_OK && w != NULL) /* one that is refused replaces nothing */
        let_go(w);
    ts_fd_close(&fd);
}

/* In turn, so that one tenant's long directory holds up no other's for ever;
 * what cannot go on ends this turn. True if some still wait. */
static bool offer_all(struct gate *g, enum feed_what what)
{
    uint32_t from = g->feed_turn;
    bool wait = false, held_up = false;

    for (uint32_t n = 0; n < g->feed_cap; n++) {
        uint32_t i = (from + n) % g->feed_cap;
        struct feed_waiting *w = &g->feeds[i];
        struct ts_str tenant = {.ptr = w->tenant, .len = w->tenant_len};

        if (!w->fd_held || w->what != (int)what)
            continue;
        if (held_up || (what == FEED_HEARTBEAT &&
                        waiting(g, tenant, FEED_SNAPSHOT) != NULL)) {
            wait = true;
        } else if (offer(g, tenant, what, w->fd) == TS_E_AGAIN) {
            g->feed_turn = i + 1;
            wait = held_up = true;
        } else {
            let_go(w);
        }
    }
    return wait;
}

void feed_in_retry(struct gate *g)
{
    bool snapshots, heartbeats;

    if (!g->feeds_wait)
        return;
    snapshots = offer_all(g, FEED_SNAPSHOT);
    heartbeats = offer_all(g, FEED_HEARTBEAT);
    g->feeds_wait = snapshots || heartbeats;
    if (g->feeds_wait)
        gate_retry_soon(g);
}

void feed_in_close(struct gate *g)
{
    for (uint32_t i = 0; i < g->feed_cap; i++) {
        if (g->feeds[i].fd_held)
            let_go(&g->feeds[i]);
    }
    ts_mem_free(g->feeds);
    g->feeds = NULL;
    g->feed_cap = 0;
}
