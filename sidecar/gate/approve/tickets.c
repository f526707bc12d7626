/* The table of what waits: places, states, ends. */
#include "sidecar/gate/approve/tickets.h"

#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/trust/pae.h"
#include "sidecar/gate/approve/askers.h"

struct pending {
    struct pending *before, *after; /* in the order of asking */
    struct ticket_key key;
    uint8_t id[TRUST_HASH_LEN];
    enum ticket_state state;
    enum ticket_end end; /* when void */
    uint64_t serial;
    struct ticket_keep *kept; /* owned; or NULL */
    struct approval_tally tally;
    struct ticket ticket; /* borrows from body */
    size_t body_len;
    uint8_t body[];
};

struct tickets {
    struct pending *first, *last;
    ticket_release *release;
    uint64_t serial; /* of the last one */
    uint32_t count, granted;
    size_t bytes;
    struct askers *askers;
    struct {
        struct ticket_key key;
        uint64_t until;
    } cooling[TICKETS_COOLING_MAX];
    uint32_t next_cooling; /* written next: the oldest */
};

const char *ticket_end_name(enum ticket_end e)
{
    switch (e) {
    case TICKET_END_TAKEN:
        return "taken";
    case TICKET_END_DENIED:
        return "denied";
    case TICKET_END_EXPIRED:
        return "expired";
    case TICKET_END_WITHDRAWN:
        return "withdrawn";
    case TICKET_END_REVOKED:
        return "revoked";
    case TICKET_END_POLICIES:
        break;
    }
    return "policies_changed";
}

static struct ts_bytes bytes_of(struct ts_str s)
{
    return (struct ts_bytes){.ptr = (const uint8_t *)s.ptr, .len = s.len};
}

void ticket_key_of(const struct ticket *t,
                   const uint8_t chain_hash[TRUST_HASH_LEN],
                   struct ticket_key *ret)
{
    uint8_t epoch[8];
    const struct ts_bytes parts[PAE_PARTS_MAX] = {
        bytes_of(t->tenant),
        {.ptr = chain_hash, .len = TRUST_HASH_LEN},
        bytes_of(t->tool),
        {.ptr = t->tool_digest, .len = sizeof(t->tool_digest)},
        bytes_of(t->action),
        bytes_of(t->resource),
        t->args,
        {.ptr = epoch, .len = sizeof(epoch)}};

    /* the chain's hash holds user, agents and task */
    pae_le32(epoch, (uint32_t)t->policy_epoch);
    pae_le32(epoch + 4, (uint32_t)(t->policy_epoch >> 32));
    pae_hash(ret->hash, sizeof(ret->hash), PAE_PREFIX "same-call", parts,
             PAE_PARTS_MAX);
}

void ticket_key_stdin(struct ticket_key *k)
{
    const struct ts_bytes without = {.ptr = k->hash, .len = sizeof(k->hash)};
    struct ticket_key with;

    pae_hash(with.hash, sizeof(with.hash), PAE_PREFIX "same-call-stdin",
             &without, 1);
    *k = with;
}

ts_err tickets_new(ticket_release *release, struct tickets **ret)
{
    struct tickets *t = ts_mem_alloc(sizeof(*t));

    if (t == NULL)
        return TS_E_NOMEM;
    if (askers_new(&t->askers) != TS_OK) {
        ts_mem_free(t);
        return TS_E_NOMEM;
    }
    t->release = release;
    *ret = t;
    return TS_OK;
}

static void pending_free(struct tickets *t, struct pending *p)
{
    if (p->kept != NULL && t->release != NULL)
        t->release(p->kept);
    ts_mem_free(p);
}

void tickets_free(struct tickets *t)
{
    if (t == NULL)
        return;
    while (t->first != NULL) {
        struct pending *p = t->first;

        t->first = p->after;
        pending_free(t, p);
    }
    askers_free(t->askers);
    ts_mem_free(t);
}

static bool is_cooling(const struct tickets *t, const struct ticket_key *key,
                       uint64_t now)
{
    for (uint32_t i = 0; i < TICKETS_COOLING_MAX; i++)
        if (now < t->cooling[i].until &&
            memcmp(&t->cooling[i].key, key, sizeof(*key)) == 0)
            return true;
    return false;
}

static struct pending *find_key(const struct tickets *t,
                                const struct ticket_key *key)
{
    for (struct pending *p = t->first; p != NULL; p = p->after)
        if (p->state != TICKET_VOID && memcmp(&p->key, key, sizeof(*key)) == 0)
            return p;
    return NULL;
}

static bool is_crowded(const struct tickets *t, const struct ticket *new,
                       size_t size)
{
    uint32_t of_grant = 0, of_tenant = 0;

    if (t->count >= TICKETS_MAX || size > TICKETS_BYTES - t->bytes)
        return true;
    for (const struct pending *p = t->first; p != NULL; p = p->after) {
        if (!ts_str_eq(p->ticket.tenant, new->tenant))
            continue;
        of_tenant++;
        of_grant += memcmp(p->ticket.grant_id, new->grant_id,
                           sizeof(new->grant_id)) == 0;
    }
    return of_grant >= TICKETS_PER_GRANT || of_tenant >= TICKETS_PER_TENANT;
}

/* The ticket of a copy, which its slices then borrow from. */
static ts_err copy(struct ts_bytes body, const struct ticket_key *key,
                   struct pending **ret)
{
    struct pending *p = ts_mem_alloc(sizeof(*p) + body.len);

    if (p == NULL)
        return TS_E_NOMEM;
    memcpy(p->body, body.ptr, body.len);
    p->body_len = body.len;
    p->key = *key;
    p->state = TICKET_WAITING;
    if (ticket_decode(pending_body(p), &p->ticket) != TRUST_OK) {
        ts_mem_free(p);
        return TS_E_INVALID;
    }
    ticket_id(pending_body(p), p->id);
    *ret = p;
    return TS_OK;
}

static void append(struct tickets *t, struct pending *p)
{
    p->serial = ++t->serial;
    p->before = t->last;
    if (t->last != NULL)
        t->last->after = p;
    else
        t->first = p;
    t->last = p;
    t->count++;
    t->bytes += sizeof(*p) + p->body_len;
}

static ts_err ask_anew(struct tickets *t, struct pending *p, uint64_t now,
                       enum ticket_asked *ret)
{
    if (now >= p->ticket.expires)
        return TS_E_INVALID;
    if (is_crowded(t, &p->ticket, sizeof(*p) + p->body_len)) {
        *ret = TICKET_ASKED_CROWDED;
        return TS_OK;
    }
    switch (askers_count(t->askers, &p->ticket, now)) {
    case ASKER_FINE:
        *ret = TICKET_ASKED_NEW;
        break;
    case ASKER_TOO_OFTEN:
        *ret = TICKET_ASKED_TOO_OFTEN;
        break;
    case ASKER_NO_ROOM:
        *ret = TICKET_ASKED_CROWDED;
        break;
    }
    return TS_OK;
}

static enum ticket_asked again(const struct pending *p)
{
    switch (p->state) {
    case TICKET_GRANTED:
        return TICKET_ASKED_GRANTED;
    case TICKET_DENIED:
        return TICKET_ASKED_COOLING;
    case TICKET_WAITING:
    case TICKET_VOID: /* find_key() finds none */
        break;
    }
    return TICKET_ASKED_SAME;
}

ts_err tickets_ask(struct tickets *t, const struct ticket_key *key,
                   struct ts_bytes body, uint64_t now, enum ticket_asked *ret,
                   struct pending **ret_pending)
{
    struct pending *p = find_key(t, key);
    enum ticket_asked asked = TICKET_ASKED_CROWDED;
    ts_err e;

    if (p != NULL && now < p->ticket.expires) {
        *ret = again(p);
        if (*ret != TICKET_ASKED_COOLING)
            *ret_pending = p;
        return TS_OK;
    }
    if (is_cooling(t, key, now)) {
        *ret = TICKET_ASKED_COOLING;
        return TS_OK;
    }
    if ((e = copy(body, key, &p)) != TS_OK)
        return e;
    e = ask_anew(t, p, now, &asked);
    if (e != TS_OK || asked != TICKET_ASKED_NEW) {
        ts_mem_free(p);
    } else {
        append(t, p);
        *ret_pending = p;
    }
    if (e == TS_OK)
        *ret = asked;
    return e;
}

struct tickets_asked tickets_asked_before(struct tickets *t,
                                          const struct ticket *of, uint64_t now)
{
    struct askers_sums s = askers_sums(t->askers, of, now);

    return (struct tickets_asked){.minute = s.minute, .hour = s.hour};
}

const struct ticket *pending_ticket(const struct pending *p)
{
    return &p->ticket;
}

struct ts_bytes pending_body(const struct pending *p)
{
    return (struct ts_bytes){.ptr = p->body, .len = p->body_len};
}

const uint8_t *pending_id(const struct pending *p)
{
    return p->id;
}

enum ticket_state pending_state(const struct pending *p)
{
    return p->state;
}

const struct approval_tally *pending_tally(const struct pending *p)
{
    return &p->tally;
}

uint64_t pending_serial(const struct pending *p)
{
    return p->serial;
}

void pending_keep(struct pending *p, struct ticket_keep *k)
{
    p->kept = k;
}

struct ticket_keep *pending_kept(const struct pending *p)
{
    return p->kept;
}

enum ticket_end pending_end(const struct pending *p)
{
    return p->end;
}

struct pending *tickets_find(struct tickets *t, const uint8_t decision_id[16])
{
    for (struct pending *p = t->first; p != NULL; p = p->after)
        if (p->state != TICKET_VOID &&
            memcmp(p->ticket.decision_id, decision_id,
                   sizeof(p->ticket.decision_id)) == 0)
            return p;
    return NULL;
}

/* Counted, since every call asks whether there is any. */
static void become(struct tickets *t, struct pending *p, enum ticket_state s)
{
    t->granted -= p->state == TICKET_GRANTED;
    t->granted += s == TICKET_GRANTED;
    p->state = s;
}

enum approval_code tickets_answer(struct tickets *t,
                                  const struct approval_people *who,
                                  struct ts_bytes answer, uint64_t now,
                                  struct pending **ret, struct approval *ret_a)
{
    uint8_t decision[16];
    struct pending *p;
    enum approval_code c;

    if (!approval_peek(answer, decision))
        return APPROVAL_E_FORMAT;
    p = tickets_find(t, decision);
    if (p == NULL)
        return APPROVAL_E_UNKNOWN;
    c = approval_accept(who, &p->ticket, p->id, answer, now, &p->tally, ret_a);
    if (c != APPROVAL_OK)
        return c;
    if (p->tally.denied)
        become(t, p, TICKET_DENIED);
    else if (approval_quorum(&p->ticket, &p->tally))
        become(t, p, TICKET_GRANTED);
    *ret = p;
    return APPROVAL_OK;
}

static void cool(struct tickets *t, const struct pending *p, uint64_t now)
{
    t->cooling[t->next_cooling].key = p->key;
    t->cooling[t->next_cooling].until = now + TICKETS_COOL_S;
    t->next_cooling = (t->next_cooling + 1) % TICKETS_COOLING_MAX;
}

void tickets_void(struct tickets *t, struct pending *p, enum ticket_end why,
                  uint64_t now)
{
    if (p->state == TICKET_VOID)
        return;
    if (why == TICKET_END_DENIED)
        cool(t, p, now);
    become(t, p, TICKET_VOID);
    p->end = why;
}

void tickets_end(struct tickets *t, struct pending *p, enum ticket_end why,
                 uint64_t now)
{
    if (why == TICKET_END_DENIED && p->state != TICKET_VOID)
        cool(t, p, now);
    become(t, p, TICKET_VOID);
    if (p->before != NULL)
        p->before->after = p->after;
    else
        t->first = p->after;
    if (p->after != NULL)
        p->after->before = p->before;
    else
        t->last = p->before;
    t->count--;
    t->bytes -= sizeof(*p) + p->body_len;
    pending_free(t, p);
}

struct pending *tickets_after(const struct tickets *t, const struct pending *p)
{
    return p == NULL ? t->first : p->after;
}

struct pending *tickets_expired(const struct tickets *t, uint64_t now)
{
    for (struct pending *p = t->first; p != NULL; p = p->after)
        if (p->state != TICKET_VOID && now >= p->ticket.expires)
            return p;
    return NULL;
}

uint64_t tickets_next_expiry(const struct tickets *t)
{
    uint64_t next = UINT64_MAX;

    for (const struct pending *p = t->first; p != NULL; p = p->after)
        if (p->state != TICKET_VOID && p->ticket.expires < next)
            next = p->ticket.expires;
    return next;
}

uint32_t tickets_count(const struct tickets *t)
{
    return t->count;
}

uint32_t tickets_granted(const struct tickets *t)
{
    return t->granted;
}
