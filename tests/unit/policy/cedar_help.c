#include "tests/unit/policy/cedar_help.h"

#include <stdio.h>
#include <string.h>

static void add(char *out, size_t cap, struct ts_str id, const char *code)
{
    size_t n = strlen(out);

    (void)snprintf(out + n, cap - n, "%s%.*s%s%s", n > 0 ? " " : "",
                   (int)id.len, id.ptr, code != NULL ? ":" : "",
                   code != NULL ? code : "");
}

static void describe(const struct cedar_policies *p,
                     const struct cedar_answer *a, struct help_result *ret)
{
    ret->decision = a->decision;
    ret->forbid_error = a->forbid_error;
    for (uint32_t i = 0; i < a->reason_count; i++)
        add(ret->reasons, sizeof(ret->reasons),
            cedar_policies_info(p, a->reasons[i]).id, NULL);
    for (uint32_t i = 0; i < a->permit_count; i++)
        add(ret->permits, sizeof(ret->permits),
            cedar_policies_info(p, a->satisfied_permits[i]).id, NULL);
    for (uint32_t i = 0; i < a->error_count; i++)
        add(ret->errors, sizeof(ret->errors),
            cedar_policies_info(p, a->errors[i].policy).id, a->errors[i].code);
    if (a->error_count > 0)
        (void)snprintf(ret->first_error, sizeof(ret->first_error), "%s",
                       a->errors[0].text);
}

void help_run(const struct help_case *c, struct help_result *ret)
{
    struct cedar_options options = cedar_options_default;
    struct cedar_source src = {.name = "p.cedar", .text = c->policies};
    struct cedar_source ents = {.name = "e", .text = ts_str_of(c->entities)};
    struct cedar_source ctx = {.name = "c", .text = ts_str_of(c->context)};
    struct cedar_request req = {
        .principal = cedar_uid_make(TS_STR_LIT("U"), TS_STR_LIT("a")),
        .action = cedar_uid_make(TS_STR_LIT("Action"), TS_STR_LIT("v")),
        .resource = cedar_uid_make(TS_STR_LIT("R"), TS_STR_LIT("r"))};
    struct cedar_policies *p = NULL;
    struct cedar_entities *e = NULL;
    struct cedar_answer answer;
    struct ts_arena arena;

    memset(ret, 0, sizeof(*ret));
    ts_arena_init(&arena, 1 << 20);
    options.require_id = c->require_id;
    if (c->entities == NULL)
        ents.text = TS_STR_LIT("[]");
    if (c->context == NULL)
        ctx.text = TS_STR_LIT("{}");
    if ((ret->err = cedar_policies_parse(&src, 1, &options, &p, &ret->diags)) ==
            TS_OK &&
        (ret->err = cedar_entities_parse(&ents, 1, &e, &ret->diags)) == TS_OK &&
        (ret->err = cedar_value_parse(&arena, &ctx, &req.context,
                                      &ret->diags)) == TS_OK &&
        (ret->err = cedar_authorize(p, e, &req, &arena, &answer)) == TS_OK)
        describe(p, &answer, ret);
    cedar_policies_free(p);
    cedar_entities_free(e);
    ts_arena_done(&arena);
}
