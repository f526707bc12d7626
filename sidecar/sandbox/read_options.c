/* Named restrictions and accepted holes. */
#include <string.h>

#include "sidecar/sandbox/cond.h"
#include "sidecar/sandbox/read_priv.h"

#define NAMESPACES                                                             \
    0x7e020080u /* every CLONE_NEW*: time, mnt, cgroup, uts, ipc, user, pid,   \
                   net */

static const struct {
    const char *name;
    uint32_t flag;
} kinds[] = {
    {"cgroup", 0x02000000}, {"ipc", 0x08000000}, {"mnt", 0x00020000},
    {"net", 0x40000000},    {"pid", 0x20000000}, {"time", 0x00000080},
    {"user", 0x10000000},   {"uts", 0x04000000},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static bool *flag_of(struct sandbox_options *o, struct ts_str key)
{
    const struct {
        const char *key;
        bool *flag;
    } flags[] = {
        {"restrict_suid_sgid", &o->suid_sgid},
        {"lock_personality", &o->personality},
        {"memory_deny_write_execute", &o->write_exec},
        {"restrict_realtime", &o->realtime},
        {"needs_write_execute", &o->needs_write_exec},
    };

    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (ts_str_eq_c(key, flags[i].key))
            return flags[i].flag;
    }
    return NULL;
}

bool read_is_option(struct ts_str key)
{
    struct sandbox_options none = {0};

    return flag_of(&none, key) != NULL ||
           ts_str_eq_c(key, "restrict_namespaces") ||
           ts_str_eq_c(key, "restrict_address_families");
}

/* As in a unit file: true refuses all, a list says which remain. */
static ts_err read_namespaces(struct reading *r, const struct yaml_node *n)
{
    uint32_t refused = NAMESPACES;
    bool all;

    if (yaml_node_bool(n, &all)) {
        r->p->options.namespaces = all ? NAMESPACES : 0;
        return TS_OK;
    }
    if (n->kind != YAML_KIND_LIST)
        return read_fail(r, n->line,
                         "restrict_namespaces must be true, false or a list "
                         "of the kinds that remain");
    for (n = n->first; n != NULL; n = n->next) {
        struct ts_str w = {"", 0};
        size_t i = 0;

        (void)yaml_node_str(n, &w);
        while (i < KINDS && !ts_str_eq_c(w, kinds[i].name))
            i++;
        if (i == KINDS)
            return read_fail(r, n->line,
                             "no such kind of namespace; expected cgroup, ipc, "
                             "mnt, net, pid, time, user or uts");
        refused &= ~kinds[i].flag;
    }
    r->p->options.namespaces = refused;
    return TS_OK;
}

static ts_err read_families(struct reading *r, const struct yaml_node *n)
{
    struct sandbox_options *o = &r->p->options;
    char shown[READ_WORD_MAX];

    if (n->kind != YAML_KIND_LIST)
        return read_fail(r, n->line,
                         "restrict_address_families must be a list of those "
                         "that remain, [] for none");
    o->families = true;
    o->family_count = 0;
    for (n = n->first; n != NULL; n = n->next) {
        struct ts_str w = {"", 0};
        uint64_t v;

        (void)yaml_node_str(n, &w);
        if (w.len < 4 || memcmp(w.ptr, "AF_", 3) != 0 ||
            !sandbox_constant(w, &v))
            return read_fail(r, n->line,
                             "\"%s\" is not an address family; expected "
                             "AF_UNIX, AF_INET, AF_INET6, ...",
                             read_word(w, shown));
        if (o->family_count == SANDBOX_FAMILIES_MAX)
            return read_fail(r, n->line, "more than %d address families",
                             SANDBOX_FAMILIES_MAX);
        for (uint32_t i = 0; i < o->family_count; i++) {
            if (o->family[i] == v)
                return read_fail(r, n->line, "%s stands twice; remove one",
                                 read_word(w, shown));
        }
        o->family[o->family_count++] = v;
    }
    return TS_OK;
}

ts_err read_options(struct reading *r, const struct yaml_node *root)
{
    ts_err e = TS_OK;

    for (const struct yaml_node *n = root->first; n != NULL && e == TS_OK;
         n = n->next) {
        bool *flag = flag_of(&r->p->options, n->key);
        bool on;

        if (ts_str_eq_c(n->key, "restrict_namespaces"))
            e = read_namespaces(r, n);
        else if (ts_str_eq_c(n->key, "restrict_address_families"))
            e = read_families(r, n);
        else if (flag != NULL && yaml_node_bool(n, &on))
            *flag = on;
        else if (flag != NULL)
            e = read_fail(r, n->line, "expected true or false");
    }
    return e;
}

static ts_err read_accept(struct reading *r, const struct yaml_node *n)
{
    const struct yaml_node *hole = yaml_node_find(n, "hole");
    const struct yaml_node *reason = yaml_node_find(n, "reason");
    struct sandbox_profile *p = r->p;
    struct sandbox_accept *a;
    struct ts_str name, why;
    const char *near;
    char shown[READ_WORD_MAX];
    ts_err e;

    if (hole == NULL || reason == NULL || n->count != 2 ||
        !yaml_node_str(hole, &name) || !yaml_node_str(reason, &why) ||
        why.len < 8)
        return read_fail(r, n->line,
                         "expected {hole: NAME, reason: why this is wanted}");
    near = sandbox_hole_near(name);
    if (!sandbox_hole_exists(name))
        return read_fail(r, hole->line, "there is no hole \"%s\"%s%s%s",
                         read_word(name, shown),
                         near != NULL ? "; did you mean " : "",
                         near != NULL ? near : "", near != NULL ? "?" : "");
    if (p->accept_count == SANDBOX_ACCEPTS_MAX)
        return read_fail(r, n->line, "more than %d accepted holes",
                         SANDBOX_ACCEPTS_MAX);
    a = &p->accepts[p->accept_count];
    *a = (struct sandbox_accept){.line = n->line};
    if ((e = ts_arena_strndup(r->arena, name.ptr, name.len, &a->hole)) !=
            TS_OK ||
        (e = ts_arena_strndup(r->arena, why.ptr, why.len, &a->reason)) != TS_OK)
        return e;
    p->accept_count++;
    return TS_OK;
}

ts_err read_accepts(struct reading *r, const struct yaml_node *n)
{
    ts_err e = TS_OK;

    if (n == NULL)
        return TS_OK;
    if (n->kind != YAML_KIND_LIST)
        return read_fail(r, n->line,
                         "accept must be a list of {hole: NAME, reason: why}");
    for (n = n->first; n != NULL && e == TS_OK; n = n->next)
        e = read_accept(r, n);
    return e;
}
