/* Frames of signed objects, and whose signature counts. */
#include "proto/trust/signed.h"

#include <sodium.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "proto/trust/pae.h"
#include "proto/trust/signed_priv.h"
#include "proto/trust/smp.h"
#include "proto/wire/mp_write.h"

/* array of 3, head of the body (bin 32), kid, signature; each with its head */
#define FRAME_MAX (1u + 5u + 2u + TRUST_KID_LEN + 2u + TRUST_SIG_LEN)
/* a signing input whose body is no snapshot; 64: heads and the context */
#define SMALL_MAX (SIGNED_REVOCATION_MAX + 64u)

struct signed_form {
    const char *context;
    size_t max; /* bytes of the whole object */
};

static const struct signed_form *form_of(enum signed_kind kind)
{
    static const struct signed_form forms[SIGNED_KIND_COUNT_] = {
        [SIGNED_REVOCATION] = {PAE_PREFIX "revocation", SIGNED_REVOCATION_MAX},
        [SIGNED_SNAPSHOT] = {PAE_PREFIX "snapshot", SIGNED_SNAPSHOT_MAX},
        [SIGNED_HEARTBEAT] = {PAE_PREFIX "heartbeat", SIGNED_HEARTBEAT_MAX},
        [SIGNED_AGENT_CERT] = {PAE_PREFIX "agent-cert", SIGNED_AGENT_CERT_MAX},
        [SIGNED_TICKET] = {PAE_PREFIX "approval-ticket", SIGNED_TICKET_MAX},
        [SIGNED_APPROVAL] = {PAE_PREFIX "approval", SIGNED_APPROVAL_MAX},
        [SIGNED_ORIGIN] = {PAE_PREFIX "origin", SIGNED_ORIGIN_MAX},
        [SIGNED_ESCALATION] = {PAE_PREFIX "escalation", SIGNED_ESCALATION_MAX},
    };

    TS_REQUIRE((size_t)kind < SIGNED_KIND_COUNT_ &&
               forms[kind].context != NULL);
    return &forms[kind];
}

enum trust_code signed_split(enum signed_kind kind, struct ts_bytes in,
                             struct signed_object *ret)
{
    const struct signed_form *form = form_of(kind);
    struct signed_object o;
    enum trust_code c;
    struct smp s;

    if (in.len > form->max)
        return TRUST_E_LIMIT;
    smp_init(&s, in);
    smp_tuple(&s, 3);
    o.body = kind == SIGNED_SNAPSHOT ? mp_read_bin(&s.r, form->max)
                                     : smp_bin(&s, form->max);
    o.kid = smp_bin_ref(&s, TRUST_KID_LEN);
    o.sig = smp_bin_ref(&s, TRUST_SIG_LEN);
    if ((c = smp_done(&s)) != TRUST_OK)
        return c;
    *ret = o;
    return TRUST_OK;
}

/* What is signed. Small ones stand on the stack of the caller, others on the
 * heap (*ret_heap, to be freed); NULL without memory. */
static const uint8_t *message(enum signed_kind kind, struct ts_bytes body,
                              uint8_t small[SMALL_MAX], uint8_t **ret_heap,
                              size_t *ret_len)
{
    const char *context = form_of(kind)->context;
    size_t n = pae_size(context, &body, 1);
    uint8_t *p = small;

    *ret_heap = NULL;
    if (n > SMALL_MAX) {
        p = ts_mem_alloc(n);
        if (p == NULL)
            return NULL;
        *ret_heap = p;
    }
    *ret_len = pae_encode(p, n, context, &body, 1);
    return p;
}

enum trust_code signed_verify(enum signed_kind kind,
                              const struct signed_object *o,
                              const uint8_t pk[TRUST_PK_LEN])
{
    uint8_t small[SMALL_MAX], kid[TRUST_KID_LEN];
    const uint8_t *msg;
    uint8_t *heap;
    size_t n;
    int bad;

    trust_kid(pk, kid);
    if (memcmp(kid, o->kid, sizeof(kid)) != 0)
        return TRUST_E_ISSUER;
    msg = message(kind, o->body, small, &heap, &n);
    if (msg == NULL)
        return TRUST_E_INTERNAL;
    bad = crypto_sign_verify_detached(o->sig, msg, n, pk);
    ts_mem_free(heap);
    return bad == 0 ? TRUST_OK : TRUST_E_SIG;
}

ts_err signed_make(enum signed_kind kind, struct ts_bytes body,
                   const struct trust_secret *key, struct ts_buf *out)
{
    uint8_t small[SMALL_MAX], kid[TRUST_KID_LEN], sig[TRUST_SIG_LEN];
    const uint8_t *msg;
    struct mp_writer w;
    uint8_t *heap, *room;
    size_t n;
    ts_err e;

    if (body.len > form_of(kind)->max)
        return TS_E_LIMIT;
    e = ts_buf_reserve(out, FRAME_MAX + body.len, &room);
    if (e != TS_OK)
        return e;
    msg = message(kind, body, small, &heap, &n);
    if (msg == NULL)
        return TS_E_NOMEM;
    (void)crypto_sign_detached(sig, NULL, msg, n, key->sk); /* cannot fail */
    ts_mem_free(heap);
    trust_kid(key->pk, kid);
    mp_writer_init(&w, room, FRAME_MAX + body.len);
    mp_write_array(&w, 3);
    mp_write_bin(&w, body.ptr, body.len);
    mp_write_bin(&w, kid, sizeof(kid));
    mp_write_bin(&w, sig, sizeof(sig));
    e = mp_written(&w, &n);
    TS_REQUIRE(e == TS_OK); /* FRAME_MAX is the most that goes around it */
    if (n > form_of(kind)->max)
        return TS_E_LIMIT;
    ts_buf_grew(out, n);
    return TS_OK;
}

enum trust_code signed_open(enum signed_kind kind,
                            const struct trust_store *store, unsigned roles,
                            struct ts_bytes in, struct signed_object *ret,
                            const struct trust_key **ret_key)
{
    const struct trust_key *key;
    struct signed_object o;
    enum trust_code c = signed_split(kind, in, &o);

    if (c != TRUST_OK)
        return c;
    key = trust_store_kid(store, o.kid);
    if (key == NULL || key->disabled || (roles & SIGNED_ROLE(key->role)) == 0)
        return TRUST_E_ISSUER;
    if ((c = signed_verify(kind, &o, key->pk)) != TRUST_OK)
        return c;
    *ret = o;
    *ret_key = key;
    return TRUST_OK;
}

bool signed_in_window(const struct trust_key *key, uint64_t at)
{
    return at >= key->not_before &&
           (key->not_after == 0 || at <= key->not_after);
}
