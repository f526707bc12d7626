/* Policy text through the formatter and the printer. Properties: a text that
 * parses is formatted; the result holds the same comments, is a fixed point,
 * and every policy of it prints to a text that formats to itself. */
#include <stdint.h>
#include <string.h>

#include "policy/core/limits.h"
#include "policy/fmt/format.h"
#include "policy/fmt/print.h"
#include "policy/syntax/parse.h"
#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define OUT_MAX ((size_t)64 << 20)

static ts_err format(struct ts_str text, struct ts_buf *out)
{
    static struct cedar_diags diags;
    struct cedar_source src = {.name = "fuzz", .text = text};
    ts_err e;

    ts_buf_init(out, OUT_MAX);
    e = cedar_format(&src, &cedar_format_default, out, &diags);
    TS_REQUIRE((e == TS_OK) == (diags.count == 0) || e == TS_E_NOMEM);
    TS_REQUIRE(e != TS_E_STATE);
    return e;
}

static struct ts_str text_of(const struct ts_buf *b)
{
    return (struct ts_str){(const char *)ts_buf_bytes(b), b->len};
}

static void check_fixed(struct ts_str text)
{
    struct ts_buf again;
    ts_err e = format(text, &again);

    /* Blanks may take a policy over its limit. */
    TS_REQUIRE(e == TS_OK || e == TS_E_LIMIT);
    TS_REQUIRE(e != TS_OK || ts_str_eq(text, text_of(&again)));
    ts_buf_done(&again);
}

static void check_prints(struct ts_str text)
{
    struct cedar_source src = {.name = "fuzz", .text = text};
    struct cedar_options o = cedar_format_again();
    struct ts_arena arena;
    struct ast tree;

    ts_arena_init(&arena, (size_t)1 << 32);
    TS_REQUIRE(cedar_parse(&arena, &src, 1, &o, NULL, &tree) == TS_OK);
    for (const struct ast_policy *p = tree.policies; p != NULL; p = p->next) {
        struct ts_buf out;

        ts_buf_init(&out, OUT_MAX);
        TS_REQUIRE(cedar_print_policy(p, &out) == TS_OK);
        check_fixed(text_of(&out));
        ts_buf_done(&out);
    }
    ts_arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *copy = ts_mem_alloc(len > 0 ? len : 1);
    struct ts_str text = {copy, len};
    struct ts_buf out;

    if (copy == NULL)
        return 0;
    if (len > 0)
        memcpy(copy, data, len);
    if (format(text, &out) == TS_OK) {
        TS_REQUIRE(cedar_comments_equal(text, text_of(&out)));
        check_fixed(text_of(&out));
        check_prints(text);
    }
    ts_buf_done(&out);
    ts_mem_free(copy);
    return 0;
}
