/*
 * JSON in two implementations: what jansson takes as one value, this reader
 * takes, and the other way round (but for numbers that no double can hold).
 * Each leaf is found again by its pointer, unless an object has its key twice.
 */
#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_require.h"
#include "sidecar/gate/provenance/leaves.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct seen {
    struct ts_str json;
    uint32_t count;
};

static ts_err find_again(void *ctx, const struct leaf *l)
{
    struct seen *s = ctx;
    struct ts_str value;
    ts_err e;

    if (++s->count > 200)
        return TS_OK;
    e = leaves_at(s->json, l->pointer, &value);
    TS_REQUIRE(e == TS_OK || e == TS_E_EXISTS);
    TS_REQUIRE(leaf_pattern_covers(l->pointer, l->pointer));
    if (e == TS_OK && l->type == LEAF_NUMBER)
        TS_REQUIRE(ts_str_eq(value, l->text));
    if (e == TS_OK && l->type == LEAF_STRING)
        TS_REQUIRE(value.len >= l->text.len + 2 && value.ptr[0] == '"');
    return TS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct seen s = {.json = {.ptr = (const char *)data, .len = len}};
    json_error_t error;
    json_t *j = json_loadb((const char *)data, len, JSON_DECODE_ANY, &error);
    ts_err e = leaves_check(s.json);

    /* jansson 2.14 passes over a NUL behind a number */
    if (j != NULL && memchr(data, 0, len) == NULL)
        TS_REQUIRE(e == TS_OK || e == TS_E_LIMIT);
    else if (e == TS_OK)
        TS_REQUIRE(strstr(error.text, "too big") != NULL ||
                   strstr(error.text, "overflow") != NULL ||
                   strstr(error.text, "end of file") != NULL ||
                   strstr(error.text, "\\u0000") != NULL);
    if (e == TS_OK)
        TS_REQUIRE(leaves_walk(s.json, find_again, &s) == TS_OK);
    json_decref(j);
    return 0;
}
