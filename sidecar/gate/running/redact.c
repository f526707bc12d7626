#include "sidecar/gate/running/redact.h"

#include "sidecar/common/log.h"
#include "sidecar/common/tripwire/tripwire.h"

ts_err run_redact_start(struct run *r, struct ts_bytes tripwires)
{
    ts_err e;

    if (tripwires.len == 0)
        return TS_OK;
    e = tripwires_new(tripwires.ptr, tripwires.len, &r->tripwires);
    for (size_t i = 0; i < 2 && e == TS_OK; i++)
        e = redactor_new(r->tripwires, &r->redact[i]);
    return e;
}

void run_redact_done(struct run *r)
{
    for (size_t i = 0; i < 2; i++) {
        redactor_free(r->redact[i]);
        r->redact[i] = NULL;
    }
    tripwires_free(r->tripwires);
    r->tripwires = NULL;
}

/* Once for each run: somebody has to look at that tool. */
static void count(struct run *r, uint64_t hits)
{
    if (r->redacted == 0 && hits > 0)
        log_event(LOG_WARN,
                  "secret_in_output tool=%.*s order=%llu hint=\"the tool "
                  "printed a secret that it was given; it was not passed on\"",
                  (int)r->name_len[RUN_TOOL], r->names[RUN_TOOL],
                  (unsigned long long)r->order_id);
    r->redacted += hits;
}

static ts_err give(struct run *r, size_t which, uint64_t before, ts_err e,
                   struct ts_bytes *ret)
{
    struct ts_buf *shown = &r->gate->shown_buf;

    count(r, redactor_hits(r->redact[which]) - before);
    if (e == TS_OK)
        *ret = (struct ts_bytes){.ptr = ts_buf_bytes(shown), .len = shown->len};
    return e;
}

ts_err run_redact(struct run *r, size_t which, const uint8_t *p, size_t n,
                  struct ts_bytes *ret)
{
    struct redactor *d = r->redact[which];
    uint64_t before;
    ts_err e;

    if (d == NULL) {
        *ret = (struct ts_bytes){.ptr = p, .len = n};
        return TS_OK;
    }
    before = redactor_hits(d);
    ts_buf_clear(&r->gate->shown_buf);
    e = redactor_feed(d, p, n, &r->gate->shown_buf);
    return give(r, which, before, e, ret);
}

ts_err run_redact_end(struct run *r, size_t which, struct ts_bytes *ret)
{
    struct redactor *d = r->redact[which];
    uint64_t before;
    ts_err e;

    if (d == NULL) {
        *ret = (struct ts_bytes){.ptr = NULL, .len = 0};
        return TS_OK;
    }
    before = redactor_hits(d);
    ts_buf_clear(&r->gate->shown_buf);
    e = redactor_finish(d, &r->gate->shown_buf);
    return give(r, which, before, e, ret);
}
