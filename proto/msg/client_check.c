/* CHECK and CHECKED: many candidate calls decided in one round trip. */
#include "proto/msg/body.h"
#include "proto/msg/client.h"

/* One candidate; also what msg_check_next() reads. */
static void item_read(struct body_in *in, struct msg_check_item *ret)
{
    body_in_tuple(in, "items", 2);
    ret->tool = body_in_str(in, "tool", TS_TOOL_NAME_MAX);
    if (in->r.error == TS_OK && !tool_name_is_valid(ret->tool))
        body_in_fail(in, "tool", TS_E_INVALID);
    ret->args = body_in_args(in, "args");
}

/* Reads the whole array and returns its bytes. */
static struct ts_bytes items_read(struct body_in *in, uint32_t *ret_count,
                                  struct msg_check_item *ret_first)
{
    const uint8_t *start = in->r.at;
    uint32_t n = body_in_array(in, "items", TS_CHECK_MAX);

    if (in->r.error == TS_OK && n == 0)
        body_in_fail(in, "items", TS_E_INVALID);
    for (uint32_t i = 0; i < n && in->r.error == TS_OK; i++) {
        struct msg_check_item item;

        item_read(in, &item);
        if (i == 0)
            *ret_first = item;
    }
    *ret_count = n;
    return (struct ts_bytes){.ptr = start, .len = (size_t)(in->r.at - start)};
}

static struct body_flaw check_check(const struct msg_check *m)
{
    struct body_flaw f = {.error = TS_OK};

    body_need(&f, m->seq > 0, "seq", TS_E_INVALID);
    body_need(&f, body_traceparent_ok(m->traceparent), "traceparent",
              TS_E_INVALID);
    body_need(&f, body_labels_ok(m->provenance, m->provenance_count),
              "provenance", TS_E_INVALID);
    return f;
}

ts_err msg_check_decode(const void *b, size_t n, struct msg_check *ret,
                        const char **reterr_what)
{
    struct msg_check m = {.seq = 0};
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, 5, 1);
    m.seq = body_in_uint(&in, "seq", UINT64_MAX);
    m.items = items_read(&in, &m.count, &m.first);
    m.traceparent = body_in_str(&in, "traceparent", TS_TRACEPARENT_LEN);
    m.provenance_count = body_in_labels(&in, "provenance", m.provenance);
    e = body_in_done(&in, reterr_what);
    if (e != TS_OK)
        return e;
    e = body_told(check_check(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err msg_check_next(struct mp_reader *r, struct msg_check_item *ret)
{
    struct body_in in = {.r = *r};
    struct msg_check_item item;

    item_read(&in, &item);
    *r = in.r;
    if (in.r.error == TS_OK)
        *ret = item;
    return in.r.error;
}

ts_err msg_check_send(struct ts_buf *out, const struct msg_check *m)
{
    struct body_flaw flaw = check_check(m);
    struct msg_check_item first;
    struct body_in in;
    struct body_out o;
    uint32_t count;
    ts_err e;

    if (flaw.error != TS_OK)
        return flaw.error;
    body_in_part(&in, m->items);
    (void)items_read(&in, &count, &first);
    e = mp_done(&in.r);
    if (e != TS_OK)
        return e;
    if (count != m->count)
        return TS_E_INVALID;
    e = body_out_init(&o, out, MSG_CHECK, 5, 1,
                      m->items.len + m->traceparent.len +
                          body_labels_size(m->provenance, m->provenance_count));
    if (e != TS_OK)
        return e;
    mp_write_uint(&o.w, m->seq);
    mp_write_raw(&o.w, m->items.ptr, m->items.len);
    body_out_str(&o, m->traceparent);
    body_out_labels(&o, m->provenance, m->provenance_count);
    return body_out_done(&o);
}

static void answer_read(struct body_in *in, struct msg_checked_item *ret)
{
    body_in_tuple(in, "items", 3);
    ret->verdict = (enum verdict)body_in_u32(in, "verdict", VERDICT_PERMIT);
    ret->code = body_in_str(in, "code", TS_CODE_MAX);
    if (in->r.error == TS_OK &&
        (!body_code_ok(ret->code) ||
         (ret->verdict == VERDICT_PERMIT) !=
             ts_str_eq_c(ret->code, call_code_name(CODE_PERMITTED))))
        body_in_fail(in, "code", TS_E_INVALID);
    body_in_bin_exact(in, "decision_id", ret->decision_id,
                      sizeof(ret->decision_id));
}

static struct ts_bytes answers_read(struct body_in *in, uint32_t *ret_count)
{
    const uint8_t *start = in->r.at;
    uint32_t n = body_in_array(in, "items", TS_CHECK_MAX);

    if (in->r.error == TS_OK && n == 0)
        body_in_fail(in, "items", TS_E_INVALID);
    for (uint32_t i = 0; i < n && in->r.error == TS_OK; i++) {
        struct msg_checked_item item;

        answer_read(in, &item);
    }
    *ret_count = n;
    return (struct ts_bytes){.ptr = start, .len = (size_t)(in->r.at - start)};
}

ts_err msg_checked_decode(const void *b, size_t n, struct msg_checked *ret,
                          const char **reterr_what)
{
    struct msg_checked m;
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, 3, 1);
    m.seq = body_in_uint(&in, "seq", UINT64_MAX);
    if (in.r.error == TS_OK && m.seq == 0)
        body_in_fail(&in, "seq", TS_E_INVALID);
    m.items = answers_read(&in, &m.count);
    e = body_in_done(&in, reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err msg_checked_next(struct mp_reader *r, struct msg_checked_item *ret)
{
    struct body_in in = {.r = *r};
    struct msg_checked_item item;

    answer_read(&in, &item);
    *r = in.r;
    if (in.r.error == TS_OK)
        *ret = item;
    return in.r.error;
}

ts_err msg_checked_send(struct ts_buf *out, const struct msg_checked *m)
{
    struct body_in in;
    struct body_out o;
    uint32_t count;
    ts_err e;

    if (m->seq == 0)
        return TS_E_INVALID;
    body_in_part(&in, m->items);
    (void)answers_read(&in, &count);
    e = mp_done(&in.r);
    if (e != TS_OK)
        return e;
    if (count != m->count)
        return TS_E_INVALID;
    e = body_out_init(&o, out, MSG_CHECKED, 3, 1, m->items.len);
    if (e != TS_OK)
        return e;
    mp_write_uint(&o.w, m->seq);
    mp_write_raw(&o.w, m->items.ptr, m->items.len);
    return body_out_done(&o);
}
