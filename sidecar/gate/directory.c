#include "sidecar/gate/directory.h"

#include <stdio.h>

#include "proto/trust/id.h"

/* Open addressing over uid hashes; at most half full, so probes stay short. */
struct directory {
    struct directory_entry *slots;
    uint32_t mask;
};

static bool slot_is_free(const struct directory_entry *s)
{
    return s->uid.type.len == 0;
}

static struct directory_entry *probe(const struct directory *d,
                                     const struct cedar_uid *uid)
{
    uint32_t at = (uint32_t)uid->hash & d->mask;

    while (!slot_is_free(&d->slots[at]) &&
           !cedar_uid_eq(&d->slots[at].uid, uid))
        at = (at + 1) & d->mask;
    return &d->slots[at];
}

const struct directory_entry *directory_find(const struct directory *d,
                                             const struct cedar_uid *uid)
{
    const struct directory_entry *s = probe(d, uid);

    return slot_is_free(s) ? NULL : s;
}

static ts_err insert(const struct directory *d, struct directory_entry entry,
                     const char *kind, const struct place *at,
                     char *reterr_text, size_t reterr_cap)
{
    struct directory_entry *s = probe(d, &entry.uid);

    if (!slot_is_free(s)) {
        (void)snprintf(reterr_text, reterr_cap,
                       "%.*s:%u: %s \"%.*s\" is listed twice; remove one "
                       "entry",
                       (int)at->file.len, at->file.ptr, at->line, kind,
                       (int)entry.uid.id.len, entry.uid.id.ptr);
        return TS_E_EXISTS;
    }
    *s = entry;
    return TS_OK;
}

ts_err directory_build(const struct tenant_files *t, struct ts_arena *arena,
                       const struct directory **ret, char *reterr_text,
                       size_t reterr_cap)
{
    size_t cap = 16;
    struct directory *d;
    void *p, *q;
    ts_err e;

    while (cap < 2 * (t->user_count + t->agent_count))
        cap *= 2; /* both are limited, so this ends far from the type's end */
    if ((e = ts_arena_alloc(arena, sizeof(*d), &p)) != TS_OK ||
        (e = ts_arena_array(arena, cap, sizeof(*d->slots), &q)) != TS_OK)
        return e;
    d = p;
    *d = (struct directory){.slots = q, .mask = (uint32_t)cap - 1};
    for (size_t i = 0; i < t->user_count; i++) {
        const struct tenant_user *u = &t->users[i];
        struct directory_entry entry = {
            .uid = cedar_uid_make(TS_STR_LIT("User"), u->user.id),
            .status = u->user.status};

        e = insert(d, entry, "user", &u->at, reterr_text, reterr_cap);
        if (e != TS_OK)
            return e;
    }
    for (size_t i = 0; i < t->agent_count; i++) {
        const struct tenant_agent *a = &t->agents[i];
        struct directory_entry entry = {
            .uid = cedar_uid_make(TS_STR_LIT("Agent"), a->agent.id),
            .status = a->agent.status,
            .max_depth = a->max_depth};

        e = insert(d, entry, "agent", &a->at, reterr_text, reterr_cap);
        if (e != TS_OK)
            return e;
    }
    *ret = d;
    return TS_OK;
}

/* ---- Cedar entities ----------------------------------------------------- */

static ts_err put(struct ts_buf *out, const char *text)
{
    struct ts_str s = ts_str_of(text);

    return ts_buf_append(out, s.ptr, s.len);
}

/* A JSON string: everything that could end it or is not printable ASCII text
 * of one byte is escaped; UTF-8 passes as it is. */
static ts_err put_string(struct ts_buf *out, struct ts_str s)
{
    ts_err e = put(out, "\"");

    for (size_t i = 0; e == TS_OK && i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        char esc[8];

        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) {
            e = ts_buf_append(out, &s.ptr[i], 1);
            continue;
        }
        (void)snprintf(esc, sizeof(esc), "\\u%04x", (unsigned)c);
        e = put(out, esc);
    }
    return e == TS_OK ? put(out, "\"") : e;
}

static ts_err put_uid(struct ts_buf *out, const char *type, struct ts_str id)
{
    ts_err e;

    if ((e = put(out, "{\"type\":\"")) != TS_OK ||
        (e = put(out, type)) != TS_OK ||
        (e = put(out, "\",\"id\":")) != TS_OK ||
        (e = put_string(out, id)) != TS_OK)
        return e;
    return put(out, "}");
}

static ts_err put_attrs(struct ts_buf *out, const struct tenant_attr *attrs,
                        size_t n, struct ts_str owner)
{
    ts_err e = put(out, ",\"attrs\":{");

    for (size_t i = 0; e == TS_OK && i < n; i++)
        if ((e = put(out, i > 0 ? "," : "")) == TS_OK &&
            (e = put_string(out, attrs[i].key)) == TS_OK &&
            (e = put(out, ":")) == TS_OK)
            e = put_string(out, attrs[i].value);
    if (e == TS_OK && owner.len > 0 &&
        (e = put(out, n > 0 ? ",\"owner\":{\"__entity\":"
                            : "\"owner\":{\"__entity\":")) == TS_OK &&
        (e = put_uid(out, "User", owner)) == TS_OK)
        e = put(out, "}");
    return e == TS_OK ? put(out, "},\"parents\":[") : e;
}

static ts_err put_user(struct ts_buf *out, const struct tenant_user *u)
{
    ts_err e;

    if ((e = put(out, "{\"uid\":")) != TS_OK ||
        (e = put_uid(out, "User", u->user.id)) != TS_OK ||
        (e = put_attrs(out, u->attrs, u->attr_count, TS_STR_LIT(""))) != TS_OK)
        return e;
    for (size_t i = 0; i < u->group_count; i++)
        if ((e = put(out, i > 0 ? "," : "")) != TS_OK ||
            (e = put_uid(out, "Group", u->groups[i])) != TS_OK)
            return e;
    return put(out, "]}");
}

static ts_err put_agent(struct ts_buf *out, const struct tenant_agent *a)
{
    struct ts_str parent = trust_id_parent(a->agent.id);
    ts_err e;

    if ((e = put(out, "{\"uid\":")) != TS_OK ||
        (e = put_uid(out, "Agent", a->agent.id)) != TS_OK ||
        (e = put_attrs(out, a->attrs, a->attr_count, a->owner)) != TS_OK)
        return e;
    if (parent.len > 0 && (e = put_uid(out, "Agent", parent)) != TS_OK)
        return e;
    return put(out, "]}");
}

ts_err directory_entities(const struct tenant_files *t, struct ts_buf *out)
{
    bool first = true;
    ts_err e = put(out, "[");

    for (size_t i = 0; e == TS_OK && i < t->user_count; i++, first = false)
        if ((e = put(out, first ? "\n" : ",\n")) == TS_OK)
            e = put_user(out, &t->users[i]);
    for (size_t i = 0; e == TS_OK && i < t->agent_count; i++, first = false)
        if ((e = put(out, first ? "\n" : ",\n")) == TS_OK)
            e = put_agent(out, &t->agents[i]);
    return e == TS_OK ? put(out, "]\n") : e;
}
