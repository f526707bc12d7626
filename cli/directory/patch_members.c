/* groups[id eq "G"].members: a group is nothing but the users that name it. */
#include <string.h>

#include "cli/directory/patch_priv.h"

/* The change of one user's groups that makes or ends the membership. */
static ts_err set_member(struct patch *p, struct directory_user *u,
                         struct ts_str group, bool is_member)
{
    uint32_t n = 0;
    struct ts_str *copy;
    void *q;
    ts_err e = ts_arena_array(p->st.arena, (size_t)u->group_count + 1,
                              sizeof(*copy), &q);

    if (e != TS_OK)
        return e;
    copy = q;
    for (uint32_t i = 0; i < u->group_count; i++)
        if (!ts_str_eq(u->groups[i], group))
            copy[n++] = u->groups[i];
    if (is_member && n < u->group_count)
        return TS_OK; /* it is one; the order of its groups stays */
    if (is_member && n == DIRECTORY_GROUPS_MAX)
        return patch_fail(p, TS_E_LIMIT, "user %.*s is in %d groups already",
                          (int)u->id.len, u->id.ptr, DIRECTORY_GROUPS_MAX);
    if (is_member)
        copy[n++] = group;
    u->groups = copy;
    u->group_count = n;
    return TS_OK;
}

static bool is_member(const struct directory_user *u, struct ts_str group)
{
    for (uint32_t i = 0; i < u->group_count; i++)
        if (ts_str_eq(u->groups[i], group))
            return true;
    return false;
}

/* All of them; false when there was none. */
static ts_err clear_members(struct patch *p, struct ts_str group, bool *ret)
{
    bool any = false;

    for (uint32_t i = 0; i < p->st.user_count; i++) {
        struct directory_user *u = &p->st.users[i];
        ts_err e;

        if (!is_member(u, group))
            continue;
        any = true;
        if ((e = set_member(p, u, group, false)) != TS_OK)
            return e;
    }
    *ret = any;
    return TS_OK;
}

static ts_err remove_members(struct patch *p, const struct patch_change *c)
{
    struct directory_user *u;
    bool any = false;
    ts_err e;

    if (c->path->has_item) {
        u = c->path->item_is_number ? NULL
                                    : dir_state_user(&p->st, c->path->item);
        if (u == NULL || !is_member(u, c->path->id))
            return patch_fail(p, TS_E_NOT_FOUND,
                              "the group has no such member");
        return set_member(p, u, c->path->id, false);
    }
    if ((e = clear_members(p, c->path->id, &any)) != TS_OK)
        return e;
    return any ? TS_OK
               : patch_fail(p, TS_E_NOT_FOUND, "nobody is in this group");
}

static ts_err add_members(struct patch *p, const struct patch_change *c,
                          struct ts_str group)
{
    const struct ts_str *ids = NULL;
    struct patch_change list = {.op = PATCH_ADD, .value = c->value};
    uint32_t count = 0;
    ts_err e =
        patch_ids(p, &list, "a member", DIRECTORY_USERS_MAX, &ids, &count);

    for (uint32_t i = 0; e == TS_OK && i < count; i++) {
        struct directory_user *u = dir_state_user(&p->st, ids[i]);

        if (u == NULL)
            return patch_fail(p, TS_E_NOT_FOUND,
                              "there is no user %.*s; add it first",
                              (int)ids[i].len, ids[i].ptr);
        e = set_member(p, u, group, true);
    }
    return e;
}

ts_err patch_groups(struct patch *p, const struct patch_change *c)
{
    json_t *name;
    struct ts_str group = {0};
    bool any;
    ts_err e;

    if (!c->path->has_filter || !ts_str_eq_c(c->path->attr, "id") ||
        (c->path->field.len > 0 && !ts_str_eq_c(c->path->field, "members")) ||
        (c->path->field.len == 0 && c->op != PATCH_REMOVE) ||
        c->path->name.len > 0)
        return patch_fail(p, TS_E_FORMAT,
                          "groups have members: groups[id eq \"ID\"].members; "
                          "remove also takes groups[id eq \"ID\"]");
    if (c->op == PATCH_REMOVE)
        return remove_members(p, c);
    if (c->path->has_item)
        return patch_fail(p, TS_E_INVALID,
                          "a filter on values only goes with remove");
    /* its own copy: the path ends with the document */
    name = json_stringn(c->path->id.ptr, c->path->id.len);
    e = patch_id(p, name, "a group", &group);
    json_decref(name);
    if (e == TS_OK && c->op == PATCH_REPLACE)
        e = clear_members(p, group, &any);
    return e == TS_OK ? add_members(p, c, group) : e;
}
