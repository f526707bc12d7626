#include "sidecar/gate/decide/request.h"

#include <string.h>

#include "sidecar/gate/decide/value.h"

#define DERIVED_MAX (REQUEST_ANCESTORS_MAX / 2)

/* The resource and its containers, from the inside out. */
struct link {
    struct cedar_uid uid;
    const struct cedar_uid *const *stored; /* ancestors by entities.json */
    size_t stored_count;
};
struct chain {
    struct link *links;
    size_t count;
    size_t cap;
};

/* Room for the containers of id, of which sep separates the parts. */
static ts_err chain_init(struct chain *c, struct ts_str id, char sep,
                         struct ts_arena *arena)
{
    size_t cap = 2;
    void *p;
    ts_err e;

    for (size_t i = 0; i < id.len; i++)
        cap += id.ptr[i] == sep;
    if (cap > DERIVED_MAX)
        return TS_E_LIMIT;
    e = ts_arena_array(arena, cap, sizeof(*c->links), &p);
    if (e == TS_OK)
        *c = (struct chain){.links = p, .cap = cap};
    return e;
}

static ts_err chain_add(struct chain *c, struct ts_str type, struct ts_str id)
{
    if (c->count == c->cap)
        return TS_E_LIMIT;
    c->links[c->count++].uid = cedar_uid_make(type, id);
    return TS_OK;
}

/* path is canonical: absolute, no empty segment, no "/" at its end. */
static ts_err chain_dirs(struct chain *c, struct ts_str path)
{
    ts_err e = TS_OK;

    while (e == TS_OK && path.len > 1) {
        while (path.len > 1 && path.ptr[path.len - 1] != '/')
            path.len--;
        if (path.len > 1)
            path.len--; /* the slash, unless it is the root itself */
        e = chain_add(c, TS_STR_LIT("Dir"), path);
    }
    return e;
}

/* A literal address has no parent domains. */
static bool is_address(struct ts_str host)
{
    bool digits = host.len > 0;

    if (host.len > 0 && host.ptr[0] == '[')
        return true;
    for (size_t i = 0; i < host.len; i++) {
        char ch = host.ptr[i];

        if (ch == ':')
            return true;
        digits = digits && ((ch >= '0' && ch <= '9') || ch == '.');
    }
    return digits;
}

static ts_err chain_hosts(struct chain *c, struct ts_str host)
{
    ts_err e = chain_add(c, TS_STR_LIT("Host"), host);
    const char *dot;

    while (e == TS_OK && !is_address(host) &&
           (dot = memchr(host.ptr, '.', host.len)) != NULL) {
        size_t skip = (size_t)(dot - host.ptr) + 1;

        if (skip == host.len) /* a name that ends in a dot */
            break;
        host.ptr += skip;
        host.len -= skip;
        e = chain_add(c, TS_STR_LIT("Host"), host);
    }
    return e;
}

/* The label of one entity; false when it has none. */
static bool label_of(const struct cedar_record *attrs, uint32_t *ret)
{
    const struct cedar_value *v;

    if (attrs == NULL)
        return false;
    v = cedar_record_get(attrs, TS_STR_LIT("sensitivity"));
    if (v == NULL)
        return false;
    *ret = SENSITIVITY_SECRET; /* of a label that cannot be read */
    if (v->kind == CEDAR_STRING)
        (void)sensitivity_parse(v->as.string, ret);
    else if (v->kind == CEDAR_LONG && v->as.integer >= 0 &&
             v->as.integer <= SENSITIVITY_SECRET)
        *ret = (uint32_t)v->as.integer;
    return true;
}

/* Finds the sensitivity, and the containers as one array. */
static ts_err chain_walk(struct chain *c, const struct snapshot_tenant *tenant,
                         struct ts_arena *arena, struct call_target *t)
{
    size_t total = c->count - 1, at = 0;
    struct cedar_uid *all;
    bool labelled = false;
    void *p;
    ts_err e;

    t->sensitivity = tenant->default_sensitivity;
    for (size_t i = 0; i < c->count; i++) {
        struct link *l = &c->links[i];
        const struct cedar_record *attrs =
            cedar_entity_attrs(tenant->entities, &l->uid);

        if (attrs == NULL)
            continue;
        if (!labelled)
            labelled = label_of(attrs, &t->sensitivity);
        l->stored_count =
            cedar_entity_ancestors(tenant->entities, &l->uid, &l->stored);
        if (l->stored_count > REQUEST_ANCESTORS_MAX - total)
            return TS_E_LIMIT;
        total += l->stored_count;
    }
    e = ts_arena_array(arena, total + 1, sizeof(*all), &p);
    if (e != TS_OK)
        return e;
    all = p;
    for (size_t i = 0; i < c->count; i++) {
        if (i > 0)
            all[at++] = c->links[i].uid;
        for (size_t j = 0; j < c->links[i].stored_count; j++)
            all[at++] = *c->links[i].stored[j];
    }
    t->overlay.ancestors = all;
    t->overlay.ancestor_count = at;
    return TS_OK;
}

#define OWN_FIELDS 6

/* What entities.json says of the very resource stays visible under what is
 * derived here; of one name, the derived value counts. */
static ts_err attrs_make(const struct snapshot_tenant *tenant,
                         const struct cedar_uid *uid,
                         const struct cedar_field *own, size_t own_count,
                         struct ts_arena *arena, struct cedar_value *ret)
{
    const struct cedar_record *stored =
        cedar_entity_attrs(tenant->entities, uid);
    size_t n = stored != NULL ? cedar_record_count(stored) : 0;
    struct cedar_field *all;
    void *p;
    ts_err e;

    if (n == 0)
        return cedar_record_make(arena, own, own_count, ret);
    e = ts_arena_array(arena, n + own_count, sizeof(*all), &p);
    if (e != TS_OK)
        return e;
    all = p;
    memcpy(all, own, own_count * sizeof(*all));
    for (size_t i = 0, at = own_count; i < n; i++) {
        const struct cedar_field *f = cedar_record_at(stored, i);
        size_t j = 0;

        while (j < own_count && !ts_str_eq(own[j].key, f->key))
            j++;
        if (j == own_count)
            all[at++] = *f;
        if (i + 1 == n)
            return cedar_record_make(arena, all, at, ret);
    }
    return TS_E_STATE; /* not reached: n > 0 */
}

static struct ts_str last_segment(struct ts_str path)
{
    size_t at = path.len;

    while (at > 0 && path.ptr[at - 1] != '/')
        at--;
    return (struct ts_str){.ptr = path.ptr + at, .len = path.len - at};
}

/* Sorted by length, then bytes, as cedar_record_make() likes them. */
static size_t own_fields(const struct snapshot_tool *tool, struct ts_str id,
                         const struct url_parts *url, uint32_t level,
                         struct cedar_field own[OWN_FIELDS])
{
    enum resource_kind kind = tool->manifest->resource;
    size_t n = 0;

    if (kind == RESOURCE_FILE || kind == RESOURCE_DIR) {
        own[n++] = value_text(TS_STR_LIT("name"), last_segment(id));
        own[n++] = value_text(TS_STR_LIT("path"), id);
    } else if (kind == RESOURCE_URL) {
        own[n++] = value_text(TS_STR_LIT("host"), url->host);
        own[n++] = value_text(TS_STR_LIT("path"), url->path);
        own[n++] = value_long(TS_STR_LIT("port"), url->port);
        own[n++] = value_text(TS_STR_LIT("scheme"), url->scheme);
    } else {
        own[n++] = value_text(TS_STR_LIT("name"), id);
    }
    own[n++] = value_text(TS_STR_LIT("sensitivity"), sensitivity_name(level));
    own[n++] = value_long(TS_STR_LIT("sensitivity_level"), level);
    return n;
}

ts_err request_target(const struct snapshot_tenant *tenant,
                      const struct snapshot_tool *tool,
                      const struct call_args *args, struct ts_arena *arena,
                      struct call_target *ret)
{
    enum resource_kind kind = tool->manifest->resource;
    bool is_path = kind == RESOURCE_FILE || kind == RESOURCE_DIR;
    struct ts_str id =
        kind == RESOURCE_TOOL ? tool->manifest->tool : args->resource;
    struct cedar_field own[OWN_FIELDS];
    struct call_target t = {0};
    struct url_parts url = {0};
    struct chain chain = {0};
    size_t n;
    ts_err e = TS_OK;

    if (kind == RESOURCE_URL)
        e = url_canonical(id, arena, &url);
    if (e != TS_OK ||
        (e = chain_init(&chain, kind == RESOURCE_URL ? url.host : id,
                        is_path ? '/' : '.', arena)) != TS_OK ||
        (e = chain_add(&chain, tool->resource_type, id)) != TS_OK ||
        (is_path && (e = chain_dirs(&chain, id)) != TS_OK) ||
        (kind == RESOURCE_URL &&
         (e = chain_hosts(&chain, url.host)) != TS_OK) ||
        (e = chain_walk(&chain, tenant, arena, &t)) != TS_OK)
        return e;
    t.resource = chain.links[0].uid;
    n = own_fields(tool, id, &url, t.sensitivity, own);
    e = attrs_make(tenant, &t.resource, own, n, arena, &t.overlay.attrs);
    if (e != TS_OK)
        return e;
    t.overlay.uid = t.resource;
    *ret = t;
    return TS_OK;
}
