#include <string.h>

#include "proto/trust/id.h"
#include "sidecar/gate/directory.h"
#include "sidecar/gate/request.h"
#include "sidecar/gate/yaml_doc.h"

/* tenant.yaml, trust.yaml and directory.yaml, read into struct tenant_files. */

#define UID_UNMAPPED 65534

static struct place place_of(const struct yaml_file *f,
                             const struct yaml_node *n)
{
    return (struct place){.file = f->name, .line = n->line};
}

static ts_err read_labels(struct yaml_file *f, const struct yaml_node *list,
                          struct ts_arena *arena, struct tenant_files *t)
{
    const struct yaml_node *item;
    size_t n;
    void *p;
    ts_err e =
        yaml_list(f, list, "trusted_provenance", TENANT_LABELS_MAX, &item, &n);

    if (e != TS_OK || n == 0)
        return e;
    e = ts_arena_array(arena, n, sizeof(*t->labels), &p);
    if (e != TS_OK)
        return e;
    t->labels = p;
    for (size_t i = 0; item != NULL; item = item->next, i++) {
        e = yaml_text(f, item, "a provenance label", TS_PROVENANCE_LEN, arena,
                      &t->labels[i]);
        if (e != TS_OK)
            return e;
    }
    t->label_count = n;
    return TS_OK;
}

static ts_err read_sensitivity(struct yaml_file *f, const struct yaml_node *n,
                               struct ts_arena *arena, uint32_t *ret)
{
    struct ts_str s;
    ts_err e = yaml_text(f, n, "default_sensitivity", 16, arena, &s);

    if (e != TS_OK)
        return e;
    if (!sensitivity_parse(s, ret))
        return yaml_fail(f, n,
                         "default_sensitivity must be public, internal, "
                         "confidential or secret");
    return TS_OK;
}

static ts_err settings_in(struct yaml_file *f, struct ts_arena *arena,
                          struct tenant_files *t)
{
    static const char *const keys[] = {"tenant",
                                       "max_ttl_s",
                                       "require_call_signature",
                                       "default_sensitivity",
                                       "trusted_provenance",
                                       NULL};
    const struct yaml_node *root = f->root, *n;
    struct ts_str name;
    ts_err e;

    if ((e = yaml_check_map(f, root, "tenant.yaml", keys)) != TS_OK ||
        (e = yaml_need(f, root, "tenant.yaml", "tenant", &n)) != TS_OK ||
        (e = yaml_id(f, n, "tenant", arena, &name)) != TS_OK)
        return e;
    if (!ts_str_eq(name, t->name))
        return yaml_fail(f, n,
                         "tenant is not the name of this folder; rename one "
                         "of them");
    if ((n = yaml_node_find(root, "max_ttl_s")) != NULL &&
        (e = yaml_uint(f, n, "max_ttl_s", TS_TTL_HARD_S, &t->max_ttl_s)) !=
            TS_OK)
        return e;
    if (n != NULL && t->max_ttl_s == 0)
        return yaml_fail(f, n, "max_ttl_s is 0; leave it out for the default");
    if ((n = yaml_node_find(root, "require_call_signature")) != NULL &&
        (e = yaml_bool(f, n, "require_call_signature",
                       &t->require_call_signature)) != TS_OK)
        return e;
    if ((n = yaml_node_find(root, "default_sensitivity")) != NULL &&
        (e = read_sensitivity(f, n, arena, &t->default_sensitivity)) != TS_OK)
        return e;
    return read_labels(f, yaml_node_find(root, "trusted_provenance"), arena, t);
}

ts_err tenant_read_settings(const struct bundle_file *file,
                            struct ts_arena *arena, struct tenant_files *t,
                            char *reterr_text, size_t reterr_cap)
{
    struct yaml_file f;
    ts_err e = yaml_open(&f, file, reterr_text, reterr_cap);

    if (e != TS_OK)
        return e;
    t->default_sensitivity = SENSITIVITY_INTERNAL;
    e = settings_in(&f, arena, t);
    yaml_close(&f);
    return e;
}

static ts_err read_issuer(struct yaml_file *f, const struct yaml_node *map,
                          struct ts_arena *arena, struct tenant_files *t,
                          struct tenant_issuer *i)
{
    static const char *const keys[] = {"name",      "key",      "not_before",
                                       "not_after", "disabled", NULL};
    const struct yaml_node *n;
    ts_err e;

    if ((e = yaml_check_map(f, map, "an issuer", keys)) != TS_OK ||
        (e = yaml_need(f, map, "an issuer", "name", &n)) != TS_OK ||
        (e = yaml_id(f, n, "an issuer's name", arena, &i->key.name)) != TS_OK ||
        (e = yaml_need(f, map, "an issuer", "key", &n)) != TS_OK ||
        (e = yaml_hex(f, n, "an issuer's key", i->key.pk, TRUST_PK_LEN)) !=
            TS_OK)
        return e;
    i->at = place_of(f, n);
    if (trust_pk_check(i->key.pk) != TS_OK)
        return yaml_fail(f, n, YAML_BAD_KEY);
    i->key.role = TRUST_ROLE_ISSUER;
    i->key.tenant = t->name;
    if ((n = yaml_node_find(map, "not_before")) != NULL &&
        (e = yaml_uint(f, n, "not_before (unix seconds)", UINT32_MAX,
                       &i->key.not_before)) != TS_OK)
        return e;
    if ((n = yaml_node_find(map, "not_after")) != NULL &&
        (e = yaml_uint(f, n, "not_after (unix seconds)", UINT32_MAX,
                       &i->key.not_after)) != TS_OK)
        return e;
    if (n != NULL && i->key.not_after <= i->key.not_before)
        return yaml_fail(f, n, "not_after is not later than not_before");
    if ((n = yaml_node_find(map, "disabled")) != NULL)
        return yaml_bool(f, n, "disabled", &i->key.disabled);
    return TS_OK;
}

static ts_err trust_in(struct yaml_file *f, struct ts_arena *arena,
                       struct tenant_files *t)
{
    static const char *const keys[] = {"issuers", NULL};
    const struct yaml_node *root = f->root, *list, *item;
    size_t n;
    void *p;
    ts_err e;

    if ((e = yaml_check_map(f, root, "trust.yaml", keys)) != TS_OK ||
        (e = yaml_need(f, root, "trust.yaml", "issuers", &list)) != TS_OK ||
        (e = yaml_list(f, list, "issuers", TENANT_ISSUERS_MAX, &item, &n)) !=
            TS_OK ||
        (e = ts_arena_array(arena, n + 1, sizeof(*t->issuers), &p)) != TS_OK)
        return e;
    t->issuers = p;
    for (size_t i = 0; item != NULL; item = item->next, i++) {
        e = read_issuer(f, item, arena, t, &t->issuers[i]);
        if (e != TS_OK)
            return e;
    }
    t->issuer_count = n;
    return TS_OK;
}

ts_err tenant_read_trust(const struct bundle_file *file, struct ts_arena *arena,
                         struct tenant_files *t, char *reterr_text,
                         size_t reterr_cap)
{
    struct yaml_file f;
    ts_err e = yaml_open(&f, file, reterr_text, reterr_cap);

    if (e != TS_OK)
        return e;
    e = trust_in(&f, arena, t);
    yaml_close(&f);
    return e;
}

/* An attribute is a name that a policy can write after a dot. */
static bool attr_key_ok(struct ts_str k)
{
    for (size_t i = 0; i < k.len; i++) {
        char c = k.ptr[i];

        if (!((c >= 'a' && c <= 'z') || c == '_' ||
              (i > 0 && c >= '0' && c <= '9')))
            return false;
    }
    return k.len > 0 && k.len <= TS_ATTR_KEY_MAX;
}

static ts_err read_attrs(struct yaml_file *f, const struct yaml_node *map,
                         struct ts_arena *arena, struct tenant_attr **ret,
                         size_t *ret_count)
{
    const struct yaml_node *item;
    struct tenant_attr *list;
    size_t n, i = 0;
    const char *copy;
    void *p;
    ts_err e = yaml_pairs(f, map, "attrs", TENANT_ATTRS_MAX, &item, &n);

    if (e != TS_OK || n == 0)
        return e;
    e = ts_arena_array(arena, n, sizeof(*list), &p);
    if (e != TS_OK)
        return e;
    list = p;
    for (; item != NULL; item = item->next, i++) {
        if (!attr_key_ok(item->key) || ts_str_eq_c(item->key, "owner"))
            return yaml_fail(f, item,
                             "an attribute's name must be 1 to 32 lower-case "
                             "letters, digits and _, and not \"owner\"");
        if ((e = yaml_text(f, item, "an attribute", TS_ATTR_VALUE_MAX, arena,
                           &list[i].value)) != TS_OK ||
            (e = ts_arena_strndup(arena, item->key.ptr, item->key.len,
                                  &copy)) != TS_OK)
            return e;
        list[i].key = (struct ts_str){.ptr = copy, .len = item->key.len};
    }
    *ret = list;
    *ret_count = n;
    return TS_OK;
}

static ts_err read_status(struct yaml_file *f, const struct yaml_node *map,
                          const char *what, struct ts_arena *arena,
                          enum trust_status *ret)
{
    const struct yaml_node *n;
    struct ts_str s;
    ts_err e;

    if ((e = yaml_need(f, map, what, "status", &n)) != TS_OK ||
        (e = yaml_text(f, n, "status", 16, arena, &s)) != TS_OK)
        return e;
    if (ts_str_eq_c(s, "active"))
        *ret = TRUST_ACTIVE;
    else if (ts_str_eq_c(s, "inactive"))
        *ret = TRUST_INACTIVE;
    else
        return yaml_fail(f, n, "status must be active or inactive");
    return TS_OK;
}

static ts_err read_user(struct yaml_file *f, const struct yaml_node *map,
                        struct ts_arena *arena, struct tenant_files *t,
                        struct tenant_user *u)
{
    static const char *const keys[] = {"id", "status", "groups", "attrs", NULL};
    const struct yaml_node *n, *item;
    void *p;
    ts_err e;

    if ((e = yaml_check_map(f, map, "a user", keys)) != TS_OK ||
        (e = yaml_need(f, map, "a user", "id", &n)) != TS_OK ||
        (e = yaml_id(f, n, "a user's id", arena, &u->user.id)) != TS_OK ||
        (e = read_status(f, map, "a user", arena, &u->user.status)) != TS_OK)
        return e;
    u->at = place_of(f, n);
    u->user.tenant = t->name;
    if ((e = yaml_list(f, yaml_node_find(map, "groups"), "groups",
                       TENANT_GROUPS_MAX, &item, &u->group_count)) != TS_OK ||
        (e = ts_arena_array(arena, u->group_count + 1, sizeof(*u->groups),
                            &p)) != TS_OK)
        return e;
    u->groups = p;
    for (size_t i = 0; item != NULL; item = item->next, i++) {
        e = yaml_id(f, item, "a group", arena, &u->groups[i]);
        if (e != TS_OK)
            return e;
    }
    return read_attrs(f, yaml_node_find(map, "attrs"), arena, &u->attrs,
                      &u->attr_count);
}

static ts_err read_agent_keys(struct yaml_file *f, const struct yaml_node *map,
                              struct tenant_agent *a)
{
    const struct yaml_node *n;
    size_t count, i = 0;
    ts_err e = yaml_list(f, yaml_node_find(map, "keys"), "keys",
                         TRUST_AGENT_KEYS_MAX, &n, &count);

    for (; e == TS_OK && n != NULL; n = n->next, i++) {
        e = yaml_hex(f, n, "an agent's key", a->agent.keys[i], TRUST_PK_LEN);
        a->key_at[i] = place_of(f, n);
        if (e == TS_OK && trust_pk_check(a->agent.keys[i]) != TS_OK)
            e = yaml_fail(f, n, YAML_BAD_KEY);
    }
    if (e == TS_OK)
        a->agent.key_count = (uint32_t)count;
    return e;
}

static ts_err read_agent_uids(struct yaml_file *f, const struct yaml_node *map,
                              struct tenant_agent *a)
{
    const struct yaml_node *n;
    size_t count, i = 0;
    uint64_t uid = 0;
    ts_err e = yaml_list(f, yaml_node_find(map, "uids"), "uids",
                         TRUST_AGENT_UIDS_MAX, &n, &count);

    for (; e == TS_OK && n != NULL; n = n->next, i++) {
        e = yaml_uint(f, n, "a uid", UINT32_MAX - 1, &uid);
        if (e == TS_OK && uid == UID_UNMAPPED)
            e = yaml_fail(f, n,
                          "65534 stands for every unmapped uid; give the agent "
                          "a uid of its own");
        a->agent.uids[i] = (uint32_t)uid;
    }
    if (e == TS_OK)
        a->agent.uid_count = (uint32_t)count;
    return e;
}

static ts_err read_agent(struct yaml_file *f, const struct yaml_node *map,
                         struct ts_arena *arena, struct tenant_files *t,
                         struct tenant_agent *a)
{
    static const char *const keys[] = {"id",   "status",    "owner", "keys",
                                       "uids", "max_depth", "attrs", NULL};
    const struct yaml_node *n;
    uint64_t depth = TS_DEPTH_MAX;
    ts_err e;

    if ((e = yaml_check_map(f, map, "an agent", keys)) != TS_OK ||
        (e = yaml_need(f, map, "an agent", "id", &n)) != TS_OK ||
        (e = yaml_id(f, n, "an agent's id", arena, &a->agent.id)) != TS_OK ||
        (e = read_status(f, map, "an agent", arena, &a->agent.status)) != TS_OK)
        return e;
    a->at = place_of(f, n);
    a->agent.tenant = t->name;
    if ((n = yaml_node_find(map, "owner")) != NULL &&
        (e = yaml_id(f, n, "owner", arena, &a->owner)) != TS_OK)
        return e;
    if ((n = yaml_node_find(map, "max_depth")) != NULL &&
        (e = yaml_uint(f, n, "max_depth", TS_DEPTH_MAX, &depth)) != TS_OK)
        return e;
    a->max_depth = (uint32_t)depth;
    if ((e = read_agent_keys(f, map, a)) != TS_OK ||
        (e = read_agent_uids(f, map, a)) != TS_OK)
        return e;
    return read_attrs(f, yaml_node_find(map, "attrs"), arena, &a->attrs,
                      &a->attr_count);
}

static ts_err users_in(struct yaml_file *f, struct ts_arena *arena,
                       struct tenant_files *t)
{
    const struct yaml_node *n;
    void *p;
    ts_err e;

    if ((e = yaml_need(f, f->root, "directory.yaml", "users", &n)) != TS_OK ||
        (e = yaml_list(f, n, "users", TENANT_USERS_MAX, &n, &t->user_count)) !=
            TS_OK ||
        (e = ts_arena_array(arena, t->user_count + 1, sizeof(*t->users), &p)) !=
            TS_OK)
        return e;
    t->users = p;
    for (size_t i = 0; e == TS_OK && n != NULL; n = n->next, i++)
        e = read_user(f, n, arena, t, &t->users[i]);
    return e;
}

static ts_err agents_in(struct yaml_file *f, struct ts_arena *arena,
                        struct tenant_files *t)
{
    const struct yaml_node *n;
    void *p;
    ts_err e;

    if ((e = yaml_need(f, f->root, "directory.yaml", "agents", &n)) != TS_OK ||
        (e = yaml_list(f, n, "agents", TENANT_AGENTS_MAX, &n,
                       &t->agent_count)) != TS_OK ||
        (e = ts_arena_array(arena, t->agent_count + 1, sizeof(*t->agents),
                            &p)) != TS_OK)
        return e;
    t->agents = p;
    for (size_t i = 0; e == TS_OK && n != NULL; n = n->next, i++)
        e = read_agent(f, n, arena, t, &t->agents[i]);
    return e;
}

static ts_err directory_in(struct yaml_file *f, struct ts_arena *arena,
                           struct tenant_files *t)
{
    static const char *const keys[] = {"users", "agents", NULL};
    ts_err e;

    if ((e = yaml_check_map(f, f->root, "directory.yaml", keys)) != TS_OK ||
        (e = users_in(f, arena, t)) != TS_OK)
        return e;
    return agents_in(f, arena, t);
}

ts_err tenant_read_directory(const struct bundle_file *file,
                             struct ts_arena *arena, struct tenant_files *t,
                             char *reterr_text, size_t reterr_cap)
{
    struct yaml_file f;
    ts_err e = yaml_open(&f, file, reterr_text, reterr_cap);

    if (e != TS_OK)
        return e;
    e = directory_in(&f, arena, t);
    yaml_close(&f);
    return e;
}
