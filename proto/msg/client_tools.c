/* TOOLS, the answer: what the session's delegation could ever use. */
#include "proto/msg/body.h"
#include "proto/msg/client.h"

static void arg_read(struct body_in *in, struct msg_tool_arg *ret)
{
    body_in_tuple(in, "args", 4);
    ret->name = body_in_str(in, "arg", TS_TOOL_NAME_MAX);
    ret->type = body_in_str(in, "type", TS_TOOL_NAME_MAX);
    ret->required = body_in_bool(in, "required");
    ret->description = body_in_str(in, "description", TS_MESSAGE_TEXT_MAX);
}

static void tool_read(struct body_in *in, struct msg_tool *ret)
{
    const uint8_t *start;

    body_in_tuple(in, "items", 4);
    ret->name = body_in_str(in, "name", TS_TOOL_NAME_MAX);
    if (in->r.error == TS_OK && !tool_name_is_valid(ret->name))
        body_in_fail(in, "name", TS_E_INVALID);
    ret->description = body_in_str(in, "description", TS_MESSAGE_TEXT_MAX);
    ret->action = body_in_str(in, "action", TS_TOOL_NAME_MAX);
    start = in->r.at;
    ret->args_count = body_in_array(in, "args", TS_TOOL_ARGS_MAX);
    for (uint32_t i = 0; i < ret->args_count && in->r.error == TS_OK; i++) {
        struct msg_tool_arg arg;

        arg_read(in, &arg);
    }
    ret->args =
        (struct ts_bytes){.ptr = start, .len = (size_t)(in->r.at - start)};
}

/* No tool at all is a possible answer. */
static struct ts_bytes tools_read(struct body_in *in, uint32_t *ret_count)
{
    const uint8_t *start = in->r.at;
    uint32_t n = body_in_array(in, "items", TS_TOOLS_MAX);

    for (uint32_t i = 0; i < n && in->r.error == TS_OK; i++) {
        struct msg_tool tool;

        tool_read(in, &tool);
    }
    *ret_count = n;
    return (struct ts_bytes){.ptr = start, .len = (size_t)(in->r.at - start)};
}

ts_err msg_tools_decode(const void *b, size_t n, struct msg_tools *ret,
                        const char **reterr_what)
{
    struct msg_tools m;
    struct body_in in;
    ts_err e;

    body_in_init(&in, b, n, 3, 1);
    m.seq = body_in_uint(&in, "seq", UINT64_MAX);
    m.items = tools_read(&in, &m.count);
    e = body_in_done(&in, reterr_what);
    if (e == TS_OK)
        *ret = m;
    return e;
}

ts_err msg_tools_next(struct mp_reader *r, struct msg_tool *ret)
{
    struct body_in in = {.r = *r};
    struct msg_tool tool;

    tool_read(&in, &tool);
    *r = in.r;
    if (in.r.error == TS_OK)
        *ret = tool;
    return in.r.error;
}

ts_err msg_tool_arg_next(struct mp_reader *r, struct msg_tool_arg *ret)
{
    struct body_in in = {.r = *r};
    struct msg_tool_arg arg;

    arg_read(&in, &arg);
    *r = in.r;
    if (in.r.error == TS_OK)
        *ret = arg;
    return in.r.error;
}

ts_err msg_tools_send(struct ts_buf *out, const struct msg_tools *m)
{
    struct body_in in;
    struct body_out o;
    uint32_t count;
    ts_err e;

    body_in_part(&in, m->items);
    (void)tools_read(&in, &count);
    e = mp_done(&in.r);
    if (e != TS_OK)
        return e;
    if (count != m->count)
        return TS_E_INVALID;
    e = body_out_init(&o, out, MSG_TOOLS, 3, 1, m->items.len);
    if (e != TS_OK)
        return e;
    mp_write_uint(&o.w, m->seq);
    mp_write_raw(&o.w, m->items.ptr, m->items.len);
    return body_out_done(&o);
}
