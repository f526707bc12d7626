#include "cli/directory/diff.h"

#include <stdio.h>
#include <string.h>

#include "cli/term.h"

struct diff {
    struct term term;
    size_t lines;
    bool is_open; /* the line of the entry has begun */
    const char *kind;
    struct ts_str id;
};

static void open_line(struct diff *d, const char *mark)
{
    const char *colour = *mark == '+'   ? d->term.green
                         : *mark == '-' ? d->term.red
                                        : d->term.yellow;

    (void)printf("  %s%s%s %s ", colour, mark, d->term.reset, d->kind);
    term_print(d->id);
    d->is_open = true;
    d->lines++;
}

/* Before each thing that an entry has become. */
static void next_change(struct diff *d)
{
    if (d->is_open) {
        (void)fputs("; ", stdout);
        return;
    }
    open_line(d, "~");
    (void)fputs(": ", stdout);
}

static void close_line(struct diff *d)
{
    if (d->is_open)
        (void)putchar('\n');
    d->is_open = false;
}

static void entry(struct diff *d, const char *kind, struct ts_str id)
{
    d->kind = kind;
    d->id = id;
    d->is_open = false;
}

static void status(struct diff *d, bool is_new, bool from, bool to)
{
    if (from == to)
        return;
    next_change(d);
    (void)fputs(is_new ? "inactive" : to ? "activated" : "deactivated", stdout);
}

static bool listed(const struct ts_str *ids, uint32_t count, struct ts_str id)
{
    for (uint32_t i = 0; i < count; i++)
        if (ts_str_eq(ids[i], id))
            return true;
    return false;
}

/* "groups +a -b", or that only their order is another. */
static void ids(struct diff *d, const char *name, const struct ts_str *from,
                uint32_t from_count, const struct ts_str *to, uint32_t to_count)
{
    bool any = false, same = from_count == to_count;

    for (uint32_t i = 0; same && i < to_count; i++)
        same = ts_str_eq(from[i], to[i]);
    if (same)
        return;
    next_change(d);
    (void)fputs(name, stdout);
    for (uint32_t i = 0; i < to_count; i++) {
        if (listed(from, from_count, to[i]))
            continue;
        (void)fputs(" +", stdout);
        term_print(to[i]);
        any = true;
    }
    for (uint32_t i = 0; i < from_count; i++) {
        if (listed(to, to_count, from[i]))
            continue;
        (void)fputs(" -", stdout);
        term_print(from[i]);
        any = true;
    }
    if (!any)
        (void)fputs(" in another order", stdout);
}

static const struct directory_attr *find_attr(const struct directory_attr *a,
                                              uint32_t count, struct ts_str key)
{
    for (uint32_t i = 0; i < count; i++)
        if (ts_str_eq(a[i].key, key))
            return &a[i];
    return NULL;
}

static void attrs(struct diff *d, const struct directory_attr *from,
                  uint32_t from_count, const struct directory_attr *to,
                  uint32_t to_count)
{
    for (uint32_t i = 0; i < to_count; i++) {
        const struct directory_attr *old =
            find_attr(from, from_count, to[i].key);

        if (old != NULL && ts_str_eq(old->value, to[i].value))
            continue;
        next_change(d);
        (void)fputs("attribute ", stdout);
        term_print(to[i].key);
        (void)fputs(" = \"", stdout);
        term_print(to[i].value);
        (void)putchar('"');
    }
    for (uint32_t i = 0; i < from_count; i++) {
        if (find_attr(to, to_count, from[i].key) != NULL)
            continue;
        next_change(d);
        (void)fputs("no attribute ", stdout);
        term_print(from[i].key);
    }
}

static void key(struct diff *d, const char *mark, const uint8_t *pk)
{
    uint8_t kid[TRUST_KID_LEN];
    char hex[2 * TRUST_KID_LEN + 1];

    trust_kid(pk, kid);
    ts_hex_encode(hex, kid, sizeof(kid));
    next_change(d);
    (void)printf("key %s%s", mark, hex);
}

static bool has_key(const struct directory_agent *a, const uint8_t *pk)
{
    for (uint32_t i = 0; i < a->key_count; i++)
        if (memcmp(a->keys[i], pk, TRUST_PK_LEN) == 0)
            return true;
    return false;
}

static bool has_uid(const struct directory_agent *a, uint32_t uid)
{
    for (uint32_t i = 0; i < a->uid_count; i++)
        if (a->uids[i] == uid)
            return true;
    return false;
}

static void keys_and_uids(struct diff *d, const struct directory_agent *from,
                          const struct directory_agent *to)
{
    for (uint32_t i = 0; i < to->key_count; i++)
        if (!has_key(from, to->keys[i]))
            key(d, "+", to->keys[i]);
    for (uint32_t i = 0; i < from->key_count; i++)
        if (!has_key(to, from->keys[i]))
            key(d, "-", from->keys[i]);
    for (uint32_t i = 0; i < to->uid_count; i++) {
        if (has_uid(from, to->uids[i]))
            continue;
        next_change(d);
        (void)printf("uid +%u", (unsigned)to->uids[i]);
    }
    for (uint32_t i = 0; i < from->uid_count; i++) {
        if (has_uid(to, from->uids[i]))
            continue;
        next_change(d);
        (void)printf("uid -%u", (unsigned)from->uids[i]);
    }
}

static void one_user(struct diff *d, const struct directory_user *from,
                     const struct directory_user *to)
{
    static const struct directory_user none = {.active = true};
    const struct directory_user *shown = to != NULL ? to : from;

    entry(d, "user", shown->id);
    if (from == NULL || to == NULL)
        open_line(d, to != NULL ? "+" : "-");
    if (to != NULL) {
        const struct directory_user *old = from != NULL ? from : &none;

        status(d, from == NULL, old->active, to->active);
        ids(d, "groups", old->groups, old->group_count, to->groups,
            to->group_count);
        attrs(d, old->attrs, old->attr_count, to->attrs, to->attr_count);
    }
    close_line(d);
}

static void one_agent(struct diff *d, const struct directory_agent *from,
                      const struct directory_agent *to)
{
    struct directory_agent none = {.active = true};
    const struct directory_agent *shown = to != NULL ? to : from;

    entry(d, "agent", shown->id);
    if (from == NULL || to == NULL)
        open_line(d, to != NULL ? "+" : "-");
    if (to != NULL) {
        const struct directory_agent *old = from != NULL ? from : &none;

        none.max_depth = to->max_depth;
        status(d, from == NULL, old->active, to->active);
        if (!ts_str_eq(old->owner, to->owner)) {
            next_change(d);
            (void)fputs(to->owner.len > 0 ? "owner " : "no owner", stdout);
            term_print(to->owner);
        }
        keys_and_uids(d, old, to);
        if (old->max_depth != to->max_depth) {
            next_change(d);
            (void)printf("max_depth %u", (unsigned)to->max_depth);
        }
        attrs(d, old->attrs, old->attr_count, to->attrs, to->attr_count);
    }
    close_line(d);
}

static void one_approver(struct diff *d, const struct directory_approver *from,
                         const struct directory_approver *to)
{
    static const struct directory_approver none = {.active = true};
    const struct directory_approver *shown = to != NULL ? to : from;

    entry(d, "approver", shown->person);
    if (from == NULL || to == NULL) {
        char hex[2 * TRUST_KID_LEN + 1];

        ts_hex_encode(hex, shown->kid, TRUST_KID_LEN);
        open_line(d, to != NULL ? "+" : "-");
        (void)printf("; key %s%s", to != NULL ? "+" : "-", hex);
    }
    if (to != NULL) {
        const struct directory_approver *old = from != NULL ? from : &none;

        if (from != NULL && !ts_str_eq(from->person, to->person)) {
            next_change(d);
            (void)fputs("was ", stdout);
            term_print(from->person);
        }
        status(d, from == NULL, old->active, to->active);
        ids(d, "classes", old->classes, old->class_count, to->classes,
            to->class_count);
        ids(d, "roles", old->roles, old->role_count, to->roles, to->role_count);
    }
    close_line(d);
}

/* Which side of two sorted lists comes next; at 0 both. */
static int order(uint32_t i, uint32_t count, uint32_t j, uint32_t other_count,
                 int compared)
{
    if (i == count)
        return 1;
    return j == other_count ? -1 : compared;
}

static void users(struct diff *d, const struct directory_snapshot *a,
                  const struct directory_snapshot *b)
{
    for (uint32_t i = 0, j = 0; i < a->user_count || j < b->user_count;) {
        bool both = i < a->user_count && j < b->user_count;
        int c = order(i, a->user_count, j, b->user_count,
                      both ? ts_str_cmp(a->users[i].id, b->users[j].id) : 0);

        one_user(d, c <= 0 ? &a->users[i] : NULL, c >= 0 ? &b->users[j] : NULL);
        i += c <= 0;
        j += c >= 0;
    }
}

static void agents(struct diff *d, const struct directory_snapshot *a,
                   const struct directory_snapshot *b)
{
    for (uint32_t i = 0, j = 0; i < a->agent_count || j < b->agent_count;) {
        bool both = i < a->agent_count && j < b->agent_count;
        int c = order(i, a->agent_count, j, b->agent_count,
                      both ? ts_str_cmp(a->agents[i].id, b->agents[j].id) : 0);

        one_agent(d, c <= 0 ? &a->agents[i] : NULL,
                  c >= 0 ? &b->agents[j] : NULL);
        i += c <= 0;
        j += c >= 0;
    }
}

static void approvers(struct diff *d, const struct directory_snapshot *a,
                      const struct directory_snapshot *b)
{
    for (uint32_t i = 0, j = 0;
         i < a->approver_count || j < b->approver_count;) {
        bool both = i < a->approver_count && j < b->approver_count;
        int c = order(i, a->approver_count, j, b->approver_count,
                      both ? memcmp(a->approvers[i].kid, b->approvers[j].kid,
                                    TRUST_KID_LEN)
                           : 0);

        one_approver(d, c <= 0 ? &a->approvers[i] : NULL,
                     c >= 0 ? &b->approvers[j] : NULL);
        i += c <= 0;
        j += c >= 0;
    }
}

size_t directory_diff_print(const struct directory_snapshot *from,
                            const struct directory_snapshot *to)
{
    struct diff d = {.term = term_stdout()};

    users(&d, from, to);
    agents(&d, from, to);
    approvers(&d, from, to);
    if (from->revocation_count != to->revocation_count) {
        (void)printf("  ~ revocations: %u, were %u\n",
                     (unsigned)to->revocation_count,
                     (unsigned)from->revocation_count);
        d.lines++;
    }
    return d.lines;
}
