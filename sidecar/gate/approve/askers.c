#include "sidecar/gate/approve/askers.h"

#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/trust/pae.h"

#define MINUTE 60u
#define HOUR   3600u

/* What was counted in the window that now lies in, and in the one before. */
struct window {
    uint64_t index;
    uint32_t now, before;
};
struct one {
    uint8_t who[16]; /* a hash of tenant and grant */
    uint64_t last;   /* 0: free */
    struct window minute, hour;
};
struct askers {
    struct one list[TICKETS_ASKERS_MAX];
};

ts_err askers_new(struct askers **ret)
{
    *ret = ts_mem_alloc(sizeof(**ret));
    return *ret == NULL ? TS_E_NOMEM : TS_OK;
}

void askers_free(struct askers *a)
{
    ts_mem_free(a);
}

static uint32_t sum(struct window *w, uint64_t now, uint32_t length)
{
    uint64_t index = now / length;

    if (index != w->index) {
        w->before = index == w->index + 1 ? w->now : 0;
        w->now = 0;
        w->index = index;
    }
    return w->now + w->before;
}

/* The grant's own, else a free one, else NULL. */
static struct one *find(struct askers *a, const uint8_t who[16], uint64_t now)
{
    struct one *free_one = NULL;

    for (uint32_t i = 0; i < TICKETS_ASKERS_MAX; i++) {
        struct one *o = &a->list[i];

        if (o->last != 0 && memcmp(o->who, who, sizeof(o->who)) == 0)
            return o;
        if (free_one == NULL &&
            (o->last == 0 || (now > o->last && now - o->last > 2 * HOUR)))
            free_one = o;
    }
    if (free_one != NULL) {
        *free_one = (struct one){0};
        memcpy(free_one->who, who, sizeof(free_one->who));
    }
    return free_one;
}

static void name_of(const struct ticket *t, uint8_t who[16])
{
    const struct ts_bytes parts[] = {
        {.ptr = (const uint8_t *)t->tenant.ptr, .len = t->tenant.len},
        {.ptr = t->grant_id, .len = sizeof(t->grant_id)}};

    pae_hash(who, 16, PAE_PREFIX "asker", parts, 2);
}

struct askers_sums askers_sums(struct askers *a, const struct ticket *t,
                               uint64_t now)
{
    uint8_t who[16];
    struct one *o;

    name_of(t, who);
    o = find(a, who, now);
    if (o == NULL)
        return (struct askers_sums){0};
    return (struct askers_sums){.minute = sum(&o->minute, now, MINUTE),
                                .hour = sum(&o->hour, now, HOUR)};
}

enum asker askers_count(struct askers *a, const struct ticket *t, uint64_t now)
{
    uint8_t who[16];
    struct one *o;

    name_of(t, who);
    o = find(a, who, now);
    if (o == NULL)
        return ASKER_NO_ROOM;
    o->last = now == 0 ? 1 : now;
    if (sum(&o->minute, now, MINUTE) >= TICKETS_ASKED_1M ||
        sum(&o->hour, now, HOUR) >= TICKETS_ASKED_1H)
        return ASKER_TOO_OFTEN;
    o->minute.now++;
    o->hour.now++;
    return ASKER_FINE;
}
