#include "sidecar/gate/people/approval_rule.h"

#include <string.h>

#include "proto/trust/approval_ticket.h"
#include "proto/trust/id.h"
#include "sidecar/gate/people/box_demand.h"
#include "sidecar/gate/people/use_rule.h"

#define ID_MAX 128u /* bytes of an @id that a ticket names */

_Static_assert(TICKET_COUNT_MAX < 10, "a count is one digit");
_Static_assert(sizeof(APPROVAL_BLOCK_PREFIX "7/") - 1 + ID_MAX <=
                   TICKET_RULE_ID_MAX,
               "a ticket has room for the @id of a block's policy");

bool approval_rule_parse(struct ts_str value, struct approval_rule *ret)
{
    const char *colon =
        value.len > 0 ? memchr(value.ptr, ':', value.len) : NULL;
    struct approval_rule r = {.class_id = value, .count = 1};

    if (colon != NULL) {
        r.class_id.len = (size_t)(colon - value.ptr);
        if (value.len - r.class_id.len != 2 || colon[1] < '1' ||
            colon[1] > '0' + (int)TICKET_COUNT_MAX)
            return false;
        r.count = (uint32_t)(colon[1] - '0');
    }
    if (!trust_id_valid(r.class_id))
        return false;
    *ret = r;
    return true;
}

bool approval_id_is_reserved(struct ts_str id)
{
    static const char prefix[] = APPROVAL_BLOCK_PREFIX;

    return id.len >= sizeof(prefix) - 1 &&
           memcmp(id.ptr, prefix, sizeof(prefix) - 1) == 0;
}

bool endorse_rule_holds(struct ts_str value)
{
    return ts_str_eq_c(value, "task");
}

const char *annotation_value_fault(struct ts_str key, struct ts_str value)
{
    struct approval_rule r;

    if (ts_str_eq_c(key, "approval") && !approval_rule_parse(value, &r))
        return "write who approves and how many of them, 1 to 8: "
               "@approval(\"four-eyes:1\")";
    if (ts_str_eq_c(key, "endorse") && !endorse_rule_holds(value))
        return "write how long a yes lets a value through: @endorse(\"task\") "
               "is the one way";
    if (use_annotation_fault(key, value) != NULL)
        return use_annotation_fault(key, value);
    return box_demand_fault(key, value);
}

static struct ts_str name_of(const struct cedar_ast *ast, size_t index)
{
    struct ts_str id;

    if (cedar_ast_annotation(ast, index, "id", &id) && id.len > 0)
        return id;
    return cedar_ast_info(ast, index).id;
}

const char *endorse_policy_fault(const struct cedar_ast *ast, size_t index)
{
    struct ts_str value, approval;

    if (!cedar_ast_annotation(ast, index, "endorse", &value))
        return NULL;
    if (!cedar_ast_annotation(ast, index, "approval", &approval))
        return "@endorse without @approval; only what people say yes to lets "
               "values through";
    return annotation_value_fault(TS_STR_LIT("endorse"), value);
}

const char *approval_policy_fault(const struct cedar_ast *ast, size_t index)
{
    struct ts_str value, other, name = name_of(ast, index);
    const char *fault = endorse_policy_fault(ast, index);

    if (fault != NULL || !cedar_ast_annotation(ast, index, "approval", &value))
        return fault;
    if (name.len > ID_MAX)
        return "the @id of a policy that people may lift is longer than 128 "
               "bytes";
    /* One name, one rule: a second policy would be lifted with the first. */
    for (size_t i = 0; i < index; i++)
        if (cedar_ast_annotation(ast, i, "approval", &other) &&
            ts_str_eq(name_of(ast, i), name))
            return "two policies that people may lift have one @id";
    return annotation_value_fault(TS_STR_LIT("approval"), value);
}
