#include "sidecar/gate/people/tenant_yaml.h"

#include "proto/trust/escalation.h"
#include "proto/wire/limits.h"
#include "sidecar/gate/people/sensitivity.h"
#include "sidecar/gate/people/yaml_doc.h"

static struct place place_of(const struct yaml_file *f,
                             const struct yaml_node *n)
{
    return (struct place){.file = f->name, .line = n->line};
}

static ts_err read_texts(struct yaml_file *f, const struct yaml_node *list,
                         const char *name, const char *of_one, size_t most,
                         size_t len, struct ts_arena *arena,
                         struct ts_str **ret, size_t *ret_count)
{
    const struct yaml_node *item;
    struct ts_str *made;
    size_t n;
    void *p;
    ts_err e = yaml_list(f, list, name, most, &item, &n);

    if (e != TS_OK || n == 0)
        return e;
    e = ts_arena_array(arena, n, sizeof(*made), &p);
    if (e != TS_OK)
        return e;
    made = p;
    for (size_t i = 0; item != NULL; item = item->next, i++)
        if ((e = yaml_text(f, item, of_one, len, arena, &made[i])) != TS_OK)
            return e;
    *ret = made;
    *ret_count = n;
    return TS_OK;
}

static ts_err read_labels(struct yaml_file *f, const struct yaml_node *root,
                          struct ts_arena *arena, struct tenant_files *t)
{
    ts_err e = read_texts(f, yaml_node_find(root, "trusted_provenance"),
                          "trusted_provenance", "a provenance label",
                          TENANT_LABELS_MAX, TS_PROVENANCE_LEN, arena,
                          &t->labels, &t->label_count);

    if (e != TS_OK)
        return e;
    return read_texts(f, yaml_node_find(root, "identity_attrs"),
                      "identity_attrs", "an attribute's name",
                      TENANT_IDENTITY_MAX, TS_ATTR_KEY_MAX, arena,
                      &t->identity_attrs, &t->identity_attr_count);
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

/* How long a directory counts as fresh, and what shows it. */
static ts_err read_freshness(struct yaml_file *f, const struct yaml_node *root,
                             struct tenant_files *t)
{
    const struct yaml_node *how = yaml_node_find(root, "freshness");
    const struct yaml_node *most = yaml_node_find(root, "max_staleness_s");
    bool by_snapshot = false;
    uint64_t v = TENANT_STALENESS_S;
    struct ts_str s = {0};
    ts_err e;

    if (how != NULL) {
        by_snapshot = yaml_node_str(how, &s) && ts_str_eq_c(s, "snapshot");
        if (!by_snapshot && !ts_str_eq_c(s, "heartbeat"))
            return yaml_fail(f, how, "freshness must be snapshot or heartbeat");
    }
    if (most != NULL && by_snapshot)
        return yaml_fail(f, most,
                         "max_staleness_s has no meaning with freshness: "
                         "snapshot; remove one of them");
    if (most != NULL && (e = yaml_uint(f, most, "max_staleness_s",
                                       TENANT_STALENESS_MAX_S, &v)) != TS_OK)
        return e;
    if (v < TENANT_STALENESS_MIN_S)
        return yaml_fail(f, most, "max_staleness_s is less than %d",
                         TENANT_STALENESS_MIN_S);
    t->max_staleness_s = by_snapshot ? 0 : (uint32_t)v;
    return TS_OK;
}

static ts_err read_approval_ttl(struct yaml_file *f, const struct yaml_node *n,
                                uint32_t *ret)
{
    uint64_t v = TENANT_APPROVAL_S;
    ts_err e = n == NULL ? TS_OK
                         : yaml_uint(f, n, "approval_ttl_s",
                                     TENANT_APPROVAL_MAX_S, &v);

    if (e != TS_OK)
        return e;
    if (v < TENANT_APPROVAL_MIN_S)
        return yaml_fail(f, n, "approval_ttl_s is less than %d",
                         TENANT_APPROVAL_MIN_S);
    *ret = (uint32_t)v;
    return TS_OK;
}

/* 0 for breakglass_max_s: there is no break-glass in this tenant. */
static ts_err read_breakglass(struct yaml_file *f, const struct yaml_node *root,
                              struct tenant_files *t)
{
    const struct yaml_node *max = yaml_node_find(root, "breakglass_max_s");
    const struct yaml_node *people = yaml_node_find(root, "breakglass_people");
    uint64_t v = TENANT_BREAKGLASS_S, n = TENANT_BREAKGLASS_PEOPLE;
    ts_err e;

    if (max != NULL && (e = yaml_uint(f, max, "breakglass_max_s",
                                      ESCALATION_TTL_HARD_S, &v)) != TS_OK)
        return e;
    if (people != NULL && (e = yaml_uint(f, people, "breakglass_people",
                                         ESCALATION_SIGS_MAX, &n)) != TS_OK)
        return e;
    if (n < ESCALATION_QUORUM_MIN)
        return yaml_fail(f, people,
                         "breakglass_people is less than 2; one person opens "
                         "nothing alone");
    t->breakglass_max_s = (uint32_t)v;
    t->breakglass_people = (uint32_t)n;
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
                                       "identity_attrs",
                                       "freshness",
                                       "max_staleness_s",
                                       "approval_ttl_s",
                                       "breakglass_max_s",
                                       "breakglass_people",
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
    if ((e = read_freshness(f, root, t)) != TS_OK ||
        (e = read_approval_ttl(f, yaml_node_find(root, "approval_ttl_s"),
                               &t->approval_ttl_s)) != TS_OK ||
        (e = read_breakglass(f, root, t)) != TS_OK)
        return e;
    return read_labels(f, root, arena, t);
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

/* The three lists of trust.yaml. */
static const struct list_of_keys {
    const char *name;
    enum trust_role role;
    bool is_needed;
    const char *entry, *its_name, *its_key;
} lists[] = {
    {"issuers", TRUST_ROLE_ISSUER, true, "an issuer", "an issuer's name",
     "an issuer's key"},
    {"directory", TRUST_ROLE_DIRECTORY, false, "a directory key",
     "a directory key's name", "a directory key"},
    {"revokers", TRUST_ROLE_REVOKER, false, "a revoker", "a revoker's name",
     "a revoker's key"},
};
#define LISTS (sizeof(lists) / sizeof(lists[0]))

static ts_err read_key(struct yaml_file *f, const struct yaml_node *map,
                       const struct list_of_keys *list, struct ts_arena *arena,
                       struct tenant_files *t, struct tenant_key *k)
{
    static const char *const keys[] = {"name",      "key",      "not_before",
                                       "not_after", "disabled", NULL};
    const struct yaml_node *n;
    ts_err e;

    if ((e = yaml_check_map(f, map, list->entry, keys)) != TS_OK ||
        (e = yaml_need(f, map, list->entry, "name", &n)) != TS_OK ||
        (e = yaml_id(f, n, list->its_name, arena, &k->key.name)) != TS_OK ||
        (e = yaml_need(f, map, list->entry, "key", &n)) != TS_OK ||
        (e = yaml_hex(f, n, list->its_key, k->key.pk, TRUST_PK_LEN)) != TS_OK)
        return e;
    k->at = place_of(f, n);
    if (trust_pk_check(k->key.pk) != TS_OK)
        return yaml_fail(f, n, YAML_BAD_KEY);
    k->key.role = list->role;
    k->key.tenant = t->name;
    if ((n = yaml_node_find(map, "not_before")) != NULL &&
        (e = yaml_uint(f, n, "not_before (unix seconds)", UINT32_MAX,
                       &k->key.not_before)) != TS_OK)
        return e;
    if ((n = yaml_node_find(map, "not_after")) != NULL &&
        (e = yaml_uint(f, n, "not_after (unix seconds)", UINT32_MAX,
                       &k->key.not_after)) != TS_OK)
        return e;
    if (n != NULL && k->key.not_after <= k->key.not_before)
        return yaml_fail(f, n, "not_after is not later than not_before");
    if ((n = yaml_node_find(map, "disabled")) != NULL)
        return yaml_bool(f, n, "disabled", &k->key.disabled);
    return TS_OK;
}

static ts_err read_keys(struct yaml_file *f, const struct list_of_keys *list,
                        struct ts_arena *arena, struct tenant_files *t)
{
    const struct yaml_node *n = yaml_node_find(f->root, list->name);
    size_t count;
    ts_err e;

    if (n == NULL && list->is_needed)
        return yaml_need(f, f->root, "trust.yaml", list->name, &n);
    e = yaml_list(f, n, list->name, TENANT_KEYS_MAX, &n, &count);
    for (; e == TS_OK && n != NULL; n = n->next)
        e = read_key(f, n, list, arena, t, &t->keys[t->key_count++]);
    return e;
}

/* Room for every key of the file; its name outlives the bundle there. */
static ts_err keys_room(struct yaml_file *f, struct ts_arena *arena,
                        struct tenant_files *t)
{
    size_t total = 1;
    const char *name;
    void *p;
    ts_err e;

    for (size_t i = 0; i < LISTS; i++) {
        const struct yaml_node *n = yaml_node_find(f->root, lists[i].name);

        if (n != NULL && n->count <= TENANT_KEYS_MAX)
            total += n->count;
    }
    if ((e = ts_arena_array(arena, total, sizeof(*t->keys), &p)) != TS_OK ||
        (e = ts_arena_strndup(arena, f->name.ptr, f->name.len, &name)) != TS_OK)
        return e;
    f->name.ptr = name;
    t->keys = p;
    return TS_OK;
}

static ts_err trust_in(struct yaml_file *f, struct ts_arena *arena,
                       struct tenant_files *t)
{
    static const char *const keys[] = {"issuers", "directory", "revokers",
                                       NULL};
    ts_err e;

    if ((e = yaml_check_map(f, f->root, "trust.yaml", keys)) != TS_OK ||
        (e = keys_room(f, arena, t)) != TS_OK)
        return e;
    for (size_t i = 0; i < LISTS; i++)
        if ((e = read_keys(f, &lists[i], arena, t)) != TS_OK)
            return e;
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
