/* The top of a vector file: now, audience, limits, issuers, agents, revoked. */
#include "cli/delegation/vectors_load.h"

#include <string.h>

#include "cli/cmd.h"

#define ENTRIES_MAX 256 /* of each list in a vector file */

bool vectors_text(const json_t *o, const char *key, struct ts_str *ret)
{
    const json_t *v = json_object_get(o, key);

    if (!json_is_string(v)) {
        cli_error("vector file: \"%s\" is missing or not a string", key);
        return false;
    }
    *ret = (struct ts_str){.ptr = json_string_value(v),
                           .len = json_string_length(v)};
    return true;
}

bool vectors_number(const json_t *o, const char *key, uint64_t *ret)
{
    const json_t *v = json_object_get(o, key);

    if (!json_is_integer(v) || json_integer_value(v) < 0) {
        cli_error("vector file: \"%s\" is missing or not a whole number", key);
        return false;
    }
    *ret = (uint64_t)json_integer_value(v);
    return true;
}

static bool hex_value(const json_t *v, const char *key, uint8_t *out,
                      size_t len)
{
    if (json_is_string(v) &&
        ts_hex_decode(json_string_value(v), json_string_length(v), out, len) ==
            TS_OK)
        return true;
    cli_error("vector file: \"%s\" is missing or not %zu hex digits", key,
              2 * len);
    return false;
}

bool vectors_hex(const json_t *o, const char *key, uint8_t *out, size_t len)
{
    return hex_value(json_object_get(o, key), key, out, len);
}

/* What becomes the trust store. */
struct lists {
    struct trust_tenant tenants[ENTRIES_MAX];
    struct trust_key keys[ENTRIES_MAX];
    struct trust_agent agents[ENTRIES_MAX];
    struct trust_input in;
    uint64_t max_ttl_s;
};

static bool full(size_t count)
{
    if (count < ENTRIES_MAX)
        return false;
    cli_error("vector file: more than %d entries in one list", ENTRIES_MAX);
    return true;
}

static bool add_tenant(struct lists *l, struct ts_str id)
{
    for (size_t i = 0; i < l->in.tenant_count; i++)
        if (ts_str_eq(l->tenants[i].id, id))
            return true;
    if (full(l->in.tenant_count))
        return false;
    l->tenants[l->in.tenant_count++] = (struct trust_tenant){
        .id = id, .max_ttl_s = l->max_ttl_s, .any_user = true};
    return true;
}

static bool key_known(const struct lists *l, const uint8_t *pk)
{
    for (size_t i = 0; i < l->in.key_count; i++)
        if (memcmp(l->keys[i].pk, pk, TRUST_PK_LEN) == 0)
            return true;
    return false;
}

static bool add_key(struct lists *l, const json_t *o, enum trust_role role,
                    const char *name_key)
{
    struct trust_key k = {.role = role};

    if (!vectors_text(o, "tenant", &k.tenant) ||
        !vectors_text(o, name_key, &k.name) ||
        !vectors_hex(o, "pk", k.pk, sizeof(k.pk)) || full(l->in.key_count) ||
        !add_tenant(l, k.tenant))
        return false;
    if (json_object_get(o, "not_before") != NULL &&
        !vectors_number(o, "not_before", &k.not_before))
        return false;
    if (json_object_get(o, "not_after") != NULL &&
        !vectors_number(o, "not_after", &k.not_after))
        return false;
    if (role == TRUST_ROLE_ISSUER || !key_known(l, k.pk))
        l->keys[l->in.key_count++] = k;
    return true;
}

/* Entries with the same name are keys of one agent. */
static struct trust_agent *agent_entry(struct lists *l, struct ts_str tenant,
                                       struct ts_str id)
{
    for (size_t i = 0; i < l->in.agent_count; i++)
        if (ts_str_eq(l->agents[i].tenant, tenant) &&
            ts_str_eq(l->agents[i].id, id))
            return &l->agents[i];
    if (full(l->in.agent_count) || !add_tenant(l, tenant))
        return NULL;
    l->agents[l->in.agent_count] = (struct trust_agent){
        .tenant = tenant, .id = id, .status = TRUST_ACTIVE};
    return &l->agents[l->in.agent_count++];
}

static bool add_agent(struct lists *l, const json_t *o)
{
    struct ts_str tenant, id;
    struct trust_agent *a;
    uint64_t uid;

    if (!vectors_text(o, "tenant", &tenant) || !vectors_text(o, "id", &id) ||
        (a = agent_entry(l, tenant, id)) == NULL)
        return false;
    if (a->key_count >= TRUST_AGENT_KEYS_MAX) {
        cli_error("vector file: an agent has more than %d keys",
                  TRUST_AGENT_KEYS_MAX);
        return false;
    }
    if (!vectors_hex(o, "pk", a->keys[a->key_count++], TRUST_PK_LEN))
        return false;
    if (json_object_get(o, "uid") == NULL)
        return true;
    if (!vectors_number(o, "uid", &uid) || uid > UINT32_MAX)
        return false;
    if (a->uid_count < TRUST_AGENT_UIDS_MAX)
        a->uids[a->uid_count++] = (uint32_t)uid;
    return true;
}

static bool load_lists(const json_t *top, struct vectors_config *c,
                       struct lists *l)
{
    const json_t *approvers =
        json_object_get(json_object_get(top, "approvals"), "approvers");
    const json_t *v;
    size_t i;

    json_array_foreach(json_object_get(top, "issuers"), i, v)
    {
        if (!add_key(l, v, TRUST_ROLE_ISSUER, "name"))
            return false;
    }
    /* known in another role: no chain may use them as a holder's key */
    json_array_foreach(approvers, i, v)
    {
        if (!add_key(l, v, TRUST_ROLE_APPROVER, "person"))
            return false;
    }
    json_array_foreach(json_object_get(top, "agents"), i, v)
    {
        if (!add_agent(l, v))
            return false;
    }
    if (!vectors_hex(top, "sidecar_pk", c->sidecar_pk, TRUST_PK_LEN) ||
        full(l->in.key_count))
        return false;
    if (!key_known(l, c->sidecar_pk)) {
        struct trust_key *k = &l->keys[l->in.key_count++];

        *k = (struct trust_key){.role = TRUST_ROLE_SIDECAR,
                                .name = c->trust.audiences[0]};
        memcpy(k->pk, c->sidecar_pk, TRUST_PK_LEN);
    }
    return true;
}

struct revoked_list {
    const char *key;
    enum revocation_kind kind;
    size_t len; /* bytes of a hex target; 0: an id as text */
};

static const struct revoked_list revoked_lists[] = {
    {"grants", REVOCATION_GRANT, 16},
    {"blocks", REVOCATION_BLOCK, 32},
    {"holder_keys", REVOCATION_KEY, 32},
    {"users", REVOCATION_USER, 0},
    {"agents", REVOCATION_AGENT, 0},
    {"tasks", REVOCATION_TASK, 0},
    {"issuer_keys", REVOCATION_ISSUER_KEY, 16},
};

/* A file names no tenant for what it revokes: it holds in all of them. */
static bool revoke_everywhere(const struct lists *l, struct vectors_config *c,
                              enum revocation_kind kind, struct ts_bytes target,
                              uint64_t cutoff)
{
    for (size_t i = 0; i < l->in.tenant_count; i++) {
        ts_err e = revocations_add(&c->revoked, kind, l->tenants[i].id, target,
                                   cutoff, UINT64_MAX, 0);

        if (e != TS_OK) {
            cli_error("vector file: \"revoked\": %s", ts_err_text(e));
            return false;
        }
    }
    return true;
}

/* An entry is the target, or {"id": target, "cutoff": seconds}. */
static bool add_revoked(const json_t *v, const struct revoked_list *r,
                        const struct lists *l, struct vectors_config *c)
{
    const json_t *target = json_is_object(v) ? json_object_get(v, "id") : v;
    uint8_t bytes[32];
    struct ts_bytes t = {.ptr = bytes, .len = r->len};
    uint64_t cutoff = UINT64_MAX;

    if (json_is_object(v) && json_object_get(v, "cutoff") != NULL &&
        !vectors_number(v, "cutoff", &cutoff))
        return false;
    if (r->len == 0 && json_is_string(target))
        t = (struct ts_bytes){.ptr = (const uint8_t *)json_string_value(target),
                              .len = json_string_length(target)};
    else if (r->len == 0 || !hex_value(target, r->key, bytes, r->len))
        return false;
    return revoke_everywhere(l, c, r->kind, t, cutoff);
}

static bool load_revoked(const json_t *top, const struct lists *l,
                         struct vectors_config *c)
{
    size_t known = 0;
    const json_t *all = json_object_get(top, "revoked"), *list, *v;
    size_t i;

    for (size_t k = 0; k < sizeof(revoked_lists) / sizeof(*revoked_lists);
         k++) {
        list = json_object_get(all, revoked_lists[k].key);
        known += list != NULL;
        json_array_foreach(list, i, v)
        {
            if (!add_revoked(v, &revoked_lists[k], l, c))
                return false;
        }
    }
    if (known == json_object_size(all))
        return true;
    cli_error("vector file: \"revoked\" has a kind that is not known here");
    return false;
}

/* "audience" is a string or an array of them. */
static bool load_audience(const json_t *top, struct trust_config *t)
{
    const json_t *a = json_object_get(top, "audience"), *v;
    size_t i;

    if (json_is_string(a)) {
        t->audience_count = 1;
        return vectors_text(top, "audience", &t->audiences[0]);
    }
    json_array_foreach(a, i, v)
    {
        if (!json_is_string(v) || i >= TS_AUDIENCES_MAX)
            break;
        t->audiences[t->audience_count++] = (struct ts_str){
            .ptr = json_string_value(v), .len = json_string_length(v)};
    }
    if (t->audience_count > 0 && t->audience_count == json_array_size(a))
        return true;
    cli_error("vector file: \"audience\" is missing or not 1 to %d strings",
              TS_AUDIENCES_MAX);
    return false;
}

bool vectors_config_load(const json_t *top, struct ts_arena *arena,
                         struct vectors_config *ret)
{
    struct lists *l;
    char why[512];
    void *p;

    *ret = (struct vectors_config){0};
    revocations_init(&ret->revoked, REVOCATIONS_MAX);
    ret->trust.revoked = &ret->revoked;
    if (ts_arena_alloc(arena, sizeof(*l), &p) != TS_OK) {
        cli_error("out of memory");
        return false;
    }
    l = p;
    l->in = (struct trust_input){
        .tenants = l->tenants, .keys = l->keys, .agents = l->agents};
    if (!vectors_number(top, "now", &ret->now) ||
        !vectors_number(top, "skew", &ret->trust.skew_s) ||
        !vectors_number(top, "max_ttl", &l->max_ttl_s) ||
        !load_audience(top, &ret->trust) || !load_lists(top, ret, l) ||
        !load_revoked(top, l, ret))
        return false;
    if (trust_store_build(&l->in, arena, &ret->trust.store, why, sizeof(why)) ==
        TS_OK)
        return true;
    cli_error("vector file: %s", why);
    return false;
}

void vectors_config_done(struct vectors_config *c)
{
    revocations_done(&c->revoked);
}
