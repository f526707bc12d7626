/* Bodies of HELLO, AUTH and WELCOME. */
#include "proto/trust/handshake.h"
#include "proto/trust/id.h"
#include "proto/wire/frame.h"
#include "proto/wire/limits.h"
#include "proto/wire/mp_read.h"
#include "proto/wire/mp_write.h"

#define HANDSHAKE_VERSION 1
#define HELLO_MAX         512 /* bytes of body; also of WELCOME */

/* Array of count elements, the first being the version. */
static void begin(struct mp_reader *r, const void *b, size_t n, uint32_t count)
{
    uint64_t version;

    mp_reader_init(r, b, n);
    mp_read_tuple(r, count);
    version = mp_read_uint(r, UINT64_MAX);
    if (r->error == TS_OK && version != HANDSHAKE_VERSION)
        mp_fail(r, TS_E_UNSUPPORTED, "unknown handshake version");
}

static ts_err finish(struct mp_reader *r, const char **reterr_what)
{
    ts_err e = mp_done(r);

    if (e != TS_OK)
        *reterr_what = r->what;
    return e;
}

ts_err handshake_hello_decode(const void *b, size_t n,
                              struct handshake_hello *ret,
                              const char **reterr_what)
{
    struct handshake_hello m;
    struct mp_reader r;
    ts_err e;

    begin(&r, b, n, 6);
    mp_read_bin_exact(&r, m.challenge, sizeof(m.challenge));
    m.sidecar_id = mp_read_str(&r, TS_ID_MAX);
    mp_read_bin_exact(&r, m.sidecar_pk, sizeof(m.sidecar_pk));
    m.now = mp_read_uint(&r, UINT64_MAX);
    m.max_frame = mp_read_uint(&r, UINT32_MAX);
    if (r.error == TS_OK && !trust_id_valid(m.sidecar_id))
        mp_fail(&r, TS_E_FORMAT, "sidecar id is not a valid id");
    if ((e = finish(&r, reterr_what)) != TS_OK)
        return e;
    *ret = m;
    return TS_OK;
}

ts_err handshake_auth_decode(const void *b, size_t n,
                             struct handshake_auth *ret,
                             const char **reterr_what)
{
    struct handshake_auth m;
    struct mp_reader r;
    ts_err e;

    begin(&r, b, n, 4);
    m.chain = mp_read_bin(&r, TS_CHAIN_MAX);
    mp_read_bin_exact(&r, m.client_nonce, sizeof(m.client_nonce));
    mp_read_bin_exact(&r, m.proof, sizeof(m.proof));
    if ((e = finish(&r, reterr_what)) != TS_OK)
        return e;
    *ret = m;
    return TS_OK;
}

ts_err handshake_welcome_decode(const void *b, size_t n,
                                struct handshake_welcome *ret,
                                const char **reterr_what)
{
    struct handshake_welcome m;
    struct mp_reader r;
    ts_err e;

    begin(&r, b, n, 5);
    mp_read_bin_exact(&r, m.session_id, sizeof(m.session_id));
    m.ttl_s = mp_read_uint(&r, UINT64_MAX);
    mp_read_bin_exact(&r, m.server_proof, sizeof(m.server_proof));
    m.rev_seq = mp_read_uint(&r, UINT64_MAX);
    if ((e = finish(&r, reterr_what)) != TS_OK)
        return e;
    *ret = m;
    return TS_OK;
}

/* A writer into a frame of out that is not ended yet. */
static ts_err open_frame(struct ts_buf *out, uint8_t type, size_t cap,
                         struct mp_writer *w)
{
    uint8_t *body;
    ts_err e = frame_begin(out, type, cap, &body);

    if (e == TS_OK)
        mp_writer_init(w, body, cap);
    return e;
}

static ts_err close_frame(struct ts_buf *out, uint8_t type,
                          const struct mp_writer *w)
{
    size_t len;
    ts_err e = mp_written(w, &len);

    if (e == TS_OK)
        frame_end(out, type, len);
    return e;
}

ts_err handshake_hello_send(struct ts_buf *out, uint8_t type,
                            const struct handshake_hello *m)
{
    struct mp_writer w;
    ts_err e;

    if (!trust_id_valid(m->sidecar_id))
        return TS_E_INVALID;
    if ((e = open_frame(out, type, HELLO_MAX, &w)) != TS_OK)
        return e;
    mp_write_array(&w, 6);
    mp_write_uint(&w, HANDSHAKE_VERSION);
    mp_write_bin(&w, m->challenge, sizeof(m->challenge));
    mp_write_str(&w, m->sidecar_id.ptr, m->sidecar_id.len);
    mp_write_bin(&w, m->sidecar_pk, sizeof(m->sidecar_pk));
    mp_write_uint(&w, m->now);
    mp_write_uint(&w, m->max_frame);
    return close_frame(out, type, &w);
}

ts_err handshake_auth_send(struct ts_buf *out, uint8_t type,
                           const struct handshake_auth *m)
{
    struct mp_writer w;
    ts_err e;

    if (m->chain.len > TS_CHAIN_MAX)
        return TS_E_LIMIT;
    e = open_frame(out, type, m->chain.len + HELLO_MAX, &w);
    if (e != TS_OK)
        return e;
    mp_write_array(&w, 4);
    mp_write_uint(&w, HANDSHAKE_VERSION);
    mp_write_bin(&w, m->chain.ptr, m->chain.len);
    mp_write_bin(&w, m->client_nonce, sizeof(m->client_nonce));
    mp_write_bin(&w, m->proof, sizeof(m->proof));
    return close_frame(out, type, &w);
}

ts_err handshake_welcome_send(struct ts_buf *out, uint8_t type,
                              const struct handshake_welcome *m)
{
    struct mp_writer w;
    ts_err e = open_frame(out, type, HELLO_MAX, &w);

    if (e != TS_OK)
        return e;
    mp_write_array(&w, 5);
    mp_write_uint(&w, HANDSHAKE_VERSION);
    mp_write_bin(&w, m->session_id, sizeof(m->session_id));
    mp_write_uint(&w, m->ttl_s);
    mp_write_bin(&w, m->server_proof, sizeof(m->server_proof));
    mp_write_uint(&w, m->rev_seq);
    return close_frame(out, type, &w);
}
