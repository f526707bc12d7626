#include "shim/cli/tty_text.h"

#include "proto/base/ts_str.h"

static size_t length_of(uint8_t first)
{
    if (first >= 0xc2 && first <= 0xdf)
        return 2;
    if (first >= 0xe0 && first <= 0xef)
        return 3;
    if (first >= 0xf0 && first <= 0xf4)
        return 4;
    return 1;
}

static size_t give(struct tty_text *t, char *out)
{
    size_t n = 0;

    if (t->len > 0)
        n = ts_str_show(out, TTY_TEXT_ROOM(0), (const char *)t->held, t->len);
    t->len = 0;
    return n;
}

static size_t take(struct tty_text *t, uint8_t c, char *out)
{
    size_t n = 0;

    if (t->len > 0 && (c & 0xc0) != 0x80)
        n = give(t, out); /* it was cut short */
    if (t->len == 0 && (c == '\n' || c == '\t' || (c >= 0x20 && c < 0x7f))) {
        out[n] = (char)c; /* a backslash, too: this is for reading */
        return n + 1;
    }
    if (t->len == 0)
        t->want = length_of(c);
    t->held[t->len++] = c;
    if (t->len == t->want)
        n += give(t, out + n);
    return n;
}

size_t tty_text(struct tty_text *t, const uint8_t *p, size_t n, char *out)
{
    size_t len = 0;

    for (size_t i = 0; i < n; i++)
        len += take(t, p[i], out + len);
    return len;
}

size_t tty_text_end(struct tty_text *t, char *out)
{
    return give(t, out);
}
