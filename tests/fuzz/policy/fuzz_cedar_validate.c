/* "SCHEMA \0\1 POLICIES" (a NUL and a byte 1 between them): policies against a
 * schema. Properties: what strict mode accepts permissive mode accepts, what a
 * level accepts no level refuses, a set is valid when each of its policies is,
 * and a second run says the same. */
#include <stdint.h>
#include <string.h>

#include "policy/cedar_schema.h"
#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static ts_err run(const struct cedar_ast *a, const struct cedar_schema *s,
                  enum cedar_validation mode, uint32_t level,
                  struct cedar_diags *d)
{
    struct cedar_validate_options o = {.mode = mode, .level = level};
    ts_err e;

    memset(d, 0, sizeof(*d));
    e = cedar_validate(a, s, &o, d);
    TS_REQUIRE(e == TS_OK || e == TS_E_FORMAT || e == TS_E_LIMIT);
    TS_REQUIRE((e == TS_OK) == (d->errors == 0));
    TS_REQUIRE(d->count == d->errors + d->warnings);
    for (uint32_t i = 0; i < d->count && i < CEDAR_DIAGS_MAX; i++)
        TS_REQUIRE(d->list[i].code != NULL && d->list[i].text[0] != '\0');
    return e;
}

static void check(const struct cedar_ast *a, const struct cedar_schema *s)
{
    static struct cedar_diags x, y;
    ts_err strict = run(a, s, CEDAR_STRICT, CEDAR_ANY_LEVEL, &x);
    ts_err permissive = run(a, s, CEDAR_PERMISSIVE, CEDAR_ANY_LEVEL, &y);
    ts_err level = run(a, s, CEDAR_STRICT, 1, &y), again;
    bool all = true;

    if (strict == TS_E_LIMIT || permissive == TS_E_LIMIT || level == TS_E_LIMIT)
        return;
    TS_REQUIRE(strict != TS_OK || permissive == TS_OK);
    TS_REQUIRE(level != TS_OK || strict == TS_OK);
    again = run(a, s, CEDAR_STRICT, CEDAR_ANY_LEVEL, &y);
    TS_REQUIRE(again == strict && memcmp(&x, &y, sizeof(x)) == 0);
    for (size_t i = 0; i < cedar_ast_count(a); i++)
        all &= cedar_validate_policy(a, i, s, NULL, NULL) == TS_OK;
    TS_REQUIRE(all == (strict == TS_OK));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct cedar_options options = cedar_options_default;
    char *copy = ts_mem_alloc(len > 0 ? len : 1);
    struct cedar_source ss = {.name = "s"}, ps = {.name = "p"};
    struct cedar_schema *s = NULL;
    struct cedar_ast *a = NULL;
    size_t at = 0;

    if (copy == NULL)
        return 0;
    if (len > 0)
        memcpy(copy, data, len);
    while (at + 1 < len && (copy[at] != '\0' || copy[at + 1] != '\1'))
        at++;
    options.require_id = false;
    ss.text = (struct ts_str){copy, at < len ? at : len};
    if (at + 2 <= len)
        ps.text = (struct ts_str){copy + at + 2, len - at - 2};
    if (cedar_schema_parse(&ss, 1, &s, NULL) == TS_OK &&
        cedar_ast_parse(&ps, 1, &options, &a, NULL) == TS_OK)
        check(a, s);
    if (a != NULL)
        cedar_ast_free(a);
    if (s != NULL)
        cedar_schema_free(s);
    ts_mem_free(copy);
    return 0;
}
