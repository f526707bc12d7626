/* Lines of a known width, out of which no hostile byte can reach. */
#include "sidecar/question/screen.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BAR_COLUMNS 2u
#define KEY_COLUMNS 11u
#define PIECE       24 /* bytes of one character as it is shown */

/* Beyond ASCII: characters that stand for themselves, left to right, with the
 * columns that every terminal gives them. */
static const struct {
    uint32_t first, last;
    unsigned columns;
} plain[] = {
    {0xA1, 0xAC, 1},     {0xAE, 0x24F, 1}, /* Latin */
    {0x386, 0x386, 1},   {0x388, 0x38A, 1},   {0x38C, 0x38C, 1},
    {0x38E, 0x3A1, 1},   {0x3A3, 0x3FF, 1}, /* Greek */
    {0x400, 0x482, 1},   {0x48A, 0x52F, 1}, /* Cyrillic */
    {0x1E00, 0x1EFF, 1}, {0x2010, 0x2015, 1}, {0x2018, 0x201E, 1},
    {0x2026, 0x2026, 1}, {0x20AC, 0x20AC, 1}, {0x3001, 0x3002, 2},
    {0x3041, 0x3096, 2}, {0x30A1, 0x30FE, 2}, /* Kana */
    {0x4E00, 0x9FFF, 2},                      /* Han */
    {0xAC00, 0xD7A3, 2},                      /* Hangul */
};

static unsigned columns_of(uint32_t c)
{
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        if (c >= plain[i].first && c <= plain[i].last)
            return plain[i].columns;
    return 0;
}

/* The length of the character at s, 0 if it is none; s.len > 0. */
static size_t character(struct ts_str s, uint32_t *ret)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    uint32_t c = n == 1 ? p[0] : p[0] & (0xFFu >> (n + 1));

    if (n > s.len || !ts_utf8_valid(s.ptr, n))
        return 0;
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (p[i] & 0x3Fu);
    *ret = c;
    return n;
}

static void raw(struct screen *s, const char *p, size_t n)
{
    if (n > 0 && !s->failed && ts_buf_append(s->out, p, n) != TS_OK)
        s->failed = true;
}

static void spaces(struct screen *s, unsigned n)
{
    while (n-- > 0)
        raw(s, " ", 1);
}

/* The first column of a line, and how far it is indented. */
static void begin(struct screen *s, unsigned indent)
{
    s->column = 0;
    if (s->barred) {
        raw(s, s->utf8 ? "\xe2\x94\x82 " : "| ", s->utf8 ? 4 : 2);
        s->column = BAR_COLUMNS;
    }
    if (indent > s->width / 2)
        indent = s->width / 2;
    if (indent > s->column) {
        spaces(s, indent - s->column);
        s->column = indent;
    }
    s->blank = true;
}

static void next_line(struct screen *s)
{
    raw(s, "\n", 1);
    begin(s, s->hang);
}

void screen_init(struct screen *s, struct ts_buf *out, unsigned width,
                 bool utf8, const struct screen_codes *t)
{
    *s = (struct screen){.out = out, .term = *t, .utf8 = utf8};
    s->width = width < SCREEN_WIDTH_MIN   ? SCREEN_WIDTH_MIN
               : width > SCREEN_WIDTH_MAX ? SCREEN_WIDTH_MAX
                                          : width;
}

void screen_open(struct screen *s, unsigned indent, unsigned hang, bool barred)
{
    s->hang = hang;
    s->barred = barred;
    begin(s, indent);
}

void screen_close(struct screen *s)
{
    raw(s, "\n", 1);
    s->column = 0;
}

void screen_style(struct screen *s, const char *code)
{
    raw(s, code, strlen(code));
}

static void put(struct screen *s, const char *p, size_t n, unsigned columns)
{
    if (s->column + columns > s->width && !s->blank)
        next_line(s);
    raw(s, p, n);
    s->column += columns;
    s->blank = false;
}

void screen_words(struct screen *s, const char *text)
{
    while (*text != '\0') {
        size_t gap = strspn(text, " "), n = strcspn(text + gap, " ");

        if (s->column + gap + n > s->width && !s->blank) {
            next_line(s);
            gap = 0;
            text += strspn(text, " ");
        }
        for (size_t i = 0; i < gap + n; i++)
            put(s, text + i, 1, 1);
        text += gap + n;
    }
}

void screen_say(struct screen *s, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    screen_words(s, text);
}

/* How one character, or byte of none, is shown; returns its length. */
static size_t shown(const struct screen *s, struct ts_str v, bool quoted,
                    char out[PIECE], unsigned *ret_columns, size_t *ret_used)
{
    uint32_t c = 0;
    size_t n = character(v, &c);
    unsigned columns = s->utf8 ? columns_of(c) : 0;
    int w;

    *ret_used = n > 0 ? n : 1;
    if (n > 0 && ((c >= 0x20 && c < 0x7F) || columns > 0)) {
        bool escape = c == '\\' || (quoted && c == '"');

        w = snprintf(out, PIECE, "%s%.*s", escape ? "\\" : "", (int)n, v.ptr);
        *ret_columns = columns > 0 ? columns : (unsigned)w;
        return (size_t)w;
    }
    if (n == 0)
        w = snprintf(out, PIECE, "\\x%02x", (unsigned)(unsigned char)v.ptr[0]);
    else if (c == '\n' || c == '\r' || c == '\t')
        w = snprintf(out, PIECE, "\\%c",
                     c == '\n'   ? 'n'
                     : c == '\r' ? 'r'
                                 : 't');
    else if (c < 0x80)
        w = snprintf(out, PIECE, "\\x%02x", (unsigned)c);
    else
        w = snprintf(out, PIECE, "\\u{%x}", (unsigned)c);
    *ret_columns = (unsigned)w;
    return (size_t)w;
}

size_t screen_value(struct screen *s, struct ts_str v, size_t max, bool quoted)
{
    size_t taken = 0;

    while (v.len > 0) {
        char piece[PIECE];
        unsigned columns = 0;
        size_t used = 1, n = shown(s, v, quoted, piece, &columns, &used);

        if (taken + used > max)
            break;
        put(s, piece, n, columns);
        taken += used;
        v.ptr += used;
        v.len -= used;
    }
    return v.len;
}

size_t screen_escape(struct ts_str v, char *out, size_t cap)
{
    const struct screen plain_text = {.utf8 = true};
    size_t len = 0, whole = 0; /* whole: as long as "..." still fits behind */

    while (v.len > 0) {
        char piece[PIECE];
        unsigned columns = 0;
        size_t used = 1,
               n = shown(&plain_text, v, false, piece, &columns, &used);

        if (len + n >= cap) {
            memcpy(out + whole, "...", 4);
            return whole + 3;
        }
        memcpy(out + len, piece, n);
        len += n;
        if (len + 4 <= cap)
            whole = len;
        v.ptr += used;
        v.len -= used;
    }
    out[len] = '\0';
    return len;
}

void screen_field(struct screen *s, const char *key, struct ts_str v)
{
    screen_open(s, 2, 2 + KEY_COLUMNS, false);
    screen_words(s, key);
    while (s->column < 2 + KEY_COLUMNS)
        put(s, " ", 1, 1);
    (void)screen_value(s, v, SIZE_MAX, false);
    screen_close(s);
}

bool screen_mixes_alphabets(struct ts_str v, uint32_t *ret)
{
    bool ascii = false, other = false;

    while (v.len > 0) {
        uint32_t c = 0;
        size_t n = character(v, &c);

        if (n == 0)
            return false;
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
            ascii = true;
        if (c >= 0x370 && c <= 0x52F && !other) {
            other = true;
            *ret = c;
        }
        v.ptr += n;
        v.len -= n;
    }
    return ascii && other;
}
