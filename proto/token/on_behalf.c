#include "proto/token/on_behalf.h"

void on_behalf_write(struct json_writer *w, const struct delegation *d)
{
    const struct delegation_block *leaf = delegation_leaf(d);

    json_member_text(w, "\"sub\":", d->user);
    json_member_text(w, ",\"client_id\":", leaf->agent);
    for (size_t i = d->block_count; i > 0; i--)
        json_member_text(w, ",\"act\":{\"sub\":", d->blocks[i - 1].agent);
    for (size_t i = 0; i < d->block_count; i++)
        json_raw(w, "}");
    if (leaf->depth > 0) {
        json_member_text(w, ",\"may_act\":{\"sub\":", leaf->agent);
        json_member_uint(w, ",\"depth\":", leaf->depth);
        json_raw(w, "}");
    }
    json_member_text(w, ",\"tenant\":", d->tenant);
    json_member_text(w, ",\"task\":", d->task);
}
