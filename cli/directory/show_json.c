#include <stdio.h>

#include "cli/directory/show_priv.h"
#include "cli/policy/json_out.h"

static void number(struct json_out *j, const char *key, uint64_t v)
{
    char text[24];

    if (v <= INT64_MAX) {
        json_out_int(j, key, (int64_t)v);
        return;
    }
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
    json_out_text(j, key, text);
}

static void hex(struct json_out *j, const char *key, const uint8_t *p,
                size_t len)
{
    char text[2 * TRUST_HASH_LEN + 1];

    ts_hex_encode(text, p, len);
    json_out_text(j, key, text);
}

static void key(struct json_out *j, const char *name, const uint8_t *pk)
{
    uint8_t kid[TRUST_KID_LEN];

    trust_kid(pk, kid);
    json_out_object(j, name);
    hex(j, "kid", kid, sizeof(kid));
    hex(j, "key", pk, TRUST_PK_LEN);
    json_out_end(j);
}

static void ids(struct json_out *j, const char *name, const struct ts_str *list,
                uint32_t count)
{
    json_out_array(j, name);
    for (uint32_t i = 0; i < count; i++)
        json_out_str(j, NULL, list[i]);
    json_out_end(j);
}

static void attrs(struct json_out *j, const struct directory_attr *list,
                  uint32_t count)
{
    char name[DIRECTORY_ATTR_KEY_MAX + 1];

    json_out_object(j, "attrs");
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(name, sizeof(name), "%.*s", (int)list[i].key.len,
                       list[i].key.ptr);
        json_out_str(j, name, list[i].value);
    }
    json_out_end(j);
}

static void users(struct json_out *j, const struct directory_snapshot *s)
{
    json_out_array(j, "users");
    for (uint32_t i = 0; i < s->user_count; i++) {
        const struct directory_user *u = &s->users[i];

        json_out_object(j, NULL);
        json_out_str(j, "id", u->id);
        json_out_bool(j, "active", u->active);
        ids(j, "groups", u->groups, u->group_count);
        attrs(j, u->attrs, u->attr_count);
        json_out_end(j);
    }
    json_out_end(j);
}

static void agents(struct json_out *j, const struct directory_snapshot *s)
{
    json_out_array(j, "agents");
    for (uint32_t i = 0; i < s->agent_count; i++) {
        const struct directory_agent *a = &s->agents[i];

        json_out_object(j, NULL);
        json_out_str(j, "id", a->id);
        json_out_bool(j, "active", a->active);
        json_out_str(j, "owner", a->owner);
        json_out_array(j, "keys");
        for (uint32_t k = 0; k < a->key_count; k++)
            key(j, NULL, a->keys[k]);
        json_out_end(j);
        json_out_array(j, "uids");
        for (uint32_t k = 0; k < a->uid_count; k++)
            json_out_int(j, NULL, a->uids[k]);
        json_out_end(j);
        json_out_int(j, "max_depth", a->max_depth);
        attrs(j, a->attrs, a->attr_count);
        json_out_end(j);
    }
    json_out_end(j);
}

static void approvers(struct json_out *j, const struct directory_snapshot *s)
{
    json_out_array(j, "approvers");
    for (uint32_t i = 0; i < s->approver_count; i++) {
        const struct directory_approver *a = &s->approvers[i];

        json_out_object(j, NULL);
        json_out_str(j, "person", a->person);
        json_out_bool(j, "active", a->active);
        hex(j, "kid", a->kid, TRUST_KID_LEN);
        hex(j, "key", a->pk, TRUST_PK_LEN);
        ids(j, "classes", a->classes, a->class_count);
        ids(j, "roles", a->roles, a->role_count);
        json_out_end(j);
    }
    json_out_end(j);
}

static void heartbeat(struct json_out *j, const struct dir_shown *s)
{
    static const char *const states[] = {
        [DIR_BEAT_NONE] = "none",       [DIR_BEAT_OK] = "ok",
        [DIR_BEAT_EXPIRED] = "expired", [DIR_BEAT_OTHER] = "other",
        [DIR_BEAT_BAD] = "bad",
    };

    json_out_object(j, "heartbeat");
    json_out_text(j, "state", states[s->beat]);
    if (s->beat != DIR_BEAT_NONE && s->beat != DIR_BEAT_BAD) {
        number(j, "issued", s->heartbeat.issued);
        number(j, "not_after", s->heartbeat.not_after);
    }
    json_out_end(j);
}

void dir_show_json(const struct dir_shown *s)
{
    const struct directory_snapshot *d = &s->v->found.s;
    const struct trust_key *by = s->v->found.by;
    struct json_out j;

    json_out_init(&j, stdout);
    json_out_object(&j, NULL);
    json_out_str(&j, "tenant", d->tenant);
    number(&j, "seq", d->seq);
    number(&j, "issued", d->issued);
    number(&j, "not_after", d->not_after);
    json_out_bool(&j, "expired", s->v->now >= d->not_after);
    json_out_bool(&j, "verified", by != NULL);
    if (by != NULL) {
        json_out_str(&j, "signer", by->name);
        hex(&j, "kid", by->kid, TRUST_KID_LEN);
    }
    hex(&j, "hash", d->hash, TRUST_HASH_LEN);
    hex(&j, "content", s->content, TRUST_HASH_LEN);
    heartbeat(&j, s);
    users(&j, d);
    agents(&j, d);
    approvers(&j, d);
    json_out_int(&j, "revocations", d->revocation_count);
    json_out_end(&j);
}
