/* Who may operate: everything, or one tenant. */
#include "sidecar/supervisor/config_operators.h"

#include <string.h>

#include "proto/trust/id.h"

static bool read_uid(struct config_reader *r, const struct yaml_node *n,
                     uint32_t *to)
{
    int64_t v = 0;

    if (!yaml_node_int(n, &v) || v < 0 || v >= UINT32_MAX) {
        config_fail(r, n, "a uid must be a number");
        return false;
    }
    *to = (uint32_t)v;
    return true;
}

static void read_admins(struct config_reader *r, uid_t euid, struct config *c)
{
    const struct yaml_node *list = yaml_node_find(r->map, "admin_uids");

    c->admin_uids[0] = euid;
    c->admin_uid_count = 1;
    if (list == NULL)
        return;
    if (list->kind != YAML_KIND_LIST || list->count < 1 ||
        list->count > CONTROL_UIDS_MAX) {
        config_fail(r, list, "admin_uids must be a list of 1 to %d numbers",
                    CONTROL_UIDS_MAX);
        return;
    }
    c->admin_uid_count = 0;
    for (const struct yaml_node *n = list->first; n != NULL; n = n->next) {
        if (!read_uid(r, n, &c->admin_uids[c->admin_uid_count++]))
            return;
    }
}

static bool is_admin(const struct config *c, uint32_t uid)
{
    for (uint32_t i = 0; i < c->admin_uid_count; i++) {
        if (c->admin_uids[i] == uid)
            return true;
    }
    return false;
}

static int order(const struct control_operator *a,
                 const struct control_operator *b)
{
    int cmp = ts_str_cmp(a->tenant, b->tenant);

    if (cmp != 0)
        return cmp;
    return a->uid < b->uid ? -1 : a->uid > b->uid;
}

/* Into its place: the file's order means nothing. */
static void insert(struct config_reader *r, const struct yaml_node *at,
                   struct config *c, struct control_operator o)
{
    uint32_t i = 0;

    if (is_admin(c, o.uid)) {
        config_fail(r, at,
                    "uid %u is in admin_uids, which covers every tenant; take "
                    "it out of one of the two (admin_uids is the user of the "
                    "service unless it is written down)",
                    o.uid);
        return;
    }
    if (c->tenant_operator_count == CONTROL_OPERATORS_MAX) {
        config_fail(r, at, "tenant_operators may have %d uids in all",
                    CONTROL_OPERATORS_MAX);
        return;
    }
    while (i < c->tenant_operator_count &&
           order(&c->tenant_operators[i], &o) < 0)
        i++;
    if (i < c->tenant_operator_count &&
        order(&c->tenant_operators[i], &o) == 0) {
        config_fail(r, at, "uid %u stands twice for this tenant", o.uid);
        return;
    }
    memmove(&c->tenant_operators[i + 1], &c->tenant_operators[i],
            (c->tenant_operator_count - i) * sizeof(o));
    c->tenant_operators[i] = o;
    c->tenant_operator_count++;
}

static void read_tenant(struct config_reader *r, const struct yaml_node *list,
                        struct config *c)
{
    const char *name = NULL;

    if (!trust_id_valid(list->key)) {
        config_fail(r, list, "tenant_operators: not the id of a tenant");
        return;
    }
    if (list->kind != YAML_KIND_LIST || list->count < 1) {
        config_fail(r, list,
                    "tenant_operators: each tenant needs a list of uids");
        return;
    }
    r->error = ts_arena_strndup(r->arena, list->key.ptr, list->key.len, &name);
    for (const struct yaml_node *n = list->first;
         r->error == TS_OK && n != NULL; n = n->next) {
        struct control_operator o = {.tenant = {name, list->key.len}};

        if (read_uid(r, n, &o.uid))
            insert(r, n, c, o);
    }
}

void config_operators(struct config_reader *r, uid_t euid, struct config *c)
{
    struct config_reader sub;

    read_admins(r, euid, c);
    sub = config_sub(r, "tenant_operators");
    if (sub.map != NULL) {
        for (const struct yaml_node *n = sub.map->first;
             sub.error == TS_OK && n != NULL; n = n->next)
            read_tenant(&sub, n, c);
    }
    r->error = sub.error;
}
