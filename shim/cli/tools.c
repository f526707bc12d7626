/* tools: what this delegation could ever use, for people or as JSON lines. */
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "proto/base/ts_str.h"
#include "shim/cli/commands.h"
#include "shim/cli/job.h"

static json_t *text(struct tipstaff_str s)
{
    return json_stringn(s.ptr, s.len);
}

static void tool_json(void *ctx, const struct tipstaff_tool *tool)
{
    json_t *args = json_array();

    for (size_t i = 0; i < tool->args_count; i++)
        (void)json_array_append_new(
            args,
            json_pack("{s:o, s:o, s:b, s:o}", "name", text(tool->args[i].name),
                      "type", text(tool->args[i].type), "required",
                      tool->args[i].required ? 1 : 0, "description",
                      text(tool->args[i].description)));
    job_print(ctx,
              json_pack("{s:o, s:o, s:o, s:o}", "name", text(tool->name),
                        "description", text(tool->description), "action",
                        text(tool->action), "args", args),
              NULL);
}

static void put(struct term *term, const char *before, struct tipstaff_str s)
{
    char safe[1100];
    size_t n = ts_str_show(safe, sizeof(safe), s.ptr, s.len);

    term_write(term, STDOUT_FILENO, before, ts_str_of(before).len);
    term_write(term, STDOUT_FILENO, safe, n);
}

static void tool_text(void *ctx, const struct tipstaff_tool *tool)
{
    put(ctx, "", tool->name);
    for (size_t i = 0; i < tool->args_count; i++) {
        put(ctx, tool->args[i].required ? " " : " [", tool->args[i].name);
        put(ctx, ":", tool->args[i].type);
        if (!tool->args[i].required)
            term_write(ctx, STDOUT_FILENO, "]", 1);
    }
    put(ctx, "\n    ", tool->description);
    term_write(ctx, STDOUT_FILENO, "\n", 1);
}

int command_tools(struct tipstaff *t, struct term *term,
                  const struct options *o)
{
    enum tipstaff_status s = tipstaff_tools(
        t, o->timeout_ms, o->as_json ? tool_json : tool_text, term);

    return s == TIPSTAFF_OK ? 0 : term_failed(s, tipstaff_message(t));
}
