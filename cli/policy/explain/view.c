/* Which policies belong to an explanation, in which order; and as JSON. */
#include "cli/policy/explain/view.h"

#define NOWHERE UINT32_MAX
/* Bytes of one value in JSON: each clause shows its own. */
#define JSON_VALUE_CAP 4096

const char *explain_kind_name(enum cedar_clause_kind k)
{
    static const char *const names[] = {
        "principal", "action", "resource", "when", "unless",
        "and",       "or",     "not",      "if",   "test"};

    return (size_t)k < sizeof(names) / sizeof(names[0]) ? names[k] : "";
}

const char *explain_outcome_name(enum cedar_outcome o)
{
    static const char *const names[] = {"not_evaluated", "false", "true",
                                        "error"};

    return (size_t)o < sizeof(names) / sizeof(names[0]) ? names[o] : "";
}

static bool is_reason(const struct explain_view *v, uint32_t policy)
{
    for (uint32_t i = 0; i < v->answer->reason_count; i++)
        if (v->answer->reasons[i] == policy)
            return true;
    return false;
}

bool explain_is_shown(const struct explain_view *v, uint32_t policy)
{
    const struct cedar_policy_result *r = &v->why->policies[policy];
    const struct cedar_clause *clauses;
    size_t n = cedar_policies_clauses(v->set->compiled, policy, &clauses);

    if (r->outcome != CEDAR_FALSE || is_reason(v, policy))
        return true;
    for (uint32_t i = 0; i < r->clause_count && i < n; i++)
        if (clauses[i].kind == CEDAR_CLAUSE_ACTION)
            return r->clauses[i].outcome == CEDAR_NOT_EVALUATED
                       ? explain_admits_action(v, &clauses[i])
                       : r->clauses[i].outcome != CEDAR_FALSE;
    return true;
}

bool explain_is_afar(const struct explain_view *v, uint32_t policy)
{
    const struct cedar_policy_result *r = &v->why->policies[policy];
    const struct cedar_clause *clauses;
    size_t n = cedar_policies_clauses(v->set->compiled, policy, &clauses);

    return r->outcome == CEDAR_FALSE && r->decisive < n &&
           clauses[r->decisive].kind <= CEDAR_CLAUSE_RESOURCE;
}

static unsigned rank(const struct explain_view *v, uint32_t policy)
{
    if (is_reason(v, policy))
        return 0;
    if (v->why->policies[policy].outcome == CEDAR_FAILED)
        return 1;
    return explain_is_afar(v, policy) ? 3 : 2;
}

const uint32_t *explain_order(const struct explain_view *v, uint32_t *ret_count)
{
    uint32_t n = v->why->count, at = 0;
    uint32_t *order;
    void *mem;

    *ret_count = 0;
    if (ts_arena_array(v->arena, n > 0 ? n : 1, sizeof(*order), &mem) != TS_OK)
        return NULL;
    order = mem;
    for (unsigned want = 0; want < 4; want++)
        for (uint32_t i = 0; i < n; i++)
            if (rank(v, i) == want)
                order[at++] = i;
    *ret_count = at;
    return order;
}

static void place_json(struct json_out *j, const struct explain_view *v,
                       struct cedar_span span)
{
    const struct pol_files *files = &v->set->files;

    if (span.source >= files->count || span.line == 0)
        return;
    json_out_text(j, "file", files->list[span.source].name);
    json_out_int(j, "line", span.line);
    json_out_int(j, "column", span.column);
}

static void values_json(struct json_out *j, const struct explain_view *v,
                        const struct cedar_clause_result *r)
{
    if (r->operand_count == 0)
        return;
    json_out_array(j, "values");
    for (uint32_t i = 0; i < r->operand_count; i++) {
        const struct cedar_operand *op = &r->operands[i];

        json_out_object(j, NULL);
        json_out_str(j, "path", op->path);
        json_out_str(j, "text", explain_text(v, op->span, 4096));
        json_out_str(j, "value", explain_value(v, op, JSON_VALUE_CAP));
        json_out_end(j);
    }
    json_out_end(j);
}

static void clause_json(struct json_out *j, const struct explain_view *v,
                        const struct cedar_clause *clauses,
                        const struct cedar_policy_result *r, uint32_t c)
{
    json_out_object(j, NULL);
    json_out_text(j, "kind", explain_kind_name(clauses[c].kind));
    if (clauses[c].parent == NOWHERE)
        json_out_null(j, "parent");
    else
        json_out_int(j, "parent", clauses[c].parent);
    json_out_text(j, "outcome",
                  explain_outcome_name(explain_outcome(clauses, r, c)));
    place_json(j, v, clauses[c].span);
    json_out_str(j, "text", explain_text(v, clauses[c].span, 4096));
    values_json(j, v, &r->clauses[c]);
    json_out_end(j);
}

static void policy_json(struct json_out *j, const struct explain_view *v,
                        uint32_t policy)
{
    const struct cedar_policies *p = v->set->compiled;
    struct cedar_policy_info info = cedar_policies_info(p, policy);
    const struct cedar_policy_result *r = &v->why->policies[policy];
    const struct cedar_clause *clauses;
    size_t n = cedar_policies_clauses(p, policy, &clauses);

    json_out_object(j, NULL);
    json_out_str(j, "id", info.id);
    json_out_text(j, "effect",
                  info.effect == CEDAR_PERMIT ? "permit" : "forbid");
    json_out_text(j, "outcome", explain_outcome_name(r->outcome));
    place_json(j, v, info.span);
    if (r->decisive == NOWHERE)
        json_out_null(j, "decisive");
    else
        json_out_int(j, "decisive", r->decisive);
    json_out_array(j, "clauses");
    for (uint32_t c = 0; c < r->clause_count && c < n; c++)
        clause_json(j, v, clauses, r, c);
    json_out_end(j);
    json_out_end(j);
}

void explain_json(const struct explain_view *v)
{
    struct json_out j;
    uint32_t n, hidden = 0;
    const uint32_t *order = explain_order(v, &n);

    json_out_init(&j, stdout);
    json_out_object(&j, NULL);
    pol_answer_json(&j, v->set->compiled, v->answer);
    json_out_str(&j, "principal",
                 explain_variable(v, "principal", &v->req->principal, 4096));
    json_out_str(&j, "action",
                 explain_variable(v, "action", &v->req->action, 4096));
    json_out_str(&j, "resource",
                 explain_variable(v, "resource", &v->req->resource, 4096));
    explain_box_json(&j, v);
    json_out_array(&j, "policies");
    for (uint32_t i = 0; i < n; i++) {
        if (v->all || explain_is_shown(v, order[i]))
            policy_json(&j, v, order[i]);
        else
            hidden++;
    }
    json_out_end(&j);
    json_out_int(&j, "hidden", hidden);
    json_out_end(&j);
}
