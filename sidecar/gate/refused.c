#include "sidecar/gate/refused.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/common/log.h"
#include "sidecar/common/manifest/manifest.h"
#include "sidecar/gate/gate_uv.h"
#include "sidecar/gate/people/snapshot.h"
#include "sidecar/gate/running/order_out.h"
#include "sidecar/gate/steps/records.h"

#define SHOWN_MAX 400 /* bytes of a text in the status */

void refused_tell(struct gate *g)
{
    const struct manifests *m = g->snapshot->manifests;

    for (uint32_t i = 0; i < m->refused_count && i < REFUSED_SHOWN; i++) {
        char shown[SHOWN_MAX];

        (void)ts_str_escape(shown, sizeof(shown), m->refused[i].text.ptr,
                            m->refused[i].text.len);
        log_event(LOG_ERROR, "tool_refused text=\"%s\"", shown);
    }
    if (m->refused_count > REFUSED_SHOWN)
        log_event(LOG_ERROR,
                  "tool_refused more=%u text=\"tipstaffd --check "
                  "shows all\"",
                  m->refused_count - REFUSED_SHOWN);
    g->refused_told = 0;
    refused_retry(g);
}

/* Those that all of us refuse, then those that a launcher does. */
static uint32_t count_of(const struct manifests *m)
{
    return m->refused_count + m->unserved_count;
}

static const struct manifest_refused *at_of(const struct manifests *m,
                                            uint32_t i)
{
    return i < m->refused_count ? &m->refused[i]
                                : &m->unserved[i - m->refused_count];
}

static struct snapshot *snapshot_of(const struct gate *g, uint64_t generation)
{
    if (g->snapshot->generation == generation)
        return g->snapshot;
    return g->next != NULL && g->next->generation == generation ? g->next
                                                                : NULL;
}

ts_err refused_note(struct gate *g, uint32_t launcher,
                    const struct order_unserved *m)
{
    struct snapshot *s = snapshot_of(g, m->generation);
    const struct manifest *tool;
    ts_err e;

    if (s == NULL)
        return TS_OK;
    tool = manifests_find(s->manifests, m->tool);
    if (tool == NULL || tool->launcher != launcher)
        return TS_E_FORMAT;
    e = manifest_unserve(s->manifests, tool, m->text);
    if (e == TS_E_INVALID)
        return TS_E_FORMAT;
    if (e == TS_OK && s == g->snapshot && !g->commit_waits)
        refused_retry(g);
    return e;
}

void refused_retry(struct gate *g)
{
    const struct manifests *m = g->snapshot->manifests;
    uint32_t before = g->refused_told;

    /* Behind the record that this configuration came into force. */
    while (g->life_len == 0 && g->refused_told < count_of(m)) {
        uint8_t *record;
        size_t len = 0;
        ts_err e = order_out_begin(g, &record);

        if (e == TS_E_AGAIN)
            break;
        if (e == TS_OK)
            e = record_tool_refused(g->snapshot->generation,
                                    at_of(m, g->refused_told), record,
                                    TS_RECORD_MAX, &len);
        if (e != TS_OK) {
            gate_fail(g, "a record could not be written");
            return;
        }
        order_out_record(g, len);
        g->refused_told++;
    }
    if (g->refused_told > before)
        order_out_wake(g);
    if (g->refused_told < count_of(m))
        gate_retry_soon(g);
}

/* ---- status ------------------------------------------------------------- */

static ts_err put(struct ts_buf *out, const char *text)
{
    return ts_buf_append(out, text, strlen(text));
}

/* Nothing in it can end the string, or be taken for anything by a terminal. */
static ts_err put_string(struct ts_buf *out, struct ts_str s)
{
    char shown[SHOWN_MAX];
    size_t n = ts_str_show(shown, sizeof(shown), s.ptr, s.len);
    ts_err e = put(out, "\"");

    for (size_t i = 0; e == TS_OK && i < n; i++) {
        if (shown[i] == '"' || shown[i] == '\\')
            e = put(out, "\\");
        if (e == TS_OK)
            e = ts_buf_append(out, &shown[i], 1);
    }
    return e == TS_OK ? put(out, "\"") : e;
}

static ts_err put_one(struct ts_buf *out, const struct manifest_refused *r,
                      bool first)
{
    char line[32];
    ts_err e;

    (void)snprintf(line, sizeof(line), ",\"line\":%u,\"text\":", r->line);
    if ((e = put(out, first ? "{\"file\":" : ",{\"file\":")) != TS_OK ||
        (e = put_string(out, r->file)) != TS_OK ||
        (e = put(out, ",\"tool\":")) != TS_OK ||
        (e = put_string(out, r->tool)) != TS_OK ||
        (e = put(out, line)) != TS_OK ||
        (e = put_string(out, r->text)) != TS_OK)
        return e;
    return put(out, "}");
}

ts_err refused_status(const struct gate *g, bool with_texts, struct ts_buf *out)
{
    const struct manifests *m = g->snapshot->manifests;
    char head[96];
    ts_err e;

    (void)snprintf(head, sizeof(head),
                   ",\"tools\":{\"served\":%u,\"refused\":%u",
                   m->count - m->unserved_count, count_of(m));
    if ((e = put(out, head)) != TS_OK)
        return e;
    if (!with_texts)
        return put(out, "}");
    if ((e = put(out, ",\"first\":[")) != TS_OK)
        return e;
    for (uint32_t i = 0; i < count_of(m) && i < REFUSED_SHOWN; i++)
        if ((e = put_one(out, at_of(m, i), i == 0)) != TS_OK)
            return e;
    return put(out, "]}");
}
