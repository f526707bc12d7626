#include <stdio.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "proto/trust/id.h"
#include "sidecar/gate/people/snapshot_priv.h"
#include "sidecar/gate/people/use_rule.h"

/* The rules: what the operator's files say, without the people. */

#define RULES_BUDGET ((size_t)256 << 20)
#define TENANTS_MAX  1024

/* What is only needed while rules are loaded. */
struct loading {
    const struct bundle *bundle;
    struct snapshot_rules *rules;
    const struct snapshot_err *err;
};

static void rules_free(struct snapshot_rules *r)
{
    for (uint32_t i = 0; i < r->tenant_count; i++) {
        cedar_schema_free(r->tenants[i].schema);
        cedar_policies_free(r->tenants[i].policies);
    }
    manifests_free(r->manifests);
    ts_arena_done(&r->arena);
    ts_mem_free(r);
}

void snapshot_rules_hold(struct snapshot_rules *r)
{
    r->users++;
}

void snapshot_rules_release(struct snapshot_rules *r)
{
    if (r == NULL)
        return;
    TS_REQUIRE(r->users > 0);
    if (--r->users == 0)
        rules_free(r);
}

static ts_err copy_str(struct ts_arena *arena, struct ts_str s,
                       struct ts_str *ret)
{
    const char *p;
    ts_err e = ts_arena_strndup(arena, s.ptr, s.len, &p);

    if (e == TS_OK)
        *ret = (struct ts_str){.ptr = p, .len = s.len};
    return e;
}

static ts_err load_tools(struct snapshot_rules *r)
{
    static const struct ts_str types[] = {[RESOURCE_TOOL] = GATE_STR("Tool"),
                                          [RESOURCE_FILE] = GATE_STR("File"),
                                          [RESOURCE_DIR] = GATE_STR("Dir"),
                                          [RESOURCE_URL] = GATE_STR("Url"),
                                          [RESOURCE_NAMED] = GATE_STR("Named")};
    struct snapshot_tool *tools;
    void *p;
    ts_err e = ts_arena_array(&r->arena, (size_t)r->manifests->count + 1,
                              sizeof(*tools), &p);

    if (e != TS_OK)
        return e;
    tools = p;
    for (uint32_t i = 0; i < r->manifests->count; i++) {
        const struct manifest *m = &r->manifests->list[i];

        tools[i] = (struct snapshot_tool){
            .manifest = m,
            .action = cedar_uid_make(TS_STR_LIT("Action"),
                                     m->action.len > 0 ? m->action : m->tool),
            .uid = cedar_uid_make(TS_STR_LIT("Tool"), m->tool),
            .resource_type =
                m->resource == RESOURCE_TOOL || m->resource_type.len == 0
                    ? types[m->resource]
                    : m->resource_type,
            .meter = meter_key_make(METER_TOOL, TS_STR_LIT(""), m->tool)};
    }
    r->tools = tools;
    return TS_OK;
}

/* ---- tenants ------------------------------------------------------------ */

static ts_err fail(struct loading *l, struct ts_str file, const char *what)
{
    char shown[BUNDLE_NAME_MAX + 64];

    (void)ts_str_escape(shown, sizeof(shown), file.ptr, file.len);
    (void)snprintf(l->err->text, l->err->cap, "%s: %s", shown, what);
    return TS_E_FORMAT;
}

/* The NAME of "tenants/NAME/rest"; empty when malformed. */
static struct ts_str tenant_of(struct ts_str file)
{
    static const struct ts_str top = GATE_STR("tenants/");
    struct ts_str name = {.ptr = file.ptr + top.len, .len = file.len - top.len};
    const char *slash = memchr(name.ptr, '/', name.len);

    if (slash == NULL)
        return TS_STR_LIT("");
    name.len = (size_t)(slash - name.ptr);
    return name;
}

/* Adds name, keeping the list sorted. */
static ts_err tenant_add(struct loading *l, struct ts_str name)
{
    struct snapshot_rules *r = l->rules;
    uint32_t at = r->tenant_count;
    struct ts_str copy;
    ts_err e;

    while (at > 0 && ts_str_cmp(r->tenants[at - 1].files.name, name) > 0)
        at--;
    if (at > 0 && ts_str_eq(r->tenants[at - 1].files.name, name))
        return TS_OK;
    if (r->tenant_count == TENANTS_MAX)
        return fail(l, name, "more than 1024 tenants; run another sidecar");
    e = copy_str(&r->arena, name, &copy);
    if (e != TS_OK)
        return e;
    for (uint32_t i = r->tenant_count++; i > at; i--)
        r->tenants[i] = r->tenants[i - 1];
    r->tenants[at] = (struct rules_tenant){.files = {.name = copy}};
    return TS_OK;
}

static ts_err find_tenants(struct loading *l)
{
    struct snapshot_rules *r = l->rules;
    size_t n;
    const struct bundle_file *f = bundle_prefix(l->bundle, "tenants/", &n);
    void *p;
    ts_err e = ts_arena_array(&r->arena, TENANTS_MAX, sizeof(*r->tenants), &p);

    if (e != TS_OK)
        return e;
    r->tenants = p;
    for (size_t i = 0; i < n; i++) {
        struct ts_str name = tenant_of(f[i].name);
        const char *problem;

        if (!trust_id_valid(name))
            return fail(l, f[i].name,
                        "not a file of a tenant; files stand in "
                        "tenants/NAME/, and NAME is an id");
        if ((problem = bundle_misplaced(f[i].name)) != NULL)
            return fail(l, f[i].name, problem);
        if ((e = tenant_add(l, name)) != TS_OK)
            return e;
    }
    return TS_OK;
}

static ts_err need_file(struct loading *l, const char *prefix, const char *name,
                        const struct bundle_file **ret)
{
    char path[BUNDLE_NAME_MAX + 1];

    (void)snprintf(path, sizeof(path), "%s%s", prefix, name);
    *ret = bundle_find(l->bundle, path);
    if (*ret == NULL)
        return fail(l, ts_str_of(path),
                    "missing; every tenant needs it, see docs/TENANTS.md");
    return TS_OK;
}

static ts_err load_yaml(struct loading *l, const char *prefix,
                        struct tenant_files *t)
{
    struct ts_arena *arena = &l->rules->arena;
    const struct bundle_file *f;
    ts_err e;

    if ((e = need_file(l, prefix, "tenant.yaml", &f)) != TS_OK ||
        (e = tenant_read_settings(f, arena, t, l->err->text, l->err->cap)) !=
            TS_OK ||
        (e = need_file(l, prefix, "trust.yaml", &f)) != TS_OK)
        return e;
    return tenant_read_trust(f, arena, t, l->err->text, l->err->cap);
}

/* What the permits count is the tenant's: no block has its owner. */
static ts_err load_uses(struct loading *l, const char *prefix,
                        struct rules_tenant *t)
{
    ts_err e = use_rules_make(t->policies, (struct ts_bytes){.ptr = NULL},
                              &l->rules->arena, &t->uses);

    if (e == TS_E_LIMIT)
        (void)snprintf(l->err->text, l->err->cap,
                       "%spolicies: more than %d counters in @counts and "
                       "@sums, or %d arguments in one of them",
                       prefix, USE_COUNTERS_MAX, USE_ARGS_MAX);
    return e;
}

static ts_err load_tenant(struct loading *l, struct rules_tenant *t)
{
    char prefix[BUNDLE_NAME_MAX + 1], name[BUNDLE_NAME_MAX + 32];
    const struct bundle_file *f;
    ts_err e;

    (void)snprintf(prefix, sizeof(prefix), "tenants/%.*s/",
                   (int)t->files.name.len, t->files.name.ptr);
    if ((e = load_yaml(l, prefix, &t->files)) != TS_OK ||
        (e = snapshot_schema(l->bundle, prefix, &t->schema, l->err->text,
                             l->err->cap)) != TS_OK ||
        (e = snapshot_policies(l->bundle, prefix, t->schema, &l->rules->notes,
                               &t->policies, l->err->text, l->err->cap)) !=
            TS_OK ||
        (e = box_demands_make(t->policies, &l->rules->arena, &t->demands)) !=
            TS_OK ||
        (e = load_uses(l, prefix, t)) != TS_OK)
        return e;
    (void)snprintf(name, sizeof(name), "%sentities.json", prefix);
    f = bundle_find(l->bundle, name);
    return f != NULL ? copy_str(&l->rules->arena, f->content, &t->entities_json)
                     : TS_OK;
}

static ts_err load_audiences(struct snapshot_rules *r,
                             const struct control_start *settings)
{
    for (uint32_t i = 0; i < settings->audience_count && i < TS_AUDIENCES_MAX;
         i++) {
        ts_err e =
            copy_str(&r->arena, settings->audiences[i], &r->audiences[i]);

        if (e != TS_OK)
            return e;
        r->audience_count = i + 1;
    }
    return TS_OK;
}

/* Who may sign, of all tenants; names both places of a key that is in two. */
static ts_err load_keys(struct loading *l)
{
    struct key_table *table;
    struct ts_arena temp;
    ts_err e;

    ts_arena_init(&temp, RULES_BUDGET);
    e = key_table_make(l->rules, 0, &temp, &table, l->err);
    ts_arena_done(&temp);
    if (e != TS_OK)
        return e;
    return snapshot_trust(l->rules, NULL, &l->rules->arena, &l->rules->keys,
                          l->err);
}

static ts_err load(struct loading *l, const struct control_start *settings)
{
    const struct manifest_facts facts = manifest_facts_of(settings);
    struct snapshot_rules *r = l->rules;
    ts_err e;

    if ((e = manifests_load(l->bundle, &facts, r->generation, &r->manifests,
                            l->err->text, l->err->cap)) != TS_OK ||
        (e = load_tools(r)) != TS_OK || (e = find_tenants(l)) != TS_OK)
        return e;
    for (uint32_t i = 0; i < r->tenant_count; i++)
        if ((e = load_tenant(l, &r->tenants[i])) != TS_OK)
            return e;
    if ((e = load_audiences(r, settings)) != TS_OK)
        return e;
    return load_keys(l);
}

ts_err snapshot_rules_load(const struct bundle *b,
                           const struct control_start *settings,
                           uint64_t generation, struct snapshot_rules **ret,
                           const struct snapshot_err *err)
{
    struct loading l = {.bundle = b, .err = err};
    ts_err e;

    l.rules = ts_mem_alloc(sizeof(*l.rules));
    if (l.rules == NULL)
        return TS_E_NOMEM;
    ts_arena_init(&l.rules->arena, RULES_BUDGET);
    l.rules->generation = generation;
    l.rules->users = 1;
    e = load(&l, settings);
    if (e == TS_OK)
        *ret = l.rules;
    else
        snapshot_rules_release(l.rules);
    return e;
}
