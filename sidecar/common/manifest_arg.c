/* The args: map of a manifest: the declarations, not the values of a call. */
#include "sidecar/common/manifest_priv.h"

struct arg_reader {
    struct manifest_reader *r;
    struct manifest_arg *arg;
    bool has_min, has_max;
};

typedef ts_err arg_fn(struct arg_reader *a, const struct yaml_node *n);

static ts_err arg_type(struct arg_reader *a, const struct yaml_node *n)
{
    static const struct {
        const char *name;
        enum arg_type type;
    } types[] = {{"string", ARG_STRING}, {"int", ARG_INT},
                 {"bool", ARG_BOOL},     {"path", ARG_PATH},
                 {"url", ARG_URL},       {"strings", ARG_STRINGS}};
    struct ts_str s;
    ts_err e = manifest_read_str(a->r, n, 32, &s);

    if (e != TS_OK)
        return e;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (ts_str_eq_c(s, types[i].name)) {
            a->arg->type = types[i].type;
            return TS_OK;
        }
    }
    return manifest_fail(
        a->r, n->line, "type must be string, int, bool, path, url or strings");
}

static ts_err arg_required(struct arg_reader *a, const struct yaml_node *n)
{
    if (!yaml_node_bool(n, &a->arg->required))
        return manifest_fail(a->r, n->line, "required must be true or false");
    return TS_OK;
}

static ts_err arg_allow_dash(struct arg_reader *a, const struct yaml_node *n)
{
    if (!yaml_node_bool(n, &a->arg->allow_dash))
        return manifest_fail(a->r, n->line, "allow_dash must be true or false");
    return TS_OK;
}

static ts_err arg_description(struct arg_reader *a, const struct yaml_node *n)
{
    return manifest_read_str(a->r, n, MANIFEST_TEXT_MAX, &a->arg->description);
}

static ts_err arg_min(struct arg_reader *a, const struct yaml_node *n)
{
    a->has_min = true;
    if (!yaml_node_int(n, &a->arg->min))
        return manifest_fail(a->r, n->line, "min must be a whole number");
    return TS_OK;
}

static ts_err arg_max(struct arg_reader *a, const struct yaml_node *n)
{
    a->has_max = true;
    if (!yaml_node_int(n, &a->arg->max))
        return manifest_fail(a->r, n->line, "max must be a whole number");
    return TS_OK;
}

static ts_err arg_max_items(struct arg_reader *a, const struct yaml_node *n)
{
    int64_t v;

    if (!yaml_node_int(n, &v) || v < 1 || v > ARG_ITEMS_MAX)
        return manifest_fail(a->r, n->line, "max_items must be from 1 to %d",
                             ARG_ITEMS_MAX);
    a->arg->max_items = (uint32_t)v;
    return TS_OK;
}

static ts_err arg_one_of(struct arg_reader *a, const struct yaml_node *n)
{
    return manifest_read_strings(a->r, n, MANIFEST_ONE_OF_MAX,
                                 MANIFEST_TEXT_MAX, &a->arg->one_of,
                                 &a->arg->one_of_count);
}

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

/* Fills in what was left out and refuses what does not belong to the type. */
static ts_err finish_arg(struct arg_reader *a, const struct yaml_node *n)
{
    struct manifest_arg *arg = a->arg;
    bool is_int = arg->type == ARG_INT;
    int64_t least = is_int ? INT64_MIN : 0;
    int64_t most = is_int ? INT64_MAX : ARG_STRING_MAX;

    if (arg->type == 0)
        return manifest_fail(a->r, n->line, "argument needs a type");
    if (arg->type == ARG_BOOL && (a->has_min || a->has_max))
        return manifest_fail(a->r, n->line, "a bool has no min or max");
    if (!a->has_min)
        arg->min = least;
    if (!a->has_max)
        arg->max = most;
    if (arg->min < least || arg->max > most || arg->min > arg->max)
        return manifest_fail(a->r, n->line, "min and max must be in order%s",
                             is_int ? "" : " and from 0 to 65536 bytes");
    if (arg->max_items != 0 && arg->type != ARG_STRINGS)
        return manifest_fail(a->r, n->line,
                             "max_items belongs to type strings");
    if (arg->type == ARG_STRINGS && arg->max_items == 0)
        arg->max_items = ARG_ITEMS_MAX;
    if (arg->one_of != NULL && arg->type != ARG_STRING &&
        arg->type != ARG_STRINGS)
        return manifest_fail(a->r, n->line,
                             "one_of belongs to types string and strings");
    if (arg->one_of != NULL && arg->one_of_count == 0)
        return manifest_fail(a->r, n->line, "one_of lists no value");
    return TS_OK;
}

static ts_err read_arg(struct arg_reader *a, const struct yaml_node *n)
{
    static const struct {
        const char *key;
        arg_fn *read;
    } fields[] = {
        {"type", arg_type},
        {"required", arg_required},
        {"description", arg_description},
        {"min", arg_min},
        {"max", arg_max},
        {"max_items", arg_max_items},
        {"one_of", arg_one_of},
        {"allow_dash", arg_allow_dash},
    };
    const size_t count = sizeof(fields) / sizeof(fields[0]);
    char name[64];
    ts_err e;

    (void)ts_str_escape(name, sizeof(name), n->key.ptr, n->key.len);
    if (!name_is_valid(n->key))
        return manifest_fail(a->r, n->line,
                             "argument name \"%s\" must be letters, digits and "
                             "_, at most %d",
                             name, ARG_NAME_MAX);
    if (n->kind != YAML_KIND_MAP)
        return manifest_fail(a->r, n->line,
                             "argument \"%s\": expected {type: ...}", name);
    a->arg->name = n->key;
    for (const struct yaml_node *v = n->first; v != NULL; v = v->next) {
        size_t i = 0;

        while (i < count && !ts_str_eq_c(v->key, fields[i].key))
            i++;
        if (i == count) {
            (void)ts_str_escape(name, sizeof(name), v->key.ptr, v->key.len);
            return manifest_fail(a->r, v->line,
                                 "unknown key \"%s\" of an argument", name);
        }
        if ((e = fields[i].read(a, v)) != TS_OK)
            return e;
    }
    return finish_arg(a, n);
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
        struct arg_reader a = {.r = r, .arg = &r->m->args[i++]};

        if ((e = read_arg(&a, v)) != TS_OK)
            return e;
    }
    r->m->arg_count = n->count;
    return TS_OK;
}
