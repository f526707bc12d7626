/* Operators and the gate: what is signed elsewhere and only carried here. */
#include "proto/msg/admin.h"
#include "proto/msg/body.h"
#include "proto/wire/limits.h"

#define HEADS_MAX ((size_t)32) /* array, version, what, head of a bin */
#define SMALL_MAX ((size_t)4096)

size_t admin_body_max(uint8_t type)
{
    if (type == ADMIN_FEED)
        return TS_SNAPSHOT_MAX + HEADS_MAX;
    if (type == ADMIN_REVOKE || type == ADMIN_STATUS ||
        type == ADMIN_APPROVALS || type == ADMIN_ANSWER)
        return SMALL_MAX;
    return 0;
}

static struct body_flaw object_check(struct ts_bytes object, const char *field,
                                     size_t max)
{
    struct body_flaw f = {.error = TS_OK};

    body_need(&f, object.len > 0, field, TS_E_INVALID);
    body_need(&f, object.len <= max, field, TS_E_LIMIT);
    return f;
}

ts_err admin_revoke_decode(const void *b, size_t n, struct admin_revoke *ret,
                           const char **reterr_what)
{
    struct admin_revoke m;
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, 2, 1);
    m.record = body_in_bin(&in, "record", TS_REVOCATION_MAX);
    e = body_in_done(&in, reterr_what);
    if (e != TS_OK)
        return e;
    e = body_told(object_check(m.record, "record", TS_REVOCATION_MAX),
                  reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err admin_revoke_send(struct ts_buf *out, const struct admin_revoke *m)
{
    struct body_out o;
    ts_err e = object_check(m->record, "record", TS_REVOCATION_MAX).error;

    if (e == TS_OK)
        e = body_out_init(&o, out, ADMIN_REVOKE, 2, 1, m->record.len);
    if (e != TS_OK)
        return e;
    body_out_bin(&o, m->record);
    return body_out_done(&o);
}

static struct body_flaw feed_check(const struct admin_feed *m)
{
    struct body_flaw f = object_check(m->object, "object", TS_SNAPSHOT_MAX);

    body_need(&f, m->what == FEED_SNAPSHOT || m->what == FEED_HEARTBEAT, "what",
              TS_E_INVALID);
    return f;
}

ts_err admin_feed_decode(const void *b, size_t n, struct admin_feed *ret,
                         const char **reterr_what)
{
    struct admin_feed m;
    struct body_in in;
    uint32_t what;
    ts_err e;

    body_in_init(&in, b, n, 3, 1);
    what = body_in_u32(&in, "what", FEED_HEARTBEAT);
    if (in.r.error == TS_OK && what < FEED_SNAPSHOT)
        body_in_fail(&in, "what", TS_E_INVALID);
    m.what = what == FEED_HEARTBEAT ? FEED_HEARTBEAT : FEED_SNAPSHOT;
    m.object = body_in_bin(&in, "object", TS_SNAPSHOT_MAX);
    e = body_in_done(&in, reterr_what);
    if (e != TS_OK)
        return e;
    e = body_told(feed_check(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err admin_feed_send(struct ts_buf *out, const struct admin_feed *m)
{
    struct body_out o;
    ts_err e = feed_check(m).error;

    if (e == TS_OK)
        e = body_out_init(&o, out, ADMIN_FEED, 3, 1, m->object.len);
    if (e != TS_OK)
        return e;
    mp_write_uint(&o.w, m->what);
    body_out_bin(&o, m->object);
    return body_out_done_max(&o, admin_body_max(ADMIN_FEED));
}
