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
struct name {
    uint8_t grant[16];  /* a hash of tenant and grant */
    uint8_t tenant[16]; /* and of the tenant alone */
};
struct one {
    struct name who;
    uint64_t last; /* 0: free */
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

/* The grant's own, else a free one, else NULL. No tenant has the second half
 * of them: whoever can make grants cannot silence the others. */
static struct one *find(struct askers *a, const struct name *who, uint64_t now)
{
    struct one *free_one = NULL;
    uint32_t of_tenant = 0;

    for (uint32_t i = 0; i < TICKETS_ASKERS_MAX; i++) {
        struct one *o = &a->list[i];

        if (o->last != 0 &&
            memcmp(o->who.grant, who->grant, sizeof(who->grant)) == 0)
            return o;
        if (o->last == 0 || (now > o->last && now - o->last > 2 * HOUR))
            free_one = free_one == NULL ? o : free_one;
        else
            of_tenant +=
                memcmp(o->who.tenant, who->tenant, sizeof(who->tenant)) == 0;
    }
    if (free_one == NULL || of_tenant >= TICKETS_ASKERS_MAX / 2)
        return NULL;
    *free_one = (struct one){.who = *who};
    return free_one;
}

static struct name name_of(const struct ticket *t)
{
    const struct ts_bytes parts[] = {
        {.ptr = (const uint8_t *)t->tenant.ptr, .len = t->tenant.len},
        {.ptr = t->grant_id, .len = sizeof(t->grant_id)}};
    struct name n;

    pae_hash(n.grant, sizeof(n.grant), PAE_PREFIX "asker", parts, 2);
    pae_hash(n.tenant, sizeof(n.tenant), PAE_PREFIX "asker", parts, 1);
    return n;
}

struct askers_sums askers_sums(struct askers *a, const struct ticket *t,
                               uint64_t now)
{
    const struct name who = name_of(t);
    struct one *o = find(a, &who, now);

    if (o == NULL)
        return (struct askers_sums){0};
    return (struct askers_sums){.minute = sum(&o->minute, now, MINUTE),
                                .hour = sum(&o->hour, now, HOUR)};
}

enum asker askers_count(struct askers *a, const struct ticket *t, uint64_t now)
{
    const struct name who = name_of(t);
    struct one *o = find(a, &who, now);

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
