#include "sidecar/gate/running/order_out.h"

#include <sodium.h>
#include <string.h>

#define SMALL_ENTRY  8192u /* bytes: kill, barrier, journal */
#define RECORD_USUAL 1280u /* bytes of nearly every decision record */
#define CACHE_LINE   64u

enum order_out_state order_out_state(const struct gate *g)
{
    switch (ring_state_read(&g->ring)) {
    case RING_OK:
        return ORDER_OUT_ALL;
    case RING_NO_SPACE:
        return ORDER_OUT_DENIALS;
    case RING_STOPPED:
        break;
    }
    return ORDER_OUT_NOTHING;
}

ts_err order_out_begin(struct gate *g, uint8_t **ret_record)
{
    /* Room for the largest launch, so that a permit needs no second look. */
    ts_err e = ring_reserve(&g->ring, TS_RING_ENTRY_MAX, ret_record);

    if (e != TS_OK)
        return e;
    /* The recorder's processor had these lines last: they are on their way
     * while the call is decided, instead of when its record is written. */
    for (size_t at = 0; at < RECORD_USUAL; at += CACHE_LINE)
        __builtin_prefetch(*ret_record + at, 1);
    return TS_OK;
}

void order_out_record(struct gate *g, size_t record_len)
{
    ring_commit(&g->ring, RING_RECORD, record_len);
}

bool order_out_taken(const struct gate *g)
{
    return ring_is_taken(&g->ring);
}

ts_err order_out_record_small(struct gate *g, const uint8_t *record, size_t len)
{
    uint8_t *to;
    ts_err e;

    if (len > ORDER_OUT_SMALL)
        return TS_E_LIMIT;
    e = ring_reserve(&g->ring, ORDER_OUT_SMALL, &to);
    if (e != TS_OK)
        return e;
    memcpy(to, record, len);
    ring_commit(&g->ring, RING_RECORD, len);
    return TS_OK;
}

ts_err order_out_launch(struct gate *g, uint32_t launcher,
                        const uint8_t *record, size_t record_len,
                        const struct order *o,
                        const struct ring_journal *before,
                        uint32_t before_count)
{
    struct ring_launch entry = {.launcher = launcher};
    uint8_t *to;
    size_t order_len, len;
    ts_err e;

    e = order_encode(o, g->order_buf, TS_ORDER_MAX, &order_len);
    if (e != TS_OK)
        return e;
    /* The record lies where the entry's own head must go: move it aside. */
    memcpy(g->record_buf, record, record_len);
    entry.record = (struct ts_bytes){.ptr = g->record_buf, .len = record_len};
    entry.order = (struct ts_bytes){.ptr = g->order_buf, .len = order_len};
    for (uint32_t i = 0; i < before_count; i++)
        if ((e = order_out_journal(g, &before[i])) != TS_OK)
            return e;
    if ((e = ring_reserve(&g->ring, TS_RING_ENTRY_MAX, &to)) != TS_OK ||
        (e = ring_launch_encode(&entry, to, TS_RING_ENTRY_MAX, &len)) != TS_OK)
        return e;
    ring_commit(&g->ring, RING_LAUNCH, len);
    ring_wake(&g->ring);
    return TS_OK;
}

bool order_out_has_room_behind(const struct gate *g, uint32_t entries)
{
    return ring_has_room(&g->ring, TS_RING_ENTRY_MAX + entries * SMALL_ENTRY,
                         1 + entries);
}

ts_err order_out_kill(struct gate *g, uint32_t launcher, uint64_t order_id,
                      enum end_reason reason)
{
    struct ring_kill k = {.launcher = launcher,
                          .kill = {.order_id = order_id, .reason = reason}};
    uint8_t *to;
    size_t len;
    ts_err e;

    if ((e = ring_reserve(&g->ring, SMALL_ENTRY, &to)) != TS_OK ||
        (e = ring_kill_encode(&k, to, SMALL_ENTRY, &len)) != TS_OK)
        return e;
    ring_commit(&g->ring, RING_KILL, len);
    ring_wake(&g->ring);
    return TS_OK;
}

ts_err order_out_journal(struct gate *g, const struct ring_journal *j)
{
    uint8_t *to;
    size_t len;
    ts_err e;

    if ((e = ring_reserve(&g->ring, SMALL_ENTRY, &to)) != TS_OK ||
        (e = ring_journal_encode(j, to, SMALL_ENTRY, &len)) != TS_OK)
        return e;
    ring_commit(&g->ring, RING_JOURNAL, len);
    ring_wake(&g->ring);
    return TS_OK;
}

void order_out_journal_key(uint8_t ret[JOURNAL_KEY_ID], uint8_t kind,
                           struct ts_bytes target)
{
    crypto_generichash_state s;

    /* None of these can fail: the lengths are constants. */
    (void)crypto_generichash_init(&s, NULL, 0, JOURNAL_KEY_ID);
    (void)crypto_generichash_update(&s, &kind, 1);
    if (target.len > 0)
        (void)crypto_generichash_update(&s, target.ptr, target.len);
    (void)crypto_generichash_final(&s, ret, JOURNAL_KEY_ID);
}

ts_err order_out_barrier(struct gate *g, uint64_t id)
{
    struct order_barrier b = {.id = id};
    uint8_t *to;
    size_t len;
    ts_err e;

    if ((e = ring_reserve(&g->ring, SMALL_ENTRY, &to)) != TS_OK ||
        (e = order_barrier_encode(&b, to, SMALL_ENTRY, &len)) != TS_OK)
        return e;
    ring_commit(&g->ring, RING_BARRIER, len);
    ring_wake(&g->ring);
    return TS_OK;
}

void order_out_wake(struct gate *g)
{
    ring_wake(&g->ring);
}
