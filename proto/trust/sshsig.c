/* SSHSIG: what is in it, what it covers, and taking its armour off. */
#include "proto/trust/sshsig.h"

#include <sodium.h>
#include <string.h>

#include "proto/trust/ssh_wire.h"

#define MAGIC      "SSHSIG"
#define MAGIC_LEN  6
#define HASH       "sha512"
#define APP_PREFIX "ssh:"
#define FLAG_TOUCH 0x01
/* of a token: SHA-256 of the application, flags, counter, SHA-256 of the data
 */
#define TOKEN_MESSAGE (32u + 1u + 4u + 32u)

static struct ts_str as_str(struct ts_bytes b)
{
    return (struct ts_str){.ptr = (const char *)b.ptr, .len = b.len};
}

static bool read_key(struct ts_bytes key, struct sshsig *s)
{
    struct ssh_public_key k;

    if (!ssh_public_key_read(key, &k))
        return false;
    s->is_token = k.is_token;
    memcpy(s->pk, k.pk, TRUST_PK_LEN);
    s->application = k.application;
    return true;
}

static bool read_signature(struct ts_bytes sig, struct sshsig *s)
{
    struct ssh_in in = ssh_in_of(sig);
    struct ts_bytes type = ssh_take_string(&in), raw = ssh_take_string(&in),
                    flags;

    if (in.bad || raw.len != TRUST_SIG_LEN ||
        !ssh_bytes_are(type, s->is_token ? SSH_KIND_TOKEN : SSH_KIND_PLAIN))
        return false;
    s->sig = raw.ptr;
    if (s->is_token) {
        flags = ssh_take(&in, 1);
        s->counter = ssh_take_u32(&in);
        if (in.bad)
            return false;
        s->flags = flags.ptr[0];
    }
    return ssh_in_is_done(&in);
}

enum trust_code sshsig_decode(struct ts_bytes blob, struct sshsig *ret)
{
    struct ssh_in in = ssh_in_of(blob);
    struct ts_bytes magic, key, reserved, hash, sig;
    struct sshsig s = {0};
    uint32_t version;

    if (blob.len > SSHSIG_MAX)
        return TRUST_E_LIMIT;
    magic = ssh_take(&in, MAGIC_LEN);
    version = ssh_take_u32(&in);
    if (in.bad || memcmp(magic.ptr, MAGIC, MAGIC_LEN) != 0)
        return TRUST_E_FORMAT;
    if (version != 1)
        return TRUST_E_VERSION;
    key = ssh_take_string(&in);
    s.name_space = as_str(ssh_take_string(&in));
    reserved = ssh_take_string(&in);
    hash = ssh_take_string(&in);
    sig = ssh_take_string(&in);
    if (!ssh_in_is_done(&in) || reserved.len != 0 || s.name_space.len == 0 ||
        !ssh_bytes_are(hash, HASH) || !read_key(key, &s) ||
        !read_signature(sig, &s))
        return TRUST_E_FORMAT;
    *ret = s;
    return TRUST_OK;
}

static ts_err put_string(struct ts_buf *out, const void *p, size_t n)
{
    const uint8_t head[4] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16),
                             (uint8_t)(n >> 8), (uint8_t)n};
    ts_err e = ts_buf_append(out, head, sizeof(head));

    return e != TS_OK || n == 0 ? e : ts_buf_append(out, p, n);
}

static ts_err put_text(struct ts_buf *out, const char *text)
{
    return put_string(out, text, strlen(text));
}

ts_err sshsig_to_sign(const char *name_space, struct ts_bytes message,
                      struct ts_buf *out)
{
    uint8_t digest[crypto_hash_sha512_BYTES];
    ts_err e;

    (void)crypto_hash_sha512(digest, message.ptr,
                             message.len); /* never fails */
    if ((e = ts_buf_append(out, MAGIC, MAGIC_LEN)) != TS_OK ||
        (e = put_text(out, name_space)) != TS_OK ||
        (e = put_text(out, "")) != TS_OK || (e = put_text(out, HASH)) != TS_OK)
        return e;
    return put_string(out, digest, sizeof(digest));
}

/* A token signs hashes, with what it saw (PROTOCOL.u2f). */
static void token_message(const struct sshsig *s, const struct ts_buf *data,
                          uint8_t ret[TOKEN_MESSAGE])
{
    uint8_t *p = ret;

    (void)crypto_hash_sha256(p, (const uint8_t *)s->application.ptr,
                             s->application.len);
    p += 32;
    *p++ = s->flags;
    for (int shift = 24; shift >= 0; shift -= 8)
        *p++ = (uint8_t)(s->counter >> shift);
    (void)crypto_hash_sha256(p, ts_buf_bytes(data), data->len);
}

enum trust_code sshsig_verify(const struct sshsig *s, const char *name_space,
                              struct ts_bytes message,
                              const uint8_t pk[TRUST_PK_LEN])
{
    uint8_t token[TOKEN_MESSAGE];
    struct ts_buf data;
    int bad;

    if (!ts_str_eq_c(s->name_space, name_space) ||
        memcmp(s->pk, pk, TRUST_PK_LEN) != 0)
        return TRUST_E_SIG;
    if (s->is_token &&
        (!ts_str_starts(s->application, TS_STR_LIT(APP_PREFIX)) ||
         (s->flags & FLAG_TOUCH) == 0))
        return TRUST_E_SIG;
    ts_buf_init(&data, SSHSIG_MAX);
    if (sshsig_to_sign(name_space, message, &data) != TS_OK) {
        ts_buf_done(&data);
        return TRUST_E_INTERNAL;
    }
    if (s->is_token) {
        token_message(s, &data, token);
        bad = crypto_sign_verify_detached(s->sig, token, sizeof(token), pk);
    } else {
        bad = crypto_sign_verify_detached(s->sig, ts_buf_bytes(&data), data.len,
                                          pk);
    }
    ts_buf_done(&data);
    return bad == 0 ? TRUST_OK : TRUST_E_SIG;
}

ts_err sshsig_of_agent(const char *name_space, struct ts_bytes public_key,
                       struct ts_bytes signature, struct ts_buf *out)
{
    static const uint8_t version[4] = {0, 0, 0, 1};
    ts_err e;

    if ((e = ts_buf_append(out, MAGIC, MAGIC_LEN)) != TS_OK ||
        (e = ts_buf_append(out, version, sizeof(version))) != TS_OK ||
        (e = put_string(out, public_key.ptr, public_key.len)) != TS_OK ||
        (e = put_text(out, name_space)) != TS_OK ||
        (e = put_text(out, "")) != TS_OK || (e = put_text(out, HASH)) != TS_OK)
        return e;
    return put_string(out, signature.ptr, signature.len);
}

static struct ts_str trimmed(struct ts_str s)
{
    while (s.len > 0 && strchr(" \t\r\n", s.ptr[0]) != NULL)
        s = (struct ts_str){.ptr = s.ptr + 1, .len = s.len - 1};
    while (s.len > 0 && strchr(" \t\r\n", s.ptr[s.len - 1]) != NULL)
        s.len--;
    return s;
}

ts_err sshsig_dearmour(struct ts_str text, struct ts_buf *out)
{
    const struct ts_str head = TS_STR_LIT("-----BEGIN SSH SIGNATURE-----");
    const struct ts_str tail = TS_STR_LIT("-----END SSH SIGNATURE-----");
    struct ts_str s = trimmed(text);
    uint8_t *room;
    size_t n;
    ts_err e;

    if (s.len < head.len + tail.len || !ts_str_starts(s, head) ||
        memcmp(s.ptr + s.len - tail.len, tail.ptr, tail.len) != 0)
        return TS_E_FORMAT;
    e = ts_buf_reserve(out, SSHSIG_MAX, &room);
    if (e != TS_OK)
        return e;
    if (sodium_base642bin(room, SSHSIG_MAX, s.ptr + head.len,
                          s.len - head.len - tail.len, "\r\n", &n, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return TS_E_FORMAT;
    ts_buf_grew(out, n);
    return TS_OK;
}
