/*
 * What is asked again at every decision, since the answer changes: time, the
 * trust store, the directory, revocations. Allocates nothing.
 */
#include <string.h>

#include "proto/trust/agent_cert.h"
#include "proto/trust/chain_priv.h"
#include "proto/trust/delegation.h"
#include "proto/trust/id.h"
#include "proto/trust/store.h"

#define UID_UNMAPPED                                                           \
    65534 /* what the kernel shows for a uid without mapping                   \
           */

static enum trust_code check_issuer(const struct trust_store *store,
                                    const struct delegation *d)
{
    const struct trust_key *k = trust_store_kid(store, d->kid);
    uint64_t iat = d->blocks[0].iat;

    if (k == NULL || k->role != TRUST_ROLE_ISSUER || k->disabled ||
        !ts_str_eq(k->tenant, d->tenant) || !ts_str_eq(k->name, d->issuer))
        return TRUST_E_ISSUER;
    if (iat < k->not_before || (k->not_after != 0 && iat > k->not_after))
        return TRUST_E_ISSUER;
    return TRUST_OK;
}

static bool agent_has_key(const struct trust_agent *a, const uint8_t *pk)
{
    for (uint32_t i = 0; i < a->key_count; i++)
        if (memcmp(a->keys[i], pk, TRUST_PK_LEN) == 0)
            return true;
    return false;
}

/* Does the certificate of a link still vouch for its holder? */
static bool cert_holds(const struct trust_config *cfg,
                       const struct delegation *d,
                       const struct delegation_block *b, uint64_t now)
{
    const struct trust_key *key = trust_store_kid(cfg->store, b->cert_kid);

    if (b->cert_nbf > now && b->cert_nbf - now > cfg->skew_s)
        return false;
    return now < b->cert_exp && agent_cert_signer(key, d->tenant, b->cert_nbf);
}

/* Without a certificate: a registered agent uses its registered keys, another
 * one stands below the delegator's own name. */
static bool name_is_given(const struct delegation *d, size_t i,
                          const struct trust_agent *own)
{
    const struct delegation_block *b = &d->blocks[i];

    if (own != NULL)
        return agent_has_key(own, b->holder);
    return i > 0 && trust_id_below(b->agent, d->blocks[i - 1].agent);
}

/*
 * Who is the agent of block i? One that a certificate, the directory or the
 * delegator's own name vouches for, with the entry of the agent itself or of
 * its nearest registered ancestor, and a key that is nobody else's. Nothing
 * else is an agent: a link must not be able to take a name that it was not
 * given.
 */
static enum trust_code check_agent(const struct trust_config *cfg,
                                   const struct delegation *d, size_t i,
                                   uint64_t now)
{
    const struct trust_store *store = cfg->store;
    const struct delegation_block *b = &d->blocks[i];
    const struct trust_agent *own =
        trust_store_agent(store, d->tenant, b->agent);
    const struct trust_agent *of_key =
        trust_store_agent_of_key(store, b->holder);
    const struct trust_agent *up;

    if (trust_store_key(store, b->holder) != NULL ||
        (i > 0 && of_key != NULL && of_key != own))
        return TRUST_E_KEY; /* a key has one role and one name */
    if (b->cert.len > 0 ? !cert_holds(cfg, d, b, now)
                        : !name_is_given(d, i, own))
        return TRUST_E_AGENT;
    up = trust_store_agent_or_ancestor(store, d->tenant, b->agent);
    if (up == NULL || up->status == TRUST_UNKNOWN)
        return TRUST_E_AGENT;
    return up->status == TRUST_ACTIVE ? TRUST_OK : TRUST_E_REVOKED;
}

static enum trust_code check_directory(const struct trust_config *cfg,
                                       const struct delegation *d, uint64_t now)
{
    enum trust_code c;

    for (size_t i = 0; i < d->block_count; i++)
        if ((c = check_agent(cfg, d, i, now)) != TRUST_OK)
            return c;
    switch (trust_store_user(cfg->store, d->tenant, d->user)) {
    case TRUST_ACTIVE:
        return TRUST_OK;
    case TRUST_INACTIVE:
        return TRUST_E_REVOKED;
    case TRUST_UNKNOWN:
        break;
    }
    return TRUST_E_USER;
}

/* Look-ups of one chain, gathered so that they are made together. */
struct looking {
    const struct revocations *r;
    struct ts_str tenant;
    enum revocation_kind found;
    struct revocation_ask asks[REVOCATION_ASKS_MAX];
    size_t count;
};

static void look_up(struct looking *l)
{
    if (l->found == REVOCATION_NONE)
        l->found = revocations_first_hit(l->r, l->tenant, l->asks, l->count);
    l->count = 0;
}

static void ask(struct looking *l, enum revocation_kind kind,
                const void *target, size_t len, uint64_t iat)
{
    if (l->count == REVOCATION_ASKS_MAX)
        look_up(l);
    l->asks[l->count++] = (struct revocation_ask){
        .kind = kind, .target = {.ptr = target, .len = len}, .iat = iat};
}

static void ask_root(struct looking *l, const struct delegation *d)
{
    uint64_t iat = d->blocks[0].iat;

    ask(l, REVOCATION_GRANT, d->grant_id, sizeof(d->grant_id), iat);
    ask(l, REVOCATION_USER, d->user.ptr, d->user.len, iat);
    ask(l, REVOCATION_TASK, d->task.ptr, d->task.len, iat);
    ask(l, REVOCATION_TENANT, "", 0, iat);
    ask(l, REVOCATION_ISSUER_KEY, d->kid, sizeof(d->kid), iat);
}

static void ask_block(struct looking *l, const struct delegation_block *b)
{
    /* A certificate from before the cutoff does not outlive its key by
     * standing in a younger block. */
    uint64_t given =
        b->cert.len > 0 && b->cert_nbf < b->iat ? b->cert_nbf : b->iat;

    ask(l, REVOCATION_BLOCK, b->id, sizeof(b->id), b->iat);
    ask(l, REVOCATION_KEY, b->holder, TRUST_PK_LEN, given);
    /* The agent and every ancestor of it, registered or not. */
    for (struct ts_str a = b->agent; a.len > 0; a = trust_id_parent(a))
        ask(l, REVOCATION_AGENT, a.ptr, a.len, b->iat);
    if (b->cert.len > 0)
        ask(l, REVOCATION_ISSUER_KEY, b->cert_kid, sizeof(b->cert_kid),
            b->cert_nbf);
}

enum revocation_kind delegation_revoked_by(const struct trust_config *cfg,
                                           const struct delegation *d)
{
    struct looking l = {.r = cfg->revoked, .tenant = d->tenant};

    if (l.r == NULL || l.r->count == 0)
        return REVOCATION_NONE;
    ask_root(&l, d);
    for (size_t i = 0; i < d->block_count; i++)
        ask_block(&l, &d->blocks[i]);
    look_up(&l);
    return l.found;
}

enum trust_code delegation_check_now(const struct trust_config *cfg,
                                     const struct delegation *d, uint64_t now)
{
    struct chain_window w = chain_window(d);
    enum trust_code c;

    if (now < w.not_before && w.not_before - now > cfg->skew_s)
        return TRUST_E_NOT_YET;
    if (now >= w.expires) /* exclusive, and no skew: time is up */
        return TRUST_E_EXPIRED;
    if ((c = check_issuer(cfg->store, d)) != TRUST_OK ||
        (c = check_directory(cfg, d, now)) != TRUST_OK)
        return c;
    return delegation_revoked_by(cfg, d) == REVOCATION_NONE ? TRUST_OK
                                                            : TRUST_E_REVOKED;
}

bool delegation_uid_allowed(const struct trust_config *cfg,
                            const struct delegation *d, uint32_t uid)
{
    const struct trust_agent *a = trust_store_agent_or_ancestor(
        cfg->store, d->tenant, delegation_leaf(d)->agent);

    if (a == NULL || uid == UID_UNMAPPED)
        return false;
    for (uint32_t i = 0; i < a->uid_count; i++)
        if (a->uids[i] == uid)
            return true;
    return false;
}
