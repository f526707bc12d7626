#include "sidecar/gate/people/directory.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "proto/trust/id.h"
#include "proto/wire/limits.h"
#include "proto/wire/mp_read.h"
#include "sidecar/common/bundle/bundle.h"

#define DIRECTORY_BUDGET ((size_t)64 << 20)
#define SHOWN_MAX        (BUNDLE_NAME_MAX + 64)
#define NOBODY           UINT32_MAX

struct directory {
    uint32_t users;        /* holders of this pointer */
    struct ts_arena arena; /* holds all that follows */
    struct directory_snapshot people;
    struct ts_bytes body; /* as signed */
    uint8_t signer[TRUST_KID_LEN];
    char name[SHOWN_MAX];
    struct directory_entry *entries; /* users, then agents */
    uint32_t *slots;                 /* open addressing, at most half full */
    uint32_t mask;
    uint8_t hash_key[crypto_shorthash_KEYBYTES]; /* ids come from strangers */
};

/* ---- look-ups ----------------------------------------------------------- */

/* A keyed hash of the id alone: users and agents of one name stand side by
 * side. That of the uid is the same everywhere, so that ids could be chosen
 * which all begin their search at one slot. */
static uint32_t *probe(const struct directory *d, const struct cedar_uid *uid)
{
    uint8_t h[crypto_shorthash_BYTES];
    uint32_t at;

    (void)crypto_shorthash(h, (const uint8_t *)uid->id.ptr, uid->id.len,
                           d->hash_key); /* cannot fail */
    memcpy(&at, h, sizeof(at));
    at &= d->mask;
    while (d->slots[at] != NOBODY &&
           !cedar_uid_eq(&d->entries[d->slots[at]].uid, uid))
        at = (at + 1) & d->mask;
    return &d->slots[at];
}

const struct directory_entry *directory_find(const struct directory *d,
                                             const struct cedar_uid *uid)
{
    uint32_t at;

    if (d == NULL)
        return NULL;
    at = *probe(d, uid);
    return at != NOBODY ? &d->entries[at] : NULL;
}

static int cmp_kid(const void *a, const void *b)
{
    const struct directory_approver *y = b;

    return memcmp(a, y->kid, TRUST_KID_LEN);
}

const struct directory_approver *
directory_approver_find(const struct directory *d,
                        const uint8_t kid[TRUST_KID_LEN])
{
    if (d == NULL || d->people.approver_count == 0)
        return NULL;
    return bsearch(kid, d->people.approvers, d->people.approver_count,
                   sizeof(*d->people.approvers), cmp_kid);
}

const struct directory_snapshot *directory_people(const struct directory *d)
{
    return &d->people;
}

const char *directory_name(const struct directory *d)
{
    return d->name;
}

bool directory_is_same(const struct directory *d, struct ts_bytes object)
{
    struct signed_object o;

    return signed_split(SIGNED_SNAPSHOT, object, &o) == TRUST_OK &&
           o.body.len == d->body.len &&
           memcmp(o.body.ptr, d->body.ptr, o.body.len) == 0;
}

bool directory_is_trusted(const struct directory *d,
                          const struct trust_store *store)
{
    const struct trust_key *k = trust_store_kid(store, d->signer);
    uint64_t issued = d->people.issued;

    return k != NULL && k->role == TRUST_ROLE_DIRECTORY && !k->disabled &&
           ts_str_eq(k->tenant, d->people.tenant) && issued >= k->not_before &&
           (k->not_after == 0 || issued <= k->not_after);
}

/* ---- life --------------------------------------------------------------- */

void directory_hold(struct directory *d)
{
    d->users++;
}

void directory_release(struct directory *d)
{
    if (d == NULL)
        return;
    TS_REQUIRE(d->users > 0);
    if (--d->users > 0)
        return;
    ts_arena_done(&d->arena);
    ts_mem_free(d);
}

static struct directory *directory_new(struct ts_str tenant)
{
    struct directory *d = ts_mem_alloc(sizeof(*d));

    if (d == NULL)
        return NULL;
    d->users = 1;
    ts_arena_init(&d->arena, DIRECTORY_BUDGET);
    (void)snprintf(d->name, sizeof(d->name), "tenants/%.*s/directory.snapshot",
                   (int)tenant.len, tenant.ptr);
    return d;
}

static void insert(struct directory *d, uint32_t at, const char *type,
                   struct ts_str id, bool active, uint32_t max_depth)
{
    d->entries[at] = (struct directory_entry){
        .uid = cedar_uid_make(ts_str_of(type), id),
        .status = active ? TRUST_ACTIVE : TRUST_INACTIVE,
        .max_depth = max_depth};
    *probe(d, &d->entries[at].uid) = at; /* ids do not repeat */
}

static ts_err index_people(struct directory *d)
{
    const struct directory_snapshot *p = &d->people;
    uint32_t n = p->user_count + p->agent_count, cap = 16;
    void *entries, *slots;
    ts_err e;

    while (cap < 2 * n)
        cap *= 2; /* both are limited, so this ends far from the type's end */
    if ((e = ts_arena_array(&d->arena, (size_t)n + 1, sizeof(*d->entries),
                            &entries)) != TS_OK ||
        (e = ts_arena_array(&d->arena, cap, sizeof(*d->slots), &slots)) !=
            TS_OK)
        return e;
    d->entries = entries;
    d->slots = slots;
    d->mask = cap - 1;
    randombytes_buf(d->hash_key, sizeof(d->hash_key));
    for (uint32_t i = 0; i < cap; i++)
        d->slots[i] = NOBODY;
    for (uint32_t i = 0; i < p->user_count; i++)
        insert(d, i, "User", p->users[i].id, p->users[i].active, 0);
    for (uint32_t i = 0; i < p->agent_count; i++)
        insert(d, p->user_count + i, "Agent", p->agents[i].id,
               p->agents[i].active, p->agents[i].max_depth);
    return TS_OK;
}

/* ---- opening ------------------------------------------------------------ */

struct refusal {
    const char *what; /* of the decoder, or NULL */
    uint32_t index;
};

static ts_err refuse(const struct directory *d, enum trust_code code,
                     const struct refusal *r, char *out, size_t cap)
{
    const char *text = NULL;
    ts_err e = TS_E_FORMAT;

    switch (code) {
    case TRUST_E_INTERNAL:
        return TS_E_NOMEM;
    case TRUST_E_ISSUER:
        text = "not signed by an enabled directory key of this tenant in its "
               "time; sign it with a key of the list directory: in trust.yaml";
        e = TS_E_AUTH;
        break;
    case TRUST_E_SIG:
        text = "its signature does not hold; sign it again with "
               "\"tipstaff directory apply\"";
        e = TS_E_AUTH;
        break;
    case TRUST_E_TIME:
        text = "signed in the future, or for no time at all; set the clocks "
               "right and sign it again";
        e = TS_E_DENIED;
        break;
    case TRUST_E_EXPIRED:
        text = "its time is over; sign it again with \"tipstaff directory "
               "apply\"";
        e = TS_E_DENIED;
        break;
    case TRUST_E_TENANT:
        text = "it is the directory of another tenant";
        break;
    case TRUST_OK:
    case TRUST_E_FORMAT:
    case TRUST_E_LIMIT:
    case TRUST_E_VERSION:
    case TRUST_E_TYPE:
    case TRUST_E_ID:
    case TRUST_E_AUD:
    case TRUST_E_TTL:
    case TRUST_E_NOT_YET:
    case TRUST_E_DEPTH:
    case TRUST_E_AGENT:
    case TRUST_E_USER:
    case TRUST_E_KEY:
    case TRUST_E_POLICY:
    case TRUST_E_REVOKED:
    case TRUST_CODE_COUNT_:
        break;
    }
    if (text != NULL)
        (void)snprintf(out, cap, "%s: %s", d->name, text);
    else
        (void)snprintf(out, cap, "%s: malformed: %s, entry %u (%s)", d->name,
                       r->what != NULL ? r->what : "frame", r->index,
                       trust_code_name(code));
    return e;
}

/* [1, tenant, seq, issued, ...: for a reader who does not ask the time. */
static uint64_t issued_of(struct ts_bytes body)
{
    struct mp_reader r;
    uint64_t issued;

    mp_reader_init(&r, body.ptr, body.len);
    mp_read_tuple(&r, 9);
    (void)mp_read_uint(&r, UINT64_MAX);
    (void)mp_read_str(&r, TS_ID_MAX);
    (void)mp_read_uint(&r, UINT64_MAX);
    issued = mp_read_uint(&r, UINT64_MAX);
    return r.error == TS_OK ? issued : 0;
}

static ts_err verify(struct directory *d, const struct trust_store *store,
                     struct ts_str tenant, struct ts_bytes object,
                     uint64_t now_s, char *reterr_text, size_t reterr_cap)
{
    struct refusal why = {0};
    struct signed_object o;
    enum trust_code code;
    const char *copy;
    ts_err e = ts_arena_strndup(&d->arena, (const char *)object.ptr, object.len,
                                &copy);

    if (e != TS_OK)
        return e;
    object.ptr = (const uint8_t *)copy;
    code = signed_split(SIGNED_SNAPSHOT, object, &o);
    if (code == TRUST_OK)
        code = directory_snapshot_verify(
            store, tenant, object, now_s != 0 ? now_s : issued_of(o.body),
            &d->arena, &d->people, &why.what, &why.index);
    if (code != TRUST_OK)
        return refuse(d, code, &why, reterr_text, reterr_cap);
    d->body = o.body;
    memcpy(d->signer, o.kid, sizeof(d->signer));
    (void)snprintf(
        d->name, sizeof(d->name), "tenants/%.*s/directory.snapshot (seq %llu)",
        (int)tenant.len, tenant.ptr, (unsigned long long)d->people.seq);
    return TS_OK;
}

ts_err directory_open(const struct trust_store *store, struct ts_str tenant,
                      struct ts_bytes object, uint64_t now_s,
                      struct directory **ret, char *reterr_text,
                      size_t reterr_cap)
{
    struct directory *d;
    ts_err e;

    if (object.len > SIGNED_SNAPSHOT_MAX) { /* before it is copied */
        (void)snprintf(reterr_text, reterr_cap,
                       "tenants/%.*s/directory.snapshot: longer than %u bytes",
                       (int)tenant.len, tenant.ptr, SIGNED_SNAPSHOT_MAX);
        return TS_E_FORMAT;
    }
    d = directory_new(tenant);
    if (d == NULL)
        return TS_E_NOMEM;
    e = verify(d, store, tenant, object, now_s, reterr_text, reterr_cap);
    if (e == TS_OK)
        e = index_people(d);
    if (e == TS_OK)
        *ret = d;
    else
        directory_release(d);
    return e;
}

/* ---- Cedar entities ----------------------------------------------------- */

static ts_err put(struct ts_buf *out, const char *text)
{
    struct ts_str s = ts_str_of(text);

    return ts_buf_append(out, s.ptr, s.len);
}

/* A JSON string: everything that could end it or is not printable ASCII text
 * of one byte is escaped; UTF-8 passes as it is. */
static ts_err put_string(struct ts_buf *out, struct ts_str s)
{
    ts_err e = put(out, "\"");

    for (size_t i = 0; e == TS_OK && i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        char esc[8];

        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) {
            e = ts_buf_append(out, &s.ptr[i], 1);
            continue;
        }
        (void)snprintf(esc, sizeof(esc), "\\u%04x", (unsigned)c);
        e = put(out, esc);
    }
    return e == TS_OK ? put(out, "\"") : e;
}

static ts_err put_uid(struct ts_buf *out, const char *type, struct ts_str id)
{
    ts_err e;

    if ((e = put(out, "{\"type\":\"")) != TS_OK ||
        (e = put(out, type)) != TS_OK ||
        (e = put(out, "\",\"id\":")) != TS_OK ||
        (e = put_string(out, id)) != TS_OK)
        return e;
    return put(out, "}");
}

static ts_err put_attrs(struct ts_buf *out, const struct directory_attr *attrs,
                        uint32_t n, struct ts_str owner)
{
    ts_err e = put(out, ",\"attrs\":{");

    for (size_t i = 0; e == TS_OK && i < n; i++)
        if ((e = put(out, i > 0 ? "," : "")) == TS_OK &&
            (e = put_string(out, attrs[i].key)) == TS_OK &&
            (e = put(out, ":")) == TS_OK)
            e = put_string(out, attrs[i].value);
    if (e == TS_OK && owner.len > 0 &&
        (e = put(out, n > 0 ? ",\"owner\":{\"__entity\":"
                            : "\"owner\":{\"__entity\":")) == TS_OK &&
        (e = put_uid(out, "User", owner)) == TS_OK)
        e = put(out, "}");
    return e == TS_OK ? put(out, "},\"parents\":[") : e;
}

static ts_err put_user(struct ts_buf *out, const struct directory_user *u)
{
    ts_err e;

    if ((e = put(out, "{\"uid\":")) != TS_OK ||
        (e = put_uid(out, "User", u->id)) != TS_OK ||
        (e = put_attrs(out, u->attrs, u->attr_count, TS_STR_LIT(""))) != TS_OK)
        return e;
    for (size_t i = 0; i < u->group_count; i++)
        if ((e = put(out, i > 0 ? "," : "")) != TS_OK ||
            (e = put_uid(out, "Group", u->groups[i])) != TS_OK)
            return e;
    return put(out, "]}");
}

static ts_err put_agent(struct ts_buf *out, const struct directory_agent *a)
{
    struct ts_str parent = trust_id_parent(a->id);
    ts_err e;

    if ((e = put(out, "{\"uid\":")) != TS_OK ||
        (e = put_uid(out, "Agent", a->id)) != TS_OK ||
        (e = put_attrs(out, a->attrs, a->attr_count, a->owner)) != TS_OK)
        return e;
    if (parent.len > 0 && (e = put_uid(out, "Agent", parent)) != TS_OK)
        return e;
    return put(out, "]}");
}

ts_err directory_entities(const struct directory_snapshot *p,
                          struct ts_buf *out)
{
    bool first = true;
    ts_err e = put(out, "[");

    for (uint32_t i = 0; e == TS_OK && i < p->user_count; i++, first = false)
        if ((e = put(out, first ? "\n" : ",\n")) == TS_OK)
            e = put_user(out, &p->users[i]);
    for (uint32_t i = 0; e == TS_OK && i < p->agent_count; i++, first = false)
        if ((e = put(out, first ? "\n" : ",\n")) == TS_OK)
            e = put_agent(out, &p->agents[i]);
    return e == TS_OK ? put(out, "]\n") : e;
}

void directory_entity_name(const struct directory_snapshot *p, uint32_t line,
                           char *out, size_t cap)
{
    uint32_t i = line - 2; /* line 1 holds the bracket */

    out[0] = '\0';
    if (line < 2)
        return;
    if (i < p->user_count)
        (void)snprintf(out, cap, "users[%u] \"%.*s\"", i,
                       (int)p->users[i].id.len, p->users[i].id.ptr);
    else if (i - p->user_count < p->agent_count)
        (void)snprintf(out, cap, "agents[%u] \"%.*s\"", i - p->user_count,
                       (int)p->agents[i - p->user_count].id.len,
                       p->agents[i - p->user_count].id.ptr);
}
