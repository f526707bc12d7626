/*
 * Whole values: depth, duplicate keys, every form. Called for the argument map
 * of a call and for anything whose bytes are hashed as received.
 *
 * Duplicate keys: after a map has been walked its keys are collected in a
 * second pass and heap-sorted. A hash table would be linear for friends and
 * quadratic for whoever knows the hash; sorting is n log n for all. The second
 * pass keeps the key table out of the recursion, at the price of walking a
 * value nested d large maps deep d times, d <= TS_MP_DEPTH_MAX.
 */
#include <string.h>

#include "proto/wire/limits.h"
#include "proto/wire/mp_priv.h"
#include "proto/wire/mp_read.h"

struct key {
    uint32_t at; /* offset of the text from the start of the map */
    uint32_t len;
};

struct keys {
    const uint8_t *base;
    uint32_t count;
    struct key k[TS_MP_MAP_KEYS_MAX];
};

static int key_cmp(const struct keys *s, const struct key *a,
                   const struct key *b)
{
    const char *base = (const char *)s->base;

    return ts_str_cmp((struct ts_str){.ptr = base + a->at, .len = a->len},
                      (struct ts_str){.ptr = base + b->at, .len = b->len});
}

static void sift_down(struct keys *s, uint32_t root, uint32_t end)
{
    struct key moving = s->k[root];
    uint32_t child;

    while ((child = 2 * root + 1) < end) {
        if (child + 1 < end && key_cmp(s, &s->k[child], &s->k[child + 1]) < 0)
            child++;
        if (key_cmp(s, &moving, &s->k[child]) >= 0)
            break;
        s->k[root] = s->k[child];
        root = child;
    }
    s->k[root] = moving;
}

static void keys_sort(struct keys *s)
{
    for (uint32_t i = s->count / 2; i-- > 0;)
        sift_down(s, i, s->count);
    for (uint32_t end = s->count; end-- > 1;) {
        struct key top = s->k[0];

        s->k[0] = s->k[end];
        s->k[end] = top;
        sift_down(s, 0, end);
    }
}

/* Bytes of a big-endian length behind a tag. */
static uint64_t length_at(const uint8_t *p, size_t width)
{
    uint64_t n = 0;

    for (size_t i = 0; i < width; i++)
        n = n << 8 | p[i];
    return n;
}

/* The bytes of one value's head that was checked already; *io_open grows by
 * the values that are in it, and what is returned includes its text. */
static size_t checked_size(const uint8_t *p, uint64_t *io_open)
{
    uint8_t b = *p;
    size_t width;

    if (b <= 0x7f || b >= 0xe0)
        return 1;
    if (b <= 0x9f) {
        *io_open += (uint64_t)(b & 15) << (b <= 0x8f ? 1 : 0);
        return 1;
    }
    if (b <= 0xbf)
        return 1 + (size_t)(b & 31);
    if (b >= 0xdc) {
        width = (b & 1) != 0 ? 4 : 2;
        *io_open += length_at(p + 1, width) << (b >= 0xde ? 1 : 0);
        return 1 + width;
    }
    if (b >= 0xd9 || (b >= 0xc4 && b <= 0xc6)) {
        width = (size_t)1 << (b >= 0xd9 ? b - 0xd9 : b - 0xc4);
        return 1 + width + (size_t)length_at(p + 1, width);
    }
    if (b >= 0xcc)
        return 1 + ((size_t)1 << (b & 3)); /* cc to cf, d0 to d3 */
    return b == 0xcb ? 9 : 1;
}

void mp_skip_checked(struct mp_reader *r)
{
    uint64_t open = 1;

    while (open > 0 && r->at < r->end) {
        size_t size = checked_size(r->at, &open);

        open--;
        if (size > (size_t)(r->end - r->at))
            mp_fail(r, TS_E_TRUNCATED,
                    "value cut off"); /* it was not checked */
        else
            r->at += size;
    }
}

/* A handful of keys, as nearly every map has: each with each, as they come. */
#define FEW 8u

static bool is_new(const struct ts_str seen[FEW], uint32_t count,
                   struct ts_str key)
{
    for (uint32_t i = 0; i < count; i++)
        if (ts_str_eq(seen[i], key))
            return false;
    return true;
}

/* Some tens of keys: a word of each is compared before their text. Whoever
 * makes all words alike pays for n * n / 2 comparisons of text, n <= SOME. */
#define SOME 64u

static uint64_t word_of(const uint8_t *p, uint32_t len)
{
    uint64_t first = 0, last = 0;

    if (len < sizeof(first)) {
        for (uint32_t i = 0; i < len; i++)
            first = first << 8 | p[i];
        return first ^ (uint64_t)len << 56;
    }
    memcpy(&first, p, sizeof(first));
    memcpy(&last, p + len - sizeof(last), sizeof(last));
    return (first ^ (last << 7 | last >> 57)) + len;
}

/* map points at the first key of a map that has been checked already. */
static bool some_unique(struct mp_reader map, uint32_t count)
{
    uint64_t word[SOME];
    struct ts_str text[SOME];

    for (uint32_t i = 0; i < count; i++) {
        uint32_t len = mp_head(&map, MP_STR);

        word[i] = word_of(map.at, len);
        text[i] = (struct ts_str){.ptr = (const char *)map.at, .len = len};
        for (uint32_t j = 0; j < i; j++)
            if (word[i] == word[j] && ts_str_eq(text[i], text[j]))
                return false;
        map.at += len;
        mp_skip_checked(&map);
    }
    return true;
}

/* Out of line: its table is 8 KiB, which the compiler clears on entry. */
__attribute__((noinline)) static bool many_unique(struct mp_reader map,
                                                  uint32_t count)
{
    struct keys s;

    s.base = map.at;
    s.count = count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t len = mp_head(&map, MP_STR);

        s.k[i] = (struct key){.at = (uint32_t)(map.at - s.base), .len = len};
        map.at += len;
        mp_skip_checked(&map);
    }
    keys_sort(&s);
    for (uint32_t i = 1; i < count; i++)
        if (key_cmp(&s, &s.k[i - 1], &s.k[i]) == 0)
            return false;
    return true;
}

static void scan_at(struct mp_reader *r, unsigned depth);

static void scan_array(struct mp_reader *r, unsigned depth)
{
    uint32_t n = mp_read_array(r, UINT32_MAX);

    for (uint32_t i = 0; i < n && r->error == TS_OK; i++)
        scan_at(r, depth);
}

static void scan_few(struct mp_reader *r, uint32_t n, unsigned depth)
{
    struct ts_str seen[FEW];
    bool unique = true;

    for (uint32_t i = 0; i < n && r->error == TS_OK; i++) {
        seen[i] = mp_read_str(r, SIZE_MAX);
        unique = unique && is_new(seen, i, seen[i]);
        scan_at(r, depth);
    }
    if (r->error == TS_OK && !unique)
        mp_fail(r, TS_E_FORMAT, "key given twice");
}

static void scan_many(struct mp_reader *r, uint32_t n, unsigned depth)
{
    const struct mp_reader start = *r;

    for (uint32_t i = 0; i < n && r->error == TS_OK; i++) {
        (void)mp_read_str(r, SIZE_MAX);
        scan_at(r, depth);
    }
    if (r->error == TS_OK &&
        !(n <= SOME ? some_unique(start, n) : many_unique(start, n)))
        mp_fail(r, TS_E_FORMAT, "key given twice");
}

static void scan_map(struct mp_reader *r, unsigned depth)
{
    uint32_t n = mp_head(r, MP_MAP);

    if (r->error == TS_OK && n > TS_MP_MAP_KEYS_MAX)
        mp_fail(r, TS_E_LIMIT, "map has too many keys");
    if (r->error == TS_OK && 2 * (size_t)n > (size_t)(r->end - r->at))
        mp_fail(r, TS_E_TRUNCATED, "map longer than the input");
    if (r->error == TS_OK && n <= FEW)
        scan_few(r, n, depth);
    else if (r->error == TS_OK)
        scan_many(r, n, depth);
}

static void scan_at(struct mp_reader *r, unsigned depth)
{
    switch (mp_type_here(r)) {
    case MP_UINT:
        if (*r->at <= 0x7f)
            r->at++;
        else
            (void)mp_read_uint(r, UINT64_MAX);
        break;
    case MP_NINT:
        (void)mp_read_int(r);
        break;
    case MP_STR:
        (void)mp_read_str(r, SIZE_MAX);
        break;
    case MP_BIN:
        (void)mp_read_bin(r, SIZE_MAX);
        break;
    case MP_ARRAY:
    case MP_MAP:
        if (depth == TS_MP_DEPTH_MAX)
            mp_fail(r, TS_E_LIMIT, "nested too deeply");
        else if (mp_type_here(r) == MP_ARRAY)
            scan_array(r, depth + 1);
        else
            scan_map(r, depth + 1);
        break;
    case MP_BOOL:
        (void)mp_read_bool(r);
        break;
    case MP_NIL:
        mp_read_nil(r);
        break;
    case MP_FLOAT:
        (void)mp_read_float(r);
        break;
    case MP_NONE:
        if (r->at == r->end)
            mp_fail(r, TS_E_TRUNCATED, "value missing");
        else
            mp_fail(r, TS_E_FORMAT, "type is not allowed");
        break;
    }
}

void mp_scan_value(struct mp_reader *r)
{
    if (r->error == TS_OK)
        scan_at(r, 0);
}

ts_err mp_scan(const void *buf, size_t len)
{
    struct mp_reader r;

    mp_reader_init(&r, buf, len);
    mp_scan_value(&r);
    return mp_done(&r);
}
