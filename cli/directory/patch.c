#include "cli/directory/patch.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cli/directory/patch_priv.h"

#define SCHEMA "urn:ietf:params:scim:api:messages:2.0:PatchOp"

ts_err patch_fail(struct patch *p, ts_err e, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    (void)snprintf(p->text, p->cap, "%s%s%s", p->where,
                   p->where[0] != '\0' ? ": " : "", text);
    return e;
}

size_t patch_enter(struct patch *p, const char *fmt, ...)
{
    size_t mark = strlen(p->where);
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(p->where + mark, sizeof(p->where) - mark, fmt, ap);
    va_end(ap);
    return mark;
}

void patch_leave(struct patch *p, size_t mark)
{
    p->where[mark] = '\0';
}

/* Every key of the object is one of the names (ends with NULL). */
static ts_err check_keys(struct patch *p, json_t *object,
                         const char *const *names)
{
    const char *key;
    json_t *v;

    json_object_foreach(object, key, v)
    {
        char shown[64];
        size_t i = 0;

        while (names[i] != NULL && strcmp(key, names[i]) != 0)
            i++;
        if (names[i] != NULL)
            continue;
        (void)ts_str_escape(shown, sizeof(shown), key, strlen(key));
        return patch_fail(p, TS_E_FORMAT, "\"%s\" is not known here", shown);
    }
    return TS_OK;
}

/* "add", in any case: RFC 7644 writes it small, some providers do not. */
static ts_err read_op(struct patch *p, json_t *v, enum patch_op *ret)
{
    static const struct {
        const char *name;
        enum patch_op op;
    } ops[] = {{"add", PATCH_ADD},
               {"replace", PATCH_REPLACE},
               {"remove", PATCH_REMOVE}};

    for (size_t i = 0; json_is_string(v) && i < sizeof(ops) / sizeof(ops[0]);
         i++) {
        if (strcasecmp(json_string_value(v), ops[i].name) == 0) {
            *ret = ops[i].op;
            return TS_OK;
        }
    }
    (void)patch_enter(p, ".op");
    return patch_fail(p, TS_E_FORMAT, "must be add, replace or remove");
}

static ts_err read_path(struct patch *p, const json_t *v,
                        struct patch_path *ret)
{
    size_t mark = patch_enter(p, ".path");
    const char *what = "";

    if (!json_is_string(v))
        return patch_fail(p, TS_E_FORMAT,
                          v == NULL ? "is missing; say what is changed"
                                    : "must be a text");
    if (patch_path_parse(
            (struct ts_str){json_string_value(v), json_string_length(v)}, ret,
            &what) != TS_OK)
        return patch_fail(p, TS_E_FORMAT, "%s", what);
    patch_leave(p, mark);
    return TS_OK;
}

static ts_err dispatch(struct patch *p, const struct patch_change *c)
{
    switch (c->path->list) {
    case PATCH_USERS:
        return patch_users(p, c);
    case PATCH_AGENTS:
        return patch_agents(p, c);
    case PATCH_APPROVERS:
        return patch_approvers(p, c);
    case PATCH_GROUPS:
        return patch_groups(p, c);
    }
    return TS_E_INVALID;
}

static ts_err one_operation(struct patch *p, json_t *op)
{
    static const char *const names[] = {"op", "path", "value", NULL};
    struct patch_path path = {.list = PATCH_USERS};
    struct patch_change c = {.path = &path};
    ts_err e;

    if (!json_is_object(op))
        return patch_fail(p, TS_E_FORMAT, "must be an object");
    if ((e = check_keys(p, op, names)) != TS_OK ||
        (e = read_op(p, json_object_get(op, "op"), &c.op)) != TS_OK ||
        (e = read_path(p, json_object_get(op, "path"), &path)) != TS_OK)
        return e;
    c.value = json_object_get(op, "value");
    if (c.op == PATCH_REMOVE && c.value != NULL)
        return patch_fail(p, TS_E_FORMAT,
                          "remove takes no value; name it in the path: "
                          "FIELD[value eq \"VALUE\"]");
    if (c.op != PATCH_REMOVE && c.value == NULL)
        return patch_fail(p, TS_E_FORMAT, "\"value\" is missing");
    return dispatch(p, &c);
}

static ts_err check_schemas(struct patch *p, const json_t *v)
{
    const json_t *first = json_array_get(v, 0);

    if (json_is_array(v) && json_array_size(v) == 1 && json_is_string(first) &&
        strcmp(json_string_value(first), SCHEMA) == 0)
        return TS_OK;
    return patch_fail(p, TS_E_FORMAT, "schemas must be [\"" SCHEMA "\"]");
}

static ts_err document(struct patch *p, json_t *root)
{
    static const char *const names[] = {"schemas", "Operations", NULL};
    json_t *ops = json_object_get(root, "Operations");
    ts_err e;

    if (!json_is_object(root))
        return patch_fail(p, TS_E_FORMAT, "a PatchOp message is an object");
    if ((e = check_keys(p, root, names)) != TS_OK ||
        (e = check_schemas(p, json_object_get(root, "schemas"))) != TS_OK)
        return e;
    if (!json_is_array(ops) || json_array_size(ops) == 0 ||
        json_array_size(ops) > DIRECTORY_PATCH_OPS_MAX)
        return patch_fail(p, TS_E_FORMAT,
                          "Operations must be a list of 1 to %d",
                          DIRECTORY_PATCH_OPS_MAX);
    for (size_t i = 0; i < json_array_size(ops); i++) {
        size_t mark = patch_enter(p, "Operations[%zu]", i);

        if ((e = one_operation(p, json_array_get(ops, i))) != TS_OK)
            return e;
        patch_leave(p, mark);
    }
    return TS_OK;
}

ts_err directory_patch(struct ts_bytes json,
                       const struct directory_snapshot *from,
                       struct ts_arena *arena, struct directory_snapshot *ret,
                       char *reterr_text, size_t reterr_cap)
{
    struct patch p = {.text = reterr_text, .cap = reterr_cap};
    struct directory_snapshot s = *from;
    json_error_t at = {.line = 0};
    json_t *root;
    ts_err e;

    if (json.len > DIRECTORY_PATCH_MAX)
        return patch_fail(&p, TS_E_LIMIT, "longer than %u bytes",
                          DIRECTORY_PATCH_MAX);
    root = json_loadb((const char *)json.ptr, json.len, JSON_REJECT_DUPLICATES,
                      &at);
    if (root == NULL) {
        char shown[128];

        (void)ts_str_show(shown, sizeof(shown), at.text, strlen(at.text));
        return patch_fail(&p, TS_E_FORMAT, "line %d: not JSON: %s", at.line,
                          shown);
    }
    /* for whatever names no cause of its own: memory */
    (void)snprintf(reterr_text, reterr_cap, "the changes need too much memory");
    e = dir_state_load(from, arena, &p.st);
    if (e == TS_OK)
        e = document(&p, root);
    if (e == TS_OK)
        e = dir_state_close(&p.st, &s);
    json_decref(root);
    if (e == TS_OK)
        *ret = s;
    return e;
}
