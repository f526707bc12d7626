#include "proto/token/on_behalf.h"

void on_behalf_write(struct ts_json *w, const struct delegation *d)
{
    const struct delegation_block *leaf = delegation_leaf(d);

    ts_json_member_text(w, "\"sub\":", d->user);
    ts_json_member_text(w, ",\"client_id\":", leaf->agent);
    for (size_t i = d->block_count; i > 0; i--)
        ts_json_member_text(w, ",\"act\":{\"sub\":", d->blocks[i - 1].agent);
    for (size_t i = 0; i < d->block_count; i++)
        ts_json_cstr(w, "}");
    if (leaf->depth > 0) {
        ts_json_member_text(w, ",\"may_act\":{\"sub\":", leaf->agent);
        ts_json_member_uint(w, ",\"depth\":", leaf->depth);
        ts_json_cstr(w, "}");
    }
    ts_json_member_text(w, ",\"tenant\":", d->tenant);
    ts_json_member_text(w, ",\"task\":", d->task);
}
