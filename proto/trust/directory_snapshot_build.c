/* Writes a snapshot's body. The decoder then judges what was written: there is
 * one set of rules. */
#include "proto/trust/directory_snapshot.h"
#include "proto/trust/snapshot_priv.h"
#include "proto/wire/mp_write.h"

/* What the decoder may need: ids are two bytes on the wire and a ts_str in
 * memory. */
#define SCRATCH_MAX (96u << 20)

static void write_str(struct mp_writer *w, struct ts_str s)
{
    mp_write_str(w, s.ptr, s.len);
}

static void write_ids(struct mp_writer *w, const struct ts_str *ids, uint32_t n)
{
    mp_write_array(w, n);
    for (uint32_t i = 0; i < n; i++)
        write_str(w, ids[i]);
}

static void write_attrs(struct mp_writer *w, const struct directory_attr *a,
                        uint32_t n)
{
    mp_write_array(w, n);
    for (uint32_t i = 0; i < n; i++) {
        mp_write_array(w, 2);
        write_str(w, a[i].key);
        write_str(w, a[i].value);
    }
}

static void write_user(struct mp_writer *w, const struct directory_user *u)
{
    mp_write_array(w, 4);
    write_str(w, u->id);
    mp_write_uint(w, u->active);
    write_ids(w, u->groups, u->group_count);
    write_attrs(w, u->attrs, u->attr_count);
}

static void write_agent(struct mp_writer *w, const struct directory_agent *a)
{
    mp_write_array(w, 7);
    write_str(w, a->id);
    mp_write_uint(w, a->active);
    write_str(w, a->owner);
    mp_write_array(w, a->key_count);
    for (uint32_t i = 0; i < a->key_count && i < TRUST_AGENT_KEYS_MAX; i++)
        mp_write_bin(w, a->keys[i], TRUST_PK_LEN);
    mp_write_array(w, a->uid_count);
    for (uint32_t i = 0; i < a->uid_count && i < TRUST_AGENT_UIDS_MAX; i++)
        mp_write_uint(w, a->uids[i]);
    mp_write_uint(w, a->max_depth);
    write_attrs(w, a->attrs, a->attr_count);
}

static void write_approver(struct mp_writer *w,
                           const struct directory_approver *a)
{
    mp_write_array(w, 6);
    write_str(w, a->person);
    mp_write_uint(w, a->active);
    mp_write_bin(w, a->kid, sizeof(a->kid));
    mp_write_bin(w, a->pk, sizeof(a->pk));
    write_ids(w, a->classes, a->class_count);
    write_ids(w, a->roles, a->role_count);
}

static void write_body(struct mp_writer *w, const struct directory_snapshot *s)
{
    mp_write_array(w, SNAPSHOT_FIELDS);
    mp_write_uint(w, SNAPSHOT_VERSION);
    write_str(w, s->tenant);
    mp_write_uint(w, s->seq);
    mp_write_uint(w, s->issued);
    mp_write_uint(w, s->not_after);
    mp_write_array(w, s->user_count);
    for (uint32_t i = 0; i < s->user_count; i++)
        write_user(w, &s->users[i]);
    mp_write_array(w, s->agent_count);
    for (uint32_t i = 0; i < s->agent_count; i++)
        write_agent(w, &s->agents[i]);
    mp_write_array(w, s->approver_count);
    for (uint32_t i = 0; i < s->approver_count; i++)
        write_approver(w, &s->approvers[i]);
    mp_write_array(w, s->revocation_count);
    for (uint32_t i = 0; i < s->revocation_count; i++)
        mp_write_bin(w, s->revocations[i].ptr, s->revocations[i].len);
}

static ts_err judge(struct ts_bytes body, const char **reterr_what,
                    uint32_t *reterr_index)
{
    struct directory_snapshot d;
    struct ts_arena scratch;
    enum trust_code c;

    ts_arena_init(&scratch, SCRATCH_MAX);
    c = directory_snapshot_decode(body, &scratch, &d, reterr_what,
                                  reterr_index);
    ts_arena_done(&scratch);
    if (c == TRUST_OK)
        return TS_OK;
    return c == TRUST_E_INTERNAL ? TS_E_NOMEM : TS_E_INVALID;
}

ts_err directory_snapshot_encode(const struct directory_snapshot *s,
                                 struct ts_buf *out, const char **reterr_what,
                                 uint32_t *reterr_index)
{
    size_t cap = out->max - out->len, n;
    struct mp_writer w;
    uint8_t *room;
    ts_err e;

    if (cap > SIGNED_SNAPSHOT_MAX)
        cap = SIGNED_SNAPSHOT_MAX;
    e = ts_buf_reserve(out, cap, &room);
    if (e != TS_OK)
        return e;
    mp_writer_init(&w, room, cap);
    write_body(&w, s);
    e = mp_written(&w, &n);
    if (e != TS_OK)
        return e;
    e = judge((struct ts_bytes){.ptr = room, .len = n}, reterr_what,
              reterr_index);
    if (e == TS_OK)
        ts_buf_grew(out, n);
    return e;
}
