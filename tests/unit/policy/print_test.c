/* Trees as text: cedar_print_policy() answers TS_OK only when its text came
 * back as the same tree, so every tree that can be written must print. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "policy/core/limits.h"
#include "policy/fmt/print.h"

static struct ast_expr pool[4096];
static size_t used;
static uint32_t seed;

static uint32_t roll(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

static struct ast_expr *node(enum ast_op op)
{
    struct ast_expr *x = &pool[used++];

    *x = (struct ast_expr){.op = op};
    return x;
}

static void adopt(struct ast_expr *parent, struct ast_expr *kid)
{
    if (parent->last != NULL)
        parent->last->next = kid;
    else
        parent->first = kid;
    parent->last = kid;
    parent->count++;
}

static struct ts_str any_text(void)
{
    static const struct ts_str texts[] = {
        {"", 0},
        {"plain", 5},
        {"a b", 3},
        {"if", 2},
        {"__cedar", 7},
        {"principal", 9},
        {"\0\x01\x1f\x7f\t\r\n\\\"'*", 11},
        {"\xc2\x85\xc2\xa0\xe2\x80\xae\xe2\x80\x8b", 10},
        {"\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80", 9},
        {"_x9", 3},
        {"9x", 2},
        {"//", 2},
    };

    return texts[roll(sizeof(texts) / sizeof(texts[0]))];
}

static struct ast_expr *leaf(void)
{
    static const int64_t numbers[] = {0, 7, -1, INT64_MAX, INT64_MIN};
    struct ast_expr *x = node((enum ast_op)roll(AST_VAR + 1));

    if (x->op == AST_BOOL)
        x->num = roll(2);
    if (x->op == AST_INT)
        x->num = numbers[roll(5)];
    if (x->op == AST_STR)
        x->str = any_text();
    if (x->op == AST_UID) {
        x->str = roll(2) ? TS_STR_LIT("A") : TS_STR_LIT("A::B");
        x->id = any_text();
    }
    if (x->op == AST_VAR)
        x->sub = (uint8_t)roll(4);
    return x;
}

static struct ast_expr *tree(unsigned depth);

static void kids(struct ast_expr *x, uint32_t n, unsigned depth)
{
    for (uint32_t i = 0; i < n; i++) {
        struct ast_expr *kid = tree(depth);

        if (x->op == AST_ADD && i > 0)
            kid->join = roll(2) ? '+' : '-';
        adopt(x, kid);
    }
}

static void parts(struct ast_expr *x, enum ast_op op, unsigned depth)
{
    uint32_t n = 1 + roll(3);

    for (uint32_t i = 0; i < n; i++) {
        struct ast_expr *kid = node(op);

        kid->str = op == AST_ATTR && n > 1 ? TS_STR_LIT("a") : any_text();
        if (op == AST_FIELD)
            adopt(kid, tree(depth));
        adopt(x, kid);
    }
}

static void call_kids(struct ast_expr *x, unsigned depth)
{
    static const uint32_t args[] = {1, 1, 1, 0, 1, 1};

    if (x->op == AST_METHOD) {
        x->sub = (uint8_t)roll(6);
        kids(x, 1 + args[x->sub], depth);
    } else {
        x->sub = (uint8_t)roll(CEDAR_EXT_COUNT);
        kids(x, cedar_ext_info((enum cedar_ext)x->sub)->method + roll(3),
             depth);
    }
}

static struct ast_expr *tree_of(enum ast_op op, unsigned depth)
{
    struct ast_expr *x = node(op);

    if (op == AST_OR || op == AST_AND || op == AST_ADD || op == AST_MUL)
        kids(x, 2 + roll(2), depth);
    else if (op == AST_REL)
        kids(x, 2, depth);
    else if (op == AST_IF)
        kids(x, 3, depth);
    else if (op == AST_SET)
        kids(x, roll(3), depth);
    else if (op == AST_METHOD || op == AST_EXT)
        call_kids(x, depth);
    else if (op == AST_RECORD)
        parts(x, AST_FIELD, depth);
    else
        kids(x, op == AST_IS ? 1 + roll(2) : 1, depth);
    if (op == AST_REL)
        x->sub = (uint8_t)roll(AST_IN + 1);
    if (op == AST_GET)
        x->str = any_text();
    if (op == AST_IS)
        x->str = TS_STR_LIT("A::B");
    if (op == AST_HAS)
        parts(x, AST_ATTR, depth);
    if (op == AST_LIKE)
        parts(x, AST_RUN, depth);
    return x;
}

/* Any operator that has kids. */
static const enum ast_op ops[] = {AST_OR,   AST_AND, AST_REL,    AST_HAS,
                                  AST_LIKE, AST_IS,  AST_ADD,    AST_MUL,
                                  AST_NOT,  AST_NEG, AST_GET,    AST_METHOD,
                                  AST_EXT,  AST_SET, AST_RECORD, AST_IF};
#define OPS (sizeof(ops) / sizeof(ops[0]))

static struct ast_expr *tree(unsigned depth)
{
    if (depth == 0 || roll(5) == 0)
        return leaf();
    return tree_of(ops[roll(OPS)], depth - 1);
}

static ts_err print(struct ast_expr *x, struct ts_buf *out)
{
    struct ast_cond cond = {.expr = x};
    struct ast_policy p = {.effect = CEDAR_PERMIT, .conds = &cond};

    p.cond_count = 1;
    return cedar_print_policy(&p, out);
}

static void must_print(struct ast_expr *x, size_t what)
{
    struct ts_buf out;
    ts_err e;

    ts_buf_init(&out, 1 << 20);
    e = print(x, &out);
    ts_buf_done(&out);
    if (e != TS_OK)
        fail_msg("tree %zu: %s", what, ts_err_text(e));
}

static void print_any_operator_under_any_operator_comes_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < OPS; i++) {
        for (size_t round = 0; round < 400; round++) {
            used = 0;
            seed = (uint32_t)(i * 1000 + round);
            must_print(tree_of(ops[i], 1 + (unsigned)(round % 3)),
                       i * 1000 + round);
        }
    }
}

static void print_many_signs_in_a_row_come_back(void **state)
{
    static const enum ast_op signs[] = {AST_NOT, AST_NEG};

    (void)state;
    for (uint32_t bits = 0; bits < 1u << 10; bits++) {
        struct ast_expr *x;

        used = 0;
        x = node(AST_INT);
        x->num = (bits & 1) ? -5 : 5;
        for (unsigned i = 1; i < 10; i++) {
            struct ast_expr *up = node(signs[(bits >> i) & 1]);

            adopt(up, x);
            x = up;
        }
        must_print(x, bits);
    }
}

static void print_every_character_comes_back(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x3100; c++) {
        char text[8];
        size_t n = 0;
        struct ast_expr *x;

        used = 0;
        if (c < 0x80) {
            text[n++] = (char)c;
        } else if (c < 0x800) {
            text[n++] = (char)(0xC0 | c >> 6);
            text[n++] = (char)(0x80 | (c & 0x3F));
        } else {
            text[n++] = (char)(0xE0 | c >> 12);
            text[n++] = (char)(0x80 | (c >> 6 & 0x3F));
            text[n++] = (char)(0x80 | (c & 0x3F));
        }
        x = node(AST_LIKE);
        adopt(x, node(AST_STR));
        adopt(x, node(AST_RUN));
        x->first->str = x->last->str = (struct ts_str){text, n};
        must_print(x, c);
    }
}

static void print_what_no_text_can_say_is_refused(void **state)
{
    struct ts_buf out;
    struct ast_expr *x;

    (void)state;
    ts_buf_init(&out, 1 << 20);
    assert_int_equal(ts_buf_append(&out, "kept", 4), TS_OK);
    used = 0;
    x = node(AST_HAS);
    adopt(x, node(AST_VAR));
    adopt(x, node(AST_ATTR));
    adopt(x, node(AST_ATTR));
    x->first->next->str = TS_STR_LIT("a");
    x->last->str = TS_STR_LIT("b c");
    assert_int_equal(print(x, &out), TS_E_INVALID);
    used = 0;
    x = node(AST_AND);
    adopt(x, node(AST_BOOL));
    assert_int_equal(print(x, &out), TS_E_INVALID);
    used = 0;
    x = node(AST_UID);
    x->str = TS_STR_LIT("no type");
    assert_int_equal(print(x, &out), TS_E_INVALID);
    used = 0;
    x = node(AST_EXT);
    x->sub = CEDAR_EXT_IS_IPV4;
    assert_int_equal(print(x, &out), TS_E_INVALID);
    used = 0;
    x = node(AST_BOOL);
    for (unsigned i = 0; i < CEDAR_HEIGHT_MAX + 5; i++) {
        struct ast_expr *up = node(AST_GET);

        up->str = TS_STR_LIT("a");
        adopt(up, x);
        x = up;
    }
    assert_int_not_equal(print(x, &out), TS_OK);
    assert_int_equal(out.len, 4);
    ts_buf_done(&out);
}

static void print_scopes_slots_and_annotations(void **state)
{
    struct ast_annotation b = {
        .key = TS_STR_LIT("b"), .value = TS_STR_LIT(""), .bare = true};
    struct ast_annotation a = {
        .next = &b, .key = TS_STR_LIT("if"), .value = TS_STR_LIT("x\"\n")};
    struct ast_expr v = {
        .op = AST_UID, .str = TS_STR_LIT("Action"), .id = TS_STR_LIT("v")};
    struct ast_expr cond = {.op = AST_BOOL, .num = 1};
    struct ast_cond unless = {.unless = true, .expr = &cond};
    struct ast_policy p = {.annotations = &a,
                           .annotation_count = 2,
                           .effect = CEDAR_FORBID,
                           .principal = {.op = AST_SCOPE_IS,
                                         .type = TS_STR_LIT("A::B"),
                                         .slot = true},
                           .action = {.op = AST_SCOPE_IN,
                                      .uids = &v,
                                      .uid_count = 1,
                                      .list = true},
                           .resource = {.op = AST_SCOPE_EQ, .slot = true},
                           .conds = &unless,
                           .cond_count = 1};
    struct ts_buf out;

    (void)state;
    ts_buf_init(&out, 1 << 16);
    assert_int_equal(cedar_print_policy(&p, &out), TS_OK);
    assert_int_equal(ts_buf_append(&out, "", 1), TS_OK);
    assert_string_equal((const char *)ts_buf_bytes(&out),
                        "@if(\"x\\\"\\n\")\n"
                        "@b\n"
                        "forbid (\n"
                        "  principal is A::B in ?principal,\n"
                        "  action in [Action::\"v\"],\n"
                        "  resource == ?resource\n"
                        ")\n"
                        "unless { true };\n");
    ts_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(print_any_operator_under_any_operator_comes_back),
        cmocka_unit_test(print_many_signs_in_a_row_come_back),
        cmocka_unit_test(print_every_character_comes_back),
        cmocka_unit_test(print_what_no_text_can_say_is_refused),
        cmocka_unit_test(print_scopes_slots_and_annotations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
