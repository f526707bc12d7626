/* One field of an entry, from JSON. */
#include <stdio.h>
#include <string.h>

#include "cli/directory/patch_priv.h"
#include "proto/trust/id.h"
#include "proto/wire/limits.h"

#define UID_UNMAPPED 65534

size_t patch_item_count(json_t *value)
{
    return json_is_array(value) ? json_array_size(value) : 1;
}

json_t *patch_item(json_t *value, size_t i)
{
    return json_is_array(value) ? json_array_get(value, i) : value;
}

static struct ts_str text_of(const json_t *v)
{
    return (struct ts_str){json_string_value(v), json_string_length(v)};
}

/* A field that holds one value: no filter, and no remove unless it may. */
static ts_err check_single(struct patch *p, const struct patch_change *c,
                           bool may_remove)
{
    if (c->path != NULL && (c->path->has_item || c->path->name.len > 0))
        return patch_fail(p, TS_E_INVALID,
                          "this field is one value; the path ends here");
    if (c->op == PATCH_REMOVE && !may_remove)
        return patch_fail(p, TS_E_INVALID,
                          "cannot be removed; replace it, or remove the entry");
    return TS_OK;
}

/* A field that is a list: a filter on its values only to remove one. */
static ts_err check_list(struct patch *p, const struct patch_change *c)
{
    if (c->path != NULL && c->path->name.len > 0)
        return patch_fail(p, TS_E_INVALID, "there is no field below this one");
    if (c->path != NULL && c->path->has_item && c->op != PATCH_REMOVE)
        return patch_fail(p, TS_E_INVALID,
                          "a filter on values only goes with remove");
    return TS_OK;
}

ts_err patch_active(struct patch *p, const struct patch_change *c, bool *to)
{
    ts_err e = check_single(p, c, false);

    if (e != TS_OK)
        return e;
    if (!json_is_boolean(c->value))
        return patch_fail(p, TS_E_FORMAT, "must be true or false");
    *to = json_is_true(c->value);
    return TS_OK;
}

ts_err patch_id(struct patch *p, json_t *value, const char *what,
                struct ts_str *ret)
{
    struct ts_str s;
    const char *copy;
    ts_err e;

    if (!json_is_string(value))
        return patch_fail(p, TS_E_FORMAT, "%s must be a text", what);
    s = text_of(value);
    if (!trust_id_valid(s))
        return patch_fail(p, TS_E_FORMAT,
                          "%s is not a valid id: letters, digits and "
                          "._@:+=- in parts joined by single /",
                          what);
    if ((e = ts_arena_strndup(p->st.arena, s.ptr, s.len, &copy)) != TS_OK)
        return e;
    *ret = (struct ts_str){copy, s.len};
    return TS_OK;
}

ts_err patch_key(struct patch *p, json_t *value, uint8_t ret[TRUST_PK_LEN])
{
    uint8_t pk[TRUST_PK_LEN];
    struct ts_str s;

    if (!json_is_string(value))
        return patch_fail(p, TS_E_FORMAT,
                          "a key must be a text of 64 hex "
                          "digits");
    s = text_of(value);
    if (ts_hex_decode(s.ptr, s.len, pk, sizeof(pk)) != TS_OK)
        return patch_fail(p, TS_E_FORMAT, "a key must have 64 hex digits");
    if (trust_pk_check(pk) != TS_OK)
        return patch_fail(p, TS_E_INVALID,
                          "not a usable Ed25519 public key; take it from "
                          "\"tipstaff key show\"");
    memcpy(ret, pk, sizeof(pk));
    return TS_OK;
}

static bool has_id(const struct ts_str *list, uint32_t count, struct ts_str id)
{
    for (uint32_t i = 0; i < count; i++)
        if (ts_str_eq(list[i], id))
            return true;
    return false;
}

/* {"value": ID} as SCIM writes members and groups, or the id alone. */
static ts_err read_item(struct patch *p, json_t *item, const char *what,
                        struct ts_str *ret)
{
    if (!json_is_object(item))
        return patch_id(p, item, what, ret);
    if (json_object_size(item) != 1 || json_object_get(item, "value") == NULL)
        return patch_fail(p, TS_E_FORMAT,
                          "%s must be a text or {\"value\": TEXT} and nothing "
                          "else",
                          what);
    return patch_id(p, json_object_get(item, "value"), what, ret);
}

static ts_err remove_id(struct patch *p, const struct patch_change *c,
                        const struct ts_str **list, uint32_t *count)
{
    struct ts_str *copy;
    uint32_t n = 0;
    void *q;
    ts_err e;

    if (!c->path->has_item) {
        *count = 0;
        return TS_OK;
    }
    if (c->path->item_is_number || !has_id(*list, *count, c->path->item))
        return patch_fail(p, TS_E_NOT_FOUND, "has no such value");
    if ((e = ts_arena_array(p->st.arena, *count, sizeof(*copy), &q)) != TS_OK)
        return e;
    copy = q;
    for (uint32_t i = 0; i < *count; i++)
        if (!ts_str_eq((*list)[i], c->path->item))
            copy[n++] = (*list)[i];
    *list = copy;
    *count = n;
    return TS_OK;
}

/* Appends those of the value that are not in copy[0..kept) yet. */
static ts_err add_ids(struct patch *p, json_t *value, const char *what,
                      uint32_t kept, uint32_t max, struct ts_str *copy,
                      uint32_t *ret)
{
    uint32_t n = kept;

    for (size_t i = 0; i < patch_item_count(value); i++) {
        struct ts_str id = {0};
        ts_err e = read_item(p, patch_item(value, i), what, &id);

        if (e != TS_OK)
            return e;
        if (has_id(copy + kept, n - kept, id))
            return patch_fail(p, TS_E_EXISTS, "%s is given twice", what);
        if (has_id(copy, kept, id))
            continue;
        if (n == max)
            return patch_fail(p, TS_E_LIMIT, "more than %u values", max);
        copy[n++] = id;
    }
    *ret = n;
    return TS_OK;
}

ts_err patch_ids(struct patch *p, const struct patch_change *c,
                 const char *what, uint32_t max, const struct ts_str **list,
                 uint32_t *count)
{
    uint32_t kept = c->op == PATCH_ADD ? *count : 0, n = 0;
    void *q;
    ts_err e = check_list(p, c);

    if (e != TS_OK)
        return e;
    if (c->op == PATCH_REMOVE)
        return remove_id(p, c, list, count);
    if ((e = ts_arena_array(p->st.arena, kept + patch_item_count(c->value) + 1,
                            sizeof(**list), &q)) != TS_OK)
        return e;
    if (kept > 0)
        memcpy(q, *list, kept * sizeof(**list));
    if ((e = add_ids(p, c->value, what, kept, max, q, &n)) != TS_OK)
        return e;
    *list = q;
    *count = n;
    return TS_OK;
}

static bool attr_name_ok(struct ts_str k)
{
    for (size_t i = 0; i < k.len; i++) {
        char c = k.ptr[i];

        if (!((c >= 'a' && c <= 'z') ||
              (i > 0 && ((c >= '0' && c <= '9') || c == '_'))))
            return false;
    }
    return k.len > 0 && k.len <= DIRECTORY_ATTR_KEY_MAX &&
           !ts_str_eq_c(k, "owner");
}

/* Sets one name in the copy, at its place or behind the rest. */
static ts_err put_attr(struct patch *p, struct ts_str name, const json_t *value,
                       struct directory_attr *copy, uint32_t *count)
{
    struct ts_str v = {0};
    const char *k, *t;
    uint32_t i = 0;
    ts_err e;

    if (!attr_name_ok(name))
        return patch_fail(p, TS_E_FORMAT,
                          "an attribute's name is a lower-case letter, then "
                          "letters, digits and _, and not \"owner\"");
    if (json_is_string(value))
        v = text_of(value);
    if (v.len == 0 || v.len > DIRECTORY_ATTR_VALUE_MAX)
        return patch_fail(p, TS_E_FORMAT,
                          "an attribute must be a text of 1 to %d bytes",
                          DIRECTORY_ATTR_VALUE_MAX);
    while (i < *count && !ts_str_eq(copy[i].key, name))
        i++;
    if (i == DIRECTORY_ATTRS_MAX)
        return patch_fail(p, TS_E_LIMIT, "more than %d attributes",
                          DIRECTORY_ATTRS_MAX);
    if ((e = ts_arena_strndup(p->st.arena, name.ptr, name.len, &k)) != TS_OK ||
        (e = ts_arena_strndup(p->st.arena, v.ptr, v.len, &t)) != TS_OK)
        return e;
    copy[i] = (struct directory_attr){{k, name.len}, {t, v.len}};
    if (i == *count)
        (*count)++;
    return TS_OK;
}

static ts_err drop_attr(struct patch *p, struct ts_str name,
                        struct directory_attr *copy, uint32_t *count)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < *count; i++)
        if (!ts_str_eq(copy[i].key, name))
            copy[n++] = copy[i];
    if (n == *count)
        return patch_fail(p, TS_E_NOT_FOUND, "has no such attribute");
    *count = n;
    return TS_OK;
}

static ts_err put_attrs(struct patch *p, json_t *value,
                        struct directory_attr *copy, uint32_t *count)
{
    const char *key;
    json_t *v;

    if (!json_is_object(value))
        return patch_fail(p, TS_E_FORMAT, "must be an object of texts");
    json_object_foreach(value, key, v)
    {
        char shown[DIRECTORY_ATTR_KEY_MAX + 8];
        size_t mark;
        ts_err e;

        (void)ts_str_escape(shown, sizeof(shown), key, strlen(key));
        mark = patch_enter(p, ".%s", shown);
        if ((e = put_attr(p, ts_str_of(key), v, copy, count)) != TS_OK)
            return e;
        patch_leave(p, mark);
    }
    return TS_OK;
}

ts_err patch_attrs(struct patch *p, const struct patch_change *c,
                   const struct directory_attr **list, uint32_t *count)
{
    struct ts_str name = c->path != NULL ? c->path->name : TS_STR_LIT("");
    uint32_t n = *count;
    void *q;
    ts_err e;

    if (c->path != NULL && c->path->has_item)
        return patch_fail(p, TS_E_INVALID,
                          "attributes are named: attrs.NAME, no filter");
    if ((e = ts_arena_array(p->st.arena, DIRECTORY_ATTRS_MAX, sizeof(**list),
                            &q)) != TS_OK)
        return e;
    if (c->op != PATCH_ADD && name.len == 0)
        n = 0;
    if (n > 0)
        memcpy(q, *list, n * sizeof(**list));
    if (name.len > 0 && c->op == PATCH_REMOVE)
        e = drop_attr(p, name, q, &n);
    else if (name.len > 0)
        e = put_attr(p, name, c->value, q, &n);
    else if (c->op != PATCH_REMOVE)
        e = put_attrs(p, c->value, q, &n);
    if (e != TS_OK)
        return e;
    *list = q;
    *count = n;
    return TS_OK;
}

ts_err patch_owner(struct patch *p, const struct patch_change *c,
                   struct ts_str *to)
{
    ts_err e = check_single(p, c, true);

    if (e != TS_OK)
        return e;
    if (c->op == PATCH_REMOVE) {
        *to = TS_STR_LIT("");
        return TS_OK;
    }
    return patch_id(p, c->value, "an owner", to);
}

ts_err patch_depth(struct patch *p, const struct patch_change *c, uint32_t *to)
{
    ts_err e = check_single(p, c, true);
    json_int_t v = TS_DEPTH_MAX;

    if (e != TS_OK)
        return e;
    if (c->op != PATCH_REMOVE) {
        v = json_is_integer(c->value) ? json_integer_value(c->value) : -1;
        if (v < 0 || v > TS_DEPTH_MAX)
            return patch_fail(p, TS_E_FORMAT, "must be a number from 0 to %d",
                              TS_DEPTH_MAX);
    }
    *to = (uint32_t)v;
    return TS_OK;
}

static uint32_t find_key(const struct directory_agent *a, const uint8_t *pk)
{
    uint32_t i = 0;

    while (i < a->key_count && memcmp(a->keys[i], pk, TRUST_PK_LEN) != 0)
        i++;
    return i;
}

static ts_err remove_key(struct patch *p, const struct patch_change *c,
                         struct directory_agent *a)
{
    uint8_t pk[TRUST_PK_LEN];
    uint32_t at;

    if (!c->path->has_item) {
        a->key_count = 0;
        memset(a->keys, 0, sizeof(a->keys));
        return TS_OK;
    }
    if (c->path->item_is_number ||
        ts_hex_decode(c->path->item.ptr, c->path->item.len, pk, sizeof(pk)) !=
            TS_OK ||
        (at = find_key(a, pk)) == a->key_count)
        return patch_fail(p, TS_E_NOT_FOUND, "the agent has no such key");
    a->key_count--;
    memmove(a->keys[at], a->keys[at + 1],
            (size_t)(a->key_count - at) * TRUST_PK_LEN);
    memset(a->keys[a->key_count], 0, TRUST_PK_LEN);
    return TS_OK;
}

ts_err patch_keys(struct patch *p, const struct patch_change *c,
                  struct directory_agent *a)
{
    struct directory_agent changed = *a;
    ts_err e = check_list(p, c);

    if (e != TS_OK)
        return e;
    if (c->op == PATCH_REMOVE)
        return remove_key(p, c, a);
    if (c->op == PATCH_REPLACE)
        changed.key_count = 0;
    for (size_t i = 0; i < patch_item_count(c->value); i++) {
        uint8_t pk[TRUST_PK_LEN];

        if ((e = patch_key(p, patch_item(c->value, i), pk)) != TS_OK)
            return e;
        if (find_key(&changed, pk) < changed.key_count) {
            if (c->op == PATCH_ADD && find_key(a, pk) < a->key_count)
                continue;
            return patch_fail(p, TS_E_EXISTS, "a key is given twice");
        }
        if (changed.key_count == TRUST_AGENT_KEYS_MAX)
            return patch_fail(p, TS_E_LIMIT,
                              "more than %d keys; remove the old one first",
                              TRUST_AGENT_KEYS_MAX);
        memcpy(changed.keys[changed.key_count++], pk, sizeof(pk));
    }
    *a = changed;
    return TS_OK;
}

static uint32_t find_uid(const struct directory_agent *a, uint32_t uid)
{
    uint32_t i = 0;

    while (i < a->uid_count && a->uids[i] != uid)
        i++;
    return i;
}

static ts_err remove_uid(struct patch *p, const struct patch_change *c,
                         struct directory_agent *a)
{
    uint32_t at;

    if (!c->path->has_item) {
        a->uid_count = 0;
        return TS_OK;
    }
    if (!c->path->item_is_number || c->path->number > UINT32_MAX ||
        (at = find_uid(a, (uint32_t)c->path->number)) == a->uid_count)
        return patch_fail(p, TS_E_NOT_FOUND, "the agent has no such uid");
    a->uid_count--;
    memmove(&a->uids[at], &a->uids[at + 1],
            (size_t)(a->uid_count - at) * sizeof(a->uids[0]));
    return TS_OK;
}

ts_err patch_uids(struct patch *p, const struct patch_change *c,
                  struct directory_agent *a)
{
    struct directory_agent changed = *a;
    ts_err e = check_list(p, c);

    if (e != TS_OK)
        return e;
    if (c->op == PATCH_REMOVE)
        return remove_uid(p, c, a);
    if (c->op == PATCH_REPLACE)
        changed.uid_count = 0;
    for (size_t i = 0; i < patch_item_count(c->value); i++) {
        const json_t *item = patch_item(c->value, i);
        json_int_t v = json_is_integer(item) ? json_integer_value(item) : -1;

        if (v < 0 || v >= UINT32_MAX || v == UID_UNMAPPED)
            return patch_fail(p, TS_E_FORMAT,
                              "a uid must be a number below 4294967295 and "
                              "not 65534, which stands for every unmapped one");
        if (find_uid(&changed, (uint32_t)v) < changed.uid_count) {
            if (c->op == PATCH_ADD && find_uid(a, (uint32_t)v) < a->uid_count)
                continue;
            return patch_fail(p, TS_E_EXISTS, "a uid is given twice");
        }
        if (changed.uid_count == TRUST_AGENT_UIDS_MAX)
            return patch_fail(p, TS_E_LIMIT, "more than %d uids",
                              TRUST_AGENT_UIDS_MAX);
        changed.uids[changed.uid_count++] = (uint32_t)v;
    }
    *a = changed;
    return TS_OK;
}
