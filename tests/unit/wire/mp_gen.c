#include "mp_gen.h"

#include <stdio.h>
#include <string.h>

#include "proto/wire/mp_write.h"

uint64_t noise_next(struct noise *n) /* splitmix64 */
{
    uint64_t z = (n->s += 0x9E3779B97F4A7C15ull);

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

size_t noise_below(struct noise *n, size_t bound)
{
    return (size_t)(noise_next(n) % bound);
}

static uint64_t any_width(struct noise *n)
{
    return noise_next(n) >> noise_below(n, 64);
}

static void gen_text(struct noise *n, struct mp_writer *w)
{
    static const char *const pieces[] = {
        "a", "Z", " ", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    char text[256];
    size_t len = 0, count = noise_below(n, 40);

    for (size_t i = 0; i < count; i++) {
        const char *p = pieces[noise_below(n, 6)];

        memcpy(text + len, p, strlen(p));
        len += strlen(p);
    }
    mp_write_str(w, text, len);
}

static void gen_value(struct noise *n, struct mp_writer *w, unsigned depth);

static void gen_nested(struct noise *n, struct mp_writer *w, unsigned depth)
{
    uint32_t count = (uint32_t)noise_below(n, depth > 2 ? 3 : 20);
    int map = noise_below(n, 2) == 0;

    if (map)
        mp_write_map(w, count);
    else
        mp_write_array(w, count);
    for (uint32_t i = 0; i < count; i++) {
        char key[24];

        (void)snprintf(key, sizeof(key), "%u-%u", i,
                       (unsigned)noise_below(n, 100));
        if (map)
            mp_write_cstr(w, key);
        gen_value(n, w, depth + 1);
    }
}

static void gen_value(struct noise *n, struct mp_writer *w, unsigned depth)
{
    static const uint8_t zeros[300];
    double d;
    uint8_t be[9] = {0xcb};
    uint64_t bits;

    switch (noise_below(n, depth < 6 ? 9 : 7)) {
    case 0:
        mp_write_uint(w, any_width(n));
        break;
    case 1:
        mp_write_int(w, -(int64_t)(any_width(n) >> 1));
        break;
    case 2:
        gen_text(n, w);
        break;
    case 3:
        mp_write_bin(w, zeros, noise_below(n, sizeof(zeros)));
        break;
    case 4:
        mp_write_bool(w, noise_below(n, 2) == 0);
        break;
    case 5:
        mp_write_nil(w);
        break;
    case 6:
        d = (double)(int64_t)noise_next(n) / 3.0;
        memcpy(&bits, &d, sizeof(bits));
        for (size_t i = 0; i < 8; i++)
            be[1 + i] = (uint8_t)(bits >> (56 - 8 * i));
        mp_write_raw(w, be, sizeof(be));
        break;
    default:
        gen_nested(n, w, depth);
        break;
    }
}

size_t mp_gen(struct noise *n, uint8_t *out, size_t cap)
{
    struct mp_writer w;
    size_t len = 0;

    mp_writer_init(&w, out, cap);
    gen_nested(n, &w, 0);
    return mp_written(&w, &len) == TS_OK ? len : 0;
}

size_t mp_mutate(struct noise *n, uint8_t *buf, size_t len, size_t cap)
{
    size_t times = 1 + noise_below(n, 3);

    for (size_t i = 0; i < times && len > 0; i++) {
        size_t at = noise_below(n, len);

        switch (noise_below(n, 4)) {
        case 0:
            buf[at] ^= (uint8_t)(1u << noise_below(n, 8));
            break;
        case 1:
            buf[at] = (uint8_t)noise_next(n);
            break;
        case 2: /* drop a byte */
            memmove(buf + at, buf + at + 1, len - at - 1);
            len--;
            break;
        default: /* double a byte */
            if (len == cap)
                break;
            memmove(buf + at + 1, buf + at, len - at);
            len++;
            break;
        }
    }
    return len;
}
