/* A tool of the records as the manifest of one that prints labelled halves. */
#include <stdio.h>

#include "cli/replay/config.h"
#include "proto/base/ts_str.h"

static void one_of(json_t *words, struct text *out)
{
    size_t i;
    json_t *v;

    text_add(out, ", one_of: [");
    json_array_foreach(words, i, v)
    {
        text_add(out, i == 0 ? "" : ", ");
        text_yaml(out, json_is_string(v) ? json_string_value(v) : "");
    }
    text_add(out, "]");
}

static void argument(const struct shape_arg *a, bool is_plain, struct text *out)
{
    text_add(out, "  %s: {type: %s, required: %s", a->name, a->type,
             a->is_required ? "true" : "false");
    if (!is_plain)
        text_add(out, ", role: %s%s", a->is_content ? "content" : "authority",
                 a->is_id ? ", match: id" : "");
    if (a->one_of != NULL)
        one_of(a->one_of, out);
    text_add(out, "}\n");
}

static const char *level(const struct shape_tool *t)
{
    static const char *const known[] = {"public", "internal", "private",
                                        "secret"};

    for (size_t i = 0; t->confidentiality != NULL && i < 4; i++)
        if (ts_str_eq_c(ts_str_of(t->confidentiality), known[i]))
            return known[i];
    return "private";
}

/* What is said beside the records, in one half of an output or the other. */
static void beside(const struct shape_tool *t, const char *key,
                   struct text *out)
{
    static const char *const halves[] = {OUTPUT_TRUSTED_AT,
                                         OUTPUT_UNTRUSTED_AT};
    json_t *list = json_object_get(t->outputs, key), *v;
    bool first = true;
    char pointer[600];
    size_t i;

    if (list == NULL)
        return;
    text_add(out, "  %s: [", key);
    for (size_t half = 0; half < 2; half++) {
        json_array_foreach(list, i, v)
        {
            (void)snprintf(pointer, sizeof(pointer), "%s%s", halves[half],
                           json_string_value(v));
            text_add(out, first ? "" : ", ");
            text_yaml(out, pointer);
            first = false;
        }
    }
    text_add(out, "]\n");
}

/* In one half of an output or the other. */
static void ids(const struct shape_tool *t, struct text *out)
{
    text_add(out, "  ids: [");
    for (size_t i = 0; i < t->id_count; i++) {
        char pointer[600];

        for (int k = 0; k < 2; k++) {
            (void)snprintf(pointer, sizeof(pointer), "%s%s",
                           k == 0 ? OUTPUT_TRUSTED_AT : OUTPUT_UNTRUSTED_AT,
                           t->ids[i]);
            text_add(out, i + (size_t)k == 0 ? "" : ", ");
            text_yaml(out, pointer);
        }
    }
    text_add(out, "]\n");
}

void replay_manifest(const struct shape_tool *t, bool is_plain,
                     struct text *out)
{
    text_add(out, "tool: %s\nexec: /bin/true\nargv: [\"true\"]\n", t->name);
    if (t->arg_count > 0)
        text_add(out, "args:\n");
    for (size_t i = 0; i < t->arg_count; i++)
        argument(&t->args[i], is_plain, out);
    if (!is_plain) {
        text_add(out,
                 "output:\n  format: json\n  integrity: untrusted\n"
                 "  trusted: [\"" OUTPUT_TRUSTED_AT "\"]\n"
                 "  confidentiality: %s\n",
                 level(t));
        if (json_object_get(t->outputs, "ids") != NULL)
            beside(t, "ids", out);
        else if (t->id_count > 0)
            ids(t, out);
        if (level(t)[0] != 's') /* all of it is, then */
            beside(t, "secret", out);
        beside(t, "vouches", out);
        replay_selectors(t, out);
    }
    text_add(out, "limits: {wall_ms: 60000, output_bytes: 16777216}\n");
}
