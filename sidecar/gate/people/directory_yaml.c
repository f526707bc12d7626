#include "sidecar/gate/people/directory_yaml.h"

#include <stdlib.h>
#include <string.h>

#include "proto/trust/id.h"
#include "proto/wire/limits.h"
#include "sidecar/gate/people/yaml_doc.h"

#define YAML_BUDGET  ((size_t)256 << 20) /* tree and lists of one file */
#define MAP_KEYS_MAX 64
#define UID_UNMAPPED 65534

/* Entries with their places; these lists live as long as the tree. */
struct user_at {
    struct directory_user entry;
    const struct yaml_node *at;
};
struct agent_at {
    struct directory_agent entry;
    const struct yaml_node *at;
};
struct key_at {
    uint8_t pk[TRUST_PK_LEN];
    const struct yaml_node *at;
};

struct reading {
    struct yaml_file *f;
    struct ts_arena *arena; /* of the result */
    struct directory_snapshot *out;
    struct key_at *keys; /* every public key of the file */
    size_t key_count;
};

/* ---- parts of an entry -------------------------------------------------- */

/* An attribute is a name that a policy can write after a dot. */
static bool attr_key_ok(struct ts_str k)
{
    for (size_t i = 0; i < k.len; i++) {
        char c = k.ptr[i];

        if (!((c >= 'a' && c <= 'z') ||
              (i > 0 && (c == '_' || (c >= '0' && c <= '9')))))
            return false;
    }
    return k.len > 0 && k.len <= DIRECTORY_ATTR_KEY_MAX &&
           !ts_str_eq_c(k, "owner");
}

static int cmp_attr(const void *a, const void *b)
{
    const struct directory_attr *x = a, *y = b;

    return ts_str_cmp(x->key, y->key);
}

static ts_err read_attrs(struct reading *r, const struct yaml_node *map,
                         const struct directory_attr **ret, uint32_t *ret_count)
{
    const struct yaml_node *item;
    struct directory_attr *list;
    size_t n, i = 0;
    const char *copy;
    void *p;
    ts_err e = yaml_pairs(r->f, map, "attrs", DIRECTORY_ATTRS_MAX, &item, &n);

    if (e != TS_OK || n == 0)
        return e;
    e = ts_arena_array(r->arena, n, sizeof(*list), &p);
    if (e != TS_OK)
        return e;
    list = p;
    for (; item != NULL; item = item->next, i++) {
        if (!attr_key_ok(item->key))
            return yaml_fail(r->f, item,
                             "an attribute's name must be 1 to %d lower-case "
                             "letters, digits and _, begin with a letter, and "
                             "not be \"owner\"",
                             DIRECTORY_ATTR_KEY_MAX);
        if ((e = yaml_text(r->f, item, "an attribute", DIRECTORY_ATTR_VALUE_MAX,
                           r->arena, &list[i].value)) != TS_OK ||
            (e = ts_arena_strndup(r->arena, item->key.ptr, item->key.len,
                                  &copy)) != TS_OK)
            return e;
        list[i].key = (struct ts_str){.ptr = copy, .len = item->key.len};
    }
    qsort(list, n, sizeof(*list), cmp_attr);
    *ret = list;
    *ret_count = (uint32_t)n;
    return TS_OK;
}

static int cmp_str(const void *a, const void *b)
{
    const struct ts_str *x = a, *y = b;

    return ts_str_cmp(*x, *y);
}

/* A list of ids, sorted; the tree refuses no repetition here, so this does. */
static ts_err read_ids(struct reading *r, const struct yaml_node *map,
                       const char *key, const char *what, size_t max,
                       const struct ts_str **ret, uint32_t *ret_count)
{
    const struct yaml_node *list = yaml_node_find(map, key), *item;
    struct ts_str *ids;
    size_t n, i = 0;
    void *p;
    ts_err e = yaml_list(r->f, list, key, max, &item, &n);

    if (e != TS_OK || n == 0)
        return e;
    if ((e = ts_arena_array(r->arena, n, sizeof(*ids), &p)) != TS_OK)
        return e;
    ids = p;
    for (; item != NULL; item = item->next)
        if ((e = yaml_id(r->f, item, what, r->arena, &ids[i++])) != TS_OK)
            return e;
    qsort(ids, n, sizeof(*ids), cmp_str);
    for (i = 1; i < n; i++)
        if (ts_str_eq(ids[i - 1], ids[i]))
            return yaml_fail(r->f, list,
                             "\"%.*s\" stands twice in %s; remove one",
                             (int)ids[i].len, ids[i].ptr, key);
    *ret = ids;
    *ret_count = (uint32_t)n;
    return TS_OK;
}

static ts_err read_status(struct reading *r, const struct yaml_node *map,
                          const char *what, bool *ret_active)
{
    const struct yaml_node *n;
    struct ts_str s = {0};
    ts_err e = yaml_need(r->f, map, what, "status", &n);

    if (e != TS_OK)
        return e;
    if (yaml_node_str(n, &s) && ts_str_eq_c(s, "active"))
        *ret_active = true;
    else if (ts_str_eq_c(s, "inactive"))
        *ret_active = false;
    else
        return yaml_fail(r->f, n, "status must be active or inactive");
    return TS_OK;
}

static ts_err read_key(struct reading *r, const struct yaml_node *n,
                       const char *what, uint8_t ret[TRUST_PK_LEN])
{
    ts_err e = yaml_hex(r->f, n, what, ret, TRUST_PK_LEN);

    if (e == TS_OK && trust_pk_check(ret) != TS_OK)
        e = yaml_fail(r->f, n, YAML_BAD_KEY);
    if (e == TS_OK) {
        r->keys[r->key_count].at = n;
        memcpy(r->keys[r->key_count++].pk, ret, TRUST_PK_LEN);
    }
    return e;
}

static int cmp_user_id(const void *a, const void *b)
{
    const struct directory_user *x = a, *y = b;

    return ts_str_cmp(x->id, y->id);
}

/* Users stand in the result already. */
static ts_err read_user_ref(struct reading *r, const struct yaml_node *n,
                            const char *what, struct ts_str *ret)
{
    struct directory_user key = {0};
    ts_err e = yaml_id(r->f, n, what, r->arena, &key.id);

    if (e != TS_OK)
        return e;
    if (r->out->user_count == 0 ||
        bsearch(&key, r->out->users, r->out->user_count, sizeof(key),
                cmp_user_id) == NULL)
        return yaml_fail(r->f, n,
                         "%s \"%.*s\" is not among the users; add the user or "
                         "correct the name",
                         what, (int)key.id.len, key.id.ptr);
    *ret = key.id;
    return TS_OK;
}

/* ---- entries ------------------------------------------------------------ */

static ts_err read_user(struct reading *r, const struct yaml_node *map,
                        struct user_at *u)
{
    static const char *const keys[] = {"id", "status", "groups", "attrs", NULL};
    struct yaml_file *f = r->f;
    const struct yaml_node *n;
    ts_err e;

    if ((e = yaml_check_map(f, map, "a user", keys)) != TS_OK ||
        (e = yaml_need(f, map, "a user", "id", &n)) != TS_OK ||
        (e = yaml_id(f, n, "a user's id", r->arena, &u->entry.id)) != TS_OK ||
        (e = read_status(r, map, "a user", &u->entry.active)) != TS_OK ||
        (e = read_ids(r, map, "groups", "a group", DIRECTORY_GROUPS_MAX,
                      &u->entry.groups, &u->entry.group_count)) != TS_OK)
        return e;
    u->at = n;
    return read_attrs(r, yaml_node_find(map, "attrs"), &u->entry.attrs,
                      &u->entry.attr_count);
}

static ts_err read_agent_keys(struct reading *r, const struct yaml_node *map,
                              struct directory_agent *a)
{
    const struct yaml_node *n;
    size_t count;
    ts_err e = yaml_list(r->f, yaml_node_find(map, "keys"), "keys",
                         TRUST_AGENT_KEYS_MAX, &n, &count);

    for (; e == TS_OK && n != NULL; n = n->next)
        e = read_key(r, n, "an agent's key", a->keys[a->key_count++]);
    return e;
}

static int cmp_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static ts_err read_agent_uids(struct reading *r, const struct yaml_node *map,
                              struct directory_agent *a)
{
    const struct yaml_node *list = yaml_node_find(map, "uids"), *n;
    size_t count;
    uint64_t uid = 0;
    ts_err e = yaml_list(r->f, list, "uids", TRUST_AGENT_UIDS_MAX, &n, &count);

    for (; e == TS_OK && n != NULL; n = n->next) {
        e = yaml_uint(r->f, n, "a uid", UINT32_MAX - 1, &uid);
        if (e == TS_OK && uid == UID_UNMAPPED)
            e = yaml_fail(r->f, n,
                          "65534 stands for every unmapped uid; give the agent "
                          "a uid of its own");
        a->uids[a->uid_count++] = (uint32_t)uid;
    }
    if (e != TS_OK || a->uid_count == 0)
        return e;
    qsort(a->uids, a->uid_count, sizeof(a->uids[0]), cmp_u32);
    for (uint32_t i = 1; i < a->uid_count; i++)
        if (a->uids[i - 1] == a->uids[i])
            return yaml_fail(r->f, list, "uid %u stands twice; remove one",
                             a->uids[i]);
    return TS_OK;
}

static ts_err read_agent(struct reading *r, const struct yaml_node *map,
                         struct agent_at *a)
{
    static const char *const keys[] = {"id",   "status",    "owner", "keys",
                                       "uids", "max_depth", "attrs", NULL};
    struct yaml_file *f = r->f;
    const struct yaml_node *id, *n;
    uint64_t depth = TS_DEPTH_MAX;
    ts_err e;

    if ((e = yaml_check_map(f, map, "an agent", keys)) != TS_OK ||
        (e = yaml_need(f, map, "an agent", "id", &id)) != TS_OK ||
        (e = yaml_id(f, id, "an agent's id", r->arena, &a->entry.id)) !=
            TS_OK ||
        (e = read_status(r, map, "an agent", &a->entry.active)) != TS_OK)
        return e;
    a->at = id;
    if ((n = yaml_node_find(map, "owner")) != NULL &&
        (e = read_user_ref(r, n, "owner", &a->entry.owner)) != TS_OK)
        return e;
    if ((n = yaml_node_find(map, "max_depth")) != NULL &&
        (e = yaml_uint(f, n, "max_depth", TS_DEPTH_MAX, &depth)) != TS_OK)
        return e;
    a->entry.max_depth = (uint32_t)depth;
    if ((e = read_agent_keys(r, map, &a->entry)) != TS_OK ||
        (e = read_agent_uids(r, map, &a->entry)) != TS_OK)
        return e;
    return read_attrs(r, yaml_node_find(map, "attrs"), &a->entry.attrs,
                      &a->entry.attr_count);
}

static ts_err read_approver(struct reading *r, const struct yaml_node *map,
                            struct directory_approver *a)
{
    static const char *const keys[] = {"person",  "status", "key",
                                       "classes", "roles",  NULL};
    static const char what[] = "an approver";
    struct yaml_file *f = r->f;
    const struct yaml_node *n;
    ts_err e;

    if ((e = yaml_check_map(f, map, what, keys)) != TS_OK ||
        (e = yaml_need(f, map, what, "person", &n)) != TS_OK ||
        (e = read_user_ref(r, n, "person", &a->person)) != TS_OK ||
        (e = read_status(r, map, what, &a->active)) != TS_OK ||
        (e = yaml_need(f, map, what, "key", &n)) != TS_OK ||
        (e = read_key(r, n, "an approver's key", a->pk)) != TS_OK ||
        (e = read_ids(r, map, "classes", "a class", DIRECTORY_CLASSES_MAX,
                      &a->classes, &a->class_count)) != TS_OK ||
        (e = read_ids(r, map, "roles", "a role", DIRECTORY_CLASSES_MAX,
                      &a->roles, &a->role_count)) != TS_OK)
        return e;
    trust_kid(a->pk, a->kid);
    return TS_OK;
}

/* ---- lists -------------------------------------------------------------- */

static int by_line(const struct yaml_node *a, const struct yaml_node *b)
{
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return a->column < b->column ? -1 : a->column > b->column;
}

static int cmp_user(const void *a, const void *b)
{
    const struct user_at *x = a, *y = b;
    int c = ts_str_cmp(x->entry.id, y->entry.id);

    return c != 0 ? c : by_line(x->at, y->at);
}

static int cmp_agent(const void *a, const void *b)
{
    const struct agent_at *x = a, *y = b;
    int c = ts_str_cmp(x->entry.id, y->entry.id);

    return c != 0 ? c : by_line(x->at, y->at);
}

static int cmp_approver(const void *a, const void *b)
{
    const struct directory_approver *x = a, *y = b;

    return memcmp(x->kid, y->kid, TRUST_KID_LEN);
}

static int cmp_key(const void *a, const void *b)
{
    const struct key_at *x = a, *y = b;
    int c = memcmp(x->pk, y->pk, TRUST_PK_LEN);

    return c != 0 ? c : by_line(x->at, y->at);
}

static ts_err twice(struct reading *r, const struct yaml_node *at,
                    const char *kind, struct ts_str id)
{
    return yaml_fail(r->f, at, "%s \"%.*s\" is listed twice; remove one entry",
                     kind, (int)id.len, id.ptr);
}

/* The items of a list of the file, room for as many entries beside the tree
 * (size bytes each), and in the result. */
static ts_err open_list(struct reading *r, const char *key, size_t max,
                        const size_t sizes[2],
                        const struct yaml_node **ret_first, size_t *ret_count,
                        void *ret[2])
{
    const struct yaml_node *list = yaml_node_find(r->f->root, key);
    ts_err e = yaml_list(r->f, list, key, max, ret_first, ret_count);

    if (e != TS_OK || (e = ts_arena_array(&r->f->arena, *ret_count + 1,
                                          sizes[0], &ret[0])) != TS_OK)
        return e;
    return ts_arena_array(r->arena, *ret_count + 1, sizes[1], &ret[1]);
}

static ts_err users_in(struct reading *r)
{
    static const size_t sizes[2] = {sizeof(struct user_at),
                                    sizeof(struct directory_user)};
    const struct yaml_node *n;
    struct directory_user *out;
    struct user_at *list;
    void *room[2];
    size_t count;
    ts_err e =
        open_list(r, "users", DIRECTORY_USERS_MAX, sizes, &n, &count, room);

    if (e != TS_OK)
        return e;
    list = room[0];
    out = room[1];
    for (size_t i = 0; n != NULL; n = n->next, i++)
        if ((e = read_user(r, n, &list[i])) != TS_OK)
            return e;
    qsort(list, count, sizeof(*list), cmp_user);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && ts_str_eq(list[i - 1].entry.id, list[i].entry.id))
            return twice(r, list[i].at, "user", list[i].entry.id);
        out[i] = list[i].entry;
    }
    r->out->users = out;
    r->out->user_count = (uint32_t)count;
    return TS_OK;
}

static ts_err agents_in(struct reading *r)
{
    static const size_t sizes[2] = {sizeof(struct agent_at),
                                    sizeof(struct directory_agent)};
    const struct yaml_node *n;
    struct directory_agent *out;
    struct agent_at *list;
    void *room[2];
    size_t count;
    ts_err e =
        open_list(r, "agents", DIRECTORY_AGENTS_MAX, sizes, &n, &count, room);

    if (e != TS_OK)
        return e;
    list = room[0];
    out = room[1];
    for (size_t i = 0; n != NULL; n = n->next, i++)
        if ((e = read_agent(r, n, &list[i])) != TS_OK)
            return e;
    qsort(list, count, sizeof(*list), cmp_agent);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && ts_str_eq(list[i - 1].entry.id, list[i].entry.id))
            return twice(r, list[i].at, "agent", list[i].entry.id);
        out[i] = list[i].entry;
    }
    r->out->agents = out;
    r->out->agent_count = (uint32_t)count;
    return TS_OK;
}

/* Two of one kid would have one key, which check_keys() finds. */
static ts_err approvers_in(struct reading *r)
{
    static const size_t sizes[2] = {1, sizeof(struct directory_approver)};
    const struct yaml_node *n;
    struct directory_approver *out;
    void *room[2];
    size_t count;
    ts_err e = open_list(r, "approvers", DIRECTORY_APPROVERS_MAX, sizes, &n,
                         &count, room);

    if (e != TS_OK)
        return e;
    out = room[1];
    for (size_t i = 0; n != NULL; n = n->next, i++)
        if ((e = read_approver(r, n, &out[i])) != TS_OK)
            return e;
    qsort(out, count, sizeof(*out), cmp_approver);
    r->out->approvers = out;
    r->out->approver_count = (uint32_t)count;
    return TS_OK;
}

/* ---- the file ----------------------------------------------------------- */

static ts_err keys_room(struct reading *r)
{
    const struct yaml_node *agents = yaml_node_find(r->f->root, "agents");
    const struct yaml_node *approvers = yaml_node_find(r->f->root, "approvers");
    size_t n = 1;
    void *p;
    ts_err e;

    if (agents != NULL)
        n += (size_t)agents->count * TRUST_AGENT_KEYS_MAX;
    if (approvers != NULL)
        n += approvers->count;
    e = ts_arena_array(&r->f->arena, n, sizeof(*r->keys), &p);
    if (e == TS_OK)
        r->keys = p;
    return e;
}

static ts_err check_keys(struct reading *r)
{
    qsort(r->keys, r->key_count, sizeof(*r->keys), cmp_key);
    for (size_t i = 1; i < r->key_count; i++)
        if (memcmp(r->keys[i - 1].pk, r->keys[i].pk, TRUST_PK_LEN) == 0)
            return yaml_fail(r->f, r->keys[i].at,
                             "this public key already stands in line %u; give "
                             "every agent and every approver a key of its own",
                             r->keys[i - 1].at->line);
    return TS_OK;
}

static ts_err directory_in(struct reading *r)
{
    static const char *const keys[] = {"users", "agents", "approvers", NULL};
    static const char what[] = "the directory";
    const struct yaml_node *root = r->f->root, *n;
    ts_err e;

    if ((e = yaml_check_map(r->f, root, what, keys)) != TS_OK ||
        (e = yaml_need(r->f, root, what, "users", &n)) != TS_OK ||
        (e = yaml_need(r->f, root, what, "agents", &n)) != TS_OK ||
        (e = keys_room(r)) != TS_OK || (e = users_in(r)) != TS_OK ||
        (e = agents_in(r)) != TS_OK || (e = approvers_in(r)) != TS_OK)
        return e;
    return check_keys(r);
}

ts_err directory_yaml_read(const struct bundle_file *file,
                           struct ts_arena *arena,
                           struct directory_snapshot *ret, char *reterr_text,
                           size_t reterr_cap)
{
    static const struct yaml_limits limits = {.depth = YAML_TREE_DEPTH_MAX,
                                              .nodes = DIRECTORY_YAML_NODES_MAX,
                                              .keys = MAP_KEYS_MAX};
    struct directory_snapshot out = {0};
    struct yaml_file f;
    struct reading r = {.f = &f, .arena = arena, .out = &out};
    ts_err e = yaml_open_within(&f, file, &limits, YAML_BUDGET, reterr_text,
                                reterr_cap);

    if (e != TS_OK)
        return e;
    e = directory_in(&r);
    yaml_close(&f);
    if (e == TS_OK)
        *ret = out;
    return e;
}
