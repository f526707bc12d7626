#include "cli/replay/shape.h"

#include <string.h>

#include "cli/cmd.h"
#include "cli/replay/learn.h"
#include "proto/base/ts_str.h"
#include "proto/wire/limits.h"

static const char *text_of(json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

/* Beneath "anyOf" with null, and behind "$ref": "#/$defs/NAME". */
static json_t *plain(json_t *tool, json_t *schema)
{
    static const char defs[] = "#/$defs/";
    json_t *any = json_object_get(schema, "anyOf");
    const char *ref;
    size_t i;
    json_t *v;

    json_array_foreach(any, i, v)
    {
        const char *type = text_of(v, "type");

        if (type == NULL || strcmp(type, "null") != 0) {
            schema = v;
            break;
        }
    }
    ref = text_of(schema, "$ref");
    if (ref != NULL && strncmp(ref, defs, sizeof(defs) - 1) == 0)
        schema = json_object_get(json_object_get(tool, "$defs"),
                                 ref + sizeof(defs) - 1);
    return schema;
}

static bool in_list(json_t *list, const char *name)
{
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v)
    {
        const char *s = json_string_value(v);

        if (s != NULL && strcmp(s, name) == 0)
            return true;
    }
    return false;
}

static enum capability_kind kind_of(json_t *schema, const char **ret_type)
{
    const char *type = text_of(schema, "type"), *of;

    *ret_type = "json";
    if (type == NULL)
        return CAPABILITY_OTHER;
    if (strcmp(type, "string") == 0) {
        *ret_type = "string";
        return CAPABILITY_STRING;
    }
    if (strcmp(type, "integer") == 0) {
        *ret_type = "int";
        return CAPABILITY_INT;
    }
    if (strcmp(type, "boolean") == 0) {
        *ret_type = "bool";
        return CAPABILITY_BOOL;
    }
    if (strcmp(type, "number") == 0)
        *ret_type = "decimal";
    of = text_of(json_object_get(schema, "items"), "type");
    if (strcmp(type, "array") == 0 && of != NULL && strcmp(of, "string") == 0) {
        *ret_type = "strings";
        return CAPABILITY_STRINGS;
    }
    return CAPABILITY_OTHER;
}

static bool is_id(const char *name)
{
    size_t n = strlen(name);

    return strcmp(name, "id") == 0 || strcmp(name, "id_") == 0 ||
           (n > 3 && strcmp(name + n - 3, "_id") == 0);
}

static void argument(json_t *tool, const char *name, json_t *schema,
                     struct shape_arg *a, struct capability_arg *p)
{
    json_t *s = plain(tool, schema);
    bool authority = in_list(json_object_get(tool, "authority_args"), name);
    bool content = in_list(json_object_get(tool, "content_args"), name);
    json_t *words = json_object_get(s, "enum");

    *a = (struct shape_arg){
        .name = name,
        .is_required = in_list(json_object_get(tool, "required"), name)};
    *p = (struct capability_arg){.name = name,
                                 .kind = kind_of(s, &a->type),
                                 .is_required = a->is_required};
    if (p->kind == CAPABILITY_STRING && json_is_array(words))
        a->one_of = words;
    /* A quantity is limited, not pinned. */
    p->is_authority = !content && authority && strcmp(a->type, "decimal") != 0;
    a->is_content = content || a->one_of != NULL ||
                    p->kind == CAPABILITY_BOOL ||
                    strcmp(a->type, "decimal") == 0;
    a->is_id = !a->is_content && is_id(name) &&
               (p->kind == CAPABILITY_STRING || p->kind == CAPABILITY_INT ||
                p->kind == CAPABILITY_STRINGS);
}

static const char *group_of(const char *effect)
{
    static const struct {
        const char *effect, *group;
    } all[] = {{"R", "read"},
               {"W", "write"},
               {"X", "external"},
               {"X?", "external"},
               {"I", "irreversible"}};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (strcmp(all[i].effect, effect) == 0)
            return all[i].group;
    return NULL;
}

static bool names_are_good(json_t *tool, const char *name)
{
    json_t *parameters = json_object_get(tool, "parameters");
    const char *arg;
    json_t *v;

    if (name[0] == '\0' ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") !=
            strlen(name) ||
        strlen(name) > TS_TOOL_NAME_MAX)
        return false;
    json_object_foreach(parameters, arg, v)
    {
        if (arg[0] == '\0' || !json_is_object(v) ||
            strspn(arg, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789_") != strlen(arg))
            return false;
    }
    return true;
}

static bool tool(json_t *o, struct ts_arena *arena, struct shape_tool *t,
                 struct capability_tool *v)
{
    json_t *parameters = json_object_get(o, "parameters");
    size_t n = json_object_size(parameters), i = 0;
    const char *name, *level = text_of(o, "confidentiality");
    void *args, *pins;
    json_t *schema;

    *t = (struct shape_tool){.name = text_of(o, "tool"),
                             .group = group_of(text_of(o, "effect")),
                             .description = text_of(o, "description"),
                             .confidentiality = level,
                             .selectors = json_object_get(o, "selectors"),
                             .arg_count = n};
    if (t->group == NULL || !names_are_good(o, t->name)) {
        char shown[128];

        (void)ts_str_show(shown, sizeof(shown), t->name, strlen(t->name));
        cli_error("tool %s: its name, an argument's name or its effect is not "
                  "one that a manifest can have",
                  shown);
        return false;
    }
    if (ts_arena_array(arena, n + 1, sizeof(*t->args), &args) != TS_OK ||
        ts_arena_array(arena, n + 1, sizeof(*t->pins), &pins) != TS_OK) {
        cli_error("out of memory");
        return false;
    }
    t->args = args;
    t->pins = pins;
    json_object_foreach(parameters, name, schema)
    {
        argument(o, name, schema, &t->args[i], &t->pins[i]);
        i++;
    }
    *v = (struct capability_tool){
        .name = t->name, .action = t->name, .args = t->pins, .arg_count = n};
    return true;
}

static bool tools(const struct traces *t, struct ts_arena *arena,
                  struct shape *s)
{
    size_t n = json_array_size(t->tools), i;
    void *list, *verbs;
    json_t *o;

    if (ts_arena_array(arena, n, sizeof(*s->tools), &list) != TS_OK ||
        ts_arena_array(arena, n, sizeof(*s->verbs), &verbs) != TS_OK) {
        cli_error("out of memory");
        return false;
    }
    s->tools = list;
    s->verbs = verbs;
    json_array_foreach(t->tools, i, o)
    {
        if (strcmp(text_of(o, "suite"), s->suite) != 0)
            continue;
        if (!tool(o, arena, &s->tools[s->count], &s->verbs[s->count]))
            return false;
        s->count++;
    }
    return true;
}

const struct shape_tool *shape_tool_of(const struct shape *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->tools[i].name, name) == 0)
            return &s->tools[i];
    return NULL;
}

/* What the tools file says of outputs, if it can say it for these labels. */
static json_t *declared(const struct traces *t, const char *suite,
                        const char *name, enum traces_label l)
{
    size_t i;
    json_t *o;

    if (l == TRACES_C)
        return NULL;
    json_array_foreach(t->tools, i, o)
    {
        if (strcmp(text_of(o, "suite"), suite) == 0 &&
            strcmp(text_of(o, "tool"), name) == 0)
            return json_object_get(o, "untrusted_F_patterns");
    }
    return NULL;
}

bool shape_of(const struct traces *t, const char *suite, enum traces_label l,
              struct ts_arena *arena, struct shape *ret)
{
    struct shape s = {.suite = suite};

    if (!tools(t, arena, &s) || !learn(t, l, arena, &s)) {
        shape_done(&s);
        return false;
    }
    for (size_t i = 0; i < s.count; i++) {
        struct shape_tool *tool = &s.tools[i];

        tool->outputs = json_object_get(t->outputs, tool->name);
        tool->rules.untrusted = json_object_get(tool->outputs, "untrusted");
        tool->rules.trusted = json_object_get(tool->outputs, "trusted");
        if (json_object_get(tool->outputs, "confidentiality") != NULL)
            tool->confidentiality = text_of(tool->outputs, "confidentiality");
        tool->rules.patterns = declared(t, suite, tool->name, l);
        if (tool->rules.patterns == NULL)
            tool->rules.patterns = json_object_get(s.learned, tool->name);
        tool->is_secret = tool->confidentiality != NULL &&
                          strcmp(tool->confidentiality, "secret") == 0;
    }
    *ret = s;
    return true;
}

void shape_done(struct shape *s)
{
    json_decref(s->learned);
    s->learned = NULL;
}
