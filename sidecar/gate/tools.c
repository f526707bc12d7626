#include "sidecar/gate/tools.h"

#include "proto/base/ts_mem.h"
#include "proto/msg/client.h"
#include "proto/wire/mp_write.h"
#include "sidecar/common/manifest/manifest.h"

static const char *type_name(enum arg_type t)
{
    switch (t) {
    case ARG_STRING:
        return "string";
    case ARG_INT:
        return "int";
    case ARG_BOOL:
        return "bool";
    case ARG_PATH:
        return "path";
    case ARG_URL:
        return "url";
    case ARG_STRINGS:
        return "strings";
    case ARG_DECIMAL:
        return "decimal";
    case ARG_JSON:
        return "json";
    }
    return "string";
}

static void write_tool(struct mp_writer *w, const struct manifest *m)
{
    mp_write_array(w, 4);
    mp_write_str(w, m->tool.ptr, m->tool.len);
    mp_write_str(w, m->description.ptr, m->description.len);
    mp_write_str(w, m->action.ptr, m->action.len);
    mp_write_array(w, m->arg_count);
    for (uint32_t i = 0; i < m->arg_count; i++) {
        const struct manifest_arg *a = &m->args[i];

        mp_write_array(w, 4);
        mp_write_str(w, a->name.ptr, a->name.len);
        mp_write_cstr(w, type_name(a->type));
        mp_write_bool(w, a->required);
        mp_write_str(w, a->description.ptr, a->description.len);
    }
}

ts_err tools_answer(const struct manifests *m, uint64_t seq, struct ts_buf *out)
{
    struct msg_tools answer = {.seq = seq, .count = m->count};
    uint8_t *items = ts_mem_alloc(TS_FRAME_MAX);
    struct mp_writer w;
    ts_err e;

    if (items == NULL)
        return TS_E_NOMEM;
    mp_writer_init(&w, items, TS_FRAME_MAX);
    mp_write_array(&w, m->count);
    for (uint32_t i = 0; i < m->count; i++)
        write_tool(&w, &m->list[i]);
    e = mp_written(&w, &answer.items.len);
    if (e == TS_OK) {
        answer.items.ptr = items;
        e = msg_tools_send(out, &answer);
    }
    ts_mem_free(items);
    return e;
}
