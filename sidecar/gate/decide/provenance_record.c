/* context.provenance, typed. Lists of fields in the order of (length, bytes).
 */
#include "sidecar/gate/decide/call_provenance.h"
#include "sidecar/gate/decide/value.h"

static ts_err class_record(const struct provenance_class *c,
                           struct ts_arena *arena, struct cedar_value *ret)
{
    const struct cedar_field f[] = {
        value_bool(TS_STR_LIT("pinned"), c->pinned),
        value_bool(TS_STR_LIT("trusted"), c->trusted),
        value_bool(TS_STR_LIT("unknown"), c->unknown),
        value_bool(TS_STR_LIT("untrusted"), c->untrusted),
    };

    return cedar_record_make(arena, f, sizeof(f) / sizeof(f[0]), ret);
}

static ts_err arg_record(const struct arg_provenance *a, uint32_t whose,
                         struct ts_arena *arena, struct cedar_value *ret)
{
    struct cedar_value places[PROV_FOUND_PLACES + 1], set;
    uint32_t n = a->place_count;
    ts_err e;

    for (uint32_t i = 0; i < n; i++)
        places[i] = cedar_string(a->places[i]);
    if ((a->endorsed_sets & whose) != 0)
        places[n++] = cedar_string(TS_STR_LIT("endorsed"));
    e = cedar_set_make(arena, places, n, &set);
    if (e != TS_OK)
        return e;
    return cedar_record_make(
        arena,
        (struct cedar_field[]){
            value_text(TS_STR_LIT("source"),
                       ts_str_of(prov_source_name(a->source))),
            value_of(TS_STR_LIT("sources"), set)},
        2, ret);
}

static ts_err open_record(const struct provenance_open *o, uint32_t set,
                          struct ts_arena *arena, struct cedar_value *ret)
{
    const struct cedar_field f[] = {
        value_bool(TS_STR_LIT("unknown"), (o->unknown & set) != 0),
        value_bool(TS_STR_LIT("untrusted"), (o->untrusted & set) != 0),
    };

    return cedar_record_make(arena, f, sizeof(f) / sizeof(f[0]), ret);
}

static bool key_before(struct ts_str a, struct ts_str b)
{
    return a.len != b.len ? a.len < b.len : ts_str_cmp(a, b) < 0;
}

static ts_err args_record(const struct call_provenance *p, uint32_t set,
                          const struct call_args *args, struct ts_arena *arena,
                          struct cedar_value *ret)
{
    struct cedar_field *f;
    uint32_t n = 0;
    void *mem;
    ts_err e = ts_arena_array(arena, (size_t)args->count + 1, sizeof(*f), &mem);

    if (e != TS_OK)
        return e;
    f = mem;
    for (uint32_t i = 0; i < args->count; i++) {
        struct cedar_field one = {.key = args->values[i].decl->name};
        uint32_t at = n++;

        if ((e = arg_record(&p->args[i], set, arena, &one.value)) != TS_OK)
            return e;
        for (; at > 0 && key_before(one.key, f[at - 1].key); at--)
            f[at] = f[at - 1];
        f[at] = one;
    }
    return cedar_record_make(arena, f, n, ret);
}

static ts_err task_record(const struct prov_taint *t, struct ts_arena *arena,
                          struct cedar_value *ret)
{
    const struct cedar_field f[] = {
        value_long(TS_STR_LIT("level"), (int64_t)t->level),
        value_bool(TS_STR_LIT("untrusted"), t->untrusted),
    };

    return cedar_record_make(arena, f, sizeof(f) / sizeof(f[0]), ret);
}

ts_err call_provenance_record(const struct call_provenance *p, uint32_t set,
                              const struct call_args *args,
                              const struct cedar_value *declared, bool tainted,
                              struct ts_arena *arena, struct cedar_value *ret)
{
    struct cedar_value authority, links, content, unendorsed, by_arg, task;
    ts_err e;

    if ((e = class_record(&p->authority, arena, &authority)) != TS_OK ||
        (e = class_record(&p->links, arena, &links)) != TS_OK ||
        (e = class_record(&p->content, arena, &content)) != TS_OK ||
        (e = open_record(&p->unendorsed, set, arena, &unendorsed)) != TS_OK ||
        (e = args_record(p, set, args, arena, &by_arg)) != TS_OK ||
        (e = task_record(&p->task, arena, &task)) != TS_OK)
        return e;
    const struct cedar_field f[] = {
        value_of(TS_STR_LIT("args"), by_arg),
        value_of(TS_STR_LIT("task"), task),
        value_long(TS_STR_LIT("level"), (int64_t)p->level),
        value_of(TS_STR_LIT("links"), links),
        value_text(TS_STR_LIT("origin"),
                   ts_str_of(prov_origin_name(p->origin))),
        value_of(TS_STR_LIT("content"), content),
        value_bool(TS_STR_LIT("secrets"), p->secrets),
        value_bool(TS_STR_LIT("tainted"), tainted),
        value_of(TS_STR_LIT("declared"), *declared),
        value_of(TS_STR_LIT("authority"), authority),
        value_of(TS_STR_LIT("unendorsed"), unendorsed),
    };

    return cedar_record_make(arena, f, sizeof(f) / sizeof(f[0]), ret);
}

ts_err call_provenance_again(const struct recorded_provenance *r,
                             const struct call_args *args,
                             struct ts_arena *arena,
                             struct call_provenance *ret)
{
    struct arg_provenance *made;
    void *p;
    ts_err e =
        ts_arena_array(arena, (size_t)args->count + 1, sizeof(*made), &p);

    if (e != TS_OK)
        return e;
    made = p;
    for (uint32_t i = 0; i < args->count; i++) {
        made[i] = (struct arg_provenance){.source = PROV_UNKNOWN};
        for (uint32_t k = 0; k < r->arg_count; k++)
            if (ts_str_eq(r->args[k].name, args->values[i].decl->name))
                made[i] = r->args[k].is;
    }
    *ret = r->is;
    ret->args = made;
    return TS_OK;
}
