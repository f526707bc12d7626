#include "sidecar/gate/snapshot.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "proto/trust/id.h"
#include "sidecar/gate/snapshot_priv.h"

#define SNAPSHOT_BUDGET ((size_t)256 << 20)
#define TENANTS_MAX     1024

/* What is only needed while a snapshot is built. */
struct loading {
    const struct bundle *bundle;
    const struct control_start *settings;
    struct snapshot *snapshot;
    struct tenant_files *files; /* beside snapshot->tenants */
    char *reterr_text;
    size_t reterr_cap;
};

static void snapshot_free(struct snapshot *s)
{
    for (uint32_t i = 0; i < s->tenant_count; i++) {
        cedar_schema_free(s->tenants[i].schema);
        cedar_policies_free(s->tenants[i].policies);
        cedar_entities_free(s->tenants[i].entities);
    }
    manifests_free(s->manifests);
    ts_arena_done(&s->arena);
    ts_mem_free(s);
}

void snapshot_hold(struct snapshot *s)
{
    s->users++;
}

void snapshot_release(struct snapshot *s)
{
    if (s == NULL)
        return;
    TS_REQUIRE(s->users > 0);
    if (--s->users == 0)
        snapshot_free(s);
}

const struct snapshot_tenant *snapshot_tenant_find(const struct snapshot *s,
                                                   struct ts_str name)
{
    size_t lo = 0, hi = s->tenant_count;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = ts_str_cmp(s->tenants[mid].name, name);

        if (c == 0)
            return &s->tenants[mid];
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

const struct snapshot_tenant *snapshot_by_kid(const struct snapshot *s,
                                              const uint8_t kid[16])
{
    const struct trust_key *key = trust_store_kid(s->store, kid);

    if (key == NULL || key->role != TRUST_ROLE_ISSUER)
        return NULL;
    return snapshot_tenant_find(s, key->tenant);
}

const struct snapshot_tool *snapshot_tool_find(const struct snapshot *s,
                                               struct ts_str name)
{
    const struct manifest *m = manifests_find(s->manifests, name);

    return m != NULL ? &s->tools[m - s->manifests->list] : NULL;
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

static ts_err load_tools(struct snapshot *s)
{
    static const struct ts_str types[] = {[RESOURCE_TOOL] = GATE_STR("Tool"),
                                          [RESOURCE_FILE] = GATE_STR("File"),
                                          [RESOURCE_DIR] = GATE_STR("Dir"),
                                          [RESOURCE_URL] = GATE_STR("Url"),
                                          [RESOURCE_NAMED] = GATE_STR("Named")};
    struct snapshot_tool *tools;
    void *p;
    ts_err e = ts_arena_array(&s->arena, (size_t)s->manifests->count + 1,
                              sizeof(*tools), &p);

    if (e != TS_OK)
        return e;
    tools = p;
    for (uint32_t i = 0; i < s->manifests->count; i++) {
        const struct manifest *m = &s->manifests->list[i];

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
    s->tools = tools;
    return TS_OK;
}

/* ---- tenants ------------------------------------------------------------ */

static ts_err fail(struct loading *l, struct ts_str file, const char *what)
{
    char shown[BUNDLE_NAME_MAX + 64];

    (void)ts_str_escape(shown, sizeof(shown), file.ptr, file.len);
    (void)snprintf(l->reterr_text, l->reterr_cap, "%s: %s", shown, what);
    return TS_E_FORMAT;
}

/* "tenants/NAME/rest": NAME, and rest in *ret_rest; empty when malformed. */
static struct ts_str tenant_of(struct ts_str file, struct ts_str *ret_rest)
{
    static const struct ts_str top = GATE_STR("tenants/");
    struct ts_str name = {.ptr = file.ptr + top.len, .len = file.len - top.len};
    const char *slash = memchr(name.ptr, '/', name.len);

    if (slash == NULL)
        return TS_STR_LIT("");
    *ret_rest = (struct ts_str){
        .ptr = slash + 1, .len = (size_t)(name.ptr + name.len - slash) - 1};
    name.len = (size_t)(slash - name.ptr);
    return name;
}

/* A misspelt folder must not be a policy that silently does not apply. */
static bool file_is_expected(struct ts_str rest)
{
    static const char *const files[] = {"tenant.yaml",        "trust.yaml",
                                        "directory.yaml",     "entities.json",
                                        "schema.cedarschema", "schema.json",
                                        "policies/links.json"};
    static const struct ts_str rooms[] = {GATE_STR("policies/hard/"),
                                          GATE_STR("policies/approval/")};
    static const struct ts_str end = GATE_STR(".cedar");

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        if (ts_str_eq_c(rest, files[i]))
            return true;
    for (size_t i = 0; i < 2; i++) {
        struct ts_str tail;

        if (!ts_str_starts(rest, rooms[i]) ||
            rest.len <= rooms[i].len + end.len)
            continue;
        tail = (struct ts_str){rest.ptr + rest.len - end.len, end.len};
        return ts_str_eq(tail, end) && memchr(rest.ptr + rooms[i].len, '/',
                                              rest.len - rooms[i].len) == NULL;
    }
    return false;
}

/* Adds name, keeping the list sorted. */
static ts_err tenant_add(struct loading *l, struct ts_str name)
{
    struct snapshot *s = l->snapshot;
    uint32_t at = s->tenant_count;
    struct ts_str copy;
    ts_err e;

    if (snapshot_tenant_find(s, name) != NULL)
        return TS_OK;
    if (s->tenant_count == TENANTS_MAX)
        return fail(l, name, "more than 1024 tenants; run another sidecar");
    e = copy_str(&s->arena, name, &copy);
    if (e != TS_OK)
        return e;
    for (; at > 0 && ts_str_cmp(s->tenants[at - 1].name, name) > 0; at--)
        s->tenants[at] = s->tenants[at - 1];
    s->tenants[at] = (struct snapshot_tenant){.name = copy};
    s->tenant_count++;
    return TS_OK;
}

static ts_err find_tenants(struct loading *l)
{
    struct snapshot *s = l->snapshot;
    size_t n;
    const struct bundle_file *f = bundle_prefix(l->bundle, "tenants/", &n);
    void *p;
    ts_err e = ts_arena_array(&s->arena, TENANTS_MAX, sizeof(*s->tenants), &p);

    if (e != TS_OK)
        return e;
    s->tenants = p;
    for (size_t i = 0; i < n; i++) {
        struct ts_str rest = {0}, name = tenant_of(f[i].name, &rest);

        if (!trust_id_valid(name))
            return fail(l, f[i].name,
                        "not a file of a tenant; files stand in "
                        "tenants/NAME/, and NAME is an id");
        if (!file_is_expected(rest))
            return fail(l, f[i].name,
                        "unknown file; docs/TENANTS.md lists the files of a "
                        "tenant (is a folder misspelt?)");
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
    struct ts_arena *arena = &l->snapshot->arena;
    const struct bundle_file *f;
    ts_err e;

    if ((e = need_file(l, prefix, "tenant.yaml", &f)) != TS_OK ||
        (e = tenant_read_settings(f, arena, t, l->reterr_text,
                                  l->reterr_cap)) != TS_OK ||
        (e = need_file(l, prefix, "trust.yaml", &f)) != TS_OK ||
        (e = tenant_read_trust(f, arena, t, l->reterr_text, l->reterr_cap)) !=
            TS_OK ||
        (e = need_file(l, prefix, "directory.yaml", &f)) != TS_OK)
        return e;
    return tenant_read_directory(f, arena, t, l->reterr_text, l->reterr_cap);
}

static ts_err load_entities(struct loading *l, const char *prefix,
                            const struct tenant_files *files,
                            const struct cedar_schema *schema,
                            struct cedar_entities **ret)
{
    char names[2][BUNDLE_NAME_MAX + 32];
    struct cedar_source sources[2];
    struct cedar_diags diags = {0};
    const struct bundle_file *f;
    struct ts_buf made;
    size_t n = 1;
    ts_err e;

    ts_buf_init(&made, BUNDLE_BYTES_MAX);
    (void)snprintf(names[0], sizeof(names[0]), "%sdirectory.yaml (as entities)",
                   prefix);
    (void)snprintf(names[1], sizeof(names[1]), "%sentities.json", prefix);
    f = bundle_find(l->bundle, names[1]);
    e = directory_entities(files, &made);
    if (e == TS_OK) {
        sources[0] = (struct cedar_source){
            names[0], {(const char *)ts_buf_bytes(&made), made.len}};
        if (f != NULL)
            sources[n++] = (struct cedar_source){names[1], f->content};
        e = cedar_entities_parse_schema(schema, sources, n, ret, &diags);
        if (e != TS_OK && e != TS_E_NOMEM)
            snapshot_diag_text(&diags, sources, n, l->reterr_text,
                               l->reterr_cap);
    }
    ts_buf_done(&made);
    return e;
}

static ts_err load_tenant(struct loading *l, uint32_t i)
{
    struct snapshot_tenant *t = &l->snapshot->tenants[i];
    struct tenant_files *files = &l->files[i];
    char prefix[BUNDLE_NAME_MAX + 1];
    ts_err e;

    (void)snprintf(prefix, sizeof(prefix), "tenants/%.*s/", (int)t->name.len,
                   t->name.ptr);
    files->name = t->name;
    if ((e = load_yaml(l, prefix, files)) != TS_OK ||
        (e = directory_build(files, &l->snapshot->arena, &t->directory,
                             l->reterr_text, l->reterr_cap)) != TS_OK ||
        (e = snapshot_schema(l->bundle, prefix, &t->schema, l->reterr_text,
                             l->reterr_cap)) != TS_OK ||
        (e = snapshot_policies(l->bundle, prefix, t->schema,
                               &l->snapshot->notes, &t->policies,
                               l->reterr_text, l->reterr_cap)) != TS_OK)
        return e;
    t->require_call_signature = files->require_call_signature;
    t->default_sensitivity = files->default_sensitivity;
    t->trusted_provenance = files->labels;
    t->trusted_provenance_count = (uint32_t)files->label_count;
    return load_entities(l, prefix, files, t->schema, &t->entities);
}

static ts_err load_trust(struct loading *l)
{
    const struct control_start *set = l->settings;
    struct snapshot *s = l->snapshot;
    struct trust_config cfg = {.skew_s = TS_SKEW_S};
    ts_err e = snapshot_trust(l->files, s->tenant_count, &s->arena, &s->store,
                              l->reterr_text, l->reterr_cap);

    if (e != TS_OK)
        return e;
    cfg.store = s->store;
    for (uint32_t i = 0; i < set->audience_count && i < TS_AUDIENCES_MAX; i++) {
        e = copy_str(&s->arena, set->audiences[i], &cfg.audiences[i]);
        if (e != TS_OK)
            return e;
        cfg.audience_count = i + 1;
    }
    for (uint32_t i = 0; i < s->tenant_count; i++)
        s->tenants[i].trust = cfg;
    return TS_OK;
}

static ts_err load(struct loading *l)
{
    struct snapshot *s = l->snapshot;
    void *p;
    ts_err e;

    if ((e = manifests_load(l->bundle, s->generation, &s->manifests,
                            l->reterr_text, l->reterr_cap)) != TS_OK ||
        (e = load_tools(s)) != TS_OK || (e = find_tenants(l)) != TS_OK ||
        (e = ts_arena_array(&s->arena, (size_t)s->tenant_count + 1,
                            sizeof(*l->files), &p)) != TS_OK)
        return e;
    l->files = p;
    for (uint32_t i = 0; i < s->tenant_count; i++)
        if ((e = load_tenant(l, i)) != TS_OK)
            return e;
    return load_trust(l);
}

ts_err snapshot_load(const struct bundle *b,
                     const struct control_start *settings, uint64_t generation,
                     struct snapshot **ret, char *reterr_text,
                     size_t reterr_cap)
{
    struct loading l = {.bundle = b,
                        .settings = settings,
                        .reterr_text = reterr_text,
                        .reterr_cap = reterr_cap};
    ts_err e;

    reterr_text[0] = '\0';
    l.snapshot = ts_mem_alloc(sizeof(*l.snapshot));
    if (l.snapshot == NULL) {
        e = TS_E_NOMEM;
    } else {
        ts_arena_init(&l.snapshot->arena, SNAPSHOT_BUDGET);
        l.snapshot->generation = generation;
        l.snapshot->users = 1;
        e = load(&l);
    }
    if (e == TS_OK) {
        *ret = l.snapshot;
        return TS_OK;
    }
    if (l.snapshot != NULL)
        snapshot_free(l.snapshot);
    if (reterr_text[0] == '\0')
        (void)snprintf(reterr_text, reterr_cap,
                       "configuration: %s while loading it", ts_err_text(e));
    return e;
}
