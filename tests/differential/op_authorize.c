/* authorize: policies, entities and requests, as the engine decides them. */
#include "inputs.h"
#include "proto/base/ts_arena.h"
#include "worker.h"

#define REQUEST_BUDGET ((size_t)64 << 20)

struct loaded {
    struct cedar_policies *policies;
    struct cedar_entities *entities;
    struct cedar_schema *schema;
};

static json_t *ids(const struct cedar_policies *p, const uint32_t *list,
                   uint32_t count)
{
    json_t *out = json_array();

    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(out,
                              diff_string(cedar_policies_info(p, list[i]).id));
    return out;
}

static json_t *report(const struct cedar_policies *p,
                      const struct cedar_answer *a)
{
    json_t *errors = json_array(), *codes = json_array();

    for (uint32_t i = 0; i < a->error_count; i++) {
        json_array_append_new(
            errors,
            diff_string(cedar_policies_info(p, a->errors[i].policy).id));
        json_array_append_new(codes, json_string(a->errors[i].code));
    }
    return json_pack("{s:i,s:o,s:o,s:o}", "d", (int)a->decision, "r",
                     ids(p, a->reasons, a->reason_count), "e", errors, "k",
                     codes);
}

static json_t *one_request(const struct loaded *l, const json_t *r,
                           struct ts_arena *arena)
{
    struct cedar_diags diags = {0};
    struct cedar_source context =
        diff_source(json_object_get(r, "c"), "context");
    struct cedar_request q = {.principal = diff_uid(json_object_get(r, "p")),
                              .action = diff_uid(json_object_get(r, "a")),
                              .resource = diff_uid(json_object_get(r, "r"))};
    struct cedar_answer answer;
    ts_err e;

    e = cedar_context_parse(arena, l->schema, &q.action, &context, &q.context,
                            &diags);
    if (e != TS_OK)
        return diff_failure("context", e, &diags);
    if (q.context.kind != CEDAR_RECORD)
        return diff_failure("context", TS_E_INVALID, &diags);
    if (l->schema != NULL &&
        (e = cedar_request_check(l->schema, &q, &diags)) != TS_OK)
        return diff_failure("request", e, &diags);
    e = cedar_authorize(l->policies, l->entities, &q, arena, &answer);
    return e == TS_OK ? report(l->policies, &answer)
                      : diff_failure("authorize", e, &diags);
}

static json_t *load(const json_t *request, struct loaded *l)
{
    struct cedar_diags diags = {0};
    struct cedar_source entities =
        diff_source(json_object_get(request, "entities"), "entities");
    ts_err e;

    const json_t *schema = json_object_get(request, "schema");

    if (schema != NULL &&
        (e = diff_load_schema(schema, &l->schema, &diags)) != TS_OK)
        return diff_failure("schema", e, &diags);
    e = diff_load_policies(json_object_get(request, "policies"), &l->policies,
                           &diags);
    if (e != TS_OK)
        return diff_failure("policies", e, &diags);
    if (l->schema != NULL)
        e = cedar_entities_parse_schema(l->schema, &entities, 1, &l->entities,
                                        &diags);
    else
        e = cedar_entities_parse(&entities, 1, &l->entities, &diags);
    return e == TS_OK ? NULL : diff_failure("entities", e, &diags);
}

json_t *op_authorize(const json_t *request)
{
    struct loaded l = {0};
    struct ts_arena arena;
    json_t *out = load(request, &l), *answers;
    size_t i;
    const json_t *r;

    if (out == NULL) {
        answers = json_array();
        ts_arena_init(&arena, REQUEST_BUDGET);
        json_array_foreach(json_object_get(request, "requests"), i, r)
        {
            json_array_append_new(answers, one_request(&l, r, &arena));
            ts_arena_reset(&arena);
        }
        ts_arena_done(&arena);
        out = json_pack("{s:b,s:o}", "ok", 1, "answers", answers);
    }
    cedar_policies_free(l.policies);
    cedar_entities_free(l.entities);
    cedar_schema_free(l.schema);
    return out;
}
