#include "sidecar/gate/provenance/fold.h"

#include <stdbool.h>
#include <string.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Bytes of a dot that was made harmless, or 0. */
static uint8_t defanged(const char *p, size_t left)
{
    static const char *const forms[] = {"[.]", "(.)", "[dot]", "(dot)"};

    for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
        const size_t n = strlen(forms[f]);
        size_t k = 0;

        while (k < n && k < left && lower(p[k]) == forms[f][k])
            k++;
        if (k == n)
            return (uint8_t)n;
    }
    return 0;
}

static uint32_t decoded(const unsigned char *p, size_t left, uint8_t *len)
{
    const size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 1;
    uint32_t c = p[0] & (n == 2 ? 0x1fu : n == 3 ? 0xfu : 7u);

    *len = 1;
    if (n == 1 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3fu);
    }
    if (c < (n == 2 ? 0x80u : n == 3 ? 0x800u : 0x10000u))
        return 0; /* longer than it need be */
    *len = (uint8_t)n;
    return c;
}

/* What has no width or no look of its own. */
static bool is_nothing(uint32_t c)
{
    static const struct {
        uint32_t from, to;
    } ranges[] = {
        {0xad, 0xad},       {0x34f, 0x34f},   {0x61c, 0x61c},
        {0x180b, 0x180f},   {0x200b, 0x200f}, {0x202a, 0x202e},
        {0x2060, 0x206f},   {0xfe00, 0xfe0f}, {0xfeff, 0xfeff},
        {0xe0000, 0xe0fff},
    };

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (c >= ranges[i].from && c <= ranges[i].to)
            return true;
    return false;
}

struct fold fold_at(const char *p, size_t left)
{
    struct fold f = {.kind = FOLD_ASCII, .c = lower(*p), .len = 1};
    uint32_t c;

    if ((unsigned char)*p < 0x80) {
        if ((*p == '[' || *p == '(') && (f.len = defanged(p, left)) != 0)
            f.c = '.';
        f.len = f.len == 0 ? 1 : f.len;
        return f;
    }
    c = decoded((const unsigned char *)p, left, &f.len);
    if (c == 0x3002 || c == 0xff61)
        f.c = '.';
    else if (c >= 0xff01 && c <= 0xff5e)
        f.c = lower((char)(c - 0xff01 + '!'));
    else if (is_nothing(c))
        f.kind = FOLD_NOTHING;
    else
        f.kind = FOLD_WIDE;
    return f;
}
