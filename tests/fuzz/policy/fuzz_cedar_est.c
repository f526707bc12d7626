/* Policies in JSON. Property: refused with diagnostics inside the text, or
 * accepted, and then what is printed is read back to what prints the same and
 * compiles to as many policies. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/cedar_text.h"
#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct cedar_diags diags;

static ts_err parse(const void *text, size_t len, struct cedar_ast **ret)
{
    struct cedar_options o = cedar_options_default;
    struct cedar_source src = {.name = "fuzz", .text = {text, len}};
    ts_err e;

    o.require_id = false;
    e = cedar_ast_parse_json(&src, 1, &o, ret, &diags);
    TS_REQUIRE((e == TS_OK) == (*ret != NULL));
    TS_REQUIRE((e == TS_OK) == (diags.errors == 0));
    return e;
}

static void check_diags(size_t len)
{
    for (uint32_t i = 0; i < diags.count && i < CEDAR_DIAGS_MAX; i++) {
        const struct cedar_diag *d = &diags.list[i];

        TS_REQUIRE(d->span.offset <= len && d->span.line >= 1);
        TS_REQUIRE(d->span.column >= 1 && d->text[0] != '\0');
        TS_REQUIRE(ts_utf8_valid(d->text, strlen(d->text)));
        TS_REQUIRE(ts_utf8_valid(d->hint, strlen(d->hint)));
    }
}

static void print(const struct cedar_ast *a, struct ts_buf *out)
{
    ts_buf_init(out, (size_t)64 << 20);
    TS_REQUIRE(cedar_ast_print_set_json(a, out) == TS_OK);
}

static size_t compiled(const struct cedar_ast *a)
{
    struct cedar_policies *p = NULL;
    size_t n;

    TS_REQUIRE(cedar_ast_compile(a, &p, NULL) == TS_OK);
    n = cedar_policies_count(p);
    cedar_policies_free(p);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *text = ts_mem_alloc(len > 0 ? len : 1);
    struct cedar_ast *a = NULL, *b = NULL;
    struct ts_buf first, second;

    if (text == NULL)
        return 0;
    if (len > 0)
        memcpy(text, data, len);
    if (parse(text, len, &a) != TS_OK) {
        check_diags(len);
        ts_mem_free(text);
        return 0;
    }
    ts_mem_free(text); /* the tree stands on its own */
    print(a, &first);
    TS_REQUIRE(parse(ts_buf_bytes(&first), first.len, &b) == TS_OK);
    print(b, &second);
    TS_REQUIRE(first.len == second.len &&
               memcmp(ts_buf_bytes(&first), ts_buf_bytes(&second), first.len) ==
                   0);
    TS_REQUIRE(compiled(a) == compiled(b));
    TS_REQUIRE(cedar_ast_count(a) == cedar_ast_count(b));
    ts_buf_done(&first);
    ts_buf_done(&second);
    cedar_ast_free(a);
    cedar_ast_free(b);
    return 0;
}
