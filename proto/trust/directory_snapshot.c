/* Reads a snapshot's body, and judges a received one. Writing is
 * directory_snapshot_build.c's. */
#include "proto/trust/directory_snapshot.h"

#include <string.h>

#include "proto/trust/id.h"
#include "proto/trust/pae.h"
#include "proto/trust/revocation_record.h"
#include "proto/trust/signed_priv.h"
#include "proto/trust/smp.h"
#include "proto/trust/snapshot_priv.h"
#include "proto/wire/limits.h"

/* Where reading stands; the first thing wrong stays. */
struct reader {
    struct smp s;
    struct ts_arena *arena;
    struct directory_snapshot *d;      /* zeroed at first */
    const struct trust_store *checked; /* its keys are points; may be NULL */
    enum trust_code code;
    const char *what;
    uint32_t index;
};

static bool fail(struct reader *r, enum trust_code c, const char *what)
{
    if (r->code == TRUST_OK) {
        r->code = c;
        r->what = what;
    }
    return false;
}

/* True while the bytes themselves are fine. */
static bool intact(struct reader *r, const char *what)
{
    enum trust_code c = smp_error(&r->s);

    return c == TRUST_OK || fail(r, c, what);
}

/* The count of a list of at most max, and zeroed room for its elements. */
static bool list(struct reader *r, const char *what, uint32_t max, size_t size,
                 uint32_t *ret_count, void **ret)
{
    uint32_t n = smp_array(&r->s);

    *ret_count = 0;
    *ret = NULL;
    if (!intact(r, what))
        return false;
    if (n > max)
        return fail(r, TRUST_E_LIMIT, what);
    if (n > 0 && ts_arena_array(r->arena, n, size, ret) != TS_OK)
        return fail(r, TRUST_E_INTERNAL, what);
    *ret_count = n;
    return true;
}

static bool read_id(struct reader *r, const char *what, struct ts_str *ret)
{
    *ret = smp_str(&r->s, TS_ID_MAX);
    if (!intact(r, what))
        return false;
    return trust_id_valid(*ret) || fail(r, TRUST_E_ID, what);
}

static bool read_status(struct reader *r, const char *what, bool *ret)
{
    uint64_t v = smp_uint(&r->s);

    if (!intact(r, what))
        return false;
    *ret = v == 1;
    return v <= 1 || fail(r, TRUST_E_FORMAT, what);
}

/* Ids of which none repeats; in any order. */
static bool read_ids(struct reader *r, const char *what, uint32_t max,
                     const struct ts_str **ret, uint32_t *ret_count)
{
    struct ts_str *ids;
    void *p;

    if (!list(r, what, max, sizeof(*ids), ret_count, &p))
        return false;
    ids = p;
    for (uint32_t i = 0; i < *ret_count; i++) {
        if (!read_id(r, what, &ids[i]))
            return false;
        for (uint32_t k = 0; k < i; k++)
            if (ts_str_eq(ids[k], ids[i]))
                return fail(r, TRUST_E_FORMAT, what);
    }
    *ret = ids;
    return true;
}

static bool attr_key_valid(struct ts_str k)
{
    for (size_t i = 0; i < k.len; i++) {
        char c = k.ptr[i];

        if (!(c >= 'a' && c <= 'z') &&
            (i == 0 || (c != '_' && !(c >= '0' && c <= '9'))))
            return false;
    }
    return k.len > 0;
}

static bool read_attrs(struct reader *r, const char *what,
                       const struct directory_attr **ret, uint32_t *ret_count)
{
    struct directory_attr *a;
    void *p;

    if (!list(r, what, DIRECTORY_ATTRS_MAX, sizeof(*a), ret_count, &p))
        return false;
    a = p;
    for (uint32_t i = 0; i < *ret_count; i++) {
        smp_tuple(&r->s, 2);
        a[i].key = smp_str(&r->s, DIRECTORY_ATTR_KEY_MAX);
        a[i].value = smp_str(&r->s, DIRECTORY_ATTR_VALUE_MAX);
        if (!intact(r, what))
            return false;
        if (!attr_key_valid(a[i].key))
            return fail(r, TRUST_E_ID, what);
        if (i > 0 && ts_str_cmp(a[i - 1].key, a[i].key) >= 0)
            return fail(r, TRUST_E_FORMAT, what);
    }
    *ret = a;
    return true;
}

/* ---- users ------------------------------------------------------------- */

static bool read_user(struct reader *r, struct directory_user *u)
{
    smp_tuple(&r->s, 4);
    return read_id(r, "user", &u->id) &&
           read_status(r, "user: status", &u->active) &&
           read_ids(r, "user: groups", DIRECTORY_GROUPS_MAX, &u->groups,
                    &u->group_count) &&
           read_attrs(r, "user: attributes", &u->attrs, &u->attr_count);
}

static bool read_users(struct reader *r)
{
    struct directory_user *u;
    void *p;

    if (!list(r, "users", DIRECTORY_USERS_MAX, sizeof(*u), &r->d->user_count,
              &p))
        return false;
    u = p;
    r->d->users = u;
    for (r->index = 0; r->index < r->d->user_count; r->index++) {
        if (!read_user(r, &u[r->index]))
            return false;
        if (r->index > 0 && ts_str_cmp(u[r->index - 1].id, u[r->index].id) >= 0)
            return fail(r, TRUST_E_FORMAT, "users are not in order");
    }
    return true;
}

static bool user_listed(const struct reader *r, struct ts_str id)
{
    size_t lo = 0, hi = r->d->user_count;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = ts_str_cmp(r->d->users[mid].id, id);

        if (c == 0)
            return true;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return false;
}

/* ---- agents ------------------------------------------------------------ */

static bool read_owner(struct reader *r, struct directory_agent *a)
{
    a->owner = smp_str(&r->s, TS_ID_MAX);
    if (!intact(r, "agent: owner"))
        return false;
    return a->owner.len == 0 || user_listed(r, a->owner) ||
           fail(r, TRUST_E_USER, "agent: owner");
}

/* The check costs some 40 us, and most keys of a new directory are those of the
 * one before. */
static bool is_point(const struct reader *r, const uint8_t pk[TRUST_PK_LEN])
{
    return (r->checked != NULL &&
            (trust_store_agent_of_key(r->checked, pk) != NULL ||
             trust_store_key(r->checked, pk) != NULL)) ||
           trust_pk_check(pk) == TS_OK;
}

static bool read_keys(struct reader *r, struct directory_agent *a)
{
    const char *what = "agent: keys";
    uint32_t n = smp_array(&r->s);

    if (!intact(r, what))
        return false;
    if (n > TRUST_AGENT_KEYS_MAX)
        return fail(r, TRUST_E_LIMIT, what);
    for (; a->key_count < n; a->key_count++) {
        uint8_t *pk = a->keys[a->key_count];

        smp_bin_exact(&r->s, pk, TRUST_PK_LEN);
        if (!intact(r, what))
            return false;
        if (!is_point(r, pk))
            return fail(r, TRUST_E_KEY, what);
        for (uint32_t k = 0; k < a->key_count; k++)
            if (memcmp(a->keys[k], pk, TRUST_PK_LEN) == 0)
                return fail(r, TRUST_E_FORMAT, what);
    }
    return true;
}

static bool read_uids(struct reader *r, struct directory_agent *a)
{
    const char *what = "agent: uids";
    uint32_t n = smp_array(&r->s);

    if (!intact(r, what))
        return false;
    if (n > TRUST_AGENT_UIDS_MAX)
        return fail(r, TRUST_E_LIMIT, what);
    for (; a->uid_count < n; a->uid_count++) {
        uint64_t uid = smp_uint(&r->s);

        if (!intact(r, what))
            return false;
        if (uid > UINT32_MAX)
            return fail(r, TRUST_E_LIMIT, what);
        for (uint32_t k = 0; k < a->uid_count; k++)
            if (a->uids[k] == uid)
                return fail(r, TRUST_E_FORMAT, what);
        a->uids[a->uid_count] = (uint32_t)uid;
    }
    return true;
}

static bool read_depth(struct reader *r, struct directory_agent *a)
{
    uint64_t v = smp_uint(&r->s);

    if (!intact(r, "agent: max_depth"))
        return false;
    a->max_depth = (uint32_t)v;
    return v <= TS_DEPTH_MAX || fail(r, TRUST_E_DEPTH, "agent: max_depth");
}

static bool read_agent(struct reader *r, struct directory_agent *a)
{
    smp_tuple(&r->s, 7);
    return read_id(r, "agent", &a->id) &&
           read_status(r, "agent: status", &a->active) && read_owner(r, a) &&
           read_keys(r, a) && read_uids(r, a) && read_depth(r, a) &&
           read_attrs(r, "agent: attributes", &a->attrs, &a->attr_count);
}

static bool read_agents(struct reader *r)
{
    struct directory_agent *a;
    void *p;

    if (!list(r, "agents", DIRECTORY_AGENTS_MAX, sizeof(*a), &r->d->agent_count,
              &p))
        return false;
    a = p;
    r->d->agents = a;
    for (r->index = 0; r->index < r->d->agent_count; r->index++) {
        if (!read_agent(r, &a[r->index]))
            return false;
        if (r->index > 0 && ts_str_cmp(a[r->index - 1].id, a[r->index].id) >= 0)
            return fail(r, TRUST_E_FORMAT, "agents are not in order");
    }
    return true;
}

/* ---- approvers --------------------------------------------------------- */

static bool read_approver_key(struct reader *r, struct directory_approver *a)
{
    uint8_t kid[TRUST_KID_LEN];

    smp_bin_exact(&r->s, a->kid, sizeof(a->kid));
    smp_bin_exact(&r->s, a->pk, sizeof(a->pk));
    if (!intact(r, "approver: key"))
        return false;
    trust_kid(a->pk, kid);
    if (!is_point(r, a->pk) || memcmp(kid, a->kid, sizeof(kid)) != 0)
        return fail(r, TRUST_E_KEY, "approver: key");
    return true;
}

static bool read_approver(struct reader *r, struct directory_approver *a)
{
    smp_tuple(&r->s, 6);
    if (!read_id(r, "approver", &a->person) ||
        !read_status(r, "approver: status", &a->active))
        return false;
    if (!user_listed(r, a->person))
        return fail(r, TRUST_E_USER, "approver");
    return read_approver_key(r, a) &&
           read_ids(r, "approver: classes", DIRECTORY_CLASSES_MAX, &a->classes,
                    &a->class_count) &&
           read_ids(r, "approver: roles", DIRECTORY_CLASSES_MAX, &a->roles,
                    &a->role_count);
}

static bool read_approvers(struct reader *r)
{
    struct directory_approver *a;
    void *p;

    if (!list(r, "approvers", DIRECTORY_APPROVERS_MAX, sizeof(*a),
              &r->d->approver_count, &p))
        return false;
    a = p;
    r->d->approvers = a;
    for (r->index = 0; r->index < r->d->approver_count; r->index++) {
        if (!read_approver(r, &a[r->index]))
            return false;
        if (r->index > 0 &&
            memcmp(a[r->index - 1].kid, a[r->index].kid, TRUST_KID_LEN) >= 0)
            return fail(r, TRUST_E_FORMAT, "approvers are not in order");
    }
    return true;
}

/* ---- the whole --------------------------------------------------------- */

/* The form of a revocation; who signed it is asked when it is applied. */
static bool read_revocation(struct reader *r, struct ts_bytes *ret)
{
    const char *what = "revocation";
    struct revocation_record rec;
    struct signed_object o;
    enum trust_code c;

    *ret = smp_bin(&r->s, SIGNED_REVOCATION_MAX);
    if (!intact(r, what))
        return false;
    if ((c = signed_split(SIGNED_REVOCATION, *ret, &o)) != TRUST_OK ||
        (c = revocation_record_decode(o.body, &rec)) != TRUST_OK)
        return fail(r, c, what);
    if (!ts_str_eq(rec.tenant, r->d->tenant))
        return fail(r, TRUST_E_TENANT, what);
    return rec.kind != REVOCATION_SESSION || fail(r, TRUST_E_TYPE, what);
}

static bool read_revocations(struct reader *r)
{
    struct ts_bytes *b;
    void *p;

    if (!list(r, "revocations", DIRECTORY_REVOCATIONS_MAX, sizeof(*b),
              &r->d->revocation_count, &p))
        return false;
    b = p;
    r->d->revocations = b;
    for (r->index = 0; r->index < r->d->revocation_count; r->index++)
        if (!read_revocation(r, &b[r->index]))
            return false;
    return true;
}

static bool read_head(struct reader *r)
{
    struct directory_snapshot *d = r->d;
    enum trust_code c = smp_begin(&r->s, SNAPSHOT_FIELDS, SNAPSHOT_VERSION);

    if (c != TRUST_OK)
        return fail(r, c, "snapshot");
    if (!read_id(r, "tenant", &d->tenant))
        return false;
    d->seq = smp_uint(&r->s);
    d->issued = smp_uint(&r->s);
    d->not_after = smp_uint(&r->s);
    if (!intact(r, "seq, issued and not_after"))
        return false;
    if (d->seq == 0)
        return fail(r, TRUST_E_FORMAT, "seq");
    return d->issued < d->not_after || fail(r, TRUST_E_TIME, "not_after");
}

static bool read_all(struct reader *r, struct ts_bytes body)
{
    enum trust_code c;

    smp_init(&r->s, body);
    if (!read_head(r) || !read_users(r) || !read_agents(r) ||
        !read_approvers(r) || !read_revocations(r))
        return false;
    r->index = 0;
    c = smp_done(&r->s);
    if (c != TRUST_OK)
        return fail(r, c, "bytes after the end");
    pae_hash(r->d->hash, sizeof(r->d->hash), PAE_PREFIX "snapshot-hash", &body,
             1);
    return true;
}

static void tell(const struct reader *r, const char **reterr_what,
                 uint32_t *reterr_index)
{
    if (reterr_what != NULL)
        *reterr_what = r->what;
    if (reterr_index != NULL)
        *reterr_index = r->index;
}

enum trust_code directory_snapshot_decode(struct ts_bytes body,
                                          struct ts_arena *arena,
                                          struct directory_snapshot *ret,
                                          const char **reterr_what,
                                          uint32_t *reterr_index)
{
    struct directory_snapshot d = {0};
    struct reader r = {.arena = arena, .d = &d};

    if (!read_all(&r, body)) {
        tell(&r, reterr_what, reterr_index);
        return r.code;
    }
    *ret = d;
    return TRUST_OK;
}

static bool check_times(struct reader *r, const struct trust_key *key,
                        uint64_t now)
{
    const struct directory_snapshot *d = r->d;

    if (!signed_in_window(key, d->issued))
        return fail(r, TRUST_E_ISSUER, "issued outside the key's window");
    if (d->issued > now && d->issued - now > TS_SKEW_S)
        return fail(r, TRUST_E_TIME, "issued in the future");
    return now < d->not_after || fail(r, TRUST_E_EXPIRED, "not_after");
}

/* The signer, then the body, then its times. */
static bool judge(struct reader *r, const struct trust_store *store,
                  struct ts_str tenant, struct ts_bytes in, uint64_t now)
{
    const struct trust_key *key;
    struct signed_object o;
    enum trust_code c;

    c = signed_open(SIGNED_SNAPSHOT, store, SIGNED_ROLE(TRUST_ROLE_DIRECTORY),
                    in, &o, &key);
    if (c != TRUST_OK)
        return fail(r, c, "signature");
    if (!ts_str_eq(key->tenant, tenant))
        return fail(r, TRUST_E_ISSUER, "key of another tenant");
    if (!read_all(r, o.body))
        return false;
    if (!ts_str_eq(r->d->tenant, tenant))
        return fail(r, TRUST_E_TENANT, "tenant");
    return check_times(r, key, now);
}

enum trust_code directory_snapshot_verify(
    const struct trust_store *store, struct ts_str tenant, struct ts_bytes in,
    uint64_t now, struct ts_arena *arena, struct directory_snapshot *ret,
    const char **reterr_what, uint32_t *reterr_index)
{
    struct directory_snapshot d = {0};
    struct reader r = {.arena = arena, .d = &d, .checked = store};

    if (!judge(&r, store, tenant, in, now)) {
        tell(&r, reterr_what, reterr_index);
        return r.code;
    }
    *ret = d;
    return TRUST_OK;
}
