/* "POLICIES \0\1 CONTEXT \0\1 ENTITIES" (a NUL and a byte 1 between the parts):
 * a whole authorization. Properties: the answer agrees with itself (reasons are
 * of the right effect, errors only of policies), the index changes nothing, and
 * the explanation gives the same answer and follows from its own clauses. */
#include <stdint.h>
#include <string.h>

#include "policy/cedar.h"
#include "policy/eval/eval_priv.h"
#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "tests/unit/policy/explain_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct ts_str take_part(struct ts_str *rest)
{
    struct ts_str part = *rest;

    for (size_t i = 0; i + 1 < rest->len; i++) {
        if (rest->ptr[i] != '\0' || rest->ptr[i + 1] != '\1')
            continue;
        part.len = i;
        rest->ptr += i + 2;
        rest->len -= i + 2;
        return part;
    }
    *rest = TS_STR_LIT("");
    return part;
}

static void check(const struct cedar_policies *p, const struct cedar_answer *a)
{
    enum cedar_effect want =
        a->decision == CEDAR_ALLOW ? CEDAR_PERMIT : CEDAR_FORBID;

    TS_REQUIRE(a->decision == CEDAR_DENY || a->reason_count > 0);
    for (uint32_t i = 0; i < a->reason_count; i++)
        TS_REQUIRE(cedar_policies_info(p, a->reasons[i]).effect == want);
    for (uint32_t i = 0; i < a->permit_count; i++)
        TS_REQUIRE(cedar_policies_info(p, a->satisfied_permits[i]).effect ==
                   CEDAR_PERMIT);
    for (uint32_t i = 0; i < a->error_count; i++)
        TS_REQUIRE(a->errors[i].policy < cedar_policies_count(p) &&
                   a->errors[i].code != NULL && a->errors[i].text[0] != '\0');
}

/* With the index, by full scan and explained: three ways to one answer. The
 * work is counted a little differently by each, so one may be out of it. */
static void ask(const struct cedar_policies *p, const struct cedar_entities *e,
                const struct cedar_request *req)
{
    struct cedar_answer x = {0}, y = {0}, z = {0};
    struct cedar_explanation why = {0};
    struct ts_arena arena;
    ts_err ex, ey, ez;

    ts_arena_init(&arena, 4 << 20);
    ex = ev_authorize(p, e, req, &arena, true, &x);
    ey = ev_authorize(p, e, req, &arena, false, &y);
    ez = cedar_explain(p, e, req, &arena, &z, &why);
    TS_REQUIRE(ex == TS_OK || ex == TS_E_LIMIT);
    TS_REQUIRE(ey == TS_OK || ey == TS_E_LIMIT);
    TS_REQUIRE(ez == TS_OK || ez == TS_E_LIMIT);
    if (ex == TS_OK)
        check(p, &x);
    if (ex == TS_OK && ey == TS_OK)
        TS_REQUIRE(explain_same_answer(&x, &y));
    if (ey == TS_OK && ez == TS_OK)
        TS_REQUIRE(explain_same_answer(&y, &z));
    if (ez == TS_OK)
        TS_REQUIRE(explain_check(p, &z, &why) == NULL);
    ts_arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const types[] = {"U", "R"};
    struct cedar_options options = cedar_options_default;
    char *copy = ts_mem_alloc(len > 0 ? len : 1);
    struct ts_str rest = {copy, len};
    struct cedar_source ps = {.name = "p"}, cs = {.name = "c"},
                        es = {.name = "e"};
    struct cedar_policies *p = NULL;
    struct cedar_entities *e = NULL;
    struct cedar_request req = {0};
    struct ts_arena arena;

    if (copy == NULL)
        return 0;
    if (len > 0)
        memcpy(copy, data, len);
    options.require_id = false;
    ts_arena_init(&arena, 4 << 20);
    ps.text = take_part(&rest);
    cs.text = take_part(&rest);
    es.text = rest;
    if (cs.text.len == 0)
        cs.text = TS_STR_LIT("{}");
    if (es.text.len == 0)
        es.text = TS_STR_LIT("[]");
    if (cedar_policies_parse(&ps, 1, &options, &p, NULL) == TS_OK &&
        cedar_entities_parse(&es, 1, &e, NULL) == TS_OK &&
        cedar_value_parse(&arena, &cs, &req.context, NULL) == TS_OK &&
        req.context.kind == CEDAR_RECORD) {
        req.action = cedar_uid_make(TS_STR_LIT("Action"), TS_STR_LIT("v"));
        for (unsigned i = 0; i < 2; i++) {
            req.principal =
                cedar_uid_make(ts_str_of(types[i]), TS_STR_LIT("a"));
            req.resource =
                cedar_uid_make(ts_str_of(types[1 - i]), TS_STR_LIT("r"));
            ask(p, e, &req);
        }
    }
    cedar_policies_free(p);
    cedar_entities_free(e);
    ts_arena_done(&arena);
    ts_mem_free(copy);
    return 0;
}
