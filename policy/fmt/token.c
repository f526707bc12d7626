#include "policy/fmt/token.h"

#include <string.h>

static const struct ts_str nothing = {.ptr = "", .len = 0};

static void next_token(struct fmt *f)
{
    ts_err e = cedar_lex_next(&f->lex, &f->tok);

    if (e == TS_OK)
        return;
    if (f->err == TS_OK)
        f->err = e;
    f->tok = (struct lex_token){.kind = LEX_END,
                                .span = {.offset = (uint32_t)f->lex.src.len}};
}

ts_err fmt_init(struct fmt *f, struct ts_str text,
                const struct cedar_format *style)
{
    *f = (struct fmt){.style = style};
    cedar_lex_init(&f->lex, text, 0, NULL);
    next_token(f);
    return f->err;
}

void fmt_done(struct fmt *f)
{
    doc_done(&f->doc);
}

bool fmt_at(const struct fmt *f, char ch)
{
    return f->tok.kind == LEX_CHAR && f->tok.ch == ch;
}

static bool ends_line(char c)
{
    return c == '\n' || c == '\r';
}

/* The comment whose slashes stand at `at`. */
static struct ts_str comment_at(struct ts_str text, size_t at, size_t *ret_end)
{
    size_t end = at;
    struct ts_str c;

    while (end < text.len && !ends_line(text.ptr[end]))
        end++;
    *ret_end = end;
    c = (struct ts_str){.ptr = text.ptr + at, .len = end - at};
    while (c.len > 0 && (c.ptr[c.len - 1] == ' ' || c.ptr[c.len - 1] == '\t'))
        c.len--;
    return c;
}

bool fmt_comment(struct ts_str text, size_t *at, size_t to, struct ts_str *ret)
{
    const char *slash;

    if (*at >= to)
        return false;
    /* What else stands there is white space or an operator without slashes. */
    slash = memchr(text.ptr + *at, '/', to - *at);
    if (slash == NULL)
        return false;
    *ret = comment_at(text, (size_t)(slash - text.ptr), at);
    return true;
}

size_t fmt_newlines(struct ts_str text, size_t from, size_t to)
{
    size_t n = 0;

    for (size_t i = from; i < to; i++)
        if (text.ptr[i] == '\n' ||
            (text.ptr[i] == '\r' &&
             !(i + 1 < text.len && text.ptr[i + 1] == '\n')))
            n++;
    return n;
}

bool fmt_leads(const struct fmt *f)
{
    struct ts_str c;
    size_t at = f->lead_from;

    return fmt_comment(f->lex.src, &at, f->tok.span.offset, &c);
}

static void flush_note(struct fmt *f)
{
    if (f->note.len == 0)
        return;
    doc_text(&f->doc, DOC_NOTE, f->note);
    doc_put(&f->doc, DOC_HARD);
    f->note = nothing;
}

void fmt_put(struct fmt *f, enum doc_kind kind)
{
    flush_note(f);
    doc_put(&f->doc, kind);
}

/* The comments before the token, a line each. */
static void write_leads(struct fmt *f)
{
    struct ts_str c;

    if (!fmt_leads(f))
        return;
    fmt_put(f, DOC_HARD);
    while (fmt_comment(f->lex.src, &f->lead_from, f->tok.span.offset, &c)) {
        doc_text(&f->doc, DOC_TEXT, c);
        doc_put(&f->doc, DOC_HARD);
    }
}

uint32_t fmt_open(struct fmt *f)
{
    write_leads(f);
    return doc_open(&f->doc);
}

/* The token as it is written; numbers without zeros before them. */
static struct ts_str token_text(const struct fmt *f)
{
    struct ts_str t = {.ptr = f->lex.src.ptr + f->tok.span.offset,
                       .len = f->tok.span.len};

    while (f->tok.kind == LEX_INT && t.len > 1 && t.ptr[0] == '0') {
        t.ptr++;
        t.len--;
    }
    return t;
}

/* Goes on to the next token. The comment on the line of the one left behind is
 * its note, unless an earlier comment has yet to be written: it must not
 * overtake that one. */
static void pass(struct fmt *f, bool waiting)
{
    size_t at = f->tok.span.offset + f->tok.span.len, end;
    const struct ts_str src = f->lex.src;
    size_t to;

    next_token(f);
    if (waiting)
        return;
    f->lead_from = at;
    to = f->tok.span.offset;
    /* White space is skipped; some of it is more than a byte long. */
    while (at < to && !ends_line(src.ptr[at]) && src.ptr[at] != '/')
        at++;
    if (at < to && src.ptr[at] == '/') {
        f->note = comment_at(src, at, &end);
        f->lead_from = end;
    }
}

void fmt_tok(struct fmt *f)
{
    write_leads(f);
    flush_note(f);
    doc_text(&f->doc, DOC_TEXT, token_text(f));
    pass(f, false);
}

void fmt_hang(struct fmt *f, bool space_before)
{
    bool waiting = f->note.len > 0 || fmt_leads(f);

    if (space_before)
        doc_put(&f->doc, DOC_SPACE);
    doc_text(&f->doc, DOC_TEXT, token_text(f));
    pass(f, waiting);
}

void fmt_drop(struct fmt *f)
{
    pass(f, f->note.len > 0 || fmt_leads(f));
}
