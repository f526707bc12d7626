/*
 * Policies, annotations and conditions, and the parser's small tools. Recursive
 * descent with an explicit depth counter; chains are loops. Text here may come
 * from a delegation block, so every repetition is paid for by input bytes.
 */
#include "policy/syntax/parse.h"

#include <string.h>

#include "policy/core/diag.h"
#include "policy/core/limits.h"
#include "policy/core/name.h"
#include "policy/core/utf8.h"
#include "policy/syntax/node.h"
#include "policy/syntax/parse_priv.h"

ts_err cedar_parse_advance(struct parser *p)
{
    ts_err e;

    p->last = p->tok.span;
    p->end = p->tok.span.offset + p->tok.span.len;
    e = cedar_lex_next(&p->lex, &p->tok);
    p->broken = e != TS_OK;
    if (e == TS_OK && p->tok.kind == LEX_STRING &&
        memchr(p->tok.text.ptr, '\n', p->tok.text.len) != NULL) {
        p->tall = p->tok.span;
        p->tall_end = p->lex.line;
    }
    return e;
}

bool cedar_parse_at(const struct parser *p, char ch)
{
    return p->tok.kind == LEX_CHAR && p->tok.ch == ch;
}

bool cedar_parse_at_word(const struct parser *p, struct ts_str word)
{
    return p->tok.kind == LEX_IDENT && ts_str_eq(p->tok.text, word);
}

ts_err cedar_parse_take(struct parser *p, char ch, bool *ret_took)
{
    bool took = cedar_parse_at(p, ch);
    ts_err e = took ? cedar_parse_advance(p) : TS_OK;

    if (e == TS_OK)
        *ret_took = took;
    return e;
}

ts_err cedar_parse_node(struct parser *p, enum ast_op op,
                        struct cedar_span span, struct ast_expr **ret)
{
    return ast_node_new(p->arena, p->nodes, op, span, ret);
}

void cedar_parse_close(const struct parser *p, struct cedar_span *span)
{
    span->len = p->end - span->offset;
}

ts_err cedar_parse_adopt(struct parser *p, struct ast_expr *parent,
                         struct ast_expr *kid)
{
    return ast_node_adopt(parent, kid)
               ? TS_OK
               : cedar_parse_fail(p, kid->span, "too deep",
                                  "split the policy in two",
                                  "this expression is nested too deeply");
}

ts_err cedar_parse_ident(struct parser *p, struct ts_str *ret)
{
    if (p->tok.kind != LEX_IDENT)
        return cedar_parse_unexpected(
            p, "a name",
            p->tok.kind == LEX_INT
                ? "there are no fractions; write decimal(\"1.5\")"
                : NULL);
    if (cedar_is_reserved(p->tok.text))
        return cedar_parse_fail(
            p, p->tok.span, "a word of the language",
            "put it in quotes: [\"...\"] or has \"...\"",
            "this identifier is reserved and cannot be used: %.*s",
            (int)p->tok.text.len, p->tok.text.ptr);
    if (cedar_is_internal(p->tok.text))
        return cedar_parse_fail(p, p->tok.span, "reserved",
                                "choose another name",
                                "the name `__cedar` is reserved");
    *ret = p->tok.text;
    return cedar_parse_advance(p);
}

ts_err cedar_parse_name(struct parser *p, bool stop_at_string,
                        struct ts_str *ret, bool *ret_ref)
{
    const char *start = p->tok.text.ptr;
    struct ts_str part;
    size_t bytes = 0;
    char *out;
    void *mem;
    ts_err e = cedar_parse_ident(p, &part);

    *ret_ref = false;
    if (e != TS_OK)
        return e;
    bytes = part.len;
    while (p->tok.kind == LEX_PATH) {
        if ((e = cedar_parse_advance(p)) != TS_OK)
            return e;
        if (stop_at_string && p->tok.kind == LEX_STRING) {
            *ret_ref = true;
            break;
        }
        if ((e = cedar_parse_ident(p, &part)) != TS_OK)
            return e;
        bytes += part.len + 2;
    }
    if ((size_t)(part.ptr + part.len - start) == bytes) {
        *ret = (struct ts_str){.ptr = start, .len = bytes};
        return TS_OK; /* the usual case: nothing stands between the parts */
    }
    if ((e = ts_arena_alloc(p->arena, bytes, &mem)) != TS_OK)
        return e;
    /* White space or comments stand between the parts; names are compared in
     * normal form. Every other byte of the run belongs to the name. */
    out = mem;
    for (struct lex lx = {.src = {.ptr = start,
                                 .len = (size_t)(part.ptr + part.len - start)}};
         ;) {
        struct lex_token t;

        if ((e = cedar_lex_next(&lx, &t)) != TS_OK || t.kind == LEX_END)
            break;
        memcpy(out, t.text.ptr, t.text.len);
        out += t.text.len;
    }
    *ret = (struct ts_str){.ptr = mem, .len = bytes};
    return e;
}

ts_err cedar_parse_string(struct parser *p, struct ts_str *ret)
{
    struct lex_string s;
    ts_err e = TS_OK;
    uint32_t c;
    char *out;
    size_t n = 0;
    void *mem;

    /* Unescaping never makes a string longer. */
    if ((e = ts_arena_alloc(p->arena, p->tok.text.len + 1, &mem)) != TS_OK)
        return e;
    out = mem;
    cedar_lex_string_init(&s, &p->tok, false, p->diags);
    while (cedar_lex_string_next(&s, &c, &e))
        n += cedar_utf8_put(out + n, c);
    if (e == TS_OK)
        *ret = (struct ts_str){.ptr = out, .len = n};
    return e;
}

/* '@' AnyIdent [ '(' STR ')' ]; a reserved word may be a key. */
static ts_err parse_annotation(struct parser *p, struct ast_policy *policy,
                               struct ast_annotation **tail)
{
    struct ast_annotation *a;
    bool took;
    void *mem;
    ts_err e;

    if ((e = cedar_parse_advance(p)) != TS_OK)
        return e;
    if (p->tok.kind != LEX_IDENT)
        return cedar_parse_unexpected(p, "the name of an annotation",
                                      "names are letters, digits and `_`");
    if (policy->annotation_count >= CEDAR_ANNOTATIONS)
        return cedar_parse_fail(p, p->tok.span, "one too many", NULL,
                                "a policy has at most %d annotations",
                                CEDAR_ANNOTATIONS);
    for (const struct ast_annotation *o = policy->annotations; o != NULL;
         o = o->next)
        if (ts_str_eq(o->key, p->tok.text))
            return cedar_parse_fail(p, p->tok.span, "the second of this name",
                                    "remove one of the two",
                                    "duplicate annotation: @%s",
                                    cedar_quote(p->tok.text).s);
    if ((e = ts_arena_alloc(p->arena, sizeof(*a), &mem)) != TS_OK)
        return e;
    a = mem;
    *a = (struct ast_annotation){
        .key = p->tok.text, .value = TS_STR_LIT(""), .span = p->tok.span};
    if ((e = cedar_parse_advance(p)) != TS_OK ||
        (e = cedar_parse_take(p, '(', &took)) != TS_OK)
        return e;
    a->bare = !took;
    if (took) {
        if (p->tok.kind != LEX_STRING)
            return cedar_parse_unexpected(p, "a text in quotes",
                                          "write @name(\"value\")");
        a->span = p->tok.span;
        if ((e = cedar_parse_string(p, &a->value)) != TS_OK ||
            (e = cedar_parse_advance(p)) != TS_OK ||
            (e = cedar_parse_expect(p, ')', "after the annotation")) != TS_OK)
            return e;
    }
    if (*tail != NULL)
        (*tail)->next = a;
    else
        policy->annotations = a;
    *tail = a;
    policy->annotation_count++;
    return TS_OK;
}

/* ('when'|'unless') '{' Expr '}' */
static ts_err parse_cond(struct parser *p, struct ast_policy *policy,
                         struct ast_cond **tail)
{
    bool unless = cedar_parse_at_word(p, TS_STR_LIT("unless"));
    struct cedar_span start = p->tok.span, open;
    struct ast_cond *c;
    void *mem;
    ts_err e;

    if ((e = ts_arena_alloc(p->arena, sizeof(*c), &mem)) != TS_OK ||
        (e = cedar_parse_advance(p)) != TS_OK)
        return e;
    open = p->tok.span;
    if (!cedar_parse_at(p, '{'))
        return cedar_parse_unexpected(p, "`{` before the condition",
                                      "conditions stand in braces: when { ... "
                                      "}");
    if ((e = cedar_parse_advance(p)) != TS_OK)
        return e;
    c = mem;
    c->unless = unless;
    c->span = start;
    if (cedar_parse_at(p, '}'))
        return cedar_parse_fail(p, p->tok.span, "expected an expression",
                                "write `true` or remove the clause",
                                "`%s` condition clause cannot be empty",
                                unless ? "unless" : "when");
    if ((e = cedar_parse_expr(p, &c->expr)) != TS_OK ||
        (e = cedar_parse_expect_close(p, '}', &open, "an operator or ")) !=
            TS_OK)
        return e;
    cedar_parse_close(p, &c->span);
    if (*tail != NULL)
        (*tail)->next = c;
    else
        policy->conds = c;
    *tail = c;
    policy->cond_count++;
    p->conds++;
    return TS_OK;
}

static ts_err parse_conds(struct parser *p, struct ast_policy *policy)
{
    struct ast_cond *tail = NULL;
    ts_err e = TS_OK;

    while (e == TS_OK && (cedar_parse_at_word(p, TS_STR_LIT("when")) ||
                          cedar_parse_at_word(p, TS_STR_LIT("unless"))))
        e = parse_cond(p, policy, &tail);
    return e;
}

static ts_err parse_policy(struct parser *p, struct ast_policy *policy)
{
    struct ast_annotation *tail = NULL;
    struct cedar_span start = p->tok.span;
    ts_err e;

    while (cedar_parse_at(p, '@'))
        if ((e = parse_annotation(p, policy, &tail)) != TS_OK)
            return e;
    if (cedar_parse_at_word(p, TS_STR_LIT("permit")))
        policy->effect = CEDAR_PERMIT;
    else if (cedar_parse_at_word(p, TS_STR_LIT("forbid")))
        policy->effect = CEDAR_FORBID;
    else
        return cedar_parse_refuse_start(p);
    if ((e = cedar_parse_advance(p)) != TS_OK ||
        (e = cedar_parse_scopes(p, policy)) != TS_OK ||
        (e = parse_conds(p, policy)) != TS_OK)
        return e;
    if (!cedar_parse_at(p, ';'))
        return cedar_parse_refuse_tail(p, policy->cond_count > 0);
    start.len = p->tok.span.offset + 1 - start.offset;
    policy->span = start;
    if (start.len > p->options->max_policy_bytes) {
        cedar_diag_add(p->diags, "policy_too_large", start, "split it",
                       "this policy has %u bytes; the limit is %zu", start.len,
                       p->options->max_policy_bytes);
        return TS_E_LIMIT;
    }
    return cedar_parse_advance(p);
}

/* Where a policy begins, whatever stands before it. `permit` is a name like
 * any other behind a dot. */
static bool at_policy(const struct parser *p, bool after_dot)
{
    return cedar_parse_at(p, '@') ||
           (!after_dot && (cedar_parse_at_word(p, TS_STR_LIT("permit")) ||
                           cedar_parse_at_word(p, TS_STR_LIT("forbid"))));
}

/* Back to the end of the line on which a string was left open. Each time costs
 * at most the text once more, and there are as many times as diagnostics. */
static void rewind_tall(struct parser *p)
{
    const char *from = p->lex.src.ptr + p->tall.offset, *end;

    if (!cedar_parse_tall(p) || p->rewinds >= CEDAR_DIAGS_MAX)
        return;
    end = memchr(from, '\n', p->tall.len);
    p->rewinds++;
    p->lex.at = (size_t)(end - p->lex.src.ptr);
    p->lex.line = p->tall.line;
    p->broken = true; /* the token at hand is behind us */
}

/* After an error: on to the next policy, so that one mistake does not hide the
 * others. What is skipped is not complained about. `start` is where the policy
 * that failed began: it is left at least. */
static ts_err recover(struct parser *p, uint32_t start)
{
    struct cedar_diags *diags = p->lex.diags;
    bool dot = false;
    ts_err e;

    rewind_tall(p);
    e = p->broken ? TS_E_FORMAT : TS_OK;
    p->depth = 0;
    p->tall = (struct cedar_span){0};
    p->lex.diags = NULL;
    while (e == TS_E_FORMAT || (e == TS_OK && p->tok.kind != LEX_END)) {
        bool semicolon = e == TS_OK && cedar_parse_at(p, ';');

        if (e == TS_OK && p->tok.span.offset != start && at_policy(p, dot))
            break;
        dot = e == TS_OK && cedar_parse_at(p, '.');
        e = cedar_parse_advance(p);
        if (semicolon)
            break;
    }
    p->lex.diags = diags;
    return e;
}

static ts_err parse_source(struct parser *p, struct ast *ast,
                           struct ast_policy **tail)
{
    ts_err e, first;

    p->tok = (struct lex_token){0};
    e = first = cedar_parse_advance(p);
    if (e == TS_E_FORMAT)
        e = recover(p, UINT32_MAX);
    while (e == TS_OK && p->tok.kind != LEX_END) {
        struct ast_policy *policy;
        uint32_t start;
        void *mem;

        if (ast->count >= p->options->max_policies) {
            cedar_diag_add(p->diags, "too_many_policies", p->tok.span,
                           "load them in parts, or raise the limit",
                           "more than %u policies", p->options->max_policies);
            return TS_E_LIMIT;
        }
        if ((e = ts_arena_alloc(p->arena, sizeof(*policy), &mem)) != TS_OK)
            return e;
        policy = mem;
        start = p->tok.span.offset;
        p->tall = (struct cedar_span){0};
        e = parse_policy(p, policy);
        if (e == TS_OK) {
            if (*tail != NULL)
                (*tail)->next = policy;
            else
                ast->policies = policy;
            *tail = policy;
            ast->count++;
            ast->templates += ast_is_template(policy) ? 1 : 0;
        } else if (e == TS_E_FORMAT) {
            first = e;
            e = recover(p, start);
        }
    }
    return e != TS_OK ? e : first;
}

static ts_err check_source(const struct cedar_source *src, uint32_t index,
                           size_t *left, struct cedar_diags *diags)
{
    struct cedar_span at = {.source = index, .line = 1, .column = 1};

    if (src->text.len > *left) {
        cedar_diag_add(diags, "too_large", at,
                       "load it in parts, or raise the limit",
                       "the policy text has %zu bytes; the limit leaves %zu",
                       src->text.len, *left);
        return TS_E_LIMIT;
    }
    *left -= src->text.len;
    if (cedar_utf8_find_bad(src->text, index, &at)) {
        static const struct cedar_diag_about about = {
            .label = "not UTF-8", .hint = "save the file as UTF-8"};

        cedar_diag_put(diags, CEDAR_ERROR, "bad_utf8", at, &about,
                       "this is not valid UTF-8");
        return TS_E_FORMAT;
    }
    return TS_OK;
}

ts_err cedar_parse(struct ts_arena *arena, const struct cedar_source *sources,
                   size_t count, const struct cedar_options *options,
                   struct cedar_diags *diags, struct ast *ret)
{
    struct parser p = {.arena = arena, .diags = diags, .options = options};
    struct ast ast = {0};
    struct ast_policy *tail = NULL;
    size_t left = options->max_bytes;
    ts_err first = TS_OK;

    if (left > UINT32_MAX || options->max_depth > CEDAR_DEPTH_HARD ||
        count > UINT32_MAX)
        return TS_E_INVALID;
    for (size_t i = 0; i < count; i++) {
        ts_err e = check_source(&sources[i], (uint32_t)i, &left, diags);

        if (e == TS_OK) {
            cedar_lex_init(&p.lex, sources[i].text, (uint32_t)i, diags);
            p.depth = 0;
            e = parse_source(&p, &ast, &tail);
        }
        if (e != TS_OK && e != TS_E_FORMAT)
            return e;
        first = first != TS_OK ? first : e;
    }
    if (first != TS_OK)
        return first;
    memcpy(ast.nodes, p.nodes, sizeof(ast.nodes));
    ast.conds = p.conds;
    *ret = ast;
    return TS_OK;
}
