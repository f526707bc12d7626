/* Policy text. Property: it is accepted, or refused with a diagnostic whose
 * span lies inside the text and whose rendering is clean; and accepting it does
 * not depend on where the bytes lie. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/cedar.h"
#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_diag(const struct cedar_diag *d, const char *text, size_t len)
{
    static char out[4096];
    size_t n =
        cedar_diag_format(d, "fuzz", (struct ts_str){.ptr = text, .len = len},
                          false, out, sizeof(out));

    TS_REQUIRE(n < sizeof(out) && out[n] == '\0');
    TS_REQUIRE(d->span.offset <= len && d->span.len <= len - d->span.offset);
    TS_REQUIRE(d->span.line >= 1 && d->span.column >= 1);
    TS_REQUIRE(d->text[0] != '\0' && ts_utf8_valid(out, n));
    for (size_t i = 0; i < n; i++)
        TS_REQUIRE((unsigned char)out[i] >= 0x20 || out[i] == '\n');
}

static void check_policies(const struct cedar_policies *p, size_t len)
{
    for (size_t i = 0; i < cedar_policies_count(p); i++) {
        struct cedar_policy_info info = cedar_policies_info(p, i);

        TS_REQUIRE(info.span.offset + info.span.len <= len);
        TS_REQUIRE(info.id.len > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct cedar_diags diags;
    char *text = ts_mem_alloc(len > 0 ? len : 1);
    struct cedar_source src = {.name = "fuzz", .text = {text, len}};
    struct cedar_policies *p = NULL;
    ts_err e;

    if (text == NULL)
        return 0;
    if (len > 0)
        memcpy(text, data, len);
    e = cedar_policies_parse(&src, 1, &cedar_options_block, &p, &diags);
    TS_REQUIRE((e == TS_OK) == (p != NULL));
    if (e == TS_OK) {
        check_policies(p, len);
        TS_REQUIRE(diags.count == 0);
    } else {
        TS_REQUIRE(diags.count > 0);
        for (uint32_t i = 0; i < diags.count && i < CEDAR_DIAGS_MAX; i++)
            check_diag(&diags.list[i], text, len);
    }
    cedar_policies_free(p);
    ts_mem_free(text);
    return 0;
}
