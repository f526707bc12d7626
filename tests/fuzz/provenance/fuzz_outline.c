/* The outline of hostile JSON: whatever stands in it, no byte of it is told
 * that the manifest does not spell out, and it is bounded. */
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_require.h"
#include "sidecar/gate/provenance/outline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool is_one_of(struct ts_str s)
{
    return ts_str_eq_c(s, "*") || ts_str_eq_c(s, "?") || ts_str_eq_c(s, "id") ||
           ts_str_eq_c(s, "pin");
}

static void check_row(const struct prov_outline_row *r)
{
    uint32_t at = 0;

    TS_REQUIRE(r->pattern_len <= TS_OUTLINE_PATTERN_MAX && r->count > 0);
    TS_REQUIRE(r->min <= r->max && (!r->secret || r->max == 0));
    TS_REQUIRE(r->type != LEAF_KEY);
    while (at < r->pattern_len) {
        uint32_t end = at + 1;

        TS_REQUIRE(r->pattern[at] == '/');
        while (end < r->pattern_len && r->pattern[end] != '/')
            end++;
        TS_REQUIRE(is_one_of(
            (struct ts_str){.ptr = r->pattern + at + 1, .len = end - at - 1}));
        at = end;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct ts_str ids[] = {TS_STR_LIT("/*/id")};
    const struct ts_str pins[] = {TS_STR_LIT("/*/pin")};
    const struct prov_output_rules rules = {
        .is_json = true,
        .ids = {.list = ids, .count = 1},
        .secret = {.list = pins, .count = 1}};
    const struct ts_str json = {.ptr = (const char *)data, .len = len};
    static struct prov_outline o;

    if (leaves_check(json) != TS_OK)
        return 0;
    prov_outline_of(json, &rules, false, &o);
    TS_REQUIRE(o.count <= TS_OUTLINE_MAX);
    for (uint32_t i = 0; i < o.count; i++)
        check_row(&o.rows[i]);
    return 0;
}
