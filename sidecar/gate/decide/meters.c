#include "sidecar/gate/decide/meters.h"

#include "proto/base/ts_mem.h"

#define BUCKETS     16u
#define MINUTE_TICK UINT64_C(4000000000)   /* ns of one bucket: 60 s / 15 */
#define HOUR_TICK   UINT64_C(240000000000) /* ns of one bucket: 60 min / 15 */

struct window {
    uint64_t tick; /* number of the newest bucket since boot */
    uint32_t sum;
    uint32_t bucket[BUCKETS];
};

struct meter {
    struct meter_key key; /* zero: never used */
    struct window minute, hour;
};

struct meters {
    uint64_t serial;
    struct meter slot[METERS_MAX];
};

ts_err meters_new(struct meters **ret)
{
    struct meters *m = ts_mem_alloc(sizeof(*m));

    if (m == NULL)
        return TS_E_NOMEM;
    *ret = m;
    return TS_OK;
}

void meters_free(struct meters *m)
{
    ts_mem_free(m);
}

uint64_t meters_next_serial(struct meters *m)
{
    return ++m->serial;
}

static bool key_eq(struct meter_key a, struct meter_key b)
{
    return a.hi == b.hi && a.lo == b.lo;
}

/* What is in the window at tick now, without moving it. */
static int64_t window_sum(const struct window *w, uint64_t now)
{
    uint64_t gone = now > w->tick ? now - w->tick : 0;
    uint32_t sum = w->sum;

    if (gone >= BUCKETS)
        return 0;
    for (uint64_t i = 1; i <= gone; i++)
        sum -= w->bucket[(w->tick + i) % BUCKETS];
    return sum;
}

static void window_add(struct window *w, uint64_t now)
{
    uint64_t gone = now > w->tick ? now - w->tick : 0;

    if (gone >= BUCKETS) {
        *w = (struct window){.tick = now};
    } else {
        for (; gone > 0; gone--) {
            uint32_t *old = &w->bucket[++w->tick % BUCKETS];

            w->sum -= *old;
            *old = 0;
        }
    }
    if (w->sum < UINT32_MAX) {
        w->bucket[w->tick % BUCKETS]++;
        w->sum++;
    }
}

static bool meter_is_idle(const struct meter *s, uint64_t boot_ns)
{
    return key_eq(s->key, (struct meter_key){0, 0}) ||
           window_sum(&s->hour, boot_ns / HOUR_TICK) == 0;
}

static size_t slot_of(struct meter_key key, size_t probe)
{
    return (size_t)(key.lo >> 1) + probe;
}

/* The entry of key, or NULL; *ret_room tells whether one could be made. */
static const struct meter *meter_find(const struct meters *m,
                                      struct meter_key key, uint64_t boot_ns,
                                      size_t *ret_room)
{
    size_t room = METERS_MAX;

    for (size_t i = 0; i < METER_PROBES; i++) {
        size_t at = slot_of(key, i) % METERS_MAX;

        if (key_eq(m->slot[at].key, key)) {
            *ret_room = at;
            return &m->slot[at];
        }
        if (room == METERS_MAX && meter_is_idle(&m->slot[at], boot_ns))
            room = at;
        /* Slots are reused, never emptied: nothing was put behind this one. */
        if (key_eq(m->slot[at].key, (struct meter_key){0, 0}))
            break;
    }
    *ret_room = room;
    return NULL;
}

struct meter_counts meter_read(const struct meters *m, struct meter_key key,
                               uint64_t boot_ns)
{
    size_t room;
    const struct meter *s = meter_find(m, key, boot_ns, &room);

    if (s == NULL && room == METERS_MAX)
        return (struct meter_counts){METER_FULL, METER_FULL};
    if (s == NULL)
        return (struct meter_counts){0, 0};
    return (struct meter_counts){
        .last_1m = window_sum(&s->minute, boot_ns / MINUTE_TICK),
        .last_1h = window_sum(&s->hour, boot_ns / HOUR_TICK)};
}

void meter_count(struct meters *m, struct meter_key key, uint64_t boot_ns)
{
    size_t at;

    if (meter_find(m, key, boot_ns, &at) == NULL) {
        if (at == METERS_MAX)
            return; /* meter_read() says METER_FULL until there is room */
        m->slot[at] = (struct meter){.key = key};
    }
    window_add(&m->slot[at].minute, boot_ns / MINUTE_TICK);
    window_add(&m->slot[at].hour, boot_ns / HOUR_TICK);
}
