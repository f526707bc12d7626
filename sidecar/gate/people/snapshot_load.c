#include <stdio.h>
#include <string.h>

#include "sidecar/gate/people/snapshot_priv.h"

/*
 * Which directory each tenant gets when files are loaded. Whatever is wrong
 * with a tenant's directory stays that tenant's trouble: its file comes from
 * elsewhere, and must not be able to hold up the others.
 */
#define NOTE_MAX    1024
#define PICK_BUDGET ((size_t)256 << 20)

struct pick {
    struct directory *held;    /* borrowed from past->held; NULL: none */
    struct directory *offered; /* ours until the end of the load; NULL: none */
    bool is_known;             /* offered was in force before, by the mark */
};

struct picking {
    const struct bundle *bundle;
    const struct snapshot_past *past;
    struct snapshot *s;
    struct pick *picks; /* beside s->tenants */
    struct key_table *keys;
    const struct snapshot_err *err;
};

/* ---- notes -------------------------------------------------------------- */

static ts_err note(struct picking *p, uint32_t i, const char *text)
{
    const char *copy;
    ts_err e = ts_arena_strndup(&p->s->arena, text, strlen(text), &copy);

    if (e == TS_OK)
        p->s->tenants[i].note = copy;
    return e;
}

/* A directory that is not taken; what is wrong stands in err->text. */
static ts_err refused(struct picking *p, uint32_t i, ts_err why)
{
    char text[NOTE_MAX];

    if (why == TS_E_NOMEM || p->past->strict)
        return why;
    snapshot_err_default(p->err, why, "directory");
    (void)snprintf(text, sizeof(text), "%s", p->err->text);
    p->err->text[0] = '\0';
    return note(p, i, text);
}

/* ---- what there is to choose from --------------------------------------- */

static const struct bundle_file *file_of(const struct picking *p, uint32_t i,
                                         const char *name)
{
    char path[BUNDLE_NAME_MAX + 32];
    struct ts_str tenant = p->s->tenants[i].name;

    (void)snprintf(path, sizeof(path), "tenants/%.*s/%s", (int)tenant.len,
                   tenant.ptr, name);
    return bundle_find(p->bundle, path);
}

/* What is in force stays so only while its signer is still trusted. */
static ts_err find_held(struct picking *p, uint32_t i)
{
    const struct snapshot *held = p->past->held;
    const struct snapshot_tenant *t;
    struct directory *d;

    if (held == NULL)
        return TS_OK;
    t = snapshot_tenant_find(held, p->s->tenants[i].name);
    if (t == NULL || !t->has_directory)
        return TS_OK;
    d = held->people[t - held->tenants]->directory;
    if (directory_is_trusted(d, p->s->rules->keys)) {
        p->picks[i].held = d;
        return TS_OK;
    }
    (void)snprintf(p->err->text, p->err->cap,
                   "%s: its signer is no longer a directory key of this "
                   "tenant; sign it with one that is",
                   directory_name(d));
    return refused(p, i, TS_E_AUTH);
}

/* Compares with what was in force, in this run or an earlier one. */
static ts_err compare(struct picking *p, uint32_t i, struct directory *d)
{
    const struct directory_snapshot *new = directory_people(d), *held;
    const struct tenant_states *states = p->past->states;
    const struct tenant_state *state =
        states != NULL ? tenant_states_find(states, p->s->tenants[i].name)
                       : NULL;
    enum tenant_offer offer = tenant_state_judge(state, new->seq, new->hash);
    struct pick *pick = &p->picks[i];

    if (pick->held != NULL && offer >= OFFER_SAME) { /* it is another one */
        held = directory_people(pick->held);
        if (new->seq <= held->seq)
            offer = new->seq < held->seq ? OFFER_OLDER : OFFER_OTHER;
    }
    if (offer >= OFFER_SAME) {
        pick->is_known = offer == OFFER_SAME;
        pick->offered = d;
        return TS_OK;
    }
    (void)snprintf(p->err->text, p->err->cap,
                   offer == OFFER_OLDER
                       ? "%s: rolled back: a newer directory was in force; "
                         "install the newest one"
                       : "%s: another directory with this number was in force; "
                         "sign it with a higher one",
                   directory_name(d));
    directory_release(d);
    return refused(p, i, TS_E_STATE);
}

static ts_err offer_signed(struct picking *p, uint32_t i,
                           const struct bundle_file *file)
{
    const struct pick *pick = &p->picks[i];
    struct ts_bytes object = {(const uint8_t *)file->content.ptr,
                              file->content.len};
    struct directory *d = NULL;
    ts_err e;

    if (pick->held != NULL && directory_is_same(pick->held, object))
        return TS_OK;
    e = directory_open(p->s->rules->keys, p->s->tenants[i].name, object,
                       p->past->now_s, &d, p->err->text, p->err->cap);
    return e == TS_OK ? compare(p, i, d) : refused(p, i, e);
}

static ts_err offer(struct picking *p, uint32_t i)
{
    const struct bundle_file *file = file_of(p, i, "directory.snapshot");
    struct ts_str name = p->s->tenants[i].name;

    if (file != NULL)
        return offer_signed(p, i, file);
    if (p->picks[i].held != NULL) /* it came another way */
        return TS_OK;
    (void)snprintf(p->err->text, p->err->cap,
                   "tenants/%.*s/directory.snapshot: missing; sign one: "
                   "tipstaff directory apply",
                   (int)name.len, name.ptr);
    return p->s->tenants[i].note != NULL ? TS_OK : refused(p, i, TS_E_FORMAT);
}

static ts_err keep_heartbeat(struct picking *p, uint32_t i)
{
    const struct bundle_file *f = file_of(p, i, "directory.heartbeat");
    const char *copy;
    ts_err e;

    if (f == NULL || f->content.len > SIGNED_HEARTBEAT_MAX)
        return TS_OK;
    e = ts_arena_strndup(&p->s->arena, f->content.ptr, f->content.len, &copy);
    if (e == TS_OK)
        p->s->tenants[i].heartbeat =
            (struct ts_bytes){(const uint8_t *)copy, f->content.len};
    return e;
}

/* ---- choosing ----------------------------------------------------------- */

static ts_err take(struct picking *p, uint32_t i, struct directory *d)
{
    struct snapshot_people *people = NULL;
    ts_err e =
        snapshot_people_make(&p->s->rules->tenants[i], d, &people, p->err);

    if (e == TS_OK && d != NULL)
        e = key_table_add(p->keys, i, d, p->err);
    if (e == TS_OK)
        p->s->people[i] = people;
    else
        snapshot_people_release(people);
    return e;
}

static ts_err settle(struct picking *p, uint32_t i)
{
    const struct pick *pick = &p->picks[i];
    ts_err e;

    if (pick->offered != NULL) {
        e = take(p, i, pick->offered);
        if (e == TS_OK || (e = refused(p, i, e)) != TS_OK)
            return e;
    }
    return take(p, i, pick->held);
}

/* What was in force before goes first: a newcomer cannot take its keys. */
static ts_err settle_all(struct picking *p, struct ts_arena *temp)
{
    uint32_t count = p->s->tenant_count;
    size_t keys = 0;
    ts_err e;

    for (uint32_t i = 0; i < count; i++) {
        if (p->picks[i].held != NULL)
            keys += key_table_count(p->picks[i].held);
        if (p->picks[i].offered != NULL)
            keys += key_table_count(p->picks[i].offered);
    }
    e = key_table_make(p->s->rules, keys, temp, &p->keys, p->err);
    if (e != TS_OK)
        return e;
    for (uint32_t i = 0; i < count; i++)
        if (p->picks[i].held != NULL)
            key_table_reserve(p->keys, i, p->picks[i].held);
    for (int newcomers = 0; newcomers < 2; newcomers++) {
        for (uint32_t i = 0; i < count; i++) {
            const struct pick *pick = &p->picks[i];
            bool is_new = pick->offered != NULL && !pick->is_known;

            if (is_new == (newcomers == 1) && (e = settle(p, i)) != TS_OK)
                return e;
        }
    }
    return TS_OK;
}

static ts_err pick_all(struct picking *p)
{
    struct ts_arena temp;
    void *mem;
    ts_err e;

    ts_arena_init(&temp, PICK_BUDGET);
    e = ts_arena_array(&temp, (size_t)p->s->tenant_count + 1, sizeof(*p->picks),
                       &mem);
    if (e != TS_OK) {
        ts_arena_done(&temp);
        return e;
    }
    p->picks = mem;
    for (uint32_t i = 0; e == TS_OK && i < p->s->tenant_count; i++)
        if ((e = find_held(p, i)) == TS_OK && (e = offer(p, i)) == TS_OK)
            e = keep_heartbeat(p, i);
    if (e == TS_OK)
        e = settle_all(p, &temp);
    for (uint32_t i = 0; i < p->s->tenant_count; i++)
        directory_release(p->picks[i].offered);
    ts_arena_done(&temp);
    return e;
}

/* ---- loading ------------------------------------------------------------ */

static ts_err join(const struct bundle *b, struct snapshot_rules *rules,
                   const struct snapshot_past *past, struct snapshot **ret,
                   const struct snapshot_err *err)
{
    struct picking p = {.bundle = b, .past = past, .err = err};
    ts_err e = snapshot_begin(rules, &p.s);

    if (e != TS_OK)
        return e;
    p.s->people_serial = past->held != NULL ? past->held->people_serial + 1 : 1;
    e = pick_all(&p);
    if (e == TS_OK)
        e = snapshot_end(p.s, err);
    if (e == TS_OK)
        *ret = p.s;
    else
        snapshot_free(p.s);
    return e;
}

/* For checking files: a tool that would not be served is a mistake. */
static ts_err all_served(const struct manifests *m,
                         const struct snapshot_err *err)
{
    if (m->refused_count == 0)
        return TS_OK;
    (void)snprintf(err->text, err->cap, "%s", m->refused[0].text.ptr);
    return TS_E_FORMAT;
}

ts_err snapshot_load_past(const struct bundle *b,
                          const struct control_start *settings,
                          uint64_t generation, const struct snapshot_past *past,
                          struct snapshot **ret, char *reterr_text,
                          size_t reterr_cap)
{
    static const struct snapshot_past nothing = {0};
    const struct snapshot_err err = {reterr_text, reterr_cap};
    struct snapshot_rules *rules = NULL;
    ts_err e;

    reterr_text[0] = '\0';
    e = snapshot_rules_load(b, settings, generation, &rules, &err);
    if (e == TS_OK && past != NULL && past->strict)
        e = all_served(rules->manifests, &err);
    if (e == TS_OK)
        e = join(b, rules, past != NULL ? past : &nothing, ret, &err);
    snapshot_rules_release(rules); /* the snapshot holds its own */
    if (e != TS_OK)
        snapshot_err_default(&err, e, "configuration");
    return e;
}

ts_err snapshot_load(const struct bundle *b,
                     const struct control_start *settings, uint64_t generation,
                     struct snapshot **ret, char *reterr_text,
                     size_t reterr_cap)
{
    return snapshot_load_past(b, settings, generation, NULL, ret, reterr_text,
                              reterr_cap);
}
