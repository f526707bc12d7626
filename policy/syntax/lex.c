/* Cedar's tokens. Spans count lines and code points as they go by, so no
 * position is ever searched for. */
#include "policy/syntax/lex.h"

#include <stdio.h>
#include <string.h>

#include "policy/core/diag.h"
#include "policy/core/name.h"
#include "proto/base/ts_num.h"

void cedar_lex_init(struct lex *lx, struct ts_str src, uint32_t source,
                    struct cedar_diags *diags)
{
    *lx = (struct lex){
        .src = src, .source = source, .line = 1, .column = 1, .diags = diags};
}

static size_t left(const struct lex *lx)
{
    return lx->src.len - lx->at;
}

static char peek(const struct lex *lx, size_t ahead)
{
    return ahead < left(lx) ? lx->src.ptr[lx->at + ahead] : '\0';
}

static bool looking_at(const struct lex *lx, const char *s, size_t n)
{
    return left(lx) >= n && memcmp(lx->src.ptr + lx->at, s, n) == 0;
}

/* Moves over n bytes; only the first byte of a code point moves the column. */
static void advance(struct lex *lx, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)lx->src.ptr[lx->at++];

        if (c == '\n') {
            lx->line++;
            lx->column = 1;
        } else if ((c & 0xC0) != 0x80) {
            lx->column++;
        }
    }
}

/* Length of the white space character here, 0 if none. "Whitespace" is
 * Unicode's White_Space property. */
static size_t space_len(const struct lex *lx)
{
    unsigned char c = (unsigned char)peek(lx, 0), d, e;

    if (left(lx) == 0)
        return 0;
    if (c == ' ' || (c >= '\t' && c <= '\r'))
        return 1;
    d = (unsigned char)peek(lx, 1);
    if (c == 0xC2)
        return d == 0x85 || d == 0xA0 ? 2 : 0;
    e = (unsigned char)peek(lx, 2);
    if (c == 0xE1)
        return d == 0x9A && e == 0x80 ? 3 : 0;
    if (c == 0xE2 && d == 0x80)
        return (e >= 0x80 && e <= 0x8A) || e == 0xA8 || e == 0xA9 || e == 0xAF
                   ? 3
                   : 0;
    if (c == 0xE2)
        return d == 0x81 && e == 0x9F ? 3 : 0;
    return c == 0xE3 && d == 0x80 && e == 0x80 ? 3 : 0;
}

static void skip_blank(struct lex *lx)
{
    for (;;) {
        size_t n = space_len(lx);

        if (n > 0) {
            advance(lx, n);
        } else if (looking_at(lx, "//", 2)) {
            while (left(lx) > 0 && peek(lx, 0) != '\n' && peek(lx, 0) != '\r')
                advance(lx, 1);
        } else {
            return;
        }
    }
}

static struct cedar_span here(const struct lex *lx, size_t n)
{
    return (struct cedar_span){.source = lx->source,
                               .offset = (uint32_t)lx->at,
                               .len = (uint32_t)n,
                               .line = lx->line,
                               .column = lx->column};
}

static void emit(struct lex *lx, enum lex_kind kind, size_t n,
                 struct lex_token *ret)
{
    *ret = (struct lex_token){.kind = kind,
                              .ch = kind == LEX_CHAR ? peek(lx, 0) : '\0',
                              .text = {.ptr = lx->src.ptr + lx->at, .len = n},
                              .span = here(lx, n)};
    advance(lx, n);
}

/* Refuses n bytes and moves over them, so that what follows can be read. */
static ts_err lex_refuse(struct lex *lx, size_t n, const char *label,
                         const char *hint, const char *sentence)
{
    struct cedar_diag_about about = {.label = label, .hint = hint};

    cedar_diag_put(lx->diags, CEDAR_ERROR, "parse_error", here(lx, n), &about,
                   "%s", sentence);
    advance(lx, n);
    return TS_E_FORMAT;
}

/* Bytes up to the end of the line. */
static size_t rest_of_line(const struct lex *lx)
{
    size_t n = 0;

    while (n < left(lx) && peek(lx, n) != '\n' && peek(lx, n) != '\r')
        n++;
    return n;
}

static ts_err lex_word(struct lex *lx, size_t skip, enum lex_kind kind,
                       struct lex_token *ret)
{
    size_t n = skip;

    while (n < left(lx) && cedar_is_ident_char(peek(lx, n)))
        n++;
    emit(lx, kind, n, ret);
    return TS_OK;
}

static ts_err lex_int(struct lex *lx, struct lex_token *ret)
{
    uint64_t v = 0;
    size_t n = 0;
    bool fits = true;

    while (peek(lx, n) >= '0' && peek(lx, n) <= '9') {
        fits = fits && !ts_ckd_mul(&v, v, 10u) &&
               !ts_ckd_add(&v, v, (uint64_t)(peek(lx, n) - '0'));
        n++;
    }
    if (!fits)
        return lex_refuse(lx, n, "too large", "integers have 64 bits",
                          "this integer is too large to be read");
    emit(lx, LEX_INT, n, ret);
    ret->number = v;
    return TS_OK;
}

static ts_err lex_string(struct lex *lx, struct lex_token *ret)
{
    size_t n = 1;

    while (n < left(lx) && peek(lx, n) != '"') {
        if (peek(lx, n) == '\\')
            n++;
        n++;
    }
    /* Most often the quote is missing on the first line. */
    if (n >= left(lx))
        return lex_refuse(lx, rest_of_line(lx), "opened here",
                          "close it with a double quote",
                          "this string does not end");
    emit(lx, LEX_STRING, n + 1, ret);
    ret->text.ptr++;
    ret->text.len -= 2;
    return TS_OK;
}

/* What is written otherwise in Cedar. */
static const struct stray {
    char text[4];
    const char *label, *hint;
} strays[] = {
    {"&", "not an operator", "write `&&` for and"},
    {"|", "not an operator", "write `||` for or"},
    {"#", "not a comment", "comments start with `//`"},
    {"?", "not an operator", "write `if a then b else c`"},
    {"~", "not an operator", "write `like` with a pattern: x like \"a*\""},
    {"$", "not part of a name", "names are letters, digits and `_`"},
    {"`", "not a quote", "text stands in double quotes"},
    {"\\", "not in a string", "escapes stand inside double quotes"},
    {"\xE2\x80\x9C", "a typographic quote", "text stands in double quotes: \""},
    {"\xE2\x80\x9D", "a typographic quote", "text stands in double quotes: \""},
    {"\xE2\x80\x98", "a typographic quote", "text stands in double quotes: \""},
    {"\xE2\x80\x99", "a typographic quote", "text stands in double quotes: \""},
    {"\xEF\xBB\xBF", "a byte order mark",
     "save the file as UTF-8 without a byte order mark"},
};

/* The text in single quotes, up to its end on the same line. */
static size_t single_quoted(const struct lex *lx)
{
    size_t end = rest_of_line(lx);

    for (size_t n = 1; n < end; n++)
        if (peek(lx, n) == '\'')
            return n + 1;
    return 1;
}

static ts_err lex_bad(struct lex *lx)
{
    unsigned char c = (unsigned char)peek(lx, 0);
    size_t n = c < 0x80 ? 1 : (c >= 0xF0 ? 4 : (c >= 0xE0 ? 3 : 2));
    const char *label = "not part of the language";
    const char *hint =
        c >= 0x80 ? "names are ASCII; put other text in quotes" : NULL;
    char sentence[128];
    struct cedar_quoted q;

    n = n > left(lx) ? left(lx) : n;
    if (c == '\'')
        return lex_refuse(lx, single_quoted(lx), "single quotes",
                          "text stands in double quotes: \"...\"",
                          "invalid token `'`");
    for (size_t i = 0; i < sizeof(strays) / sizeof(strays[0]); i++) {
        if (looking_at(lx, strays[i].text, strlen(strays[i].text))) {
            label = strays[i].label;
            hint = strays[i].hint;
            break;
        }
    }
    q = cedar_quote((struct ts_str){.ptr = lx->src.ptr + lx->at, .len = n});
    (void)snprintf(sentence, sizeof(sentence), "invalid token `%s`", q.s);
    return lex_refuse(lx, n, label, hint, sentence);
}

ts_err cedar_lex_next(struct lex *lx, struct lex_token *ret)
{
    static const struct {
        char text[3];
        enum lex_kind kind;
    } pairs[] = {{"::", LEX_PATH}, {"==", LEX_EQ}, {"!=", LEX_NE},
                 {"<=", LEX_LE},   {">=", LEX_GE}, {"&&", LEX_AND},
                 {"||", LEX_OR}};
    char c;

    skip_blank(lx);
    if (left(lx) == 0) {
        *ret = (struct lex_token){.kind = LEX_END, .span = here(lx, 0)};
        return TS_OK;
    }
    c = peek(lx, 0);
    if (cedar_is_ident_start(c))
        return lex_word(lx, 1, LEX_IDENT, ret);
    if (c >= '0' && c <= '9')
        return lex_int(lx, ret);
    if (c == '"')
        return lex_string(lx, ret);
    if (c == '?' && cedar_is_ident_start(peek(lx, 1)))
        return lex_word(lx, 2, LEX_SLOT, ret);
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (looking_at(lx, pairs[i].text, 2)) {
            emit(lx, pairs[i].kind, 2, ret);
            return TS_OK;
        }
    }
    if (c == '\0' || strchr("()[]{}<>,;.:@!-+*/%=?", c) == NULL)
        return lex_bad(lx);
    emit(lx, LEX_CHAR, 1, ret);
    return TS_OK;
}
