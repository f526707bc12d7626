#include "sidecar/gate/steps/records.h"

#include "proto/wire/mp_write.h"

static void put_uint(struct mp_writer *w, const char *key, uint64_t v)
{
    mp_write_cstr(w, key);
    mp_write_uint(w, v);
}

static void put_str(struct mp_writer *w, const char *key, struct ts_str v)
{
    mp_write_cstr(w, key);
    mp_write_str(w, v.ptr, v.len);
}

ts_err record_life(const char *kind, uint64_t generation, uint64_t boot_id,
                   uint64_t rev_seq, uint8_t *buf, size_t cap, size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, buf, cap);
    mp_write_map(&w, 5);
    put_str(&w, "kind", ts_str_of(kind));
    put_str(&w, "process", TS_STR_LIT("gate"));
    put_uint(&w, "generation", generation);
    put_uint(&w, "boot_id", boot_id);
    put_uint(&w, "rev_seq", rev_seq);
    return mp_written(&w, ret_len);
}

ts_err record_policy(const char *kind, uint64_t generation, struct ts_str text,
                     uint8_t *buf, size_t cap, size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, buf, cap);
    mp_write_map(&w, 3);
    put_str(&w, "kind", ts_str_of(kind));
    put_uint(&w, "generation", generation);
    put_str(&w, "text", text);
    return mp_written(&w, ret_len);
}

ts_err record_tool_refused(uint64_t generation,
                           const struct manifest_refused *r, uint8_t *buf,
                           size_t cap, size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, buf, cap);
    mp_write_map(&w, 6);
    put_str(&w, "kind", TS_STR_LIT("tool_refused"));
    put_uint(&w, "generation", generation);
    put_str(&w, "tool", r->tool);
    put_str(&w, "file", r->file);
    put_uint(&w, "line", r->line);
    put_str(&w, "text", r->text);
    return mp_written(&w, ret_len);
}

ts_err record_hook_failed(const struct hook_record *r, uint8_t *buf, size_t cap,
                          size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, buf, cap);
    mp_write_map(&w, 6);
    put_str(&w, "kind", TS_STR_LIT("hook_failed"));
    put_str(&w, "code", r->code);
    put_str(&w, "text", r->text);
    put_uint(&w, "ran", r->ran);
    put_uint(&w, "failed", r->failed);
    put_uint(&w, "left_out", r->left_out);
    return mp_written(&w, ret_len);
}

ts_err record_revocation(const struct revocation_entry *r, const char *by,
                         uint32_t by_uid, const uint8_t *signer, uint8_t *buf,
                         size_t cap, size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, buf, cap);
    mp_write_map(&w, signer != NULL ? 10 : 9);
    put_str(&w, "kind", TS_STR_LIT("revocation"));
    put_str(&w, "tenant", r->tenant);
    put_uint(&w, "rev_seq", r->rev_seq);
    put_str(&w, "target_kind", ts_str_of(revocation_kind_name(r->kind)));
    mp_write_cstr(&w, "target");
    if (revocation_target_is_text(r->kind))
        mp_write_str(&w, (const char *)r->target.ptr, r->target.len);
    else
        mp_write_bin(&w, r->target.ptr, r->target.len);
    put_uint(&w, "cutoff", r->cutoff);
    put_str(&w, "reason", r->reason);
    put_str(&w, "by", ts_str_of(by));
    put_uint(&w, "by_uid", by_uid);
    if (signer != NULL) {
        mp_write_cstr(&w, "signer");
        mp_write_bin(&w, signer, TRUST_KID_LEN);
    }
    return mp_written(&w, ret_len);
}

ts_err record_directory_loaded(const struct directory_snapshot *d,
                               uint32_t revoked, const char *by,
                               uint32_t by_uid, uint8_t *buf, size_t cap,
                               size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, buf, cap);
    mp_write_map(&w, 11);
    put_str(&w, "kind", TS_STR_LIT("directory_loaded"));
    put_str(&w, "tenant", d->tenant);
    put_uint(&w, "dir_seq", d->seq);
    mp_write_cstr(&w, "hash");
    mp_write_bin(&w, d->hash, sizeof(d->hash));
    put_uint(&w, "issued", d->issued);
    put_uint(&w, "not_after", d->not_after);
    put_uint(&w, "users", d->user_count);
    put_uint(&w, "agents", d->agent_count);
    put_uint(&w, "revoked", revoked);
    put_str(&w, "by", ts_str_of(by));
    put_uint(&w, "by_uid", by_uid);
    return mp_written(&w, ret_len);
}

ts_err record_directory_rejected(struct ts_str tenant, struct ts_str text,
                                 const char *by, uint32_t by_uid, uint8_t *buf,
                                 size_t cap, size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, buf, cap);
    mp_write_map(&w, 5);
    put_str(&w, "kind", TS_STR_LIT("directory_rejected"));
    put_str(&w, "tenant", tenant);
    put_str(&w, "text", text);
    put_str(&w, "by", ts_str_of(by));
    put_uint(&w, "by_uid", by_uid);
    return mp_written(&w, ret_len);
}

static void put_bin(struct mp_writer *w, const char *key, const uint8_t *v,
                    size_t len)
{
    mp_write_cstr(w, key);
    mp_write_bin(w, v, len);
}

ts_err record_approval(const struct approval_record *r, uint8_t *buf,
                       size_t cap, size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, buf, cap);
    mp_write_map(&w, 10);
    put_str(&w, "kind", TS_STR_LIT("approval"));
    put_bin(&w, "id", r->decision_id, 16);
    put_str(&w, "tenant", r->tenant);
    put_bin(&w, "ticket", r->ticket_id, TRUST_HASH_LEN);
    put_str(&w, "person", r->person);
    put_str(&w, "verdict", r->verdict);
    put_str(&w, "code", r->code);
    put_str(&w, "state", r->state);
    put_uint(&w, "people", r->people);
    put_uint(&w, "by_uid", r->by_uid);
    return mp_written(&w, ret_len);
}

ts_err record_approval_end(const struct approval_end_record *r, uint8_t *buf,
                           size_t cap, size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, buf, cap);
    mp_write_map(&w, 6);
    put_str(&w, "kind", TS_STR_LIT("approval_ended"));
    put_bin(&w, "id", r->decision_id, 16);
    put_str(&w, "tenant", r->tenant);
    put_bin(&w, "ticket", r->ticket_id, TRUST_HASH_LEN);
    put_str(&w, "reason", r->reason);
    mp_write_cstr(&w, "people");
    mp_write_array(&w, r->people_count);
    for (uint32_t i = 0; i < r->people_count; i++)
        mp_write_str(&w, r->people[i].ptr, r->people[i].len);
    return mp_written(&w, ret_len);
}

static void put_list(struct mp_writer *w, const char *key,
                     const struct ts_str *list, uint32_t count)
{
    mp_write_cstr(w, key);
    mp_write_array(w, count);
    for (uint32_t i = 0; i < count; i++)
        mp_write_str(w, list[i].ptr, list[i].len);
}

ts_err record_escalation(const struct escalation_record *r, uint8_t *buf,
                         size_t cap, size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, buf, cap);
    mp_write_map(&w, r->end != NULL ? 13 : 15);
    put_str(&w, "kind", ts_str_of(r->kind));
    put_bin(&w, "id", r->id, 16);
    put_str(&w, "tenant", r->tenant);
    put_str(&w, "user", r->user);
    put_str(&w, "agent", r->agent);
    put_str(&w, "task", r->task);
    put_list(&w, "people", r->people, r->people_count);
    put_uint(&w, "expires", r->expires);
    put_uint(&w, "used", r->used);
    put_uint(&w, "max_uses", r->max_uses);
    put_str(&w, "reason", r->reason);
    put_str(&w, "incident", r->incident);
    if (r->end != NULL) {
        put_str(&w, "end", ts_str_of(r->end));
        return mp_written(&w, ret_len);
    }
    put_str(&w, "policies", r->policies);
    put_list(&w, "lifts", r->lifts, r->lift_count);
    put_uint(&w, "by_uid", r->by_uid);
    return mp_written(&w, ret_len);
}

ts_err record_escalation_refused(const struct escalation_refused_record *r,
                                 uint8_t *buf, size_t cap, size_t *ret_len)
{
    struct mp_writer w;

    mp_writer_init(&w, buf, cap);
    mp_write_map(&w, 10);
    put_str(&w, "kind", TS_STR_LIT("escalation_refused"));
    put_bin(&w, "id", r->id, 16);
    put_str(&w, "tenant", r->tenant);
    put_str(&w, "user", r->user);
    put_str(&w, "agent", r->agent);
    put_str(&w, "task", r->task);
    put_str(&w, "code", r->code);
    mp_write_cstr(&w, "keys");
    mp_write_array(&w, r->kid_count);
    for (uint32_t i = 0; i < r->kid_count; i++)
        mp_write_bin(&w, r->kids + (size_t)i * TRUST_KID_LEN, TRUST_KID_LEN);
    put_uint(&w, "left_out", r->left_out);
    put_uint(&w, "by_uid", r->by_uid);
    return mp_written(&w, ret_len);
}
