/* What people are told beside the call: where its values come from, and what is
 * unusual. Nothing is decided from it. */
#include <stdio.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "sidecar/gate/approve/firsts.h"
#include "sidecar/gate/approve/ticket_context.h"
#include "sidecar/gate/asking/approvals_priv.h"
#include "sidecar/gate/decide/call_provenance.h"
#include "sidecar/gate/people/sensitivity.h"

_Static_assert(TS_PROVENANCE_MAX <= TICKET_CONTEXT_LABELS_MAX,
               "every declared label has a place");

/* Bytes; what is longer is cut, and seen to be. */
#define POINTER_ROOM (TICKET_CONTEXT_ARG_MAX + 32)
#define VALUE_ROOM   (TICKET_CONTEXT_VALUE_MAX + 32)

/* Texts that the values of a question are called by: they live elsewhere no
 * longer than the look-up. */
struct named {
    char pointer[POINTER_ROOM];
    char value[VALUE_ROOM];
};
struct endorsing {
    char arg[TICKET_CONTEXT_ARG_MAX];
    char value[TICKET_CONTEXT_VALUE_MAX];
};
_Static_assert(ENDORSED_POINT_MAX <= TICKET_CONTEXT_ARG_MAX &&
                   ENDORSED_TEXT_MAX <= TICKET_CONTEXT_VALUE_MAX &&
                   ENDORSE_TOLD_MAX == TICKET_CONTEXT_ENDORSES_MAX,
               "what is let through is told whole");
struct telling {
    const struct people_question *q;
    const struct approvals *a;
    struct ticket_context c;
    struct named names[TICKET_CONTEXT_ARGS_MAX];
    struct endorsing endorsing[TICKET_CONTEXT_ENDORSES_MAX];
};

/* ---- what a grant does for the first time -------------------------------- */

static struct firsts_thing thing_of(const struct delegation *d,
                                    enum firsts_kind kind)
{
    return (struct firsts_thing){
        .tenant = d->tenant, .grant_id = d->grant_id, .kind = kind};
}

static struct firsts_thing value_of(const struct delegation *d,
                                    const struct manifest *m,
                                    const struct manifest_arg *decl,
                                    struct ts_str text)
{
    struct firsts_thing t = thing_of(d, FIRSTS_VALUE);

    t.tool = m->tool;
    t.name = decl->name;
    t.value = text;
    return t;
}

static struct firsts_thing named_of(const struct delegation *d,
                                    enum firsts_kind kind, struct ts_str name,
                                    struct ts_str value)
{
    struct firsts_thing t = thing_of(d, kind);

    t.name = name;
    t.value = value;
    return t;
}

static void ran_value(struct firsts *f, const struct delegation *d,
                      const struct manifest *m, const struct manifest_arg *decl,
                      struct ts_str text)
{
    const struct firsts_thing t = value_of(d, m, decl, text);

    firsts_add(f, &t);
}

static void ran_arg(struct firsts *f, const struct delegation *d,
                    const struct manifest *m, const struct arg_value *v)
{
    char number[24];

    switch (v->decl->type) {
    case ARG_INT:
        (void)snprintf(number, sizeof(number), "%lld", (long long)v->integer);
        ran_value(f, d, m, v->decl, ts_str_of(number));
        break;
    case ARG_STRING:
    case ARG_PATH:
    case ARG_URL:
    case ARG_DECIMAL:
        ran_value(f, d, m, v->decl, v->text);
        break;
    case ARG_STRINGS:
        for (uint32_t i = 0; i < v->item_count; i++)
            ran_value(f, d, m, v->decl, v->items[i]);
        break;
    case ARG_BOOL:
    case ARG_JSON: /* of parts of it nothing is said */
        break;
    }
}

void approvals_ran(struct gate *g, const struct delegation *d,
                   const struct decision *x)
{
    struct firsts *f = g->approvals->firsts;
    const struct firsts_thing things[] = {
        named_of(d, FIRSTS_TOOL, x->manifest->tool, TS_STR_LIT("")),
        named_of(d, FIRSTS_ACTION, x->action, TS_STR_LIT("")),
        named_of(d, FIRSTS_RESOURCE, x->target.type, x->target.id)};

    for (size_t i = 0; i < sizeof(things) / sizeof(things[0]); i++)
        firsts_add(f, &things[i]);
    for (uint32_t i = 0; i < x->args.count; i++)
        if (x->args.values[i].decl->role != ROLE_CONTENT)
            ran_arg(f, d, x->manifest, &x->args.values[i]);
}

static void tell_firsts(struct telling *t)
{
    const struct people_question *q = t->q;
    const struct delegation *d = q->authority->delegation;
    const struct firsts_thing tool =
        named_of(d, FIRSTS_TOOL, q->manifest->tool, TS_STR_LIT(""));
    const struct firsts_thing action =
        named_of(d, FIRSTS_ACTION, q->action, TS_STR_LIT(""));
    const struct firsts_thing resource =
        named_of(d, FIRSTS_RESOURCE, q->target->type, q->target->id);

    t->c.first_tool = !firsts_has(t->a->firsts, &tool);
    t->c.first_action = !firsts_has(t->a->firsts, &action);
    t->c.first_resource = !firsts_has(t->a->firsts, &resource);
}

/* ---- where values come from ---------------------------------------------- */

static enum ticket_source source_of(enum prov_source s)
{
    switch (s) {
    case PROV_PROMPT:
        return TICKET_SOURCE_PROMPT;
    case PROV_TRUSTED:
        return TICKET_SOURCE_TRUSTED;
    case PROV_UNTRUSTED:
        return TICKET_SOURCE_UNTRUSTED;
    case PROV_UNKNOWN:
    case PROV_NONE:
        break;
    }
    return TICKET_SOURCE_UNKNOWN;
}

/* As the context is ordered. */
static unsigned worry(enum ticket_source s)
{
    switch (s) {
    case TICKET_SOURCE_UNTRUSTED:
        return 3;
    case TICKET_SOURCE_UNKNOWN:
        return 2;
    case TICKET_SOURCE_TRUSTED:
        return 1;
    case TICKET_SOURCE_PROMPT:
    case TICKET_SOURCE_COUNT_:
        break;
    }
    return 0;
}

/* As much as there is room for, cut at a character. */
static size_t put(char *out, size_t cap, size_t at, struct ts_str s)
{
    size_t n = s.len < cap - at ? s.len : cap - at;

    while (n < s.len && n > 0 && ((unsigned char)s.ptr[n] & 0xC0) == 0x80)
        n--;
    if (n > 0)
        memcpy(out + at, s.ptr, n);
    return at + n;
}

/* A JSON pointer into the arguments. */
static struct ts_str pointer_of(const struct provenance_value *v, char *out)
{
    char item[16] = "";
    size_t n = put(out, POINTER_ROOM, 0, TS_STR_LIT("/"));

    if (v->item != HANDLE_WHOLE)
        (void)snprintf(item, sizeof(item), "/%u", v->item);
    n = put(out, POINTER_ROOM, n, v->decl->name);
    n = put(out, POINTER_ROOM, n, ts_str_of(item));
    n = put(out, POINTER_ROOM, n, v->inside);
    return (struct ts_str){.ptr = out, .len = n};
}

/* Where the value goes: behind the last, or, when all places are taken, over
 * one that worries less. NULL: it is one of those that found no room. */
static struct ticket_context_arg *place_for(struct telling *t,
                                            enum ticket_source s)
{
    struct ticket_context *c = &t->c;
    uint32_t least = 0;

    if (c->arg_count < TICKET_CONTEXT_ARGS_MAX)
        return &c->args[c->arg_count++];
    if (c->args_left < UINT32_MAX)
        c->args_left++;
    for (uint32_t i = 1; i < c->arg_count; i++)
        if (worry(c->args[i].source) < worry(c->args[least].source))
            least = i;
    return worry(s) > worry(c->args[least].source) ? &c->args[least] : NULL;
}

/* By its source, too: two long pointers may be one when they are cut, and who
 * made the call would choose which of the two is told. */
static bool is_told(const struct ticket_context *c, struct ts_str arg,
                    struct ts_str value, enum ticket_source s)
{
    for (uint32_t i = 0; i < c->arg_count; i++)
        if (c->args[i].source == s && ts_str_eq(c->args[i].arg, arg) &&
            ts_str_eq(c->args[i].value, value))
            return true;
    return false;
}

static bool is_new(const struct telling *t, const struct provenance_value *v)
{
    const struct firsts_thing thing =
        value_of(t->q->authority->delegation, t->q->manifest, v->decl, v->text);

    return !v->is_link && v->inside.len == 0 && !t->c.lost &&
           v->decl->role != ROLE_CONTENT && !firsts_has(t->a->firsts, &thing);
}

/* A yes lets it through for the rest of the task, if every rule says so. */
static void tell_endorsed(struct telling *t, const struct provenance_value *v)
{
    struct ticket_context *c = &t->c;
    struct endorsing *keep = &t->endorsing[c->endorses_count];
    struct ticket_endorses *x = &c->endorses[c->endorses_count];
    size_t n;

    if (v->use == NULL || (t->q->endorses & ~v->endorsed.sets) == 0 ||
        (v->seen->source != PROV_UNTRUSTED &&
         v->seen->source != PROV_UNKNOWN) ||
        c->endorses_count == TICKET_CONTEXT_ENDORSES_MAX ||
        !endorsed_fits(v->use))
        return;
    n = put(keep->arg, sizeof(keep->arg), 0, v->use->arg);
    n = put(keep->arg, sizeof(keep->arg), n, v->use->inside);
    x->arg = (struct ts_str){.ptr = keep->arg, .len = n};
    n = put(keep->value, sizeof(keep->value), 0, v->text);
    x->value = (struct ts_str){.ptr = keep->value, .len = n};
    for (uint32_t i = 0; i < c->endorses_count; i++)
        if (ts_str_eq(c->endorses[i].arg, x->arg) &&
            ts_str_eq(c->endorses[i].value, x->value))
            return;
    c->endorses_count++;
}

static void tell_value(void *ctx, const struct provenance_value *v)
{
    struct telling *t = ctx;
    enum ticket_source s = source_of(v->seen->source);
    const uint32_t places = v->seen->count < TICKET_CONTEXT_PLACES_MAX
                                ? v->seen->count
                                : TICKET_CONTEXT_PLACES_MAX;
    struct ticket_context_arg *to;
    struct named now, *keep;
    struct ts_str arg, value = {.ptr = now.value};

    tell_endorsed(t, v);
    /* What the model writes itself is found nowhere, as it should be. */
    if (v->decl->role == ROLE_CONTENT && !v->is_link &&
        s == TICKET_SOURCE_UNKNOWN)
        return;
    arg = pointer_of(v, now.pointer);
    if (v->is_link)
        value.len = put(now.value, VALUE_ROOM, 0, v->text);
    if (is_told(&t->c, arg, value, s) || (to = place_for(t, s)) == NULL)
        return;
    keep = &t->names[to - t->c.args];
    memcpy(keep, &now, sizeof(now));
    *to = (struct ticket_context_arg){
        .arg = {.ptr = keep->pointer, .len = arg.len},
        .value = {.ptr = keep->value, .len = value.len},
        .source = s,
        .place_count = places,
        .places_left = v->seen->count - places + (v->seen->more ? 1 : 0),
        .is_new = is_new(t, v)};
    for (uint32_t i = 0; i < places; i++)
        to->places[i] = v->seen->places[i];
}

static ts_err tell_values(struct telling *t)
{
    const struct call_provenance *p = t->q->provenance;
    struct provenance_input in = *t->q->values;
    struct call_provenance again;

    t->c.secrets = p->secrets && !p->task.lost;
    t->c.has_level = !p->task.lost;
    t->c.level = (uint8_t)p->level;
    t->c.tainted = t->c.tainted || p->task.untrusted;
    t->c.origin = ts_str_of(prov_origin_name(p->origin));
    in.ctx = t;
    in.saw = tell_value;
    return call_provenance_make(&in, t->q->arena, &again);
}

static uint32_t fits(uint64_t n)
{
    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static ts_err tell_all(struct telling *t, const struct tickets_asked *before)
{
    const struct people_question *q = t->q;
    struct ticket_context *c = &t->c;

    c->sensitivity = sensitivity_name(q->sensitivity);
    c->tainted = q->tainted;
    c->has_stdin = q->call->has_stdin;
    c->lost = q->provenance->task.lost;
    c->asked_minute = before->minute + 1;
    c->asked_hour = before->hour + 1;
    c->has_calls = true;
    c->calls_minute = fits(q->calls_1m);
    c->calls_hour = fits(q->calls_1h);
    for (uint32_t i = 0; i < q->rule_count; i++)
        c->reasons[i] = q->reasons[i];
    for (uint32_t i = 0; i < q->call->provenance_count; i++)
        c->declared[c->declared_count++] = q->call->provenance[i];
    if (!c->lost)
        tell_firsts(t);
    return tell_values(t);
}

ts_err approvals_context(struct gate *g, const struct people_question *q,
                         const struct tickets_asked *before, struct ts_buf *out)
{
    struct telling *t = ts_mem_alloc(sizeof(*t));
    ts_err e;

    if (t == NULL)
        return TS_E_NOMEM;
    t->q = q;
    t->a = g->approvals;
    e = tell_all(t, before);
    if (e == TS_OK)
        e = ticket_context_encode(&t->c, out);
    ts_mem_free(t);
    return e;
}
