/* Values as they are compared: texts. */
#include "sidecar/gate/provenance/canon.h"

#include <string.h>

#include "sidecar/gate/provenance/fold.h"

static bool is_space(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0 ||
           (c >= 0x1c && c <= 0x1f);
}

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c - 'A' + 'a') : c;
}

/* Bytes of white space at p that are more than one byte long in UTF-8: U+0085,
 * U+00A0, U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F, U+3000. */
static size_t wide_space(const unsigned char *p, size_t left)
{
    if (left >= 2 && p[0] == 0xc2 && (p[1] == 0x85 || p[1] == 0xa0))
        return 2;
    if (left < 3)
        return 0;
    if (p[0] == 0xe2 && p[1] == 0x80 &&
        ((p[2] >= 0x80 && p[2] <= 0x8a) || p[2] == 0xa8 || p[2] == 0xa9 ||
         p[2] == 0xaf))
        return 3;
    if ((p[0] == 0xe1 && p[1] == 0x9a && p[2] == 0x80) ||
        (p[0] == 0xe2 && p[1] == 0x81 && p[2] == 0x9f) ||
        (p[0] == 0xe3 && p[1] == 0x80 && p[2] == 0x80))
        return 3;
    return 0;
}

/* Bytes of "http://" or "https://" at p, in any case, or of how they are
 * written so that nobody follows them. */
static size_t scheme(const unsigned char *p, size_t left)
{
    static const char *const names[] = {"http://", "https://", "hxxp://",
                                        "hxxps://"};

    if (lower(*p) != 'h')
        return 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t n = strlen(names[i]), k = 0;

        while (k < n && k < left && lower(p[k]) == (unsigned char)names[i][k])
            k++;
        if (k == n)
            return n;
    }
    return 0;
}

/* Writes at most in.len bytes, and returns how many. */
static size_t write_canonical(struct ts_str in, unsigned char *out)
{
    const unsigned char *p = (const unsigned char *)in.ptr;
    size_t n = 0;
    bool space = false;
    struct fold f;

    for (size_t i = 0, step; i < in.len; i += step) {
        step = is_space(p[i]) ? 1 : wide_space(p + i, in.len - i);
        if (step > 0) {
            space = true;
            continue;
        }
        step = scheme(p + i, in.len - i);
        if (step > 0)
            continue;
        if (p[i] < 0x80 && p[i] != '[' && p[i] != '(')
            f = (struct fold){
                .kind = FOLD_ASCII, .c = (char)lower(p[i]), .len = 1};
        else
            f = fold_at(in.ptr + i, in.len - i);
        step = f.len;
        if (f.kind == FOLD_NOTHING)
            continue;
        if (space && n > 0)
            out[n++] = ' ';
        space = false;
        if (f.kind == FOLD_ASCII) {
            out[n++] = (unsigned char)f.c;
            continue;
        }
        memcpy(out + n, p + i, step);
        n += step;
    }
    while (n > 0 && (out[n - 1] == '/' || out[n - 1] == ' '))
        n--;
    return n;
}

ts_err canon_text(struct ts_str in, struct ts_buf *out)
{
    uint8_t *room;
    ts_err e;

    if (in.len == 0)
        return TS_OK;
    e = ts_buf_reserve(out, in.len, &room);
    if (e == TS_OK)
        ts_buf_grew(out, write_canonical(in, room));
    return e;
}

bool canon_is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

bool canon_word_next(struct ts_str s, size_t *at, struct canon_word *ret)
{
    size_t i = *at, end;

    while (i < s.len && !canon_is_alnum(s.ptr[i]) &&
           (unsigned char)s.ptr[i] < 0x80)
        i++;
    if (i == s.len)
        return false;
    end = i + 1;
    if (canon_is_alnum(s.ptr[i]))
        while (end < s.len && canon_is_alnum(s.ptr[end]))
            end++;
    else
        while (end < s.len && is_continuation(s.ptr[end]))
            end++;
    *ret = (struct canon_word){.at = i, .len = end - i};
    *at = end;
    return true;
}
