/* Whole users, agents and approvers, and the fields of those that a filter
 * finds. */
#include <string.h>

#include "cli/directory/patch_priv.h"
#include "proto/wire/limits.h"

/* A field of an entry by its name. TS_E_NOT_FOUND: there is none of it. */
static ts_err user_field(struct patch *p, const struct patch_change *c,
                         struct ts_str name, struct directory_user *u)
{
    if (ts_str_eq_c(name, "active"))
        return patch_active(p, c, &u->active);
    if (ts_str_eq_c(name, "groups"))
        return patch_ids(p, c, "a group", DIRECTORY_GROUPS_MAX, &u->groups,
                         &u->group_count);
    if (ts_str_eq_c(name, "attrs"))
        return patch_attrs(p, c, &u->attrs, &u->attr_count);
    return patch_fail(p, TS_E_NOT_FOUND,
                      "a user has active, groups and attrs to change");
}

static ts_err agent_field(struct patch *p, const struct patch_change *c,
                          struct ts_str name, struct directory_agent *a)
{
    if (ts_str_eq_c(name, "active"))
        return patch_active(p, c, &a->active);
    if (ts_str_eq_c(name, "owner"))
        return patch_owner(p, c, &a->owner);
    if (ts_str_eq_c(name, "keys"))
        return patch_keys(p, c, a);
    if (ts_str_eq_c(name, "uids"))
        return patch_uids(p, c, a);
    if (ts_str_eq_c(name, "max_depth"))
        return patch_depth(p, c, &a->max_depth);
    if (ts_str_eq_c(name, "attrs"))
        return patch_attrs(p, c, &a->attrs, &a->attr_count);
    return patch_fail(p, TS_E_NOT_FOUND,
                      "an agent has active, owner, keys, uids, max_depth and "
                      "attrs to change");
}

static ts_err approver_field(struct patch *p, const struct patch_change *c,
                             struct ts_str name, struct directory_approver *a)
{
    if (ts_str_eq_c(name, "active"))
        return patch_active(p, c, &a->active);
    if (ts_str_eq_c(name, "classes"))
        return patch_ids(p, c, "a class", DIRECTORY_CLASSES_MAX, &a->classes,
                         &a->class_count);
    if (ts_str_eq_c(name, "roles"))
        return patch_ids(p, c, "a role", DIRECTORY_CLASSES_MAX, &a->roles,
                         &a->role_count);
    return patch_fail(p, TS_E_NOT_FOUND,
                      "an approver has active, classes and roles to change; a "
                      "new key is a new entry");
}

/* The entry of whichever list; the others are NULL. */
struct entry {
    struct directory_user *user;
    struct directory_agent *agent;
    struct directory_approver *approver;
};

static ts_err set_field(struct patch *p, const struct patch_change *c,
                        struct ts_str name, const struct entry *at)
{
    if (at->user != NULL)
        return user_field(p, c, name, at->user);
    if (at->agent != NULL)
        return agent_field(p, c, name, at->agent);
    return approver_field(p, c, name, at->approver);
}

/* Every field of an object but those that name the entry (ends with NULL). */
static ts_err set_fields(struct patch *p, enum patch_op op, json_t *object,
                         const char *const *names, const struct entry *at)
{
    const char *key;
    json_t *v;

    json_object_foreach(object, key, v)
    {
        struct patch_change c = {.op = op, .value = v};
        char shown[64];
        size_t mark, i = 0;
        ts_err e;

        while (names[i] != NULL && strcmp(key, names[i]) != 0)
            i++;
        if (names[i] != NULL)
            continue;
        (void)ts_str_escape(shown, sizeof(shown), key, strlen(key));
        mark = patch_enter(p, ".%s", shown);
        if ((e = set_field(p, &c, ts_str_of(key), at)) != TS_OK)
            return e;
        patch_leave(p, mark);
    }
    return TS_OK;
}

/* A field that a new entry must have. */
static ts_err need(struct patch *p, json_t *object, const char *name,
                   json_t **ret)
{
    json_t *v = json_object_get(object, name);

    if (v == NULL)
        return patch_fail(p, TS_E_FORMAT, "\"%s\" is missing", name);
    *ret = v;
    return TS_OK;
}

static ts_err new_user(struct patch *p, json_t *object)
{
    static const char *const names[] = {"id", NULL};
    struct entry at = {0};
    struct ts_str id = {0};
    json_t *v = NULL;
    ts_err e;

    if ((e = need(p, object, "active", &v)) != TS_OK ||
        (e = need(p, object, "id", &v)) != TS_OK ||
        (e = patch_id(p, v, "id", &id)) != TS_OK)
        return e;
    if (dir_state_user(&p->st, id) != NULL)
        return patch_fail(p, TS_E_EXISTS, "there is a user %.*s already",
                          (int)id.len, id.ptr);
    if ((e = dir_state_new_user(&p->st, &at.user)) == TS_E_LIMIT)
        return patch_fail(p, e, "more than %d users", DIRECTORY_USERS_MAX);
    if (e != TS_OK)
        return e;
    at.user->id = id;
    return set_fields(p, PATCH_ADD, object, names, &at);
}

static ts_err new_agent(struct patch *p, json_t *object)
{
    static const char *const names[] = {"id", NULL};
    struct entry at = {0};
    struct ts_str id = {0};
    json_t *v = NULL;
    ts_err e;

    if ((e = need(p, object, "active", &v)) != TS_OK ||
        (e = need(p, object, "id", &v)) != TS_OK ||
        (e = patch_id(p, v, "id", &id)) != TS_OK)
        return e;
    if (dir_state_agent(&p->st, id) != NULL)
        return patch_fail(p, TS_E_EXISTS, "there is an agent %.*s already",
                          (int)id.len, id.ptr);
    if ((e = dir_state_new_agent(&p->st, &at.agent)) == TS_E_LIMIT)
        return patch_fail(p, e, "more than %d agents", DIRECTORY_AGENTS_MAX);
    if (e != TS_OK)
        return e;
    at.agent->id = id;
    at.agent->owner = TS_STR_LIT("");
    at.agent->max_depth = TS_DEPTH_MAX;
    return set_fields(p, PATCH_ADD, object, names, &at);
}

static ts_err new_approver(struct patch *p, json_t *object)
{
    static const char *const names[] = {"person", "key", NULL};
    struct entry at = {0};
    struct directory_approver a = {.active = false};
    json_t *v = NULL;
    ts_err e;

    if ((e = need(p, object, "active", &v)) != TS_OK ||
        (e = need(p, object, "person", &v)) != TS_OK ||
        (e = patch_id(p, v, "person", &a.person)) != TS_OK ||
        (e = need(p, object, "key", &v)) != TS_OK ||
        (e = patch_key(p, v, a.pk)) != TS_OK)
        return e;
    trust_kid(a.pk, a.kid);
    for (uint32_t i = 0; i < p->st.approver_count; i++)
        if (memcmp(p->st.approvers[i].kid, a.kid, TRUST_KID_LEN) == 0)
            return patch_fail(p, TS_E_EXISTS,
                              "there is an approver with this key already");
    if ((e = dir_state_new_approver(&p->st, &at.approver)) == TS_E_LIMIT)
        return patch_fail(p, e, "more than %d approvers",
                          DIRECTORY_APPROVERS_MAX);
    if (e != TS_OK)
        return e;
    *at.approver = a;
    return set_fields(p, PATCH_ADD, object, names, &at);
}

/* Operations on the list itself: only add, of one or more. */
static ts_err add_entries(struct patch *p, const struct patch_change *c,
                          ts_err (*add)(struct patch *, json_t *))
{
    if (c->path->field.len > 0)
        return patch_fail(p, TS_E_INVALID,
                          "a field of which one? The list needs a filter "
                          "[id eq \"ID\"]");
    if (c->op != PATCH_ADD)
        return patch_fail(
            p, TS_E_INVALID,
            "only add works on a whole list; filter for an entry, "
            "or apply a source");
    for (size_t i = 0; i < patch_item_count(c->value); i++) {
        json_t *item = patch_item(c->value, i);
        size_t mark = json_is_array(c->value) ? patch_enter(p, ".value[%zu]", i)
                                              : patch_enter(p, ".value");
        ts_err e;

        if (!json_is_object(item))
            return patch_fail(p, TS_E_FORMAT, "must be an object");
        if ((e = add(p, item)) != TS_OK)
            return e;
        patch_leave(p, mark);
    }
    return TS_OK;
}

/* One that a filter found: a field, or an object of fields. */
static ts_err change_entry(struct patch *p, const struct patch_change *c,
                           const struct entry *at)
{
    static const char *const none[] = {NULL};
    size_t mark;
    ts_err e;

    if (c->path->field.len > 0) {
        mark = patch_enter(p, " (%.*s)", (int)c->path->field.len,
                           c->path->field.ptr);
        e = set_field(p, c, c->path->field, at);
    } else {
        mark = patch_enter(p, ".value");
        if (!json_is_object(c->value))
            return patch_fail(p, TS_E_FORMAT, "must be an object");
        e = set_fields(p, c->op, c->value, none, at);
    }
    if (e == TS_OK)
        patch_leave(p, mark);
    return e;
}

static bool drops_entry(const struct patch_change *c)
{
    return c->op == PATCH_REMOVE && c->path->field.len == 0;
}

static ts_err check_filter(struct patch *p, const struct patch_change *c)
{
    if (ts_str_eq_c(c->path->attr, "id"))
        return TS_OK;
    return patch_fail(p, TS_E_FORMAT, "the filter must be [id eq \"ID\"]");
}

ts_err patch_users(struct patch *p, const struct patch_change *c)
{
    struct entry at = {0};
    ts_err e;

    if (!c->path->has_filter)
        return add_entries(p, c, new_user);
    if ((e = check_filter(p, c)) != TS_OK)
        return e;
    at.user = dir_state_user(&p->st, c->path->id);
    if (at.user == NULL)
        return patch_fail(p, TS_E_NOT_FOUND, "there is no such user");
    if (!drops_entry(c))
        return change_entry(p, c, &at);
    dir_state_drop_user(&p->st, at.user);
    return TS_OK;
}

ts_err patch_agents(struct patch *p, const struct patch_change *c)
{
    struct entry at = {0};
    ts_err e;

    if (!c->path->has_filter)
        return add_entries(p, c, new_agent);
    if ((e = check_filter(p, c)) != TS_OK)
        return e;
    at.agent = dir_state_agent(&p->st, c->path->id);
    if (at.agent == NULL)
        return patch_fail(p, TS_E_NOT_FOUND, "there is no such agent");
    if (!drops_entry(c))
        return change_entry(p, c, &at);
    dir_state_drop_agent(&p->st, at.agent);
    return TS_OK;
}

/* Whether the filter names it: by person (all of hers), key id or key. */
static bool approver_matches(const struct patch_path *path,
                             const struct directory_approver *a)
{
    char hex[2 * TRUST_PK_LEN + 1];

    if (ts_str_eq_c(path->attr, "person"))
        return ts_str_eq(path->id, a->person);
    if (ts_str_eq_c(path->attr, "kid"))
        ts_hex_encode(hex, a->kid, TRUST_KID_LEN);
    else
        ts_hex_encode(hex, a->pk, TRUST_PK_LEN);
    return ts_str_eq_c(path->id, hex);
}

ts_err patch_approvers(struct patch *p, const struct patch_change *c)
{
    bool is_found = false;

    if (!c->path->has_filter)
        return add_entries(p, c, new_approver);
    if (!ts_str_eq_c(c->path->attr, "person") &&
        !ts_str_eq_c(c->path->attr, "kid") &&
        !ts_str_eq_c(c->path->attr, "key"))
        return patch_fail(p, TS_E_FORMAT,
                          "the filter must be on person, kid or key");
    for (uint32_t i = p->st.approver_count; i-- > 0;) {
        struct entry at = {.approver = &p->st.approvers[i]};
        ts_err e;

        if (!approver_matches(c->path, at.approver))
            continue;
        is_found = true;
        if (drops_entry(c))
            dir_state_drop_approver(&p->st, at.approver);
        else if ((e = change_entry(p, c, &at)) != TS_OK)
            return e;
    }
    return is_found
               ? TS_OK
               : patch_fail(p, TS_E_NOT_FOUND, "there is no such approver");
}
