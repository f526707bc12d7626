/* What stands between the quotes: \n \r \t \\ \0 \' \" \xHH \u{H...}, and \*
 * in patterns. A raw newline or NUL is text; a raw carriage return is not. */
#include "policy/core/diag.h"
#include "policy/syntax/lex.h"

void cedar_lex_string_init(struct lex_string *s, const struct lex_token *t,
                           bool pattern, struct cedar_diags *diags)
{
    *s = (struct lex_string){
        .rest = t->text, .span = t->span, .pattern = pattern, .diags = diags};
    s->span.offset++; /* the quote */
    s->span.column++;
}

/* Moves over n bytes of one code point or one escape without a newline. */
static void skip(struct lex_string *s, size_t n, uint32_t columns)
{
    s->rest.ptr += n;
    s->rest.len -= n;
    s->span.offset += (uint32_t)n;
    s->span.column += columns;
}

static ts_err bad_escape(struct lex_string *s, size_t n, const char *hint)
{
    struct cedar_diag_about about = {.label = "not an escape", .hint = hint};
    struct cedar_quoted q;
    bool plain = true;

    n = n > s->rest.len ? s->rest.len : n;
    q = cedar_quote((struct ts_str){.ptr = s->rest.ptr, .len = n});
    for (size_t i = 0; i < n; i++)
        plain = plain && s->rest.ptr[i] > ' ' && s->rest.ptr[i] < 0x7F;
    s->span.len = (uint32_t)n;
    /* What is plain is shown as it stands: its backslash is the point. */
    if (plain && n <= 12)
        cedar_diag_put(s->diags, CEDAR_ERROR, "parse_error", s->span, &about,
                       "the input `%.*s` is not a valid escape", (int)n,
                       s->rest.ptr);
    else
        cedar_diag_put(s->diags, CEDAR_ERROR, "parse_error", s->span, &about,
                       "the input `%s` is not a valid escape", q.s);
    return TS_E_FORMAT;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static ts_err take_x(struct lex_string *s, uint32_t *ret)
{
    const char *p = s->rest.ptr;

    if (s->rest.len < 4 || hex(p[2]) < 0 || hex(p[3]) < 0 || hex(p[2]) > 7)
        return bad_escape(s, 4, "\\x takes two hex digits, up to \\x7F");
    *ret = (uint32_t)(hex(p[2]) << 4 | hex(p[3]));
    skip(s, 4, 4);
    return TS_OK;
}

/* \u{ then 1 to 6 hex digits, which underscores may follow. */
static ts_err take_u(struct lex_string *s, uint32_t *ret)
{
    static const char hint[] =
        "\\u{...} takes 1 to 6 hex digits of a Unicode scalar value";
    const char *p = s->rest.ptr;
    uint32_t v = 0;
    size_t n = 3, digits = 0;

    if (s->rest.len < 4 || p[2] != '{' || hex(p[3]) < 0)
        return bad_escape(s, 3, hint);
    for (; n < s->rest.len && p[n] != '}'; n++) {
        if (p[n] == '_')
            continue;
        if (hex(p[n]) < 0 || ++digits > 6)
            return bad_escape(s, n + 1, hint);
        v = v << 4 | (uint32_t)hex(p[n]);
    }
    if (n >= s->rest.len || v > 0x10FFFF || (v >= 0xD800 && v <= 0xDFFF))
        return bad_escape(s, n + 1, hint);
    skip(s, n + 1, (uint32_t)n + 1);
    *ret = v;
    return TS_OK;
}

static ts_err take_escape(struct lex_string *s, uint32_t *ret)
{
    static const struct {
        char ch;
        char means;
    } simple[] = {{'n', '\n'}, {'r', '\r'},  {'t', '\t'}, {'\\', '\\'},
                  {'0', '\0'}, {'\'', '\''}, {'"', '"'}};
    char c = s->rest.len > 1 ? s->rest.ptr[1] : '\0';

    if (c == 'x')
        return take_x(s, ret);
    if (c == 'u')
        return take_u(s, ret);
    if (c == '*' && s->pattern) {
        *ret = '*';
        skip(s, 2, 2);
        return TS_OK;
    }
    for (size_t i = 0; i < sizeof(simple) / sizeof(simple[0]); i++) {
        if (simple[i].ch == c && s->rest.len > 1) {
            *ret = (uint32_t)(unsigned char)simple[i].means;
            skip(s, 2, 2);
            return TS_OK;
        }
    }
    return bad_escape(s, 2,
                      c == '*' ? "\\* is only for the right side of `like`"
                               : "write \\\\ for a backslash");
}

/* The text is valid UTF-8: the lexer's caller has checked all of it. */
static uint32_t take_code_point(struct lex_string *s)
{
    const unsigned char *p = (const unsigned char *)s->rest.ptr;
    uint32_t c = p[0];
    size_t n = c < 0x80 ? 1 : (c >= 0xF0 ? 4 : (c >= 0xE0 ? 3 : 2));

    if (n > 1) {
        c &= 0x7Fu >> n;
        for (size_t i = 1; i < n; i++)
            c = c << 6 | (p[i] & 0x3Fu);
    }
    skip(s, n, 1);
    if (c == '\n') {
        s->span.line++;
        s->span.column = 1;
    }
    return c;
}

bool cedar_lex_string_next(struct lex_string *s, uint32_t *ret, ts_err *ret_err)
{
    if (s->rest.len == 0)
        return false;
    if (s->rest.ptr[0] == '\\') {
        ts_err e = take_escape(s, ret);

        if (e != TS_OK)
            *ret_err = e;
        return e == TS_OK;
    }
    if (s->rest.ptr[0] == '\r') {
        *ret_err = bad_escape(s, 1, "write \\r for a carriage return");
        return false;
    }
    if (s->rest.ptr[0] == '*' && s->pattern) {
        skip(s, 1, 1);
        *ret = LEX_STAR;
        return true;
    }
    *ret = take_code_point(s);
    return true;
}
