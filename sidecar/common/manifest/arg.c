/* The args: map of a manifest: the declarations, not the values of a call. */
#include "sidecar/common/manifest/manifest_priv.h"

struct arg_reader { /* r->at while one of them is read */
    struct manifest_arg *arg;
    const struct yaml_node *min, *max; /* what they are depends on the type */
};

static struct manifest_arg *arg_of(const struct manifest_reader *r)
{
    return ((struct arg_reader *)r->at)->arg;
}

static ts_err arg_type(struct manifest_reader *r, const struct yaml_node *n)
{
    static const char *const names[] = {"string", "int",     "bool",    "path",
                                        "url",    "strings", "decimal", "json"};
    size_t i = 0;
    ts_err e = manifest_read_word(r, n, names, 8, &i);

    if (e == TS_OK)
        arg_of(r)->type = (enum arg_type)(i + 1);
    return e;
}

static ts_err arg_role(struct manifest_reader *r, const struct yaml_node *n)
{
    static const char *const names[] = {"authority", "content"};
    size_t i = 0;
    ts_err e = manifest_read_word(r, n, names, 2, &i);

    if (e == TS_OK)
        arg_of(r)->role = (enum arg_role)i;
    return e;
}

static ts_err arg_match(struct manifest_reader *r, const struct yaml_node *n)
{
    static const char *const names[] = {"value", "id"};
    size_t i = 0;
    ts_err e = manifest_read_word(r, n, names, 2, &i);

    if (e == TS_OK)
        arg_of(r)->is_id = i == 1;
    return e;
}

static ts_err arg_required(struct manifest_reader *r, const struct yaml_node *n)
{
    return manifest_read_bool(r, n, &arg_of(r)->required);
}

static ts_err arg_allow_dash(struct manifest_reader *r,
                             const struct yaml_node *n)
{
    return manifest_read_bool(r, n, &arg_of(r)->allow_dash);
}

static ts_err arg_description(struct manifest_reader *r,
                              const struct yaml_node *n)
{
    return manifest_read_str(r, n, MANIFEST_TEXT_MAX, &arg_of(r)->description);
}

static ts_err arg_min(struct manifest_reader *r, const struct yaml_node *n)
{
    ((struct arg_reader *)r->at)->min = n;
    return TS_OK;
}

static ts_err arg_max(struct manifest_reader *r, const struct yaml_node *n)
{
    ((struct arg_reader *)r->at)->max = n;
    return TS_OK;
}

static ts_err arg_max_items(struct manifest_reader *r,
                            const struct yaml_node *n)
{
    uint64_t v = 0;
    ts_err e = manifest_read_number(r, n, 1, ARG_ITEMS_MAX, &v);

    if (e == TS_OK)
        arg_of(r)->max_items = (uint32_t)v;
    return e;
}

static ts_err arg_one_of(struct manifest_reader *r, const struct yaml_node *n)
{
    return manifest_read_strings(r, n, MANIFEST_ONE_OF_MAX, MANIFEST_TEXT_MAX,
                                 &arg_of(r)->one_of, &arg_of(r)->one_of_count);
}

static const struct manifest_key arg_keys[] = {
    {"type", arg_type},
    {"role", arg_role},
    {"match", arg_match},
    {"required", arg_required},
    {"description", arg_description},
    {"min", arg_min},
    {"max", arg_max},
    {"max_items", arg_max_items},
    {"one_of", arg_one_of},
    {"allow_dash", arg_allow_dash},
};
const struct manifest_map manifest_arg_map =
    MANIFEST_MAP("an argument", arg_keys);

static bool name_is_valid(struct ts_str s)
{
    if (s.len == 0 || s.len > ARG_NAME_MAX ||
        (s.ptr[0] >= '0' && s.ptr[0] <= '9'))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
            !(c >= '0' && c <= '9') && c != '_')
            return false;
    }
    return true;
}

/* A bound as the type has it; left out, it is `otherwise`. */
static ts_err read_bound(struct manifest_reader *r, const struct yaml_node *n,
                         enum arg_type type, int64_t otherwise, int64_t *ret)
{
    struct ts_str text = {0};
    bool fits = true;

    if (n == NULL) {
        *ret = otherwise;
        return TS_OK;
    }
    if (type == ARG_DECIMAL)
        fits = yaml_node_str(n, &text) && decimal_parse(text, ret) == TS_OK;
    else
        fits = yaml_node_int(n, ret);
    if (fits)
        return TS_OK;
    return manifest_fail(
        r, n->line, "%.*s must be a %s", (int)n->key.len, n->key.ptr,
        type == ARG_DECIMAL ? "number with at most four fraction digits"
                            : "whole number");
}

static ts_err finish_bounds(struct manifest_reader *r,
                            const struct arg_reader *a,
                            const struct yaml_node *n)
{
    struct manifest_arg *arg = a->arg;
    bool is_number = arg->type == ARG_INT || arg->type == ARG_DECIMAL;
    int64_t least = is_number ? INT64_MIN : 0;
    int64_t most = is_number ? INT64_MAX : ARG_STRING_MAX;
    ts_err e;

    if (arg->type == ARG_BOOL && (a->min != NULL || a->max != NULL))
        return manifest_fail(r, n->line, "a bool has no min or max");
    if ((e = read_bound(r, a->min, arg->type, least, &arg->min)) != TS_OK ||
        (e = read_bound(r, a->max, arg->type, most, &arg->max)) != TS_OK)
        return e;
    if (arg->min < least || arg->max > most || arg->min > arg->max)
        return manifest_fail(r, n->line, "min and max must be in order%s",
                             is_number ? "" : " and from 0 to 65536 bytes");
    return TS_OK;
}

/* Ids are compared whole: nothing else is one, and no person reads them. */
static ts_err finish_match(struct manifest_reader *r,
                           const struct manifest_arg *arg,
                           const struct yaml_node *n)
{
    if (!arg->is_id)
        return TS_OK;
    if (arg->type != ARG_STRING && arg->type != ARG_STRINGS &&
        arg->type != ARG_INT)
        return manifest_fail(r, n->line,
                             "match: id belongs to types string, strings and "
                             "int; remove it");
    if (arg->role == ROLE_CONTENT)
        return manifest_fail(r, n->line,
                             "match: id says what a call is about, which is "
                             "authority; remove it or role: content");
    return TS_OK;
}

/* Fills in what was left out and refuses what does not belong to the type. */
static ts_err finish_arg(struct manifest_reader *r, const struct arg_reader *a,
                         const struct yaml_node *n)
{
    struct manifest_arg *arg = a->arg;
    ts_err e;

    if (arg->type == 0)
        return manifest_fail(r, n->line, "argument needs a type");
    if ((e = finish_bounds(r, a, n)) != TS_OK ||
        (e = finish_match(r, arg, n)) != TS_OK)
        return e;
    if (arg->max_items != 0 && arg->type != ARG_STRINGS)
        return manifest_fail(r, n->line, "max_items belongs to type strings");
    if (arg->type == ARG_STRINGS && arg->max_items == 0)
        arg->max_items = ARG_ITEMS_MAX;
    if (arg->one_of != NULL && arg->type != ARG_STRING &&
        arg->type != ARG_STRINGS)
        return manifest_fail(r, n->line,
                             "one_of belongs to types string and strings");
    if (arg->one_of != NULL && arg->one_of_count == 0)
        return manifest_fail(r, n->line, "one_of lists no value");
    return TS_OK;
}

static ts_err read_arg(struct manifest_reader *r, struct arg_reader *a,
                       const struct yaml_node *n)
{
    char name[64];
    ts_err e;

    (void)ts_str_escape(name, sizeof(name), n->key.ptr, n->key.len);
    if (!name_is_valid(n->key))
        return manifest_fail(r, n->line,
                             "argument name \"%s\" must be letters, digits and "
                             "_, at most %d",
                             name, ARG_NAME_MAX);
    if (n->kind != YAML_KIND_MAP)
        return manifest_fail(r, n->line,
                             "argument \"%s\": expected {type: ...}", name);
    a->arg->name = n->key;
    r->at = a;
    e = manifest_read_map(r, n, &manifest_arg_map);
    return e == TS_OK ? finish_arg(r, a, n) : e;
}

ts_err manifest_read_args(struct manifest_reader *r, const struct yaml_node *n)
{
    uint32_t i = 0;
    void *p;
    ts_err e;

    if (n->kind != YAML_KIND_MAP)
        return manifest_fail(r, n->line,
                             "args: expected \"NAME: {type: ...}\"");
    if (n->count > TS_TOOL_ARGS_MAX)
        return manifest_fail(r, n->line, "more than %d arguments",
                             TS_TOOL_ARGS_MAX);
    e = ts_arena_array(r->arena, (size_t)n->count + 1, sizeof(*r->m->args), &p);
    if (e != TS_OK)
        return e;
    r->m->args = p;
    for (const struct yaml_node *v = n->first; v != NULL; v = v->next) {
        struct arg_reader a = {.arg = &r->m->args[i++]};

        if ((e = read_arg(r, &a, v)) != TS_OK)
            return e;
    }
    r->m->arg_count = n->count;
    return TS_OK;
}
