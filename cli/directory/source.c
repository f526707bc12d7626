#include "cli/directory/source.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/trust/pae.h"
#include "proto/wire/limits.h"

/* Only short texts of our own go through here. */
TS_PRINTF(2, 3) static ts_err put(struct ts_buf *out, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(text))
        return TS_E_LIMIT;
    return ts_buf_append(out, text, (size_t)n);
}

/* A YAML string in quotes, whatever it holds: UTF-8 as it is, but controls (C1
 * and the line separators of YAML among them) escaped. */
static ts_err put_quoted(struct ts_buf *out, struct ts_str s)
{
    ts_err e = put(out, "\"");

    for (size_t i = 0; e == TS_OK && i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (c < 0x20 || c == 0x7F)
            e = put(out, "\\x%02x", (unsigned)c);
        else if (c == '"' || c == '\\')
            e = put(out, "\\%c", c);
        else if (c == 0xC2 && i + 1 < s.len &&
                 (unsigned char)s.ptr[i + 1] < 0xA0)
            e = put(out, "\\x%02x", (unsigned char)s.ptr[++i]);
        else if (c == 0xE2 && i + 2 < s.len &&
                 (unsigned char)s.ptr[i + 1] == 0x80 &&
                 ((unsigned char)s.ptr[i + 2] & 0xFE) == 0xA8) {
            e = put(out, "\\u20%02x", (unsigned char)s.ptr[i + 2] - 0x80u);
            i += 2;
        } else if (c == 0xEF && i + 2 < s.len &&
                   (unsigned char)s.ptr[i + 1] == 0xBB &&
                   (unsigned char)s.ptr[i + 2] == 0xBF) {
            e = put(out, "\\ufeff");
            i += 2;
        } else {
            e = ts_buf_append(out, &s.ptr[i], 1);
        }
    }
    return e == TS_OK ? put(out, "\"") : e;
}

/* Ids stand plain where nothing but a name can be meant. */
static ts_err put_id(struct ts_buf *out, struct ts_str s)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no",
                                        "on",   "off",  "y",     "n",   NULL};
    bool plain = s.len > 0 && s.ptr[0] >= 'a' && s.ptr[0] <= 'z';

    for (size_t i = 0; plain && i < s.len; i++)
        plain = strchr("abcdefghijklmnopqrstuvwxyz0123456789-_/.", s.ptr[i]) !=
                    NULL &&
                s.ptr[i] != '\0';
    for (size_t i = 0; plain && words[i] != NULL; i++)
        plain = !ts_str_eq_c(s, words[i]);
    return plain ? ts_buf_append(out, s.ptr, s.len) : put_quoted(out, s);
}

static ts_err put_ids(struct ts_buf *out, const char *name,
                      const struct ts_str *ids, uint32_t count)
{
    ts_err e;

    if (count == 0)
        return TS_OK;
    e = put(out, "    %s: [", name);
    for (uint32_t i = 0; e == TS_OK && i < count; i++)
        if ((e = put(out, i > 0 ? ", " : "")) == TS_OK)
            e = put_id(out, ids[i]);
    return e == TS_OK ? put(out, "]\n") : e;
}

static ts_err put_attrs(struct ts_buf *out, const struct directory_attr *attrs,
                        uint32_t count)
{
    ts_err e = count > 0 ? put(out, "    attrs:\n") : TS_OK;

    for (uint32_t i = 0; e == TS_OK && i < count; i++)
        if ((e = put(out, "      ")) == TS_OK &&
            (e = put_id(out, attrs[i].key)) == TS_OK &&
            (e = put(out, ": ")) == TS_OK &&
            (e = put_quoted(out, attrs[i].value)) == TS_OK)
            e = put(out, "\n");
    return e;
}

static ts_err put_head(struct ts_buf *out, const char *name, struct ts_str id,
                       bool active)
{
    ts_err e;

    if ((e = put(out, "  - %s: ", name)) != TS_OK ||
        (e = put_id(out, id)) != TS_OK)
        return e;
    return put(out, "\n    status: %s\n", active ? "active" : "inactive");
}

static ts_err put_hex(struct ts_buf *out, const uint8_t *p, size_t len)
{
    char hex[2 * TRUST_HASH_LEN + 1];

    ts_hex_encode(hex, p, len);
    return put(out, "\"%s\"", hex); /* quoted: some are digits only */
}

static ts_err put_user(struct ts_buf *out, const struct directory_user *u)
{
    ts_err e;

    if ((e = put_head(out, "id", u->id, u->active)) != TS_OK ||
        (e = put_ids(out, "groups", u->groups, u->group_count)) != TS_OK)
        return e;
    return put_attrs(out, u->attrs, u->attr_count);
}

static ts_err put_keys(struct ts_buf *out, const struct directory_agent *a)
{
    ts_err e = a->key_count > 0 ? put(out, "    keys:\n") : TS_OK;

    for (uint32_t i = 0; e == TS_OK && i < a->key_count; i++)
        if ((e = put(out, "      - ")) == TS_OK &&
            (e = put_hex(out, a->keys[i], TRUST_PK_LEN)) == TS_OK)
            e = put(out, "\n");
    return e;
}

static ts_err put_uids(struct ts_buf *out, const struct directory_agent *a)
{
    ts_err e = a->uid_count > 0 ? put(out, "    uids: [") : TS_OK;

    for (uint32_t i = 0; e == TS_OK && i < a->uid_count; i++)
        e = put(out, "%s%" PRIu32, i > 0 ? ", " : "", a->uids[i]);
    return e == TS_OK && a->uid_count > 0 ? put(out, "]\n") : e;
}

static ts_err put_agent(struct ts_buf *out, const struct directory_agent *a)
{
    ts_err e = put_head(out, "id", a->id, a->active);

    if (e == TS_OK && a->owner.len > 0 &&
        (e = put(out, "    owner: ")) == TS_OK &&
        (e = put_id(out, a->owner)) == TS_OK)
        e = put(out, "\n");
    if (e != TS_OK || (e = put_keys(out, a)) != TS_OK ||
        (e = put_uids(out, a)) != TS_OK)
        return e;
    if (a->max_depth != TS_DEPTH_MAX &&
        (e = put(out, "    max_depth: %" PRIu32 "\n", a->max_depth)) != TS_OK)
        return e;
    return put_attrs(out, a->attrs, a->attr_count);
}

static ts_err put_approver(struct ts_buf *out,
                           const struct directory_approver *a)
{
    ts_err e;

    if ((e = put_head(out, "person", a->person, a->active)) != TS_OK ||
        (e = put(out, "    key: ")) != TS_OK ||
        (e = put_hex(out, a->pk, TRUST_PK_LEN)) != TS_OK ||
        (e = put(out, "\n")) != TS_OK ||
        (e = put_ids(out, "classes", a->classes, a->class_count)) != TS_OK)
        return e;
    return put_ids(out, "roles", a->roles, a->role_count);
}

ts_err directory_source_write(const struct directory_snapshot *s,
                              struct ts_buf *out)
{
    ts_err e = put(out, s->user_count > 0 ? "users:\n" : "users: []\n");

    for (uint32_t i = 0; e == TS_OK && i < s->user_count; i++)
        e = put_user(out, &s->users[i]);
    if (e == TS_OK)
        e = put(out, s->agent_count > 0 ? "agents:\n" : "agents: []\n");
    for (uint32_t i = 0; e == TS_OK && i < s->agent_count; i++)
        e = put_agent(out, &s->agents[i]);
    if (e == TS_OK && s->approver_count > 0)
        e = put(out, "approvers:\n");
    for (uint32_t i = 0; e == TS_OK && i < s->approver_count; i++)
        e = put_approver(out, &s->approvers[i]);
    return e;
}

ts_err directory_content_hash(const struct directory_snapshot *s,
                              uint8_t ret[TRUST_HASH_LEN],
                              const char **reterr_what, uint32_t *reterr_index)
{
    struct directory_snapshot c = *s;
    struct ts_buf body;
    ts_err e;

    c.seq = 1;
    c.issued = 0;
    c.not_after = 1;
    ts_buf_init(&body, SIGNED_SNAPSHOT_MAX);
    e = directory_snapshot_encode(&c, &body, reterr_what, reterr_index);
    if (e == TS_OK)
        pae_hash(ret, TRUST_HASH_LEN, PAE_PREFIX "directory-content",
                 &(struct ts_bytes){ts_buf_bytes(&body), body.len}, 1);
    ts_buf_done(&body);
    return e;
}
