/* People were asked: what is seen meanwhile, and what programs are told. */
#include "shim/cli/waiting.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_str.h"
#include "shim/cli/job.h"
#include "shim/cli/kept.h"
#include "shim/cli/term.h"
#include "shim/link.h"

#define TICK_MS 1000

static int64_t left_s(const struct waiting *w)
{
    int64_t left = w->until - link_deadline(0);

    return left > 0 ? (left + TICK_MS - 1) / TICK_MS : 0;
}

void waiting_begin(struct waiting *w, const struct tipstaff_event *ev,
                   uint32_t hold_ms, bool is_tty)
{
    char id[33];

    ts_hex_encode(id, ev->decision_id, sizeof(ev->decision_id));
    *w = (struct waiting){.on = true,
                          .is_tty = is_tty,
                          .until = link_deadline((int)hold_ms),
                          .shown = -1};
    (void)snprintf(w->line, sizeof(w->line),
                   "WAITING decision %s: people were asked", id);
    if (is_tty)
        waiting_tick(w);
    else
        term_say("%s; waiting up to %" PRId64 " s", w->line, left_s(w));
}

int waiting_sleep_ms(const struct waiting *w, int left_ms)
{
    if (!w->on || !w->is_tty || (left_ms >= 0 && left_ms < TICK_MS))
        return left_ms;
    return TICK_MS;
}

void waiting_tick(struct waiting *w)
{
    int64_t left = left_s(w);

    if (!w->on || !w->is_tty || left == w->shown)
        return;
    w->shown = left;
    (void)fprintf(stderr, "\r%s; waiting %3" PRId64 " s more ", w->line, left);
    (void)fflush(stderr);
}

void waiting_end(struct waiting *w)
{
    if (w->on && w->is_tty)
        (void)fprintf(stderr, "\n");
    w->on = false;
}

/* Takes object. ASCII alone, so that a terminal sees nothing else. */
static void put(json_t *object)
{
    char *text = object != NULL
                     ? json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII)
                     : NULL;

    if (text != NULL)
        (void)fprintf(stderr, "%s\n", text);
    else
        term_say("tipstaff-shim: out of memory, one event was not printed");
    ts_mem_free(text); /* main() gave jansson our allocator */
    json_decref(object);
}

static json_t *decision(const char *event, const struct tipstaff_event *ev)
{
    char id[33];

    ts_hex_encode(id, ev->decision_id, sizeof(ev->decision_id));
    return json_pack("{s:s, s:s, s:s, s:s%, s:s%, s:I}", "event", event,
                     "verdict", job_verdict_name(ev->verdict), "decision", id,
                     "code", ev->code.ptr, ev->code.len, "text", ev->text.ptr,
                     ev->text.len, "expires", (json_int_t)ev->expires);
}

void event_waiting(const struct tipstaff_event *ev, uint32_t hold_ms)
{
    json_t *o = decision("waiting", ev);

    if (o != NULL &&
        json_object_set_new(o, "wait_ms", json_integer(hold_ms)) != 0) {
        json_decref(o);
        o = NULL;
    }
    put(o);
}

void event_decided(const struct tipstaff_event *ev)
{
    put(decision("decided", ev));
}

void event_kept(const struct tipstaff_event *ev)
{
    json_t *o = kept_json(ev);

    if (o != NULL &&
        (json_object_set_new(o, "event", json_string("kept")) != 0 ||
         json_object_set_new(o, "ref",
                             json_stringn(ev->ref.ptr, ev->ref.len)) != 0)) {
        json_decref(o);
        o = NULL;
    }
    put(o);
}

void event_ended(const struct tipstaff_event *ev, const uint8_t *decision_id)
{
    char id[33] = "";

    if (decision_id != NULL)
        ts_hex_encode(id, decision_id, 16);
    put(json_pack("{s:s, s:s, s:b, s:s%, s:s%, s:i, s:i, s:I}", "event",
                  "ended", "decision", id, "started", ev->started ? 1 : 0,
                  "reason", ev->reason.ptr, ev->reason.len, "code",
                  ev->code.ptr, ev->code.len, "exit", (int)ev->exit_code,
                  "signal", (int)ev->signal, "wall_us",
                  (json_int_t)ev->wall_us));
}
