#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/directory/show_priv.h"
#include "cli/term.h"

struct table {
    struct term t;
    size_t width; /* of names, in bytes: ids are ASCII */
};

static void span(char *out, size_t cap, uint64_t s)
{
    unsigned long long n = s;

    if (s < 120)
        (void)snprintf(out, cap, "%llu s", n);
    else if (s < 7200)
        (void)snprintf(out, cap, "%llu min", n / 60);
    else if (s < 172800)
        (void)snprintf(out, cap, "%llu h", n / 3600);
    else
        (void)snprintf(out, cap, "%llu d", n / 86400);
}

static void hex(const char *before, const uint8_t *p, size_t len)
{
    char text[2 * TRUST_HASH_LEN + 1];

    ts_hex_encode(text, p, len);
    (void)printf("%s%s", before, text);
}

static void kid(const char *before, const uint8_t *pk)
{
    uint8_t id[TRUST_KID_LEN];

    trust_kid(pk, id);
    hex(before, id, sizeof(id));
}

static void name_and_status(const struct table *t, struct ts_str id,
                            bool active)
{
    (void)printf("  %-*.*s  %s%s%s", (int)t->width, (int)id.len, id.ptr,
                 active ? t->t.green : t->t.red,
                 active ? "active  " : "inactive", t->t.reset);
}

static void ids(const char *before, const struct ts_str *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        (void)fputs(i == 0 ? before : ", ", stdout);
        term_print(list[i]);
    }
}

static void attrs(const struct directory_attr *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        (void)fputs("  ", stdout);
        term_print(list[i].key);
        (void)fputs("=\"", stdout);
        term_print(list[i].value);
        (void)putchar('"');
    }
}

static void title(const struct table *t, const char *name, uint32_t count)
{
    (void)printf("%s%s (%u)%s\n", t->t.bold, name, (unsigned)count, t->t.reset);
}

static void agent(const struct table *t, const struct directory_agent *a)
{
    name_and_status(t, a->id, a->active);
    if (a->owner.len > 0)
        ids("  owner ", &a->owner, 1);
    for (uint32_t i = 0; i < a->uid_count; i++)
        (void)printf("%s%u", i == 0 ? "  uid " : ",", (unsigned)a->uids[i]);
    (void)printf("  depth %u", (unsigned)a->max_depth);
    for (uint32_t i = 0; i < a->key_count; i++)
        kid("  key ", a->keys[i]);
    if (a->key_count == 0)
        (void)printf("  %sno key%s", t->t.dim, t->t.reset);
    attrs(a->attrs, a->attr_count);
    (void)putchar('\n');
}

static void people(const struct table *t, const struct directory_snapshot *s)
{
    title(t, "users", s->user_count);
    for (uint32_t i = 0; i < s->user_count; i++) {
        name_and_status(t, s->users[i].id, s->users[i].active);
        ids("  in ", s->users[i].groups, s->users[i].group_count);
        attrs(s->users[i].attrs, s->users[i].attr_count);
        (void)putchar('\n');
    }
    title(t, "agents", s->agent_count);
    for (uint32_t i = 0; i < s->agent_count; i++)
        agent(t, &s->agents[i]);
    title(t, "approvers", s->approver_count);
    for (uint32_t i = 0; i < s->approver_count; i++) {
        const struct directory_approver *a = &s->approvers[i];

        name_and_status(t, a->person, a->active);
        kid("  key ", a->pk);
        ids("  for ", a->classes, a->class_count);
        ids("  as ", a->roles, a->role_count);
        (void)putchar('\n');
    }
}

static size_t width_of(const struct directory_snapshot *s)
{
    size_t w = 8;

    for (uint32_t i = 0; i < s->user_count; i++)
        w = s->users[i].id.len > w ? s->users[i].id.len : w;
    for (uint32_t i = 0; i < s->agent_count; i++)
        w = s->agents[i].id.len > w ? s->agents[i].id.len : w;
    for (uint32_t i = 0; i < s->approver_count; i++)
        w = s->approvers[i].person.len > w ? s->approvers[i].person.len : w;
    return w < 32 ? w : 32;
}

static void age(const struct dir_shown *s, const struct table *t)
{
    const struct directory_snapshot *d = &s->v->found.s;
    uint64_t now = s->v->now;
    char text[32], at[32];

    term_time(at, sizeof(at), d->issued);
    if (d->issued > now)
        (void)printf("  issued   %s, %sin the future%s\n", at, t->t.red,
                     t->t.reset);
    else {
        span(text, sizeof(text), now - d->issued);
        (void)printf("  issued   %s, %s ago\n", at, text);
    }
    term_time(at, sizeof(at), d->not_after);
    span(text, sizeof(text),
         now < d->not_after ? d->not_after - now : now - d->not_after);
    if (now < d->not_after)
        (void)printf("  until    %s, in %s\n", at, text);
    else
        (void)printf("  until    %s, %sexpired %s ago%s\n", at, t->t.red, text,
                     t->t.reset);
}

static void signer(const struct dir_shown *s, const struct table *t)
{
    const struct dir_found *f = &s->v->found;
    struct signed_object o = {.kid = NULL};

    if (f->by != NULL) {
        (void)printf("  signed   %sby %.*s%s", t->t.green, (int)f->by->name.len,
                     f->by->name.ptr, t->t.reset);
        hex(", key ", f->by->kid, TRUST_KID_LEN);
    } else if (s->v->has_trust) {
        (void)printf("  signed   %snot to be believed: %s%s", t->t.red, f->why,
                     t->t.reset);
    } else if (signed_split(SIGNED_SNAPSHOT, f->bytes, &o) == TRUST_OK) {
        hex("  signed   with key ", o.kid, TRUST_KID_LEN);
        (void)fputs(", which nobody checked (--config DIR)", stdout);
    }
    (void)putchar('\n');
}

static void heartbeat(const struct dir_shown *s, const struct table *t)
{
    static const char *const texts[] = {
        [DIR_BEAT_NONE] = "",
        [DIR_BEAT_OK] = "says that this is the newest",
        [DIR_BEAT_EXPIRED] = "has expired",
        [DIR_BEAT_OTHER] = "is of another snapshot",
        [DIR_BEAT_BAD] = "not signed by a directory key",
    };
    uint64_t now = s->v->now, at = s->heartbeat.issued;
    char text[32];

    if (s->beat == DIR_BEAT_NONE)
        return;
    (void)printf("  beat     %s%s%s", s->beat == DIR_BEAT_OK ? "" : t->t.red,
                 texts[s->beat], s->beat == DIR_BEAT_OK ? "" : t->t.reset);
    if (s->beat != DIR_BEAT_BAD) {
        span(text, sizeof(text), at < now ? now - at : 0);
        (void)printf(", %s ago", text);
    }
    (void)putchar('\n');
}

void dir_show_text(const struct dir_shown *s)
{
    const struct directory_snapshot *d = &s->v->found.s;
    const struct table t = {.t = term_stdout(), .width = width_of(d)};

    (void)printf("%stenant ", t.t.bold);
    term_print(d->tenant);
    (void)printf(", seq %" PRIu64 "%s\n", d->seq, t.t.reset);
    age(s, &t);
    signer(s, &t);
    heartbeat(s, &t);
    hex("  hash     ", d->hash, TRUST_HASH_LEN);
    hex("\n  content  ", s->content, TRUST_HASH_LEN);
    (void)putchar('\n');
    people(&t, d);
    title(&t, "revocations", d->revocation_count);
}
