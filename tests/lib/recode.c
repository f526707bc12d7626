#include "tests/lib/recode.h"

#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"

#define SPARE 64 /* room for what is encoded longer than it came */

enum recode_outcome recode_try(const struct recode_body *b, const uint8_t *p,
                               size_t len)
{
    uint8_t *exact = ts_mem_alloc(len + 1), *out = ts_mem_alloc(len + SPARE);
    enum recode_outcome r = RECODE_WRONG;
    const char *what = NULL;
    size_t n = 0;
    ts_err e;

    TS_REQUIRE(exact != NULL && out != NULL);
    if (len > 0)
        memcpy(exact + 1, p, len);
    e = b->recode(exact + 1, len, out, len + SPARE, &n, &what);
    if (e == TS_OK && n == len && memcmp(out, exact + 1, len) == 0)
        r = RECODE_SAME;
    else if (e != TS_OK && what != NULL)
        r = RECODE_REFUSED;
    ts_mem_free(exact);
    ts_mem_free(out);
    return r;
}

void recode_any(const struct recode_set *set, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < set->count; i++)
        TS_REQUIRE(recode_try(&set->bodies[i], p, len) != RECODE_WRONG);
}
