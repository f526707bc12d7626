/*
 * What the parser says when it refuses: what was expected, what was found, and
 * what to write instead. Nothing here decides whether a text is accepted.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/core/diag.h"
#include "policy/core/lit.h"
#include "policy/core/name.h"
#include "policy/syntax/parse_priv.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

ts_err cedar_parse_fail(struct parser *p, struct cedar_span span,
                        const char *label, const char *hint, const char *fmt,
                        ...)
{
    struct cedar_diag_about about = {.label = label, .hint = hint};
    va_list ap;

    va_start(ap, fmt);
    cedar_diag_vput(p->diags, CEDAR_ERROR, "parse_error", span, &about, fmt,
                    ap);
    va_end(ap);
    return TS_E_FORMAT;
}

const char *cedar_parse_suggest(struct parse_hint *h, struct ts_str found,
                                const struct ts_str *candidates, size_t count,
                                const char *otherwise)
{
    struct ts_str near = cedar_did_you_mean(found, candidates, count);

    if (near.len == 0)
        return otherwise;
    (void)snprintf(h->s, sizeof(h->s), "did you mean `%.*s`?", (int)near.len,
                   near.ptr);
    return h->s;
}

/* Words and signs of other languages, and what Cedar writes. */
struct habit {
    struct ts_str found;
    const char *hint;
};

static const char *find_habit(const struct habit *h, size_t n,
                              struct ts_str found)
{
    for (size_t i = 0; i < n; i++)
        if (ts_str_eq(h[i].found, found))
            return h[i].hint;
    return NULL;
}

static const struct habit infix[] = {
    {CEDAR_LIT("and"), "write `&&` for and"},
    {CEDAR_LIT("AND"), "write `&&` for and"},
    {CEDAR_LIT("or"), "write `||` for or"},
    {CEDAR_LIT("OR"), "write `||` for or"},
    {CEDAR_LIT("not"), "write `!(a in b)` for `a not in b`"},
    {CEDAR_LIT("contains"), "call it as a method: a.contains(b)"},
    {CEDAR_LIT("if"), "put `if ... then ... else ...` in parentheses"},
    {CEDAR_LIT("matches"), "write `like` with a pattern: x like \"a*\""},
    {CEDAR_LIT("equals"), "write `==` for equals"},
};

bool cedar_parse_before(const struct parser *p, const char *bytes)
{
    size_t at = (size_t)p->tok.span.offset + p->tok.span.len;
    size_t n = strlen(bytes);

    return at <= p->lex.src.len && n <= p->lex.src.len - at &&
           memcmp(p->lex.src.ptr + at, bytes, n) == 0;
}

static const char *hint_for_sign(const struct parser *p)
{
    switch (p->tok.ch) {
    case '=':
        return cedar_parse_before(p, ">") ? "write `>=` for greater or equal"
                                          : "write `==` to compare";
    case '!':
        return "write `!` before what it negates: !(a in b)";
    case '/':
        return cedar_parse_before(p, "*") ? "comments start with `//`"
                                          : "Cedar has no division";
    case '>':
        return "write `!=` for different";
    case '?':
        return "write `if a then b else c`";
    default:
        return NULL;
    }
}

bool cedar_parse_tall(const struct parser *p)
{
    return p->tall.line > 0 && (p->tok.span.line == p->tall_end ||
                                p->tok.span.offset == p->tall.offset);
}

/* What to say about a token that cannot stand where it does. */
static const char *guess_hint(struct parser *p, struct parse_hint *h)
{
    static const struct ts_str words[] = {
        CEDAR_LIT("in"),   CEDAR_LIT("has"),   CEDAR_LIT("like"),
        CEDAR_LIT("is"),   CEDAR_LIT("then"),  CEDAR_LIT("else"),
        CEDAR_LIT("when"), CEDAR_LIT("unless")};
    const char *hint = NULL;

    if (cedar_parse_tall(p)) {
        (void)snprintf(h->s, sizeof(h->s),
                       "the string that begins at %u:%u goes over several "
                       "lines; is its closing quote missing?",
                       p->tall.line, p->tall.column);
        return h->s;
    }
    if (p->tok.kind == LEX_IDENT && p->tok.span.offset > 0 &&
        p->tok.span.offset == p->end && p->lex.src.ptr[p->end - 1] >= '0' &&
        p->lex.src.ptr[p->end - 1] <= '9')
        return "numbers have no units";
    if (p->tok.kind == LEX_IDENT)
        hint = find_habit(infix, COUNT(infix), p->tok.text);
    if (p->tok.kind == LEX_CHAR)
        hint = hint_for_sign(p);
    if (hint == NULL && p->tok.kind == LEX_IDENT)
        hint = cedar_parse_suggest(h, p->tok.text, words, COUNT(words), NULL);
    return hint;
}

/* The token as a sentence names it. */
static const char *describe(const struct parser *p, struct parse_hint *h)
{
    struct cedar_quoted q = cedar_quote(p->tok.text);

    if (p->tok.kind == LEX_END)
        return "the end of the text";
    (void)snprintf(h->s, sizeof(h->s),
                   p->tok.kind == LEX_STRING ? "the string \"%s\""
                   : p->tok.kind == LEX_INT  ? "the number %s"
                                             : "`%s`",
                   q.s);
    return h->s;
}

ts_err cedar_parse_unexpected(struct parser *p, const char *what,
                              const char *hint)
{
    struct parse_hint found, guess;
    char label[CEDAR_LABEL_BYTES];

    if (hint == NULL)
        hint = guess_hint(p, &guess);
    (void)snprintf(label, sizeof(label), "expected %s", what);
    return cedar_parse_fail(p, p->tok.span, label, hint,
                            "expected %s, found %s", what, describe(p, &found));
}

ts_err cedar_parse_expect(struct parser *p, char ch, const char *where)
{
    char what[64];

    if (cedar_parse_at(p, ch))
        return cedar_parse_advance(p);
    (void)snprintf(what, sizeof(what), "`%c` %s", ch, where);
    return cedar_parse_unexpected(p, what, NULL);
}

static bool starts_operand(const struct parser *p)
{
    return p->tok.kind == LEX_IDENT || p->tok.kind == LEX_INT ||
           p->tok.kind == LEX_STRING || cedar_parse_at(p, '[') ||
           cedar_parse_at(p, '{');
}

ts_err cedar_parse_expect_close(struct parser *p, char ch,
                                const struct cedar_span *open, const char *more)
{
    struct parse_hint h;
    char what[64];
    char opener = p->lex.src.ptr[open->offset];

    if (cedar_parse_at(p, ch))
        return cedar_parse_advance(p);
    if (p->tok.kind == LEX_END && !cedar_parse_tall(p))
        return cedar_parse_fail(p, *open, "opened here",
                                "every `(`, `[` and `{` needs its partner",
                                "this `%c` is never closed", opener);
    (void)snprintf(what, sizeof(what), "%s`%c`", more != NULL ? more : "", ch);
    if (guess_hint(p, &h) != NULL)
        return cedar_parse_unexpected(p, what, NULL);
    if (more != NULL && more[0] == '`' && starts_operand(p))
        return cedar_parse_unexpected(p, what, "put a comma between the two");
    (void)snprintf(h.s, sizeof(h.s), "the `%c` to be closed stands at %u:%u",
                   opener, open->line, open->column);
    return cedar_parse_unexpected(p, what, h.s);
}

ts_err cedar_parse_refuse_start(struct parser *p)
{
    static const struct habit habits[] = {
        {CEDAR_LIT("allow"), "write `permit` for allow"},
        {CEDAR_LIT("Allow"), "write `permit` for allow"},
        {CEDAR_LIT("deny"), "write `forbid` for deny"},
        {CEDAR_LIT("Deny"), "write `forbid` for deny"},
        {CEDAR_LIT("grant"), "write `permit` for grant"},
    };
    static const struct ts_str effects[] = {CEDAR_LIT("permit"),
                                            CEDAR_LIT("forbid")};
    struct parse_hint h;
    const char *hint = NULL;

    if (p->tok.kind == LEX_IDENT)
        hint = find_habit(habits, COUNT(habits), p->tok.text);
    if (hint == NULL && p->tok.kind == LEX_IDENT)
        hint = cedar_parse_suggest(&h, p->tok.text, effects, 2, NULL);
    if (hint == NULL && cedar_parse_at(p, ';'))
        hint = "remove it: a policy has ended already";
    if (hint == NULL && (cedar_parse_at_word(p, TS_STR_LIT("when")) ||
                         cedar_parse_at_word(p, TS_STR_LIT("unless"))))
        hint = "no `;` may stand before a condition of the same policy";
    if (hint == NULL)
        hint = "a policy begins with `permit (` or `forbid (`";
    return cedar_parse_unexpected(p, "`permit` or `forbid`", hint);
}

ts_err cedar_parse_refuse_tail(struct parser *p, bool after_cond)
{
    static const struct ts_str words[] = {CEDAR_LIT("when"),
                                          CEDAR_LIT("unless")};
    static const struct habit habits[] = {
        {CEDAR_LIT("if"), "write `when { ... }`"},
        {CEDAR_LIT("where"), "write `when { ... }`"},
        {CEDAR_LIT("except"), "write `unless { ... }`"},
        {CEDAR_LIT("and"), "write another `when { ... }`"},
    };
    struct cedar_span at = p->last;
    struct parse_hint h;
    const char *hint = NULL;

    if (p->tok.kind == LEX_END || cedar_parse_at(p, '@') ||
        cedar_parse_at_word(p, TS_STR_LIT("permit")) ||
        cedar_parse_at_word(p, TS_STR_LIT("forbid")))
        return cedar_parse_fail(p, at, "put `;` behind this",
                                "every policy ends with `;`",
                                "expected `;`, found %s", describe(p, &h));
    if (p->tok.kind == LEX_IDENT)
        hint = find_habit(habits, COUNT(habits), p->tok.text);
    if (hint == NULL && p->tok.kind == LEX_IDENT)
        hint = cedar_parse_suggest(&h, p->tok.text, words, 2, NULL);
    if (hint == NULL && cedar_parse_at(p, '{') && !after_cond)
        hint = "write `when` before the brace";
    if (hint == NULL && (p->tok.kind == LEX_AND || p->tok.kind == LEX_OR))
        hint = "write another `when { ... }`, or go on inside the braces";
    return cedar_parse_unexpected(p, "`when`, `unless` or `;`", hint);
}

ts_err cedar_parse_refuse_word(struct parser *p, struct ts_str word,
                               struct cedar_span span)
{
    static const struct ts_str vars[] = {
        CEDAR_LIT("principal"), CEDAR_LIT("action"), CEDAR_LIT("resource"),
        CEDAR_LIT("context"),   CEDAR_LIT("true"),   CEDAR_LIT("false")};
    static const struct habit habits[] = {
        {CEDAR_LIT("not"), "write `!` for not"},
        {CEDAR_LIT("NOT"), "write `!` for not"},
        {CEDAR_LIT("null"), "there is no null; test with `has`"},
        {CEDAR_LIT("None"), "there is no null; test with `has`"},
        {CEDAR_LIT("user"), "the one who asks is `principal`"},
        {CEDAR_LIT("subject"), "the one who asks is `principal`"},
    };
    struct parse_hint h;
    const char *hint = find_habit(habits, COUNT(habits), word);

    if (hint == NULL)
        hint = cedar_parse_suggest(&h, word, vars, COUNT(vars),
                                   "variables are principal, action, resource "
                                   "and context; text goes in quotes");
    return cedar_parse_fail(p, span, "not known here", hint,
                            "`%s` is not a variable", cedar_quote(word).s);
}

ts_err cedar_parse_refuse_equals(struct parser *p)
{
    return cedar_parse_fail(
        p, p->tok.span, "not an operator",
        cedar_parse_before(p, ">") ? hint_for_sign(p) : "write `==` to compare",
        "`=` is not an operator in Cedar");
}

ts_err cedar_parse_refuse_type(struct parser *p)
{
    return cedar_parse_unexpected(p, "a type",
                                  "types stand without quotes: x is User");
}

/* A path that lacks `::"id"`; its last part may have been meant as one. */
static const char *entity_hint(struct parse_hint *h, struct ts_str path)
{
    struct ts_str base = cedar_name_base(path), type = path;

    if (base.len == path.len) {
        (void)snprintf(h->s, sizeof(h->s), "an entity has an id: %s::\"id\"",
                       cedar_quote(path).s);
        return h->s;
    }
    type.len -= base.len + 2;
    (void)snprintf(h->s, sizeof(h->s), "write the id in quotes: %s::\"%s\"",
                   cedar_quote(type).s, cedar_quote(base).s);
    return h->s;
}

ts_err cedar_parse_refuse_entity(struct parser *p, const struct ts_str *path)
{
    struct parse_hint h;

    if (path != NULL)
        return cedar_parse_unexpected(p, "`::` and an id in quotes",
                                      entity_hint(&h, *path));
    if (p->tok.kind != LEX_STRING)
        return cedar_parse_unexpected(p, "an entity such as Type::\"id\"",
                                      NULL);
    (void)snprintf(h.s, sizeof(h.s), "an entity has a type: Type::\"%s\"",
                   cedar_quote(p->tok.text).s);
    return cedar_parse_unexpected(p, "an entity such as Type::\"id\"", h.s);
}
