/*
 * A file of what is said of outputs: what passes is of known keys, and every
 * pattern of it can be written into a manifest and asked of a pointer.
 */
#include <stdio.h>
#include <string.h>

#include "cli/replay/config.h"
#include "cli/replay/output.h"
#include "cli/replay/outputs.h"
#include "proto/base/ts_require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void used(const char *tool, json_t *said)
{
    const struct shape_tool t = {
        .name = tool, .group = "read", .outputs = said};
    struct text out;

    text_init(&out, (size_t)1 << 20);
    replay_manifest(&t, false, &out);
    TS_REQUIRE(!out.failed && out.buf.len > 0);
    text_done(&out);
}

static void is_list(json_t *list)
{
    size_t i;
    json_t *v;

    TS_REQUIRE(json_array_size(list) > 0 &&
               json_array_size(list) <= OUTPUTS_PATTERNS_MAX);
    json_array_foreach(list, i, v)
    {
        const char *s = json_string_value(v);

        TS_REQUIRE(s != NULL && strlen(s) == json_string_length(v) &&
                   strlen(s) <= OUTPUTS_POINTER_MAX);
        TS_REQUIRE(*s == '\0' || *s == '/');
        (void)output_covers(s, "/0/a");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    json_t *tools = json_pack("[{s:s}, {s:s}]", "tool", "a", "tool", "find");
    const struct ts_str text = {.ptr = (const char *)data, .len = len};
    json_t *all = NULL, *said, *v, *list;
    const char *tool, *key, *form;

    TS_REQUIRE(tools != NULL);
    if (outputs_parse("f", text, tools, &all)) {
        json_object_foreach(all, tool, said)
        {
            json_object_foreach(said, key, v)
            {
                if (json_is_object(v))
                    json_object_foreach(v, form, list) is_list(list);
                else if (strcmp(key, "confidentiality") != 0)
                    is_list(v);
            }
            used(tool, said);
        }
        json_decref(all);
    }
    json_decref(tools);
    return 0;
}
