/* Counters of a decision: shown to the policies as tags, and what a permit
 * takes from them. The gate's shell reserves it before the launch. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sidecar/common/manifest/manifest.h"
#include "sidecar/gate/decide/decide_priv.h"
#include "sidecar/gate/decide/value.h"
#include "sidecar/gate/people/use_rule.h"

#define PER_UNIT 10000 /* a decimal's, of one */

static uint64_t total_of(const struct deciding *d, const struct use_counter *c)
{
    return d->is_unused ? 0 : use_ledger_total(d->in->uses, c->id);
}

/* False for what is no amount: negative, no number, more than a decimal. */
static bool add_arg(const struct arg_value *v, uint64_t *sum)
{
    int64_t n = v->integer;

    if ((v->decl->type != ARG_INT && v->decl->type != ARG_DECIMAL) || n < 0)
        return false;
    if (v->decl->type == ARG_INT) {
        if (n > INT64_MAX / PER_UNIT)
            return false;
        n *= PER_UNIT;
    }
    if ((uint64_t)n > USE_TOTAL_MAX - *sum)
        return false;
    *sum += (uint64_t)n;
    return true;
}

/* What this call adds to a counter; an argument that is not given adds
 * nothing. */
static bool amount_of(const struct deciding *d, const struct use_counter *c,
                      uint64_t *ret)
{
    uint64_t sum = 0;

    if (c->kind == USE_CALLS) {
        *ret = 1;
        return true;
    }
    for (uint32_t i = 0; i < d->args.count; i++)
        for (uint32_t k = 0; k < c->arg_count; k++)
            if (ts_str_eq(d->args.values[i].decl->name, c->args[k]) &&
                !add_arg(&d->args.values[i], &sum))
                return false;
    *ret = sum;
    return sum <= USE_TOTAL_MAX - total_of(d, c);
}

static ts_err show_kind(struct deciding *d, const struct use_rules *r,
                        enum use_kind kind, const struct cedar_uid *uid,
                        uint32_t *count)
{
    struct cedar_overlay *o = &d->overlay[d->overlay_count + *count];
    struct cedar_field tags[USE_COUNTERS_MAX];
    size_t n = 0;
    uint64_t amount;
    ts_err e;

    for (uint32_t i = 0; i < r->count; i++) {
        const struct use_counter *c = &r->counters[i];

        /* A sum that cannot be told is not there, and the call not permitted:
         * see decide_uses_take(). */
        if (c->kind != kind || !amount_of(d, c, &amount))
            continue;
        tags[n] = value_long(c->name, (int64_t)total_of(d, c));
        if (kind == USE_AMOUNT)
            tags[n].value = (struct cedar_value){
                .kind = CEDAR_DECIMAL,
                .as.integer = (int64_t)(total_of(d, c) + amount)};
        n++;
    }
    if (n == 0)
        return TS_OK;
    *o = (struct cedar_overlay){.uid = *uid};
    if ((e = cedar_record_make(d->arena, tags, n, &o->tags)) == TS_OK)
        (*count)++;
    return e;
}

ts_err decide_uses_show(struct deciding *d, const struct use_rules *rules,
                        uint32_t *ret_count)
{
    const struct authority_parts *p = d->in->authority->parts;
    uint32_t count = 0;
    ts_err e = TS_OK;

    if (rules != NULL &&
        (e = show_kind(d, rules, USE_CALLS, &p->uses, &count)) == TS_OK)
        e = show_kind(d, rules, USE_AMOUNT, &p->sums, &count);
    if (e == TS_OK)
        *ret_count = count;
    return e;
}

/* One set of policies that counts: the tenant's, which several principals were
 * asked about and which counts a call once, or a block's. */
struct owner {
    const struct use_rules *rules;
    char name[16];
    bool is_first;
    uint16_t counted; /* by the satisfied permits */
};
#define OWNERS_MAX (1 + TS_BLOCKS_MAX)

static uint32_t owners_of(const struct deciding *d, struct owner *list)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < d->set_count; i++) {
        const struct set_result *s = &d->sets[i];
        bool is_block = s->set_name[0] == 'b'; /* block:0 */
        struct owner *o;

        if (s->uses == NULL)
            continue;
        if (!is_block && n > 0)
            o = &list[0];
        else {
            o = &list[n++];
            *o = (struct owner){.rules = s->uses};
            (void)snprintf(o->name, sizeof(o->name), "%s",
                           is_block ? s->set_name : "tenant");
            o->is_first = !is_block || strcmp(s->set_name, "block:0") == 0;
        }
        o->counted |= use_rules_counted(s->uses, &s->answer);
    }
    return n;
}

bool decide_counts(const struct deciding *d)
{
    for (uint32_t i = 0; i < d->set_count; i++)
        if (d->sets[i].uses != NULL)
            return true;
    return false;
}

bool decide_is_used_up(const struct deciding *d)
{
    struct deciding other = *d;

    if (!decide_counts(d))
        return false;
    other.is_unused = true;
    other.set_count = 0;
    return decide_ask_all(&other) == TS_OK &&
           combine(other.sets, other.set_count).verdict != VERDICT_DENY;
}

static enum call_code take(struct deciding *d, const struct owner *o)
{
    for (uint32_t i = 0; i < o->rules->count; i++) {
        const struct use_counter *c = &o->rules->counters[i];
        struct use_take *t = &d->out->takes[d->out->take_count];

        if ((o->counted & 1u << i) == 0)
            continue;
        if (d->out->take_count == USE_TAKES_MAX) {
            d->why = "this call would be counted by too many counters";
            return CODE_LIMIT_REACHED;
        }
        if (!amount_of(d, c, &t->amount)) {
            d->why = "an amount of this call cannot be added up: it is "
                     "negative, no number, or too large";
            return CODE_LIMIT_REACHED;
        }
        memcpy(t->id, c->id, sizeof(t->id));
        t->is_first = o->is_first;
        d->out->take_count++;
    }
    return CODE_PERMITTED;
}

enum call_code decide_uses_take(struct deciding *d)
{
    struct owner list[OWNERS_MAX];
    uint32_t n = owners_of(d, list);

    d->out->take_count = 0;
    for (uint32_t i = 0; i < n; i++) {
        enum call_code code = take(d, &list[i]);

        if (code != CODE_PERMITTED) {
            d->out->take_count = 0;
            return code;
        }
    }
    return CODE_PERMITTED;
}

static void put_number(struct mp_writer *w, enum use_kind kind, uint64_t v)
{
    char text[32];

    if (kind == USE_CALLS) {
        mp_write_uint(w, v);
        return;
    }
    (void)snprintf(text, sizeof(text), "%" PRIu64 ".%04" PRIu64, v / PER_UNIT,
                   v % PER_UNIT);
    mp_write_cstr(w, text);
}

static void put_counter(struct mp_writer *w, const struct deciding *d,
                        const struct owner *o, uint32_t i)
{
    const struct use_counter *c = &o->rules->counters[i];
    uint64_t added = 0;

    if (d->out->verdict == VERDICT_PERMIT && !d->in->call->check_only &&
        (o->counted & 1u << i) != 0 && !amount_of(d, c, &added))
        added = 0; /* cannot be: it would be no permit */
    mp_write_array(w, 5);
    mp_write_cstr(w, o->name);
    mp_write_cstr(w, c->kind == USE_CALLS ? "calls" : "amount");
    mp_write_str(w, c->name.ptr, c->name.len);
    put_number(w, c->kind, total_of(d, c));
    put_number(w, c->kind, added);
}

void record_uses(struct mp_writer *w, const struct deciding *d, bool brief)
{
    struct owner list[OWNERS_MAX];
    uint32_t n = brief ? 0 : owners_of(d, list), count = 0;

    for (uint32_t i = 0; i < n; i++)
        count += list[i].rules->count;
    mp_write_cstr(w, "uses");
    mp_write_array(w, count);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < list[i].rules->count; k++)
            put_counter(w, d, &list[i], k);
}
