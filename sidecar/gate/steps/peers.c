#include "sidecar/gate/steps/peers.h"

#include <stddef.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"

#define MILLI     1000u
#define NS_PER_MS 1000000u

ts_err peers_init(struct peers *p, uint32_t rate, uint32_t burst)
{
    struct peer_entry *list = ts_mem_alloc(PEERS_MAX * sizeof(*list));

    if (list == NULL)
        return TS_E_NOMEM;
    *p = (struct peers){.list = list,
                        .rate = rate > 0 ? rate : TS_HANDSHAKE_RATE,
                        .burst = burst > 0 ? burst : TS_HANDSHAKE_BURST};
    return TS_OK;
}

void peers_done(struct peers *p)
{
    ts_mem_free(p->list);
    *p = (struct peers){0};
}

static struct peer_entry *find(struct peers *p, uint32_t uid)
{
    for (uint32_t i = 0; i < p->used; i++) {
        if (p->list[i].uid == uid)
            return &p->list[i];
    }
    return NULL;
}

static void refill(const struct peers *p, struct peer_entry *e, uint64_t now_ns)
{
    uint64_t full = (uint64_t)p->burst * MILLI;
    uint64_t ms, add;

    if (now_ns <= e->refilled_ns)
        return;
    ms = (now_ns - e->refilled_ns) / NS_PER_MS;
    if (ms > full) /* more than a token a second is always the rate's minimum */
        ms = full;
    add = ms * p->rate; /* tokens per second are millitokens per millisecond */
    e->millitokens = e->millitokens + add > full ? full : e->millitokens + add;
    e->refilled_ns += ms * NS_PER_MS;
    if (e->millitokens == full)
        e->refilled_ns = now_ns;
}

static struct peer_entry *make(struct peers *p, uint32_t uid, uint64_t now_ns)
{
    struct peer_entry *e = NULL;

    if (p->used < PEERS_MAX) {
        e = &p->list[p->used++];
    } else {
        for (uint32_t i = 0; i < p->used; i++) {
            struct peer_entry *o = &p->list[i];

            if (o->conns > 0)
                continue;
            refill(p, o, now_ns);
            if (e == NULL || o->millitokens > e->millitokens)
                e = o;
        }
        if (e == NULL)
            return NULL;
    }
    *e = (struct peer_entry){.uid = uid,
                             .millitokens = (uint64_t)p->burst * MILLI,
                             .refilled_ns = now_ns};
    return e;
}

ts_err peers_enter(struct peers *p, uint32_t uid, uint64_t now_ns)
{
    struct peer_entry *e;

    if (p->total >= TS_CONNS_MAX)
        return TS_E_LIMIT;
    e = find(p, uid);
    if (e == NULL)
        e = make(p, uid, now_ns);
    if (e == NULL || e->conns >= TS_CONNS_PER_UID)
        return TS_E_LIMIT;
    refill(p, e, now_ns);
    if (e->millitokens < MILLI)
        return TS_E_AGAIN;
    e->millitokens -= MILLI;
    e->conns++;
    p->total++;
    return TS_OK;
}

void peers_leave(struct peers *p, uint32_t uid)
{
    struct peer_entry *e = find(p, uid);

    TS_REQUIRE(e != NULL && e->conns > 0 && p->total > 0);
    e->conns--;
    p->total--;
}

void peers_punish(struct peers *p, uint32_t uid)
{
    struct peer_entry *e = find(p, uid);

    if (e != NULL)
        e->millitokens -= e->millitokens < MILLI ? e->millitokens : MILLI;
}
