#include "cli/capability/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PIECE_MAX 512

void text_init(struct text *t, size_t max)
{
    ts_buf_init(&t->buf, max);
    t->failed = t->no_memory = false;
}

void text_done(struct text *t)
{
    ts_buf_done(&t->buf);
}

void text_bytes(struct text *t, const char *p, size_t len)
{
    ts_err e = ts_buf_append(&t->buf, p, len);

    t->failed = t->failed || e != TS_OK;
    t->no_memory = t->no_memory || e == TS_E_NOMEM;
}

void text_add(struct text *t, const char *fmt, ...)
{
    char piece[PIECE_MAX];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(piece, sizeof(piece), fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(piece))
        t->failed = true; /* a longer piece goes through text_bytes() */
    else
        text_bytes(t, piece, (size_t)n);
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c != 0x7f && c != '"' && c != '\\';
}

void text_cedar(struct text *t, const char *s)
{
    text_bytes(t, "\"", 1);
    for (; *s != '\0'; s++) {
        if (is_plain((unsigned char)*s))
            text_bytes(t, s, 1);
        else
            text_add(t, "\\u{%x}", (unsigned)(unsigned char)*s);
    }
    text_bytes(t, "\"", 1);
}

void text_yaml(struct text *t, const char *s)
{
    text_bytes(t, "\"", 1);
    for (; *s != '\0'; s++) {
        if (is_plain((unsigned char)*s))
            text_bytes(t, s, 1);
        else
            text_add(t, "\\x%02x", (unsigned)(unsigned char)*s);
    }
    text_bytes(t, "\"", 1);
}
