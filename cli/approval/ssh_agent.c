/* Messages to and from an ssh-agent. */
#include "cli/approval/ssh_agent.h"

#include <sodium.h>
#include <string.h>

#include "proto/trust/ssh_wire.h"

enum {
    AGENT_FAILURE = 5,
    AGENT_REQUEST_IDENTITIES = 11,
    AGENT_IDENTITIES = 12,
    AGENT_SIGN_REQUEST = 13,
    AGENT_SIGN_RESPONSE = 14
};

ts_err ssh_key_decode(struct ts_bytes blob, struct ssh_key *ret)
{
    struct ssh_key k = {.blob = blob};
    struct ssh_public_key key;

    if (blob.len > SSH_KEY_BLOB_MAX || !ssh_public_key_read(blob, &key))
        return TS_E_FORMAT;
    k.is_token = key.is_token;
    memcpy(k.pk, key.pk, TRUST_PK_LEN);
    *ret = k;
    return TS_OK;
}

static struct ts_str word(struct ts_str *line)
{
    struct ts_str w;

    while (line->len > 0 && (line->ptr[0] == ' ' || line->ptr[0] == '\t')) {
        line->ptr++;
        line->len--;
    }
    w = (struct ts_str){.ptr = line->ptr, .len = 0};
    while (w.len < line->len && strchr(" \t\r\n", w.ptr[w.len]) == NULL)
        w.len++;
    line->ptr += w.len;
    line->len -= w.len;
    return w;
}

ts_err ssh_key_of_line(struct ts_str line, struct ts_buf *blob_out,
                       struct ssh_key *ret)
{
    struct ts_str kind, text;
    struct ssh_key k;
    uint8_t *room;
    size_t n;
    ts_err e;

    if (line.len == 0 || memchr(line.ptr, '\0', line.len) != NULL)
        return TS_E_FORMAT;
    kind = word(&line);
    text = word(&line);
    e = ts_buf_reserve(blob_out, SSH_KEY_BLOB_MAX, &room);
    if (e != TS_OK)
        return e;
    if (sodium_base642bin(room, SSH_KEY_BLOB_MAX, text.ptr, text.len, NULL, &n,
                          NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
        return TS_E_FORMAT;
    e = ssh_key_decode((struct ts_bytes){room, n}, &k);
    if (e != TS_OK)
        return e;
    if (!ts_str_eq_c(kind, k.is_token ? SSH_KIND_TOKEN : SSH_KIND_PLAIN))
        return TS_E_FORMAT;
    ts_buf_grew(blob_out, n);
    *ret = k;
    return TS_OK;
}

static ts_err put_u32(struct ts_buf *out, size_t n)
{
    const uint8_t b[4] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16),
                          (uint8_t)(n >> 8), (uint8_t)n};

    return ts_buf_append(out, b, sizeof(b));
}

static ts_err put_string(struct ts_buf *out, struct ts_bytes b)
{
    ts_err e = put_u32(out, b.len);

    return e != TS_OK || b.len == 0 ? e : ts_buf_append(out, b.ptr, b.len);
}

static ts_err put_head(struct ts_buf *out, size_t len, uint8_t type)
{
    ts_err e = put_u32(out, len);

    return e != TS_OK ? e : ts_buf_append(out, &type, 1);
}

ts_err ssh_agent_ask_keys(struct ts_buf *out)
{
    return put_head(out, 1, AGENT_REQUEST_IDENTITIES);
}

ts_err ssh_agent_ask_sign(struct ts_bytes blob, struct ts_bytes data,
                          struct ts_buf *out)
{
    ts_err e;

    if (blob.len > SSH_KEY_BLOB_MAX || data.len > SSH_AGENT_ANSWER_MAX)
        return TS_E_LIMIT;
    e = put_head(out, 1 + 4 + blob.len + 4 + data.len + 4, AGENT_SIGN_REQUEST);
    if (e == TS_OK)
        e = put_string(out, blob);
    if (e == TS_OK)
        e = put_string(out, data);
    return e == TS_OK ? put_u32(out, 0) : e; /* no flags */
}

static ts_err begin(struct ssh_in *in, struct ts_bytes answer, uint8_t want)
{
    struct ts_bytes type;

    if (answer.len > SSH_AGENT_ANSWER_MAX)
        return TS_E_LIMIT;
    *in = ssh_in_of(answer);
    type = ssh_take(in, 1);
    if (in->bad)
        return TS_E_FORMAT;
    if (type.ptr[0] == AGENT_FAILURE && answer.len == 1)
        return TS_E_INVALID;
    return type.ptr[0] == want ? TS_OK : TS_E_FORMAT;
}

ts_err ssh_agent_keys(struct ts_bytes answer,
                      bool (*visit)(void *ctx, const struct ssh_key *key),
                      void *ctx)
{
    struct ssh_in in;
    uint32_t n;
    bool more = true;
    ts_err e = begin(&in, answer, AGENT_IDENTITIES);

    if (e != TS_OK)
        return e;
    n = ssh_take_u32(&in);
    if (in.bad || n > SSH_AGENT_KEYS_MAX)
        return TS_E_FORMAT;
    for (uint32_t i = 0; i < n; i++) {
        struct ts_bytes blob = ssh_take_string(&in),
                        comment = ssh_take_string(&in);
        struct ssh_key k;

        if (in.bad)
            return TS_E_FORMAT;
        if (!more || ssh_key_decode(blob, &k) != TS_OK)
            continue;
        k.comment = (struct ts_str){.ptr = (const char *)comment.ptr,
                                    .len = comment.len};
        more = visit(ctx, &k);
    }
    return in.at == in.end ? TS_OK : TS_E_FORMAT;
}

ts_err ssh_agent_signature(struct ts_bytes answer, struct ts_bytes *ret)
{
    struct ts_bytes blob;
    struct ssh_in in;
    ts_err e = begin(&in, answer, AGENT_SIGN_RESPONSE);

    if (e != TS_OK)
        return e;
    blob = ssh_take_string(&in);
    if (in.bad || in.at != in.end || blob.len == 0)
        return TS_E_FORMAT;
    *ret = blob;
    return TS_OK;
}
