#include "proto/token/json_write.h"

#include <string.h>

void json_writer_init(struct json_writer *w, char *buf, size_t cap)
{
    *w = (struct json_writer){.cap = cap};
    w->buf = buf;
}

static void put(struct json_writer *w, const char *p, size_t len)
{
    if (w->error != TS_OK || len == 0)
        return;
    if (len > w->cap - w->len) {
        w->error = TS_E_LIMIT;
        return;
    }
    memcpy(w->buf + w->len, p, len);
    w->len += len;
}

void json_raw(struct json_writer *w, const char *text)
{
    put(w, text, strlen(text));
}

static void put_escaped(struct json_writer *w, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    char u[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};

    if (c == '"' || c == '\\') {
        u[1] = (char)c;
        put(w, u, 2);
    } else {
        put(w, u, sizeof(u));
    }
}

void json_text(struct json_writer *w, struct ts_str s)
{
    size_t from = 0;

    if (w->error == TS_OK && !ts_utf8_valid(s.ptr, s.len)) {
        w->error = TS_E_FORMAT;
        return;
    }
    put(w, "\"", 1);
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
            continue;
        put(w, s.ptr + from, i - from);
        put_escaped(w, c);
        from = i + 1;
    }
    if (from < s.len)
        put(w, s.ptr + from, s.len - from);
    put(w, "\"", 1);
}

void json_uint(struct json_writer *w, uint64_t v)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    put(w, digits + at, sizeof(digits) - at);
}

void json_member_text(struct json_writer *w, const char *prefix,
                      struct ts_str s)
{
    json_raw(w, prefix);
    json_text(w, s);
}

void json_member_uint(struct json_writer *w, const char *prefix, uint64_t v)
{
    json_raw(w, prefix);
    json_uint(w, v);
}

struct ts_str json_written(const struct json_writer *w)
{
    return (struct ts_str){.ptr = w->buf, .len = w->len};
}
