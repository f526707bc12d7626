/* Schemas as others see them: parse, look up, free. */
#include "policy/schema/schema.h"

#include <string.h>

#include "policy/core/diag.h"
#include "policy/core/limits.h"
#include "policy/core/uid.h"
#include "policy/schema/decl.h"
#include "proto/base/ts_mem.h"

typedef ts_err (*source_fn)(struct schema_decls *d, struct ts_arena *arena,
                            struct ts_str text, uint32_t source,
                            struct cedar_diags *diags);

static ts_err check_size(const struct cedar_source *sources, size_t count,
                         struct cedar_diags *diags, size_t *ret)
{
    struct cedar_span at = {.line = 1, .column = 1};
    size_t total = 0;

    if (count > CEDAR_SCHEMA_FILES) {
        cedar_diag_add(diags, "limit", at, NULL,
                       "a schema has at most %u files", CEDAR_SCHEMA_FILES);
        return TS_E_LIMIT;
    }
    for (size_t i = 0; i < count; i++) {
        at.source = (uint32_t)i;
        if (sources[i].text.len > CEDAR_SCHEMA_BYTES - total) {
            cedar_diag_add(diags, "limit", at, NULL,
                           "a schema has at most %zu bytes in all its files",
                           CEDAR_SCHEMA_BYTES);
            return TS_E_LIMIT;
        }
        total += sources[i].text.len;
    }
    *ret = total;
    return TS_OK;
}

/* Declarations borrow from the text, so the schema has one of its own. */
static ts_err parse_sources(struct cedar_schema *s, struct schema_decls *d,
                            source_fn parse, const struct cedar_source *sources,
                            size_t count, struct cedar_diags *diags)
{
    ts_err all = TS_OK;

    for (size_t i = 0; i < count; i++) {
        struct ts_str text;
        ts_err e = cedar_str_copy(&s->arena, sources[i].text, &text);

        if (e == TS_OK)
            e = parse(d, &s->arena, text, (uint32_t)i, diags);
        if (e != TS_OK && e != TS_E_FORMAT)
            return e;
        if (e != TS_OK)
            all = e;
    }
    return all;
}

static ts_err fill(struct cedar_schema *s, source_fn parse,
                   const struct cedar_source *sources, size_t count,
                   size_t total, struct cedar_diags *diags)
{
    struct schema_decls *d;
    void *p;
    ts_err e;

    if ((e = ts_arena_alloc(&s->arena, sizeof(*d), &p)) != TS_OK)
        return e;
    d = p;
    decl_init(d);
    s->decls = d;
    if ((e = parse_sources(s, d, parse, sources, count, diags)) != TS_OK)
        return e;
    return schema_resolve(s, total, diags);
}

static bool later(const struct cedar_span *a, const struct cedar_span *b)
{
    return a->source != b->source ? a->source > b->source
                                  : a->offset > b->offset;
}

/* In the order of the text: parsers and resolver follow names and kinds, not
 * lines. There are few, so they are simply inserted one by one. */
static void sort_diags(struct cedar_diags *diags, uint32_t from)
{
    uint32_t n =
        diags->count < CEDAR_DIAGS_MAX ? diags->count : CEDAR_DIAGS_MAX;

    for (uint32_t i = from + 1; i < n; i++) {
        struct cedar_diag d = diags->list[i];
        uint32_t at = i;

        for (; at > from && later(&diags->list[at - 1].span, &d.span); at--)
            diags->list[at] = diags->list[at - 1];
        diags->list[at] = d;
    }
}

static ts_err load(source_fn parse, const struct cedar_source *sources,
                   size_t count, struct cedar_schema **ret,
                   struct cedar_diags *diags)
{
    struct cedar_span at = {.line = 1, .column = 1};
    struct cedar_schema *s;
    uint32_t errors = diags != NULL ? diags->errors : 0;
    uint32_t from = diags != NULL ? diags->count : 0;
    size_t total;
    ts_err e = check_size(sources, count, diags, &total);

    if (e != TS_OK)
        return e;
    s = ts_mem_alloc(sizeof(*s));
    if (s == NULL)
        return TS_E_NOMEM;
    ts_arena_init(&s->arena, CEDAR_LOAD_BASE + total * CEDAR_SCHEMA_PER_BYTE +
                                 CEDAR_SCHEMA_PAIRS * sizeof(uint32_t) * 2);
    e = fill(s, parse, sources, count, total, diags);
    if (e != TS_OK) {
        if (e == TS_E_LIMIT && diags != NULL && diags->errors == errors)
            cedar_diag_add(diags, "limit", at, NULL,
                           "the schema needs more memory than its size allows");
        if (diags != NULL)
            sort_diags(diags, from);
        cedar_schema_free(s);
        return e;
    }
    *ret = s;
    return TS_OK;
}

ts_err cedar_schema_parse(const struct cedar_source *sources, size_t count,
                          struct cedar_schema **ret, struct cedar_diags *diags)
{
    return load(schema_parse_text, sources, count, ret, diags);
}

ts_err cedar_schema_parse_json(const struct cedar_source *sources, size_t count,
                               struct cedar_schema **ret,
                               struct cedar_diags *diags)
{
    return load(schema_parse_json, sources, count, ret, diags);
}

void cedar_schema_free(struct cedar_schema *s)
{
    if (s == NULL)
        return;
    ts_arena_done(&s->arena);
    ts_mem_free(s);
}

const struct schema_entity *cedar_schema_entity(const struct cedar_schema *s,
                                                struct ts_str name)
{
    uint32_t lo = 0, hi = s->entity_count;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int c = ts_str_cmp(name, s->entities[mid].name);

        if (c == 0)
            return &s->entities[mid];
        if (c < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

const struct schema_action *cedar_schema_action(const struct cedar_schema *s,
                                                const struct cedar_uid *uid)
{
    uint32_t lo = 0, hi = s->action_count;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int c = cedar_uid_cmp(uid, s->actions[mid].uid);

        if (c == 0)
            return &s->actions[mid];
        if (c < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

static bool holds(const uint32_t *list, uint32_t count, uint32_t n)
{
    uint32_t lo = 0, hi = count;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (list[mid] == n)
            return true;
        if (n < list[mid])
            hi = mid;
        else
            lo = mid + 1;
    }
    return false;
}

bool cedar_schema_may_be_in(const struct schema_entity *below,
                            const struct schema_entity *above)
{
    return below == above ||
           holds(below->ancestors, below->ancestor_count, above->index);
}

bool cedar_schema_action_in(const struct schema_action *below,
                            const struct schema_action *above)
{
    return below == above ||
           holds(below->ancestors, below->ancestor_count, above->index);
}

bool cedar_schema_id_ok(const struct schema_entity *e, struct ts_str id)
{
    uint32_t lo = 0, hi = e->choice_count;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int c = ts_str_cmp(id, e->choices[mid]);

        if (c == 0)
            return true;
        if (c < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return e->choice_count == 0;
}
