/* A tree as text on one line; the formatter breaks it. */
#include "policy/fmt/print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policy/core/budget.h"
#include "policy/core/limits.h"
#include "policy/core/name.h"
#include "policy/fmt/equal.h"
#include "policy/fmt/format.h"
#include "policy/fmt/print_priv.h"
#include "policy/syntax/parse.h"

void print_bytes(struct printer *pr, const char *s, size_t n)
{
    if (pr->err == TS_OK)
        pr->err = ts_buf_append(&pr->text, s, n);
}

void print_text(struct printer *pr, const char *s)
{
    print_bytes(pr, s, strlen(s));
}

static void print_str(struct printer *pr, struct ts_str s)
{
    print_bytes(pr, s.ptr, s.len);
}

static size_t char_len(const char *s, size_t left)
{
    unsigned char c = (unsigned char)s[0];
    size_t n = c < 0x80 ? 1 : (c >= 0xF0 ? 4 : (c >= 0xE0 ? 3 : 2));

    return n > left ? left : n;
}

static uint32_t code_point(const char *s, size_t n)
{
    uint32_t c = (unsigned char)s[0];

    if (n == 1)
        return c;
    c &= 0x7Fu >> n;
    for (size_t i = 1; i < n; i++)
        c = c << 6 | ((unsigned char)s[i] & 0x3Fu);
    return c;
}

/* What an eye or a terminal could misread is written as \u{...}. */
static void print_char(struct printer *pr, const char *s, size_t n)
{
    static const char plain[] = "\n\r\t\\\"";
    static const char *const escaped[] = {"\\n", "\\r", "\\t", "\\\\", "\\\""};
    const char *hit = n == 1 && s[0] != '\0' ? strchr(plain, s[0]) : NULL;
    char esc[24];

    if (hit != NULL) {
        print_text(pr, escaped[hit - plain]);
    } else if (n == 1 && s[0] == '\0') {
        print_text(pr, "\\0");
    } else if (s[0] == '\'' || (ts_str_escape(esc, sizeof(esc), s, n) == n &&
                                memcmp(esc, s, n) == 0)) {
        print_bytes(pr, s, n);
    } else {
        (void)snprintf(esc, sizeof(esc), "\\u{%" PRIx32 "}", code_point(s, n));
        print_text(pr, esc);
    }
}

static void print_escaped(struct printer *pr, struct ts_str s, bool pattern)
{
    for (size_t at = 0, n; at < s.len; at += n) {
        n = char_len(s.ptr + at, s.len - at);
        if (pattern && s.ptr[at] == '*')
            print_text(pr, "\\");
        print_char(pr, s.ptr + at, n);
    }
}

void print_string(struct printer *pr, struct ts_str s)
{
    print_text(pr, "\"");
    print_escaped(pr, s, false);
    print_text(pr, "\"");
}

void print_pattern(struct printer *pr, const struct ast_expr *run)
{
    print_text(pr, "\"");
    for (; run != NULL; run = run->next) {
        print_escaped(pr, run->str, true);
        if (run->next != NULL)
            print_text(pr, "*");
    }
    print_text(pr, "\"");
}

void print_uid(struct printer *pr, const struct ast_expr *x)
{
    print_str(pr, x->str);
    print_text(pr, "::");
    print_string(pr, x->id);
}

static void print_uids(struct printer *pr, const struct ast_scope *s)
{
    print_text(pr, "[");
    for (const struct ast_expr *x = s->uids; x != NULL; x = x->next) {
        print_uid(pr, x);
        if (x->next != NULL)
            print_text(pr, ", ");
    }
    print_text(pr, "]");
}

static void print_scope(struct printer *pr, const struct ast_scope *s,
                        const char *var)
{
    print_text(pr, var);
    if (s->op == AST_SCOPE_IS) {
        print_text(pr, " is ");
        print_str(pr, s->type);
    }
    if (s->op == AST_SCOPE_EQ)
        print_text(pr, " == ");
    else if (s->op == AST_SCOPE_IN ||
             (s->op == AST_SCOPE_IS && (s->slot || s->uid_count > 0)))
        print_text(pr, " in ");
    else
        return;
    if (s->slot) {
        print_text(pr, "?");
        print_text(pr, var);
    } else if (s->list) {
        print_uids(pr, s);
    } else if (s->uid_count == 1) {
        print_uid(pr, s->uids);
    } else {
        pr->err = pr->err != TS_OK ? pr->err : TS_E_INVALID;
    }
}

static void print_whole(struct printer *pr, const struct ast_policy *p)
{
    for (const struct ast_annotation *a = p->annotations; a != NULL;
         a = a->next) {
        print_text(pr, "@");
        print_str(pr, a->key);
        if (!a->bare) {
            print_text(pr, "(");
            print_string(pr, a->value);
            print_text(pr, ")");
        }
        print_text(pr, "\n");
    }
    print_text(pr, p->effect == CEDAR_PERMIT ? "permit(" : "forbid(");
    print_scope(pr, &p->principal, "principal");
    print_text(pr, ", ");
    print_scope(pr, &p->action, "action");
    print_text(pr, ", ");
    print_scope(pr, &p->resource, "resource");
    print_text(pr, ")");
    for (const struct ast_cond *c = p->conds; c != NULL; c = c->next) {
        print_text(pr, c->unless ? " unless { " : " when { ");
        print_expr(pr, c->expr);
        print_text(pr, " }");
    }
    print_text(pr, ";");
}

static ts_err break_lines(const struct ast_policy *p, struct ts_str text,
                          struct ts_buf *out)
{
    struct cedar_source src = {.name = "", .text = text};
    struct cedar_options o = cedar_format_again();
    struct ts_arena arena;
    struct ast tree;
    ts_err e;

    ts_arena_init(&arena, cedar_load_budget(text.len));
    e = cedar_parse(&arena, &src, 1, &o, NULL, &tree);
    if (e == TS_E_FORMAT ||
        (e == TS_OK &&
         !(tree.count == 1 && fmt_policy_equal(p, tree.policies))))
        e = TS_E_INVALID;
    if (e == TS_OK)
        e = cedar_format_tree(text, &tree, &cedar_format_default, out);
    ts_arena_done(&arena);
    return e;
}

ts_err cedar_print_policy(const struct ast_policy *p, struct ts_buf *out)
{
    struct printer pr = {.err = TS_OK};
    ts_err e;

    ts_buf_init(&pr.text, CEDAR_PRINT_BYTES);
    print_whole(&pr, p);
    e = pr.err;
    if (e == TS_OK)
        e = break_lines(
            p,
            (struct ts_str){.ptr = (const char *)ts_buf_bytes(&pr.text),
                            .len = pr.text.len},
            out);
    ts_buf_done(&pr.text);
    return e;
}

ts_err cedar_ast_print(const struct cedar_ast *a, size_t index,
                       struct ts_buf *out)
{
    if (index >= a->tree.count)
        return TS_E_INVALID; /* a link has no text of its own */
    return cedar_print_policy(a->policies[index], out);
}
