#include <jansson.h>
#include <stdio.h>

#include "cli/delegation/delegation_cmds.h"
#include "proto/trust/agent_cert.h"

static json_t *hex(const uint8_t *p, size_t len)
{
    char text[2 * TS_ID_MAX + 1];

    ts_hex_encode(text, p, len);
    return json_string(text);
}

static json_t *text(struct ts_str s)
{
    return json_stringn(s.ptr, s.len);
}

/* jansson has signed integers only; times beyond them are shown as text. */
static json_t *number(uint64_t v)
{
    char big[24];

    if (v <= INT64_MAX)
        return json_integer((json_int_t)v);
    (void)snprintf(big, sizeof(big), "%llu", (unsigned long long)v);
    return json_string(big);
}

static json_t *attrs_json(const struct delegation *d)
{
    json_t *o = json_object();

    for (size_t i = 0; o != NULL && i < d->attr_count; i++) {
        if (json_object_setn_new_nocheck(o, d->attrs[i].key.ptr,
                                         d->attrs[i].key.len,
                                         text(d->attrs[i].value)) != 0) {
            json_decref(o);
            return NULL;
        }
    }
    return o;
}

/* Null without one; its form only. */
static json_t *cert_json(const struct delegation_block *b)
{
    uint8_t kid[TRUST_KID_LEN];
    struct agent_cert c;

    if (agent_cert_decode_to_show(b->cert, &c, kid) != TRUST_OK)
        return json_null();
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "kid",
                     hex(kid, sizeof(kid)), "tenant", text(c.tenant), "agent",
                     text(c.agent), "pk", hex(c.pk, TRUST_PK_LEN), "nbf",
                     number(c.nbf), "exp", number(c.exp));
}

static json_t *block_json(const struct delegation_block *b, bool has_id)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
                     has_id ? hex(b->id, sizeof(b->id)) : json_null(), "agent",
                     text(b->agent), "holder", hex(b->holder, TRUST_PK_LEN),
                     "iat", number(b->iat), "nbf", number(b->nbf), "exp",
                     number(b->exp), "depth", number(b->depth), "policies",
                     text(b->policies), "cert", cert_json(b));
}

static json_t *blocks_json(const struct delegation *d, bool has_ids)
{
    json_t *a = json_array();

    for (size_t i = 0; a != NULL && i < d->block_count; i++) {
        if (json_array_append_new(a, block_json(&d->blocks[i], has_ids)) != 0) {
            json_decref(a);
            return NULL;
        }
    }
    return a;
}

bool delegation_json_print(const struct delegation *d, bool has_ids,
                           bool verified)
{
    json_t *o = json_pack(
        "{s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
        "s:o}",
        "signatures_verified", verified, "chain_hash",
        hex(d->chain_hash, sizeof(d->chain_hash)), "kid",
        hex(d->kid, sizeof(d->kid)), "grant",
        hex(d->grant_id, sizeof(d->grant_id)), "tenant", text(d->tenant),
        "issuer", text(d->issuer), "user", text(d->user), "aud", text(d->aud),
        "task", text(d->task), "max_calls", number(d->max_calls), "not_before",
        number(d->not_before), "expires", number(d->expires), "attrs",
        attrs_json(d), "blocks", blocks_json(d, has_ids));
    bool ok = o != NULL &&
              json_dumpf(o, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII) == 0;

    (void)fputc('\n', stdout);
    json_decref(o);
    return ok;
}
