#include "sidecar/gate/call_key.h"

#include <sodium.h>
#include <string.h>

#include "proto/base/ts_buf.h"
#include "proto/msg/client.h"
#include "proto/trust/pae.h"
#include "proto/wire/mp_write.h"
#include "sidecar/gate/decide/decide.h"

_Static_assert(crypto_shorthash_KEYBYTES == 16, "SipHash-2-4");

static uint64_t sip(const uint8_t key[16], const void *p, size_t n)
{
    uint8_t out[crypto_shorthash_BYTES];
    uint64_t v;

    (void)crypto_shorthash(out, p, n, key); /* always 0 */
    memcpy(&v, out, sizeof(v));
    return v;
}

struct call_key call_key_of(const uint8_t hash_key[16],
                            const struct msg_call *m)
{
    uint64_t parts[4 + TS_PROVENANCE_MAX] = {0};
    struct call_key k;

    memcpy(k.id, m->call_id, sizeof(k.id));
    k.hash = sip(hash_key, m->call_id, sizeof(m->call_id));
    parts[0] = sip(hash_key, m->tool.ptr, m->tool.len);
    parts[1] = sip(hash_key, m->args.ptr, m->args.len);
    parts[2] = m->flags & CALL_HAS_STDIN;
    parts[3] = m->provenance_count;
    for (uint32_t i = 0; i < m->provenance_count; i++)
        parts[4 + i] =
            sip(hash_key, m->provenance[i].ptr, m->provenance[i].len);
    k.digest = sip(hash_key, parts, sizeof(parts));
    return k;
}

bool call_sig_ok(const struct authority *a, const struct msg_call *m)
{
    uint8_t digest[32], seq[8], signed_bytes[256];
    const struct ts_bytes parts[3] = {
        {.ptr = a->session_id, .len = sizeof(a->session_id)},
        {.ptr = seq, .len = sizeof(seq)},
        {.ptr = digest, .len = sizeof(digest)}};
    size_t n;

    if (m->sig.len != crypto_sign_BYTES)
        return false;
    for (size_t i = 0; i < sizeof(seq); i++)
        seq[i] = (uint8_t)(m->seq >> (8 * i));
    (void)crypto_generichash(digest, sizeof(digest), m->unsigned_part.ptr,
                             m->unsigned_part.len, NULL, 0);
    if (pae_size(PAE_PREFIX "call", parts, 3) > sizeof(signed_bytes))
        return false;
    n = pae_encode(signed_bytes, sizeof(signed_bytes), PAE_PREFIX "call", parts,
                   3);
    return crypto_sign_verify_detached(
               m->sig.ptr, signed_bytes, n,
               delegation_leaf(a->delegation)->holder) == 0;
}

ts_err check_answer_begin(struct ts_buf *b, uint32_t count)
{
    uint8_t head[8];
    struct mp_writer w;
    size_t len;
    ts_err e;

    ts_buf_clear(b);
    mp_writer_init(&w, head, sizeof(head));
    mp_write_array(&w, count);
    if ((e = mp_written(&w, &len)) != TS_OK)
        return e;
    return ts_buf_append(b, head, len);
}

ts_err check_answer_add(struct ts_buf *b, const struct decision *d)
{
    uint8_t item[128];
    struct mp_writer w;
    size_t len;
    ts_err e;

    mp_writer_init(&w, item, sizeof(item));
    mp_write_array(&w, 3);
    mp_write_uint(&w, (uint64_t)d->verdict);
    mp_write_cstr(&w, call_code_name(d->code));
    mp_write_bin(&w, d->id, sizeof(d->id));
    if ((e = mp_written(&w, &len)) != TS_OK)
        return e;
    return ts_buf_append(b, item, len);
}
