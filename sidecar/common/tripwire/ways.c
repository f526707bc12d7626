/* How programs print a secret: every form that a tripwire is made of. */
#include <string.h>

#include <sodium.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_str.h"
#include "sidecar/common/tripwire/tripwire_priv.h"

struct ways {
    const uint8_t *secret;
    size_t len;
    uint8_t *out; /* six times len: "\\u00xx" for each byte */
    tripwire_way take;
    void *arg;
};

static const char hex_lower[] = "0123456789abcdef";
static const char hex_upper[] = "0123456789ABCDEF";

/* Most secrets need no escapes, so most ways write them as they are. */
static ts_err give(const struct ways *w, size_t n)
{
    if (n == w->len && memcmp(w->out, w->secret, n) == 0)
        return TS_OK;
    return w->take(w->arg, w->out, n);
}

static ts_err as_hex(const struct ways *w, const char *digits)
{
    for (size_t i = 0; i < w->len; i++) {
        w->out[2 * i] = (uint8_t)digits[w->secret[i] >> 4];
        w->out[2 * i + 1] = (uint8_t)digits[w->secret[i] & 15];
    }
    return give(w, 2 * w->len);
}

/* The six bits at that place of a text that has `offset` other bytes before
 * the secret; only for places that hold nothing but the secret. */
static unsigned six_bits(const struct ways *w, size_t offset, size_t place)
{
    size_t bit = place * 6 - offset * 8;
    unsigned pair = (unsigned)w->secret[bit / 8] << 8;

    if (bit / 8 + 1 < w->len)
        pair |= w->secret[bit / 8 + 1];
    return pair >> (10 - bit % 8) & 63;
}

/* Characters that other bytes have a part in are left out: they vary. */
static ts_err as_base64(const struct ways *w, size_t offset, const char *last)
{
    size_t from = (8 * offset + 5) / 6, to = 8 * (offset + w->len) / 6;

    for (size_t i = from; i < to; i++) {
        unsigned v = six_bits(w, offset, i);

        w->out[i - from] = (uint8_t)(v < 26   ? 'A' + v
                                     : v < 52 ? 'a' + (v - 26)
                                     : v < 62 ? '0' + (v - 52)
                                              : (unsigned)last[v - 62]);
    }
    return give(w, to - from);
}

static bool is_alnum(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
}

/* kept: characters that stay besides letters and digits. */
static ts_err as_percent(const struct ways *w, const char *kept,
                         const char *digits, bool plus)
{
    size_t n = 0;

    for (size_t i = 0; i < w->len; i++) {
        uint8_t c = w->secret[i];

        if (is_alnum(c) || (c != 0 && strchr(kept, c) != NULL)) {
            w->out[n++] = c;
        } else if (c == ' ' && plus) {
            w->out[n++] = '+';
        } else {
            w->out[n++] = '%';
            w->out[n++] = (uint8_t)digits[c >> 4];
            w->out[n++] = (uint8_t)digits[c & 15];
        }
    }
    return give(w, n);
}

static size_t put_unit(uint8_t *out, uint32_t unit)
{
    out[0] = '\\';
    out[1] = 'u';
    for (unsigned i = 0; i < 4; i++)
        out[2 + i] = (uint8_t)hex_lower[unit >> (12 - 4 * i) & 15];
    return 6;
}

static size_t put_json(uint8_t *out, uint8_t c, bool slash)
{
    static const char plain[] = "\b\f\n\r\t\"\\/", names[] = "bfnrt\"\\/";
    const char *at = c != 0 ? strchr(plain, c) : NULL;

    if (at != NULL && (c != '/' || slash)) {
        out[0] = '\\';
        out[1] = (uint8_t)names[at - plain];
        return 2;
    }
    if (c < 0x20)
        return put_unit(out, c);
    out[0] = c;
    return 1;
}

static ts_err as_json(const struct ways *w, bool slash)
{
    size_t n = 0;

    for (size_t i = 0; i < w->len; i++)
        n += put_json(w->out + n, w->secret[i], slash);
    return give(w, n);
}

/* One character that is not ASCII, of a text that is valid UTF-8. */
static size_t decode(const uint8_t *p, uint32_t *ret)
{
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    uint32_t c = p[0] & (0xffu >> (n + 1));

    for (size_t i = 1; i < n; i++)
        c = c << 6 | (p[i] & 63u);
    *ret = c;
    return n;
}

static ts_err as_json_ascii(const struct ways *w)
{
    size_t n = 0, i = 0;
    uint32_t c;

    if (!ts_utf8_valid((const char *)w->secret, w->len))
        return TS_OK;
    while (i < w->len) {
        if (w->secret[i] < 0x80) {
            n += put_json(w->out + n, w->secret[i++], false);
            continue;
        }
        i += decode(w->secret + i, &c);
        if (c >= 0x10000) {
            n += put_unit(w->out + n, 0xd800 + ((c - 0x10000) >> 10));
            c = 0xdc00 + ((c - 0x10000) & 0x3ff);
        }
        n += put_unit(w->out + n, c);
    }
    return give(w, n);
}

ts_err tripwire_ways(const uint8_t *secret, size_t len, tripwire_way take,
                     void *arg)
{
    struct ways w = {.secret = secret, .len = len, .take = take, .arg = arg};
    ts_err e;

    if ((w.out = ts_mem_alloc(6 * len)) == NULL)
        return TS_E_NOMEM;
    e = take(arg, secret, len);
    for (size_t i = 0; i < 3 && e == TS_OK; i++)
        e = as_base64(&w, i, "+/");
    for (size_t i = 0; i < 3 && e == TS_OK; i++)
        e = as_base64(&w, i, "-_");
    if (e == TS_OK && (e = as_hex(&w, hex_lower)) == TS_OK &&
        (e = as_hex(&w, hex_upper)) == TS_OK &&
        (e = as_percent(&w, "-._~", hex_upper, false)) == TS_OK &&
        (e = as_percent(&w, "-._~", hex_lower, false)) == TS_OK &&
        (e = as_percent(&w, "-._~!*'()", hex_upper, false)) == TS_OK &&
        (e = as_percent(&w, "-._~/", hex_upper, false)) == TS_OK &&
        (e = as_percent(&w, "-._~", hex_upper, true)) == TS_OK &&
        (e = as_json(&w, false)) == TS_OK && (e = as_json(&w, true)) == TS_OK)
        e = as_json_ascii(&w);
    sodium_memzero(w.out, 6 * len);
    ts_mem_free(w.out);
    return e;
}
