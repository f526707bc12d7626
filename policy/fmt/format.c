/*
 * Formats a text policy by policy. Each policy that is written is parsed and
 * compared with its tree, and formatted once more; the comments of the whole
 * are compared at the end. What fails there is a fault of this code, and the
 * caller gets an error instead of a text.
 */
#include "policy/fmt/format.h"

#include <string.h>

#include "policy/core/budget.h"
#include "policy/core/diag.h"
#include "policy/core/limits.h"
#include "policy/fmt/equal.h"
#include "policy/fmt/token.h"
#include "policy/syntax/parse.h"

const struct cedar_format cedar_format_default = {.width = 80, .indent = 2};

struct cedar_options cedar_format_again(void)
{
    return (struct cedar_options){.max_bytes = UINT32_MAX,
                                  .max_policies = CEDAR_POLICIES,
                                  .max_policy_bytes = UINT32_MAX,
                                  .max_depth = CEDAR_DEPTH_HARD};
}

static struct ts_str tail_of(const struct ts_buf *b, size_t from)
{
    if (from >= b->len)
        return TS_STR_LIT("");
    return (struct ts_str){.ptr = (const char *)ts_buf_bytes(b) + from,
                           .len = b->len - from};
}

struct job {
    struct fmt f;
    struct ts_arena temp; /* of one policy's second look */
    struct ts_buf second; /* what formatting a policy again gives */
    struct cedar_format style;
    struct ts_buf *out;
};

static ts_err layout(struct fmt *f, const struct ast_policy *p,
                     struct ts_buf *out)
{
    doc_clear(&f->doc);
    fmt_policy(f, p);
    return f->err != TS_OK ? f->err : doc_render(&f->doc, f->style->width, out);
}

/* Formats a text of one policy, for comparison. */
static ts_err format_again(struct job *j, struct ts_str text,
                           const struct ast_policy *p)
{
    struct fmt f;
    ts_err e;

    ts_buf_clear(&j->second);
    if ((e = fmt_init(&f, text, &j->style)) == TS_OK)
        e = layout(&f, p, &j->second);
    fmt_done(&f);
    return e;
}

/* The policy as it was written from out->len == from on. */
static ts_err check_policy(struct job *j, const struct ast_policy *p,
                           size_t from)
{
    struct ts_str text = tail_of(j->out, from);
    struct cedar_source src = {.name = "", .text = text};
    struct cedar_options o = cedar_format_again();
    struct ast again;
    ts_err e;

    ts_arena_reset(&j->temp);
    j->temp.budget = cedar_load_budget(text.len);
    if ((e = cedar_parse(&j->temp, &src, 1, &o, NULL, &again)) != TS_OK)
        return e == TS_E_FORMAT ? TS_E_STATE : e;
    if (again.count != 1 || !fmt_policy_equal(p, again.policies))
        return TS_E_STATE;
    if ((e = format_again(j, text, again.policies)) != TS_OK)
        return e;
    if (j->second.len != text.len ||
        memcmp(ts_buf_bytes(&j->second), text.ptr, text.len) != 0)
        return TS_E_STATE;
    return TS_OK;
}

/* Comments between policies, a line each; one empty line stays one. */
static ts_err write_comments(struct job *j, bool *ret_any)
{
    const struct ts_str src = j->f.lex.src;
    size_t at = j->f.lead_from, end = j->f.tok.span.offset, before = at;
    bool any = false;
    struct ts_str c;
    ts_err e = TS_OK;

    while (e == TS_OK && fmt_comment(src, &at, end, &c)) {
        size_t start = (size_t)(c.ptr - src.ptr);

        if (any && fmt_newlines(src, before, start) > 1)
            e = ts_buf_append(j->out, "\n", 1);
        if (e == TS_OK && (e = ts_buf_append(j->out, c.ptr, c.len)) == TS_OK)
            e = ts_buf_append(j->out, "\n", 1);
        before = at;
        any = true;
    }
    if (e == TS_OK && any && j->f.tok.kind != LEX_END &&
        fmt_newlines(src, before, end) > 1)
        e = ts_buf_append(j->out, "\n", 1);
    j->f.lead_from = end;
    *ret_any = any;
    return e;
}

/* Comments behind the last policy stay with it unless a line parts them. */
static ts_err write_tail(struct job *j, size_t from)
{
    const struct ts_str src = j->f.lex.src;
    size_t at = j->f.lead_from;
    struct ts_str c;
    bool any;

    if (j->out->len > from && fmt_comment(src, &at, src.len, &c) &&
        fmt_newlines(src, j->f.lead_from, (size_t)(c.ptr - src.ptr)) > 1) {
        ts_err e = ts_buf_append(j->out, "\n", 1);

        if (e != TS_OK)
            return e;
    }
    return write_comments(j, &any);
}

static ts_err write_all(struct job *j, const struct ast *tree)
{
    size_t from = j->out->len, start;
    bool any;
    ts_err e;

    for (const struct ast_policy *p = tree->policies; p != NULL; p = p->next) {
        if (j->out->len > from && (e = ts_buf_append(j->out, "\n", 1)) != TS_OK)
            return e;
        if ((e = write_comments(j, &any)) != TS_OK)
            return e;
        start = j->out->len;
        if ((e = layout(&j->f, p, j->out)) != TS_OK ||
            (e = check_policy(j, p, start)) != TS_OK)
            return e;
    }
    return write_tail(j, from);
}

/* A walk over the comments of a text. */
struct comments {
    struct lex lex;
    struct lex_token tok;
    size_t at;
};

static bool next_comment(struct comments *w, struct ts_str *ret)
{
    while (!fmt_comment(w->lex.src, &w->at, w->tok.span.offset, ret)) {
        if (w->tok.kind == LEX_END)
            return false;
        w->at = w->tok.span.offset + w->tok.span.len;
        if (cedar_lex_next(&w->lex, &w->tok) != TS_OK)
            return false;
    }
    return true;
}

bool cedar_comments_equal(struct ts_str a, struct ts_str b)
{
    struct comments x = {0}, y = {0};
    struct ts_str c, d;

    cedar_lex_init(&x.lex, a, 0, NULL);
    cedar_lex_init(&y.lex, b, 0, NULL);
    if (cedar_lex_next(&x.lex, &x.tok) != TS_OK ||
        cedar_lex_next(&y.lex, &y.tok) != TS_OK)
        return false;
    while (next_comment(&x, &c))
        if (!next_comment(&y, &d) || !ts_str_eq(c, d))
            return false;
    return !next_comment(&y, &d);
}

ts_err cedar_format_tree(struct ts_str text, const struct ast *tree,
                         const struct cedar_format *style, struct ts_buf *out)
{
    struct job j = {.style = *style, .out = out};
    size_t from = out->len;
    ts_err e;

    if (style->width > CEDAR_FORMAT_WIDTH ||
        style->indent > CEDAR_FORMAT_INDENT)
        return TS_E_INVALID;
    ts_arena_init(&j.temp, CEDAR_LOAD_BASE);
    ts_buf_init(&j.second, out->max);
    if ((e = fmt_init(&j.f, text, &j.style)) == TS_OK)
        e = write_all(&j, tree);
    if (e == TS_OK && !cedar_comments_equal(text, tail_of(out, from)))
        e = TS_E_STATE;
    fmt_done(&j.f);
    ts_buf_done(&j.second);
    ts_arena_done(&j.temp);
    if (e != TS_OK)
        out->len = from; /* no half of a text */
    return e;
}

static void say(ts_err e, struct cedar_diags *diags)
{
    struct cedar_span at = {.line = 1, .column = 1};

    if (e == TS_E_STATE)
        cedar_diag_add(diags, "format_refused", at,
                       "please report it with this text",
                       "the formatted text would not say the same; nothing "
                       "was changed");
    else if (e == TS_E_INVALID)
        cedar_diag_add(diags, "bad_style", at, NULL,
                       "a width has at most %u columns, an indent %u",
                       CEDAR_FORMAT_WIDTH, CEDAR_FORMAT_INDENT);
    else if (e == TS_E_LIMIT)
        cedar_diag_add(diags, "too_large", at, NULL,
                       "the formatted text is larger than its limit");
}

ts_err cedar_format(const struct cedar_source *source,
                    const struct cedar_format *style, struct ts_buf *out,
                    struct cedar_diags *diags)
{
    static const struct cedar_options o = {.max_bytes = CEDAR_FILE_BYTES,
                                           .max_policies = CEDAR_POLICIES,
                                           .max_policy_bytes =
                                               CEDAR_POLICY_BYTES,
                                           .max_depth = CEDAR_EXPR_DEPTH};
    struct ts_arena arena;
    struct ast tree;
    ts_err e;

    cedar_diags_clear(diags);
    ts_arena_init(&arena, cedar_load_budget(source->text.len));
    e = cedar_parse(&arena, source, 1, &o, diags, &tree);
    if (e == TS_OK &&
        (e = cedar_format_tree(source->text, &tree, style, out)) != TS_OK)
        say(e, diags);
    ts_arena_done(&arena);
    return e;
}
