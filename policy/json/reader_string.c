/* JSON strings. The text has been checked to be UTF-8 before. */
#include <string.h>

#include "policy/core/utf8.h"
#include "policy/json/reader_priv.h"

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* \uXXXX at the cursor. */
static ts_err take_unit(struct json_reader *r, uint32_t *ret)
{
    const char *p = r->src.ptr + r->at;
    uint32_t v = 0;

    if (r->src.len - r->at < 6 || p[0] != '\\' || p[1] != 'u')
        return cedar_json_fail(r, "expected \\u and four hex digits");
    for (size_t i = 2; i < 6; i++) {
        if (hex(p[i]) < 0)
            return cedar_json_fail(r, "expected \\u and four hex digits");
        v = v << 4 | (uint32_t)hex(p[i]);
    }
    cedar_json_advance(r, 6);
    *ret = v;
    return TS_OK;
}

/* One code point, which may take two units; a lone half is refused. */
static ts_err take_u(struct json_reader *r, uint32_t *ret)
{
    uint32_t hi, lo;
    ts_err e = take_unit(r, &hi);

    if (e != TS_OK)
        return e;
    if (hi < 0xD800 || hi > 0xDFFF) {
        *ret = hi;
        return TS_OK;
    }
    if (hi > 0xDBFF)
        return cedar_json_fail(r, "a lone surrogate is not a character");
    if ((e = take_unit(r, &lo)) != TS_OK)
        return e;
    if (lo < 0xDC00 || lo > 0xDFFF)
        return cedar_json_fail(r, "a lone surrogate is not a character");
    *ret = 0x10000 + ((hi - 0xD800) << 10) + (lo - 0xDC00);
    return TS_OK;
}

static ts_err take_escape(struct json_reader *r, uint32_t *ret)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char c = r->src.len - r->at > 1 ? r->src.ptr[r->at + 1] : '\0';
    const char *at = c != '\0' ? strchr(from, c) : NULL;

    if (c == 'u')
        return take_u(r, ret);
    if (at == NULL)
        return cedar_json_fail(r, "this is not a JSON escape");
    *ret = (uint32_t)to[at - from];
    cedar_json_advance(r, 2);
    return TS_OK;
}

/* Where the string ends, seen from its first character. */
static bool find_end(const struct json_reader *r, size_t *ret_len,
                     bool *ret_escapes)
{
    const char *p = r->src.ptr + r->at;
    size_t n = 0, max = r->src.len - r->at;

    *ret_escapes = false;
    while (n < max && p[n] != '"') {
        if (p[n] == '\\') {
            *ret_escapes = true;
            n++;
        }
        n++;
    }
    *ret_len = n;
    return n < max;
}

ts_err cedar_json_string(struct json_reader *r, struct ts_str *ret)
{
    size_t len, n = 0, end;
    bool escapes;
    char *out = NULL;
    void *mem;
    ts_err e;

    cedar_json_advance(r, 1);
    if (!find_end(r, &len, &escapes))
        return cedar_json_fail(r, "this string does not end");
    *ret = (struct ts_str){.ptr = r->src.ptr + r->at, .len = len};
    if (escapes) {
        /* An escape is never shorter than what it stands for. */
        if ((e = ts_arena_alloc(r->arena, len + 1, &mem)) != TS_OK)
            return e;
        out = mem;
    }
    for (end = r->at + len; r->at < end;) {
        unsigned char c = (unsigned char)r->src.ptr[r->at];
        uint32_t cp;

        if (c < 0x20)
            return cedar_json_fail(r, "control characters must be escaped");
        if (c != '\\') {
            if (out != NULL)
                out[n++] = (char)c;
            cedar_json_advance(r, 1);
            continue;
        }
        if ((e = take_escape(r, &cp)) != TS_OK)
            return e;
        n += cedar_utf8_put(out + n, cp);
    }
    if (escapes)
        *ret = (struct ts_str){.ptr = out, .len = n};
    cedar_json_advance(r, 1);
    return TS_OK;
}
