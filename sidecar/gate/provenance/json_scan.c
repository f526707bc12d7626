#include "sidecar/gate/provenance/json_scan.h"

#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void skip_space(struct json_scan *s)
{
    while (s->at < s->end && is_space(*s->at))
        s->at++;
}

struct json_scan json_scan_of(struct ts_str json)
{
    return (struct json_scan){.at = json.ptr, .end = json.ptr + json.len};
}

bool json_scan_is_over(struct json_scan *s)
{
    skip_space(s);
    return s->at == s->end;
}

static bool take(struct json_scan *s, char c)
{
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

/* 01, 1.2.3 and nullx would otherwise be two values without a space. */
static bool ends_here(const struct json_scan *s)
{
    return s->at == s->end || is_space(*s->at) || *s->at == ',' ||
           *s->at == ']' || *s->at == '}';
}

static bool digits(struct json_scan *s)
{
    const char *from = s->at;

    while (s->at < s->end && is_digit(*s->at))
        s->at++;
    return s->at > from;
}

static bool number(struct json_scan *s)
{
    (void)take(s, '-');
    if (!take(s, '0') && !digits(s))
        return false;
    if (take(s, '.') && !digits(s))
        return false;
    if (take(s, 'e') || take(s, 'E')) {
        if (!take(s, '-'))
            (void)take(s, '+');
        if (!digits(s))
            return false;
    }
    return ends_here(s);
}

static bool word(struct json_scan *s, const char *w)
{
    size_t n = strlen(w);

    if ((size_t)(s->end - s->at) < n || memcmp(s->at, w, n) != 0)
        return false;
    s->at += n;
    return ends_here(s);
}

static int hex_of(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Four hex digits at p. */
static bool unit_at(const char *p, const char *end, uint32_t *ret)
{
    uint32_t v = 0;

    if (end - p < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        int h = hex_of(p[i]);

        if (h < 0)
            return false;
        v = v << 4 | (uint32_t)h;
    }
    *ret = v;
    return true;
}

/* What stands behind \u at p: 4 bytes, or 10 for a pair; 0 if it is nothing. */
static size_t code_point(const char *p, const char *end, uint32_t *ret)
{
    uint32_t hi, lo;

    if (!unit_at(p, end, &hi) || (hi >= 0xdc00 && hi <= 0xdfff))
        return 0;
    if (hi < 0xd800 || hi > 0xdbff) {
        *ret = hi;
        return 4;
    }
    if (end - p < 10 || p[4] != '\\' || p[5] != 'u' ||
        !unit_at(p + 6, end, &lo) || lo < 0xdc00 || lo > 0xdfff)
        return 0;
    *ret = 0x10000 + ((hi - 0xd800) << 10) + (lo - 0xdc00);
    return 10;
}

/* Behind the backslash. */
static bool escape(struct json_scan *s)
{
    uint32_t c;
    size_t n;

    if (s->at == s->end)
        return false;
    if (*s->at != 'u') /* strchr would find the NUL that ends the list */
        return *s->at != '\0' && strchr("\"\\/bfnrt", *s->at++) != NULL;
    s->at++;
    n = code_point(s->at, s->end, &c);
    s->at += n;
    return n > 0;
}

static bool string(struct json_scan *s, struct json_token *t)
{
    const char *from = s->at;

    t->has_escapes = false;
    while (s->at < s->end && *s->at != '"') {
        char c = *s->at++;

        if ((unsigned char)c < 0x20)
            return false;
        if (c != '\\')
            continue;
        t->has_escapes = true;
        if (!escape(s))
            return false;
    }
    t->text = (struct ts_str){.ptr = from, .len = (size_t)(s->at - from)};
    return take(s, '"') && ts_utf8_valid(t->text.ptr, t->text.len);
}

static bool scan(struct json_scan *s, struct json_token *t)
{
    const char *from = s->at;
    bool ok;

    switch (*from) {
    case '{':
    case '[':
        s->at++;
        t->type = *from == '{' ? JSON_OBJECT : JSON_ARRAY;
        return true;
    case '"':
        s->at++;
        t->type = JSON_STRING;
        return string(s, t);
    case 't':
    case 'f':
        t->type = JSON_BOOL;
        ok = word(s, *from == 't' ? "true" : "false");
        break;
    case 'n':
        t->type = JSON_NULL;
        ok = word(s, "null");
        break;
    default:
        t->type = JSON_NUMBER;
        ok = number(s);
        break;
    }
    t->text = (struct ts_str){.ptr = from, .len = (size_t)(s->at - from)};
    return ok;
}

ts_err json_scan_value(struct json_scan *s, struct json_token *ret)
{
    struct json_token t = {.type = JSON_NULL};

    skip_space(s);
    if (s->at == s->end || !scan(s, &t))
        return TS_E_FORMAT;
    *ret = t;
    return TS_OK;
}

ts_err json_scan_more(struct json_scan *s, bool object, bool first, bool *ret)
{
    skip_space(s);
    if (take(s, object ? '}' : ']')) {
        *ret = false;
        return TS_OK;
    }
    if (!first && !take(s, ','))
        return TS_E_FORMAT;
    *ret = true;
    return TS_OK;
}

ts_err json_scan_key(struct json_scan *s, struct json_token *ret)
{
    struct json_token t;
    ts_err e = json_scan_value(s, &t);

    if (e != TS_OK)
        return e;
    skip_space(s);
    if (t.type != JSON_STRING || !take(s, ':'))
        return TS_E_FORMAT;
    *ret = t;
    return TS_OK;
}

/* A level for each bit: set for an object. */
struct nesting {
    uint64_t objects, begun;
    uint32_t depth;
};

static ts_err open_in(struct nesting *n, const struct json_token *t,
                      uint32_t depth_max)
{
    if (t->type != JSON_OBJECT && t->type != JSON_ARRAY)
        return TS_OK;
    if (n->depth == depth_max || n->depth == 64)
        return TS_E_LIMIT;
    n->objects = n->objects << 1 | (uint64_t)(t->type == JSON_OBJECT);
    n->begun <<= 1;
    n->depth++;
    return TS_OK;
}

static ts_err skip_member(struct json_scan *s, struct nesting *n,
                          uint32_t depth_max)
{
    bool object = (n->objects & 1) != 0, more;
    struct json_token t;
    ts_err e = json_scan_more(s, object, (n->begun & 1) == 0, &more);

    if (e != TS_OK)
        return e;
    if (!more) {
        n->objects >>= 1;
        n->begun >>= 1;
        n->depth--;
        return TS_OK;
    }
    n->begun |= 1;
    if (object && (e = json_scan_key(s, &t)) != TS_OK)
        return e;
    if ((e = json_scan_value(s, &t)) != TS_OK)
        return e;
    return open_in(n, &t, depth_max);
}

ts_err json_skip_value(struct json_scan *s, uint32_t depth_max,
                       struct ts_str *ret_text)
{
    struct nesting n = {0};
    struct json_token t;
    const char *from;
    ts_err e;

    skip_space(s);
    from = s->at;
    e = json_scan_value(s, &t);
    if (e == TS_OK)
        e = open_in(&n, &t, depth_max);
    while (e == TS_OK && n.depth > 0)
        e = skip_member(s, &n, depth_max);
    if (e == TS_OK && ret_text != NULL)
        *ret_text = (struct ts_str){.ptr = from, .len = (size_t)(s->at - from)};
    return e;
}

static size_t put_utf8(uint8_t *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (uint8_t)(0xc0 | c >> 6);
        out[1] = (uint8_t)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (uint8_t)(0xe0 | c >> 12);
        out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | c >> 18);
    out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (c & 0x3f));
    return 4;
}

static uint8_t plain_escape(char c)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *p = strchr(from, c);

    return (uint8_t)(p != NULL ? to[p - from] : c);
}

/* The scanner has checked every escape. Never longer than it is written. */
static size_t decode(struct ts_str in, uint8_t *out)
{
    const char *p = in.ptr, *end = in.ptr + in.len;
    size_t n = 0;

    while (p < end) {
        uint32_t c = 0;

        if (*p != '\\') {
            out[n++] = (uint8_t)*p++;
        } else if (p[1] != 'u') {
            out[n++] = plain_escape(p[1]);
            p += 2;
        } else {
            p += 2;
            p += code_point(p, end, &c);
            n += put_utf8(out + n, c);
        }
    }
    return n;
}

ts_err json_string_text(const struct json_token *t, size_t max,
                        struct ts_buf *scratch, struct ts_str *ret)
{
    uint8_t *room;
    ts_err e;

    if (t->text.len > max)
        return TS_E_LIMIT;
    if (!t->has_escapes) {
        *ret = t->text;
        return TS_OK;
    }
    ts_buf_clear(scratch);
    e = ts_buf_reserve(scratch, t->text.len, &room);
    if (e != TS_OK)
        return e;
    ts_buf_grew(scratch, decode(t->text, room));
    *ret = (struct ts_str){.ptr = (const char *)ts_buf_bytes(scratch),
                           .len = scratch->len};
    return TS_OK;
}
