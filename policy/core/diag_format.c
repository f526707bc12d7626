/*
 * One diagnostic for a person: head, place, the source line with the span
 * underlined, help. The source may hold anything; what moves a terminal's
 * cursor never reaches the output, and a line of any length costs its window.
 */
#include <stdio.h>
#include <string.h>

#include "policy/core/columns.h"
#include "policy/core/diag.h"

#define WINDOW_BEFORE 50  /* columns of a long line before the span */
#define WINDOW_ALL    100 /* columns shown of one line */
#define TAB_COLUMNS   4
#define SCAN_BACK     4096 /* bytes looked at before the span */

/* Output that never overflows and always ends in NUL. */
struct out {
    char *p;
    size_t cap, len;
    bool colour;
    bool warning;
    unsigned gutter; /* columns of the largest line number shown */
};

enum paint {
    PAINT_NONE,
    PAINT_BOLD,
    PAINT_GUTTER,
    PAINT_MARK
};

static void put_bytes(struct out *o, const char *s, size_t n)
{
    if (o->cap == 0 || n > o->cap - 1 - o->len)
        n = o->cap == 0 ? 0 : o->cap - 1 - o->len;
    if (n > 0)
        memcpy(o->p + o->len, s, n);
    o->len += n;
    if (o->cap > 0)
        o->p[o->len] = '\0';
}

static void put(struct out *o, const char *s)
{
    put_bytes(o, s, strlen(s));
}

static void put_times(struct out *o, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put(o, s);
}

static void paint(struct out *o, enum paint with)
{
    static const char *const codes[] = {
        [PAINT_NONE] = "\x1b[0m",
        [PAINT_BOLD] = "\x1b[1m",
        [PAINT_GUTTER] = "\x1b[1;34m",
        [PAINT_MARK] = "\x1b[1;31m",
    };

    if (o->colour)
        put(o, with == PAINT_MARK && o->warning ? "\x1b[1;33m" : codes[with]);
}

/* One code point: its bytes and the columns that it takes. */
struct glyph {
    size_t len;
    unsigned columns;
    bool plain; /* may be written as it stands */
};

static struct glyph glyph_at(const char *s, size_t left)
{
    unsigned char c = (unsigned char)s[0];
    size_t n = c < 0x80 ? 1 : (c >= 0xF0 ? 4 : (c >= 0xE0 ? 3 : 2));
    char esc[16];

    if (c == '\t')
        return (struct glyph){.len = 1, .columns = TAB_COLUMNS};
    if (c >= 0x20 && c < 0x7F)
        return (struct glyph){.len = 1, .columns = 1, .plain = true};
    n = n > left ? left : n;
    if (n == 1 || !ts_utf8_valid(s, n) ||
        ts_str_escape(esc, sizeof(esc), s, n) != n || memcmp(esc, s, n) != 0)
        return (struct glyph){.len = n > 1 && ts_utf8_valid(s, n) ? n : 1,
                              .columns = 1};
    return (struct glyph){
        .len = n, .columns = cedar_columns(s, n), .plain = true};
}

static void put_glyph(struct out *o, const char *s, const struct glyph *g)
{
    if (g->plain)
        put_bytes(o, s, g->len);
    else if (s[0] == '\t')
        put_times(o, " ", TAB_COLUMNS);
    else
        put(o, "\xEF\xBF\xBD");
}

/* A sentence, escaped when it was put together, though it may have been cut
 * within a character. */
static void put_shown(struct out *o, const char *s)
{
    size_t n = strlen(s);

    for (size_t at = 0; at < n;) {
        struct glyph g = glyph_at(s + at, n - at);

        put_glyph(o, s + at, &g);
        at += g.len;
    }
}

static void put_gutter(struct out *o, uint32_t line)
{
    char number[16] = "";

    if (line > 0)
        (void)snprintf(number, sizeof(number), "%u", line);
    paint(o, PAINT_GUTTER);
    put_times(o, " ", 1 + o->gutter - strlen(number));
    put(o, number);
    put(o, " |");
    paint(o, PAINT_NONE);
}

/* The part [from, to) of a source that is underlined, inside the line
 * [start, end). */
struct mark {
    size_t start, end;
    size_t from, to;
    uint32_t line;
};

/* Where to begin showing the line, so that the mark is in sight. */
static size_t window_start(const char *text, const struct mark *m)
{
    size_t at = m->from;
    unsigned columns = 0;

    if (m->end - m->start <= WINDOW_ALL)
        return m->start; /* all of it has room */
    while (at > m->start && columns < WINDOW_BEFORE) {
        size_t prev = at - 1;

        while (prev > m->start && ((unsigned char)text[prev] & 0xC0) == 0x80)
            prev--;
        columns += glyph_at(text + prev, at - prev).columns;
        at = prev;
    }
    return at;
}

static void put_marked_line(struct out *o, const char *text,
                            const struct mark *m, const char *label)
{
    size_t at = window_start(text, m);
    unsigned shown = 0, before = 0, under = 0;
    bool cut = at > m->start;

    put_gutter(o, m->line);
    put(o, cut ? " ..." : " ");
    for (; at < m->end && shown < WINDOW_ALL;) {
        struct glyph g = glyph_at(text + at, m->end - at);

        put_glyph(o, text + at, &g);
        shown += g.columns;
        before += at < m->from ? g.columns : 0;
        under += at >= m->from && at < m->to ? g.columns : 0;
        at += g.len;
    }
    put(o, at < m->end ? "...\n" : "\n");
    put_gutter(o, 0);
    put_times(o, " ", before + (cut ? 4u : 1u));
    paint(o, PAINT_MARK);
    put_times(o, "^", under > 0 ? under : 1);
    if (label[0] != '\0') {
        put(o, " ");
        put_shown(o, label);
    }
    paint(o, PAINT_NONE);
    put(o, "\n");
}

/* The line around offset, its ends looked for within SCAN_BACK bytes. */
static struct mark line_around(const char *text, size_t len, size_t offset)
{
    struct mark m = {.start = offset, .end = offset};

    while (m.start > 0 && text[m.start - 1] != '\n' &&
           offset - m.start < SCAN_BACK)
        m.start--;
    while (m.end < len && text[m.end] != '\n' && m.end - offset < SCAN_BACK)
        m.end++;
    if (m.end > m.start && m.end < len && text[m.end] == '\n' &&
        text[m.end - 1] == '\r')
        m.end--;
    return m;
}

/* How many lines the span goes on after its first. */
static uint32_t more_lines(const struct cedar_span *span, struct ts_str source)
{
    size_t to = (size_t)span->offset + span->len;
    uint32_t n = 0;

    to = to > source.len ? source.len : to;
    for (size_t i = span->offset; i + 1 < to; i++)
        n += source.ptr[i] == '\n' ? 1 : 0;
    return n;
}

static unsigned digits(uint32_t n)
{
    unsigned d = 1;

    for (; n >= 10; n /= 10)
        d++;
    return d;
}

/* The first line of the span, and its last when that is another one. */
static void put_source(struct out *o, const struct cedar_diag *d,
                       struct ts_str source, uint32_t lines)
{
    size_t from = d->span.offset, to = from + d->span.len;
    struct mark first = line_around(source.ptr, source.len, from), last;

    to = to > source.len ? source.len : to;
    first.line = d->span.line;
    first.from = from > first.end ? first.end : from;
    first.to = to < first.end ? to : first.end;
    put_gutter(o, 0);
    put(o, "\n");
    put_marked_line(o, source.ptr, &first, d->label);
    if (lines == 0)
        return;
    last = line_around(source.ptr, source.len, to - 1);
    last.line = d->span.line + lines;
    last.from = last.start;
    while (last.from + 1 < to &&
           (source.ptr[last.from] == ' ' || source.ptr[last.from] == '\t'))
        last.from++;
    last.to = to;
    if (lines > 1)
        put(o, "...\n");
    put_marked_line(o, source.ptr, &last, "");
}

static void put_note(struct out *o, const char *kind, const char *intro,
                     const char *text)
{
    if (text[0] == '\0')
        return;
    paint(o, PAINT_GUTTER);
    put_times(o, " ", o->gutter + 2);
    put(o, "= ");
    paint(o, PAINT_NONE);
    paint(o, PAINT_BOLD);
    put(o, kind);
    paint(o, PAINT_NONE);
    put(o, ": ");
    put(o, intro);
    put_shown(o, text);
    put(o, "\n");
}

static void put_head(struct out *o, const struct cedar_diag *d)
{
    paint(o, PAINT_MARK);
    put(o, o->warning ? "warning" : "error");
    if (d->code != NULL && d->code[0] != '\0') {
        put(o, "[");
        put(o, d->code);
        put(o, "]");
    }
    paint(o, PAINT_NONE);
    paint(o, PAINT_BOLD);
    put(o, ": ");
    put_shown(o, d->text);
    paint(o, PAINT_NONE);
    put(o, "\n");
}

size_t cedar_diag_format(const struct cedar_diag *d, const char *source_name,
                         struct ts_str source, bool colour, char *out,
                         size_t cap)
{
    struct out o = {.p = out,
                    .cap = cap,
                    .colour = colour,
                    .warning = d->severity == CEDAR_WARNING};
    bool show =
        source.ptr != NULL && d->span.line > 0 && d->span.offset <= source.len;
    char place[48];
    uint32_t lines;

    if (cap > 0)
        out[0] = '\0';
    lines = show ? more_lines(&d->span, source) : 0;
    o.gutter = digits(d->span.line + lines);
    put_head(&o, d);
    if (source_name != NULL && d->span.line > 0) {
        (void)snprintf(place, sizeof(place), ":%u:%u\n", d->span.line,
                       d->span.column);
        paint(&o, PAINT_GUTTER);
        put_times(&o, " ", o.gutter + 1);
        put(&o, "--> ");
        paint(&o, PAINT_NONE);
        put_shown(&o, source_name);
        put(&o, place);
    }
    if (show)
        put_source(&o, d, source, lines);
    put_note(&o, "note", "in policy ", d->policy);
    put_note(&o, "help", "", d->hint);
    return o.len;
}
