#include "tests/unit/policy/validate_help.h"

#include <stdio.h>
#include <string.h>

static ts_err load(struct ts_str schema, struct ts_str policies,
                   struct cedar_schema **ret_s, struct cedar_ast **ret_a,
                   struct cedar_diags *diags)
{
    struct cedar_options o = cedar_options_default;
    struct cedar_source s = {.name = "schema", .text = schema};
    struct cedar_source p = {.name = "policy", .text = policies};
    ts_err e = cedar_schema_parse(&s, 1, ret_s, diags);

    o.require_id = false;
    if (e == TS_OK)
        e = cedar_ast_parse(&p, 1, &o, ret_a, diags);
    return e;
}

void vh_run(struct ts_str schema, struct ts_str policies,
            const struct cedar_validate_options *options, struct vh_result *ret)
{
    struct cedar_schema *s = NULL;
    struct cedar_ast *a = NULL;
    size_t n = 0;

    memset(ret, 0, sizeof(*ret));
    ret->parse = load(schema, policies, &s, &a, &ret->diags);
    if (ret->parse == TS_OK)
        ret->err = cedar_validate(a, s, options, &ret->diags);
    for (uint32_t i = 0; i < ret->diags.count && i < CEDAR_DIAGS_MAX; i++)
        if (n < sizeof(ret->codes))
            n +=
                (size_t)snprintf(ret->codes + n, sizeof(ret->codes) - n, "%s%s",
                                 n > 0 ? " " : "", ret->diags.list[i].code);
    if (a != NULL)
        cedar_ast_free(a);
    if (s != NULL)
        cedar_schema_free(s);
}

void vh_mode(const char *schema, const char *policies,
             enum cedar_validation mode, struct vh_result *ret)
{
    struct cedar_validate_options o = {.mode = mode, .level = CEDAR_ANY_LEVEL};

    vh_run(ts_str_of(schema), ts_str_of(policies), &o, ret);
}

void vh_as_policy(const char *text, char *out, size_t cap)
{
    bool whole =
        strncmp(text, "permit", 6) == 0 || strncmp(text, "forbid", 6) == 0;

    (void)snprintf(out, cap, whole ? "%s" : VH_SCOPE " when { %s };", text);
}
