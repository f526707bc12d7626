/*
 * Codecs of what the broker says and hears. As in order.c: read every field
 * with the sticky cursor, then check once; the encoders refuse what the
 * decoders would, so that nothing leaves that is not understood.
 */
#include "proto/msg/egress.h"

#include <string.h>

#include "proto/wire/mp_read.h"
#include "proto/wire/mp_write.h"

#define EGRESS_VERSION 1
#define ASK_HOST_MAX   255
#define REPLY_TEXT_MAX 255

const char *egress_code_name(enum egress_code c)
{
    static const char *const names[EGRESS_CODE_COUNT_] = {
#define X(id, name, text) [EGRESS_##id] = name,
        EGRESS_CODE_MAP(X)
#undef X
    };

    return (unsigned)c < EGRESS_CODE_COUNT_ ? names[c] : "internal";
}

const char *egress_code_text(enum egress_code c)
{
    static const char *const texts[EGRESS_CODE_COUNT_] = {
#define X(id, name, text) [EGRESS_##id] = text,
        EGRESS_CODE_MAP(X)
#undef X
    };

    return (unsigned)c < EGRESS_CODE_COUNT_ ? texts[c] : texts[0];
}

const char *egress_via_name(enum egress_via v)
{
    static const char *const names[EGRESS_VIA_COUNT_] = {
#define X(id, name) [EGRESS_VIA_##id] = name,
        EGRESS_VIA_MAP(X)
#undef X
    };

    return (unsigned)v < EGRESS_VIA_COUNT_ ? names[v] : "unknown";
}

const char *egress_close_name(enum egress_close c)
{
    static const char *const names[EGRESS_CLOSE_COUNT_] = {
#define X(id, name) [EGRESS_CLOSE_##id] = name,
        EGRESS_CLOSE_MAP(X)
#undef X
    };

    return (unsigned)c < EGRESS_CLOSE_COUNT_ ? names[c] : "failed";
}

static ts_err done(struct mp_reader *r, const char *flaw,
                   const char **reterr_what)
{
    ts_err e;

    if (r->error == TS_OK && flaw != NULL)
        mp_fail(r, TS_E_INVALID, flaw);
    e = mp_done(r);
    if (e != TS_OK)
        *reterr_what = r->what;
    return e;
}

static void write_str(struct mp_writer *w, struct ts_str s)
{
    mp_write_str(w, s.ptr, s.len);
}

/* Space to tilde: it goes into the log and onto terminals. */
static bool is_printable(struct ts_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < 0x20 || s.ptr[i] > 0x7e)
            return false;
    }
    return true;
}

static bool address_len_ok(uint32_t len)
{
    return len == 0 || len == 4 || len == 16;
}

static void read_address(struct mp_reader *r, uint8_t ret[16],
                         uint32_t *ret_len)
{
    struct ts_bytes b = mp_read_bin(r, 16);

    if (b.len > 0)
        memcpy(ret, b.ptr, b.len);
    *ret_len = (uint32_t)b.len;
}

/* GRANT ------------------------------------------------------------------ */

static const char *grant_flaw(const struct egress_grant *m)
{
    if (m->order_id == 0)
        return "order id is 0";
    if (m->tool.len == 0 || m->tool.len > TS_TOOL_NAME_MAX)
        return "no tool";
    if (m->mode != EGRESS_BROKER && m->mode != EGRESS_PROXY)
        return "unknown mode";
    if (m->token.len > TS_TOKEN_MAX)
        return "token too long";
    return NULL;
}

ts_err egress_grant_encode(const struct egress_grant *m, void *buf, size_t cap,
                           size_t *ret_len)
{
    struct mp_writer w;

    if (grant_flaw(m) != NULL)
        return TS_E_INVALID;
    mp_writer_init(&w, buf, cap);
    mp_write_array(&w, 7);
    mp_write_uint(&w, EGRESS_VERSION);
    mp_write_uint(&w, m->order_id);
    mp_write_uint(&w, m->generation);
    write_str(&w, m->tool);
    mp_write_bin(&w, m->decision_id, sizeof(m->decision_id));
    mp_write_uint(&w, (uint64_t)m->mode);
    write_str(&w, m->token);
    return mp_written(&w, ret_len);
}

ts_err egress_grant_decode(const void *b, size_t n, struct egress_grant *ret,
                           const char **reterr_what)
{
    struct mp_reader r;
    struct egress_grant m = {0};
    ts_err e;

    mp_reader_init(&r, b, n);
    mp_read_tuple(&r, 7);
    if (mp_read_uint(&r, UINT64_MAX) != EGRESS_VERSION)
        mp_fail(&r, TS_E_UNSUPPORTED, "unknown version");
    m.order_id = mp_read_uint(&r, UINT64_MAX);
    m.generation = mp_read_uint(&r, UINT64_MAX);
    m.tool = mp_read_str(&r, TS_TOOL_NAME_MAX);
    mp_read_bin_exact(&r, m.decision_id, sizeof(m.decision_id));
    m.mode = (enum egress_mode)mp_read_uint(&r, EGRESS_PROXY);
    m.token = mp_read_str(&r, TS_TOKEN_MAX);
    e = done(&r, grant_flaw(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

/* END -------------------------------------------------------------------- */

static const char *end_flaw(const struct egress_end *m)
{
    if (m->order_id == 0)
        return "order id is 0";
    return (unsigned)m->reason < END_COUNT_ ? NULL : "unknown end reason";
}

ts_err egress_end_encode(const struct egress_end *m, void *buf, size_t cap,
                         size_t *ret_len)
{
    struct mp_writer w;

    if (end_flaw(m) != NULL)
        return TS_E_INVALID;
    mp_writer_init(&w, buf, cap);
    mp_write_array(&w, 2);
    mp_write_uint(&w, m->order_id);
    mp_write_uint(&w, (uint64_t)m->reason);
    return mp_written(&w, ret_len);
}

ts_err egress_end_decode(const void *b, size_t n, struct egress_end *ret,
                         const char **reterr_what)
{
    struct mp_reader r;
    struct egress_end m = {0};
    ts_err e;

    mp_reader_init(&r, b, n);
    mp_read_tuple(&r, 2);
    m.order_id = mp_read_uint(&r, UINT64_MAX);
    m.reason = (enum end_reason)mp_read_uint(&r, END_COUNT_ - 1);
    e = done(&r, end_flaw(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

/* OPENED and DENIED ------------------------------------------------------ */

static const char *what_flaw(const struct egress_what *m)
{
    if (m->order_id == 0)
        return "order id is 0";
    if (m->tool.len == 0 || m->tool.len > TS_TOOL_NAME_MAX)
        return "no tool";
    if (m->host.len > EGRESS_HOST_MAX || !is_printable(m->host))
        return "host is not printable";
    if (!address_len_ok(m->address_len))
        return "length of an address";
    if ((unsigned)m->via >= EGRESS_VIA_COUNT_)
        return "unknown way";
    if (m->method.len > EGRESS_METHOD_MAX || !is_printable(m->method))
        return "method is not printable";
    if (m->path.len > EGRESS_PATH_MAX || !is_printable(m->path))
        return "path is not printable";
    return NULL;
}

static void write_what(struct mp_writer *w, const struct egress_what *m)
{
    mp_write_array(w, 9);
    mp_write_uint(w, m->order_id);
    mp_write_bin(w, m->decision_id, sizeof(m->decision_id));
    write_str(w, m->tool);
    write_str(w, m->host);
    mp_write_uint(w, m->port);
    mp_write_bin(w, m->address, m->address_len);
    mp_write_uint(w, (uint64_t)m->via);
    write_str(w, m->method);
    write_str(w, m->path);
}

static void read_what(struct mp_reader *r, struct egress_what *m)
{
    mp_read_tuple(r, 9);
    m->order_id = mp_read_uint(r, UINT64_MAX);
    mp_read_bin_exact(r, m->decision_id, sizeof(m->decision_id));
    m->tool = mp_read_str(r, TS_TOOL_NAME_MAX);
    m->host = mp_read_str(r, EGRESS_HOST_MAX);
    m->port = (uint16_t)mp_read_uint(r, UINT16_MAX);
    read_address(r, m->address, &m->address_len);
    m->via = (enum egress_via)mp_read_uint(r, EGRESS_VIA_COUNT_ - 1);
    m->method = mp_read_str(r, EGRESS_METHOD_MAX);
    m->path = mp_read_str(r, EGRESS_PATH_MAX);
}

static const char *opened_flaw(const struct egress_opened *m)
{
    if (m->conn_id == 0)
        return "connection id is 0";
    if (m->what.port == 0 || m->what.host.len == 0 || m->what.address_len == 0)
        return "a connection without host, port or address";
    return what_flaw(&m->what);
}

ts_err egress_opened_encode(const struct egress_opened *m, void *buf,
                            size_t cap, size_t *ret_len)
{
    struct mp_writer w;

    if (opened_flaw(m) != NULL)
        return TS_E_INVALID;
    mp_writer_init(&w, buf, cap);
    mp_write_array(&w, 2);
    mp_write_uint(&w, m->conn_id);
    write_what(&w, &m->what);
    return mp_written(&w, ret_len);
}

ts_err egress_opened_decode(const void *b, size_t n, struct egress_opened *ret,
                            const char **reterr_what)
{
    struct mp_reader r;
    struct egress_opened m = {0};
    ts_err e;

    mp_reader_init(&r, b, n);
    mp_read_tuple(&r, 2);
    m.conn_id = mp_read_uint(&r, UINT64_MAX);
    read_what(&r, &m.what);
    e = done(&r, opened_flaw(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

static const char *denied_flaw(const struct egress_denied *m)
{
    if ((unsigned)m->code >= EGRESS_CODE_COUNT_ || m->code == EGRESS_OK)
        return "not the code of a denial";
    return m->count == 0 ? "a denial of nothing" : what_flaw(&m->what);
}

ts_err egress_denied_encode(const struct egress_denied *m, void *buf,
                            size_t cap, size_t *ret_len)
{
    struct mp_writer w;

    if (denied_flaw(m) != NULL)
        return TS_E_INVALID;
    mp_writer_init(&w, buf, cap);
    mp_write_array(&w, 3);
    write_what(&w, &m->what);
    mp_write_uint(&w, (uint64_t)m->code);
    mp_write_uint(&w, m->count);
    return mp_written(&w, ret_len);
}

ts_err egress_denied_decode(const void *b, size_t n, struct egress_denied *ret,
                            const char **reterr_what)
{
    struct mp_reader r;
    struct egress_denied m = {0};
    ts_err e;

    mp_reader_init(&r, b, n);
    mp_read_tuple(&r, 3);
    read_what(&r, &m.what);
    m.code = (enum egress_code)mp_read_uint(&r, EGRESS_CODE_COUNT_ - 1);
    m.count = mp_read_uint(&r, UINT64_MAX);
    e = done(&r, denied_flaw(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

/* ANSWER and CLOSED ------------------------------------------------------ */

static const char *answer_flaw(const struct egress_answer *m)
{
    if (m->conn_id == 0)
        return "connection id is 0";
    return (unsigned)m->code < EGRESS_CODE_COUNT_ ? NULL : "unknown code";
}

ts_err egress_answer_encode(const struct egress_answer *m, void *buf,
                            size_t cap, size_t *ret_len)
{
    struct mp_writer w;

    if (answer_flaw(m) != NULL)
        return TS_E_INVALID;
    mp_writer_init(&w, buf, cap);
    mp_write_array(&w, 2);
    mp_write_uint(&w, m->conn_id);
    mp_write_uint(&w, (uint64_t)m->code);
    return mp_written(&w, ret_len);
}

ts_err egress_answer_decode(const void *b, size_t n, struct egress_answer *ret,
                            const char **reterr_what)
{
    struct mp_reader r;
    struct egress_answer m = {0};
    ts_err e;

    mp_reader_init(&r, b, n);
    mp_read_tuple(&r, 2);
    m.conn_id = mp_read_uint(&r, UINT64_MAX);
    m.code = (enum egress_code)mp_read_uint(&r, EGRESS_CODE_COUNT_ - 1);
    e = done(&r, answer_flaw(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

static const char *closed_flaw(const struct egress_closed *m)
{
    if (m->conn_id == 0 || m->order_id == 0)
        return "an id is 0";
    return (unsigned)m->reason < EGRESS_CLOSE_COUNT_ ? NULL : "unknown reason";
}

ts_err egress_closed_encode(const struct egress_closed *m, void *buf,
                            size_t cap, size_t *ret_len)
{
    struct mp_writer w;

    if (closed_flaw(m) != NULL)
        return TS_E_INVALID;
    mp_writer_init(&w, buf, cap);
    mp_write_array(&w, 8);
    mp_write_uint(&w, m->conn_id);
    mp_write_uint(&w, m->order_id);
    mp_write_bin(&w, m->decision_id, sizeof(m->decision_id));
    mp_write_uint(&w, (uint64_t)m->reason);
    mp_write_uint(&w, m->bytes_out);
    mp_write_uint(&w, m->bytes_in);
    mp_write_uint(&w, m->ms);
    mp_write_uint(&w, m->requests);
    return mp_written(&w, ret_len);
}

ts_err egress_closed_decode(const void *b, size_t n, struct egress_closed *ret,
                            const char **reterr_what)
{
    struct mp_reader r;
    struct egress_closed m = {0};
    ts_err e;

    mp_reader_init(&r, b, n);
    mp_read_tuple(&r, 8);
    m.conn_id = mp_read_uint(&r, UINT64_MAX);
    m.order_id = mp_read_uint(&r, UINT64_MAX);
    mp_read_bin_exact(&r, m.decision_id, sizeof(m.decision_id));
    m.reason = (enum egress_close)mp_read_uint(&r, EGRESS_CLOSE_COUNT_ - 1);
    m.bytes_out = mp_read_uint(&r, UINT64_MAX);
    m.bytes_in = mp_read_uint(&r, UINT64_MAX);
    m.ms = mp_read_uint(&r, UINT64_MAX);
    m.requests = mp_read_uint(&r, UINT64_MAX);
    e = done(&r, closed_flaw(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

/* ASK and REPLY ---------------------------------------------------------- */

static const char *ask_flaw(const struct egress_ask *m)
{
    if (m->host.len > ASK_HOST_MAX)
        return "host too long";
    return m->skip <= EGRESS_SKIP_MAX ? NULL : "too much to skip";
}

ts_err egress_ask_encode(const struct egress_ask *m, void *buf, size_t cap,
                         size_t *ret_len)
{
    struct mp_writer w;

    if (ask_flaw(m) != NULL)
        return TS_E_INVALID;
    mp_writer_init(&w, buf, cap);
    mp_write_array(&w, 4);
    mp_write_uint(&w, EGRESS_VERSION);
    write_str(&w, m->host);
    mp_write_uint(&w, m->port);
    mp_write_uint(&w, m->skip);
    return mp_written(&w, ret_len);
}

ts_err egress_ask_decode(const void *b, size_t n, struct egress_ask *ret,
                         const char **reterr_what)
{
    struct mp_reader r;
    struct egress_ask m = {0};
    ts_err e;

    mp_reader_init(&r, b, n);
    mp_read_tuple(&r, 4);
    if (mp_read_uint(&r, UINT64_MAX) != EGRESS_VERSION)
        mp_fail(&r, TS_E_UNSUPPORTED, "unknown version");
    m.host = mp_read_str(&r, ASK_HOST_MAX);
    m.port = (uint16_t)mp_read_uint(&r, UINT16_MAX);
    m.skip = (uint32_t)mp_read_uint(&r, EGRESS_SKIP_MAX);
    e = done(&r, ask_flaw(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

static const char *reply_flaw(const struct egress_reply *m)
{
    if ((unsigned)m->code >= EGRESS_CODE_COUNT_)
        return "unknown code";
    if (!address_len_ok(m->address_len) ||
        (m->code == EGRESS_OK) != (m->address_len != 0))
        return "length of an address";
    return m->text.len <= REPLY_TEXT_MAX ? NULL : "text too long";
}

ts_err egress_reply_encode(const struct egress_reply *m, void *buf, size_t cap,
                           size_t *ret_len)
{
    struct mp_writer w;

    if (reply_flaw(m) != NULL)
        return TS_E_INVALID;
    mp_writer_init(&w, buf, cap);
    mp_write_array(&w, 3);
    mp_write_uint(&w, (uint64_t)m->code);
    mp_write_bin(&w, m->address, m->address_len);
    write_str(&w, m->text);
    return mp_written(&w, ret_len);
}

ts_err egress_reply_decode(const void *b, size_t n, struct egress_reply *ret,
                           const char **reterr_what)
{
    struct mp_reader r;
    struct egress_reply m = {0};
    ts_err e;

    mp_reader_init(&r, b, n);
    mp_read_tuple(&r, 3);
    m.code = (enum egress_code)mp_read_uint(&r, EGRESS_CODE_COUNT_ - 1);
    read_address(&r, m.address, &m.address_len);
    m.text = mp_read_str(&r, REPLY_TEXT_MAX);
    e = done(&r, reply_flaw(&m), reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}
