/* `selectors` of a tools line, as the manifest of what a replay prints. */
#include <stdio.h>

#include "cli/replay/config.h"

static void list(json_t *patterns, struct text *out)
{
    char pointer[600];
    size_t i;
    json_t *v;

    text_add(out, "[");
    json_array_foreach(patterns, i, v)
    {
        (void)snprintf(pointer, sizeof(pointer), OUTPUT_UNTRUSTED_AT "%s",
                       json_is_string(v) ? json_string_value(v) : "");
        text_add(out, i == 0 ? "" : ", ");
        text_yaml(out, pointer);
    }
    text_add(out, "]\n");
}

static void form_of(const char *form, json_t *patterns, struct text *out)
{
    text_add(out, "    ");
    text_yaml(out, form);
    text_add(out, ": ");
    list(patterns, out);
}

/* What is no form, no list or no pointer the manifest's reader refuses. A form
 * that is said beside the records goes before theirs. */
void replay_selectors(const struct shape_tool *t, struct text *out)
{
    json_t *beside = json_object_get(t->outputs, "selectors"), *patterns;
    const char *form;

    if (json_object_size(t->selectors) + json_object_size(beside) == 0)
        return;
    text_add(out, "  selectors:\n");
    json_object_foreach(beside, form, patterns) form_of(form, patterns, out);
    json_object_foreach(t->selectors, form, patterns)
    {
        if (json_object_get(beside, form) == NULL)
            form_of(form, patterns, out);
    }
}
