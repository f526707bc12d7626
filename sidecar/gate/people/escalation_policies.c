#include "sidecar/gate/people/escalation_policies.h"

#include <stdio.h>

#include "policy/cedar_text.h"
#include "sidecar/gate/people/approval_rule.h"
#include "sidecar/gate/people/box_demand.h"
#include "sidecar/gate/people/snapshot_priv.h"

static const char *policy_fault(const struct cedar_ast *a, size_t i)
{
    const struct cedar_ast_info info = cedar_ast_info(a, i);
    struct ts_str value;

    if (info.kind != CEDAR_STATIC)
        return "a template permits nothing; fill in its slots";
    if (info.effect != CEDAR_PERMIT)
        return "a forbid in an escalation; only permits are added";
    if (cedar_ast_annotation(a, i, "approval", &value) ||
        cedar_ast_annotation(a, i, "breakglass", &value))
        return "@approval and @breakglass say nothing of a permit; remove them";
    return box_demand_policy_fault(a, i);
}

static ts_err check(const struct cedar_ast *a, const char *name, char *text,
                    size_t cap)
{
    for (size_t i = 0; i < cedar_ast_count(a); i++) {
        const struct cedar_ast_info info = cedar_ast_info(a, i);
        const char *fault = policy_fault(a, i);

        if (fault == NULL)
            continue;
        (void)snprintf(text, cap, "%s:%u:%u: %s", name, info.span.line,
                       info.span.column, fault);
        return TS_E_FORMAT;
    }
    return TS_OK;
}

/* All that can be said without a schema. */
static ts_err parse(const struct cedar_source *source, struct cedar_ast **ret,
                    struct cedar_diags *diags, char *text, size_t cap)
{
    ts_err e = cedar_ast_parse(source, 1, &cedar_options_block, ret, diags);

    return e == TS_OK ? check(*ret, source->name, text, cap) : e;
}

static ts_err told(ts_err e, const struct cedar_diags *diags,
                   const struct cedar_source *source, char *text, size_t cap)
{
    if (e == TS_OK || e == TS_E_NOMEM)
        return e;
    if (text[0] == '\0')
        snapshot_diag_text(diags, source, 1, text, cap);
    return TS_E_FORMAT;
}

ts_err escalation_policies_check(const char *name, struct ts_str policies,
                                 char *reterr_text, size_t reterr_cap)
{
    const struct cedar_source source = {.name = name, .text = policies};
    struct cedar_diags diags = {0};
    struct cedar_ast *ast = NULL;
    ts_err e;

    reterr_text[0] = '\0';
    e = parse(&source, &ast, &diags, reterr_text, reterr_cap);
    cedar_ast_free(ast);
    return told(e, &diags, &source, reterr_text, reterr_cap);
}

ts_err escalation_policies_make(const struct escalation *e,
                                const struct cedar_schema *schema,
                                struct cedar_policies **ret, char *reterr_text,
                                size_t reterr_cap)
{
    const struct cedar_source source = {.name = "escalation",
                                        .text = e->policies};
    struct cedar_diags diags = {0};
    struct cedar_ast *ast = NULL;
    ts_err err;

    reterr_text[0] = '\0';
    if (e->policies.len == 0) {
        *ret = NULL;
        return TS_OK;
    }
    err = parse(&source, &ast, &diags, reterr_text, reterr_cap);
    if (err == TS_OK)
        err = cedar_validate(ast, schema, &cedar_validate_block, &diags);
    if (err == TS_OK)
        err = cedar_ast_compile(ast, ret, &diags);
    cedar_ast_free(ast);
    return told(err, &diags, &source, reterr_text, reterr_cap);
}

static bool liftable(const struct cedar_policies *p, uint32_t i)
{
    struct ts_str value;

    return cedar_policies_info(p, i).effect == CEDAR_FORBID &&
           cedar_policies_annotation(p, i, "breakglass", &value);
}

bool escalation_lift_fault(const struct escalation *e,
                           const struct cedar_policies *tenant,
                           struct ts_str *ret)
{
    for (uint32_t k = 0; k < e->lift_count; k++) {
        size_t n = cedar_policies_count(tenant);
        bool found = false;

        for (uint32_t i = 0; i < n && !found; i++)
            found = ts_str_eq(cedar_policies_info(tenant, i).id, e->lifts[k]) &&
                    liftable(tenant, i);
        if (!found) {
            *ret = e->lifts[k];
            return true;
        }
    }
    return false;
}

bool escalation_lifts(const struct ts_str *lifts, uint32_t lift_count,
                      const struct cedar_policies *tenant, uint32_t index)
{
    if (!liftable(tenant, index))
        return false;
    for (uint32_t k = 0; k < lift_count; k++)
        if (ts_str_eq(cedar_policies_info(tenant, index).id, lifts[k]))
            return true;
    return false;
}
