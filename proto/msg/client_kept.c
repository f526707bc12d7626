/* KEPT: what an output looks like that the agent is not given. */
#include "proto/msg/body.h"
#include "proto/msg/client.h"

#define KEPT_ARITY    7
#define OUTLINE_ARITY 7

static struct body_flaw outline_check(const struct msg_outline *s)
{
    struct body_flaw f = {.error = TS_OK};

    body_need(&f, s->pattern.len <= TS_OUTLINE_PATTERN_MAX, "pattern",
              TS_E_LIMIT);
    body_need(&f, s->pattern.len == 0 || s->pattern.ptr[0] == '/', "pattern",
              TS_E_INVALID);
    body_need(&f, s->type >= OUTLINE_STRING && s->type <= OUTLINE_NULL, "type",
              TS_E_INVALID);
    body_need(&f, s->count > 0, "count", TS_E_INVALID);
    body_need(&f, s->min <= s->max, "max", TS_E_INVALID);
    body_need(&f, s->max == 0 || (s->type == OUTLINE_STRING && !s->secret),
              "max", TS_E_INVALID);
    body_need(&f,
              s->source == OUTLINE_TRUSTED || s->source == OUTLINE_UNTRUSTED,
              "source", TS_E_INVALID);
    return f;
}

static void outline_read(struct body_in *in, struct msg_outline *ret)
{
    struct body_flaw f;

    body_in_tuple(in, "items", OUTLINE_ARITY);
    ret->pattern = body_in_str(in, "pattern", TS_OUTLINE_PATTERN_MAX);
    ret->type = (enum outline_type)body_in_u32(in, "type", OUTLINE_NULL);
    ret->count = body_in_u32(in, "count", UINT32_MAX);
    ret->min = body_in_u32(in, "min", UINT32_MAX);
    ret->max = body_in_u32(in, "max", UINT32_MAX);
    ret->source =
        (enum outline_source)body_in_u32(in, "source", OUTLINE_UNTRUSTED);
    ret->secret = body_in_bool(in, "secret");
    if (in->r.error != TS_OK)
        return;
    f = outline_check(ret);
    if (f.error != TS_OK)
        body_in_fail(in, f.field, f.error);
}

/* Nothing told is possible: of what no handle can name. */
static struct ts_bytes outlines_read(struct body_in *in, uint32_t *ret_count)
{
    const uint8_t *start = in->r.at;
    uint32_t n = body_in_array(in, "items", TS_OUTLINE_MAX);

    for (uint32_t i = 0; i < n && in->r.error == TS_OK; i++) {
        struct msg_outline s;

        outline_read(in, &s);
    }
    *ret_count = n;
    return (struct ts_bytes){.ptr = start, .len = (size_t)(in->r.at - start)};
}

static struct body_flaw kept_check(const struct msg_kept *m)
{
    struct body_flaw f = {.error = TS_OK};

    body_need(&f, m->seq > 0, "seq", TS_E_INVALID);
    body_need(&f, body_ref_ok(m->ref), "ref", TS_E_INVALID);
    body_need(&f, m->ref.len > 0 || m->count == 0, "items", TS_E_INVALID);
    return f;
}

ts_err msg_kept_decode(const void *b, size_t n, struct msg_kept *ret,
                       const char **reterr_what)
{
    struct msg_kept m;
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, KEPT_ARITY, 1);
    m.seq = body_in_uint(&in, "seq", UINT64_MAX);
    m.ref = body_in_str(&in, "ref", TS_REF_MAX);
    m.stdout_bytes = body_in_uint(&in, "stdout_bytes", UINT64_MAX);
    m.stderr_bytes = body_in_uint(&in, "stderr_bytes", UINT64_MAX);
    m.more = body_in_bool(&in, "more");
    m.items = outlines_read(&in, &m.count);
    e = body_in_done(&in, reterr_what);
    if (e != TS_OK)
        return e;
    e = body_told(kept_check(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err msg_kept_next(struct mp_reader *r, struct msg_outline *ret)
{
    struct body_in in = {.r = *r};
    struct msg_outline s;

    outline_read(&in, &s);
    *r = in.r;
    if (in.r.error == TS_OK)
        *ret = s;
    return in.r.error;
}

void msg_outline_write(struct mp_writer *w, const struct msg_outline *s)
{
    mp_write_array(w, OUTLINE_ARITY);
    mp_write_str(w, s->pattern.ptr, s->pattern.len);
    mp_write_uint(w, s->type);
    mp_write_uint(w, s->count);
    mp_write_uint(w, s->min);
    mp_write_uint(w, s->max);
    mp_write_uint(w, s->source);
    mp_write_bool(w, s->secret);
}

ts_err msg_kept_send(struct ts_buf *out, const struct msg_kept *m)
{
    ts_err e = kept_check(m).error;
    struct body_in in;
    struct body_out o;
    uint32_t count;

    if (e != TS_OK)
        return e;
    body_in_part(&in, m->items);
    (void)outlines_read(&in, &count);
    if ((e = mp_done(&in.r)) != TS_OK)
        return e;
    if (count != m->count)
        return TS_E_INVALID;
    e = body_out_init(&o, out, MSG_KEPT, KEPT_ARITY, 1,
                      m->ref.len + m->items.len);
    if (e != TS_OK)
        return e;
    mp_write_uint(&o.w, m->seq);
    body_out_str(&o, m->ref);
    mp_write_uint(&o.w, m->stdout_bytes);
    mp_write_uint(&o.w, m->stderr_bytes);
    mp_write_bool(&o.w, m->more);
    mp_write_raw(&o.w, m->items.ptr, m->items.len);
    return body_out_done(&o);
}
