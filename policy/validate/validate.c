#include <inttypes.h>
#include <stdio.h>

#include "policy/core/diag.h"
#include "policy/validate/text.h"
#include "policy/validate/validate_priv.h"

const struct cedar_validate_options cedar_validate_default = {
    .mode = CEDAR_STRICT, .level = CEDAR_ANY_LEVEL};
const struct cedar_validate_options cedar_validate_block = {
    .mode = CEDAR_STRICT,
    .level = CEDAR_ANY_LEVEL,
    .work = CEDAR_BLOCK_VALIDATE};

/* The whole of a policy or template, as its text says it. */
static void check_body(struct validate *v)
{
    v_lower_policy(v);
    if (v->err == TS_OK)
        v_check_requests(v);
}

static void check_filled(struct validate *v, const struct ast_expr *uid)
{
    struct vnode *n;

    if (uid == NULL || (n = v_node(v, V_UID, v->policy->span, 0)) == NULL)
        return;
    v_check_type(v, n, uid->str);
}

/* What a link adds to its template: what its slots are filled with. */
static void check_link(struct validate *v)
{
    check_filled(v, v->link->principal);
    check_filled(v, v->link->resource);
    if (v->err == TS_OK)
        v_check_application(v, v->link->principal, v->link->resource);
}

static void say_limit(struct validate *v)
{
    struct cedar_diag_about about = {
        .hint = "narrow its scope, or split it in several policies",
        .policy = &v->id};

    cedar_diag_put(v->diags, CEDAR_ERROR, "validate_limit", v->policy->span,
                   &about,
                   "validating takes more than %" PRIu64 " steps or %u MiB",
                   v->work_max, (unsigned)(CEDAR_VALIDATE_BYTES >> 20));
}

/* with_body: false for a link whose template is checked on its own. */
static ts_err validate_one(struct validate *v, bool with_body)
{
    ts_err e;

    v->end = &v->first;
    ts_arena_init(&v->keep, CEDAR_VALIDATE_BYTES);
    ts_arena_init(&v->temp, CEDAR_VALIDATE_BYTES);
    if (with_body)
        check_body(v);
    if (v->link != NULL && v->err == TS_OK)
        check_link(v);
    if (v->err == TS_OK)
        v_emit(v);
    e = v->err;
    if (e == TS_E_LIMIT)
        say_limit(v);
    ts_arena_done(&v->temp);
    ts_arena_done(&v->keep);
    if (e == TS_OK && v->errors > 0)
        e = TS_E_FORMAT;
    return e;
}

static ts_err validate_index(const struct cedar_ast *a, size_t index,
                             const struct cedar_schema *s,
                             const struct cedar_validate_options *options,
                             struct cedar_diags *diags, bool alone,
                             uint64_t *work)
{
    struct validate v = {.schema = s,
                         .diags = diags,
                         .strict = options->mode == CEDAR_STRICT,
                         .level = options->level,
                         .work = options->work != 0 ? *work : 0,
                         .work_max = options->work != 0 ? options->work
                                                        : CEDAR_VALIDATE_WORK};
    bool with_body = true;
    ts_err e;

    if (index < a->tree.count) {
        v.policy = a->policies[index];
        v.id = v.policy->id;
    } else {
        v.link = a->links[index - a->tree.count];
        v.policy = v.link->of;
        v.id = v.link->id;
        with_body = alone;
    }
    e = validate_one(&v, with_body);
    *work = v.work;
    if (with_body)
        cedar_text_warnings(v.policy, diags);
    return e;
}

ts_err cedar_validate_policy(const struct cedar_ast *a, size_t index,
                             const struct cedar_schema *s,
                             const struct cedar_validate_options *options,
                             struct cedar_diags *diags)
{
    uint64_t work = 0;

    if (index >= cedar_ast_count(a))
        return TS_E_NOT_FOUND;
    if (options == NULL)
        options = &cedar_validate_default;
    return validate_index(a, index, s, options, diags, !options->slots_only,
                          &work);
}

ts_err cedar_validate(const struct cedar_ast *a, const struct cedar_schema *s,
                      const struct cedar_validate_options *options,
                      struct cedar_diags *diags)
{
    ts_err worst = TS_OK;
    uint64_t work = 0;

    if (options == NULL)
        options = &cedar_validate_default;
    for (size_t i = 0; i < cedar_ast_count(a); i++) {
        ts_err e = validate_index(a, i, s, options, diags, false, &work);

        if (e == TS_E_NOMEM || (e == TS_E_LIMIT && options->work != 0))
            return e; /* what is left would only find the same */
        if (e != TS_OK && (worst == TS_OK || worst == TS_E_FORMAT))
            worst = e;
    }
    return worst;
}
