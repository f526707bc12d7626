#include "sidecar/gate/running/kept.h"

#include "proto/base/ts_mem.h"
#include "proto/msg/client.h"
#include "proto/wire/mp_write.h"
#include "sidecar/common/manifest/manifest.h"
#include "sidecar/gate/provenance/outline.h"
#include "sidecar/gate/task_in.h"

/* One row: its pattern, and heads. */
#define ROW_ROOM ((size_t)TS_OUTLINE_PATTERN_MAX + 64)

void run_kept_begin(struct run *r, const struct run_keeping *k,
                    const struct manifest_output *o)
{
    r->keeping = *k;
    switch (o->withhold) {
    case WITHHOLD_NEVER:
        r->keeping.is_derived = false;
        break;
    case WITHHOLD_DERIVED:
        break;
    case WITHHOLD_SECRET:
        r->keeping.if_secret = true;
        break;
    case WITHHOLD_ALWAYS:
        r->keeping.always = true;
        break;
    case WITHHOLD_OVER:
        r->keeping.has_max = true;
        r->keeping.rule_max = o->withhold_bytes;
        break;
    }
    r->keeping.holds = r->keeping.is_derived || r->keeping.if_secret ||
                       r->keeping.always || r->keeping.has_max ||
                       r->keeping.is_wished;
}

bool run_kept_takes(struct run *r, size_t which, struct ts_bytes b)
{
    if (!r->keeping.holds || r->keeping.releases)
        return false;
    task_in_holds(r, which, b);
    r->keeping.bytes[which] += b.len;
    return true;
}

/* By rule: whatever the agent wishes. */
static bool is_sealed(struct run *r)
{
    const struct run_keeping *k = &r->keeping;
    const uint64_t all = k->bytes[0] + k->bytes[1];

    if (k->always || k->is_derived || (k->has_max && all > k->rule_max))
        return true;
    return k->if_secret && (r->seen_lost || task_in_is_secret(r));
}

static void decide(struct run *r)
{
    struct run_keeping *k = &r->keeping;
    const uint64_t all = k->bytes[0] + k->bytes[1];

    k->is_settled = true;
    if (!k->holds || all == 0)
        return;
    k->is_sealed = is_sealed(r);
    /* What could not be held cannot be shown, either. */
    k->is_kept = k->is_sealed || r->seen_lost || r->is_hidden ||
                 (k->is_wished && all > k->wish_max);
    k->releases = !k->is_kept;
}

static void release_some(struct run *r, size_t which)
{
    struct run_keeping *k = &r->keeping;
    const struct ts_buf *from = &r->seen[which];

    while (k->released[which] < from->len && r->client != NULL &&
           !client_is_full(r->client)) {
        size_t left = from->len - k->released[which];
        struct msg_output m = {
            .seq = r->seq,
            .stream = which == 0 ? STREAM_STDOUT : STREAM_STDERR,
            .data = {.ptr = ts_buf_bytes(from) + k->released[which],
                     .len = left < TS_CHUNK_MAX ? left : TS_CHUNK_MAX}};

        task_in_first(r);
        k->released[which] += m.data.len;
        client_sent(r->client, msg_output_send(&r->client->out, &m));
    }
}

bool run_kept_settle(struct run *r)
{
    struct run_keeping *k = &r->keeping;

    if (!k->is_settled)
        decide(r);
    if (!k->releases || r->client == NULL)
        return true;
    for (size_t i = 0; i < 2; i++)
        release_some(r, i);
    return r->client == NULL || (k->released[0] == r->seen[0].len &&
                                 k->released[1] == r->seen[1].len);
}

/* ---- KEPT ---------------------------------------------------------------- */

static enum outline_type type_of(enum leaf_type t)
{
    switch (t) {
    case LEAF_NUMBER:
        return OUTLINE_NUMBER;
    case LEAF_BOOL:
        return OUTLINE_BOOL;
    case LEAF_NULL:
        return OUTLINE_NULL;
    case LEAF_STRING:
    case LEAF_KEY: /* is no row */
        break;
    }
    return OUTLINE_STRING;
}

static void write_row(struct mp_writer *w, const struct prov_outline_row *row)
{
    const struct msg_outline m = {
        .pattern = {.ptr = row->pattern, .len = row->pattern_len},
        .type = type_of(row->type),
        .count = row->count,
        .min = row->min,
        .max = row->max,
        .source =
            row->source == PROV_TRUSTED ? OUTLINE_TRUSTED : OUTLINE_UNTRUSTED,
        .secret = row->secret};

    msg_outline_write(w, &m);
}

static bool is_secret(const struct prov_outline *o)
{
    for (uint32_t i = 0; i < o->count; i++)
        if (o->rows[i].secret)
            return true;
    return false;
}

static void send_kept(struct run *r, const struct prov_outline *o, bool named)
{
    char ref[TS_REF_MAX];
    const size_t room = (o->count + 1) * ROW_ROOM;
    uint8_t *items = ts_mem_alloc(room);
    struct msg_kept m = {.seq = r->seq,
                         .ref = task_in_ref(named ? r->ref : 0, ref),
                         .stdout_bytes = r->keeping.bytes[0],
                         .stderr_bytes = r->keeping.bytes[1],
                         .more = o->more,
                         .count = o->count};
    struct mp_writer w;
    ts_err e = TS_E_NOMEM;

    if (is_secret(o)) /* not even how long it is */
        m.stdout_bytes = m.stderr_bytes = 0;
    if (items != NULL) {
        mp_writer_init(&w, items, room);
        mp_write_array(&w, o->count);
        for (uint32_t i = 0; i < o->count; i++)
            write_row(&w, &o->rows[i]);
        m.items.ptr = items;
        e = mp_written(&w, &m.items.len);
    }
    if (e == TS_OK)
        e = msg_kept_send(&r->client->out, &m);
    client_sent(r->client, e);
    ts_mem_free(items);
}

void run_kept_tell(struct run *r, const struct prov_output *o,
                   enum prov_output_how how)
{
    struct prov_outline *outline;

    if (r->client == NULL)
        return;
    if ((outline = ts_mem_alloc(sizeof(*outline))) == NULL) {
        client_sent(r->client, TS_E_NOMEM);
        return;
    }
    if (how == PROV_OUTPUT_KEPT)
        prov_outline_of(o->bytes, o->rules, o->failed, outline);
    else if (how == PROV_OUTPUT_KEPT_TEXT)
        prov_outline_text(o->bytes, o->rules, false, outline);
    send_kept(r, outline, how != PROV_OUTPUT_LOST);
    ts_mem_free(outline);
}
