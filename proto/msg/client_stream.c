/* STDIN and OUTPUT: the bytes that go into and come out of a tool. */
#include "proto/msg/body.h"
#include "proto/msg/client.h"

/* A message without bytes and without an end would say nothing. */
static struct body_flaw stdin_check(const struct msg_stdin *m)
{
    struct body_flaw f = {.error = TS_OK};

    body_need(&f, m->seq > 0, "seq", TS_E_INVALID);
    body_need(&f, m->data.len <= TS_CHUNK_MAX, "data", TS_E_LIMIT);
    body_need(&f, m->data.len > 0 || m->eof, "data", TS_E_INVALID);
    return f;
}

ts_err msg_stdin_decode(const void *b, size_t n, struct msg_stdin *ret,
                        const char **reterr_what)
{
    struct msg_stdin m;
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, 4, 1);
    m.seq = body_in_uint(&in, "seq", UINT64_MAX);
    m.data = body_in_bin(&in, "data", TS_CHUNK_MAX);
    m.eof = body_in_bool(&in, "eof");
    e = body_in_done(&in, reterr_what);
    if (e != TS_OK)
        return e;
    e = body_told(stdin_check(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err msg_stdin_send(struct ts_buf *out, const struct msg_stdin *m)
{
    struct body_out o;
    ts_err e = stdin_check(m).error;

    if (e == TS_OK)
        e = body_out_init(&o, out, MSG_STDIN, 4, 1, m->data.len);
    if (e != TS_OK)
        return e;
    mp_write_uint(&o.w, m->seq);
    body_out_bin(&o, m->data);
    mp_write_bool(&o.w, m->eof);
    return body_out_done(&o);
}

static struct body_flaw output_check(const struct msg_output *m)
{
    struct body_flaw f = {.error = TS_OK};

    body_need(&f, m->seq > 0, "seq", TS_E_INVALID);
    body_need(&f, m->stream == STREAM_STDOUT || m->stream == STREAM_STDERR,
              "stream", TS_E_INVALID);
    body_need(&f, m->data.len <= TS_CHUNK_MAX, "data", TS_E_LIMIT);
    body_need(&f, m->data.len > 0, "data", TS_E_INVALID);
    return f;
}

ts_err msg_output_decode(const void *b, size_t n, struct msg_output *ret,
                         const char **reterr_what)
{
    struct msg_output m;
    struct body_in in;
    uint32_t stream;
    ts_err e;

    body_in_init(&in, b, n, 4, 1);
    m.seq = body_in_uint(&in, "seq", UINT64_MAX);
    stream = body_in_u32(&in, "stream", STREAM_STDERR);
    m.stream = stream == STREAM_STDERR ? STREAM_STDERR : STREAM_STDOUT;
    if (stream == 0)
        body_in_fail(&in, "stream", TS_E_INVALID);
    m.data = body_in_bin(&in, "data", TS_CHUNK_MAX);
    e = body_in_done(&in, reterr_what);
    if (e != TS_OK)
        return e;
    e = body_told(output_check(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err msg_output_send(struct ts_buf *out, const struct msg_output *m)
{
    struct body_out o;
    ts_err e = output_check(m).error;

    if (e == TS_OK)
        e = body_out_init(&o, out, MSG_OUTPUT, 4, 1, m->data.len);
    if (e != TS_OK)
        return e;
    mp_write_uint(&o.w, m->seq);
    mp_write_uint(&o.w, m->stream);
    body_out_bin(&o, m->data);
    return body_out_done(&o);
}
