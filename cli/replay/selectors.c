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

/* What is no form, no list or no pointer the manifest's reader refuses. */
void replay_selectors(const struct shape_tool *t, struct text *out)
{
    const char *form;
    json_t *patterns;

    if (json_object_size(t->selectors) == 0)
        return;
    text_add(out, "  selectors:\n");
    json_object_foreach(t->selectors, form, patterns)
    {
        text_add(out, "    ");
        text_yaml(out, form);
        text_add(out, ": ");
        list(patterns, out);
    }
}
