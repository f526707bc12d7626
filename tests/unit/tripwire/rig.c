#include "tests/lib/ts_test.h"

#include <string.h>

#include "proto/base/ts_mem.h"
#include "rig.h"

uint64_t random_next(uint64_t *s)
{
    uint64_t z = (*s += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

size_t random_below(uint64_t *s, size_t n)
{
    return (size_t)(random_next(s) % n);
}

void append(struct text *t, const void *p, size_t n)
{
    assert_true(t->len + n <= TEXT_MAX);
    memcpy(t->at + t->len, p, n);
    t->len += n;
}

struct text *text_new(void)
{
    struct text *t = ts_mem_alloc(sizeof(*t));

    assert_non_null(t);
    return t;
}

static ts_err naive_take(void *arg, const uint8_t *bytes, size_t len)
{
    struct naive *n = arg;

    assert_true(n->count < PATTERNS_MAX);
    n->pattern[n->count] = ts_mem_alloc(len);
    assert_non_null(n->pattern[n->count]);
    memcpy(n->pattern[n->count], bytes, len);
    n->len[n->count++] = len;
    return TS_OK;
}

static void naive_done(struct naive *n)
{
    for (size_t i = 0; i < n->count; i++)
        ts_mem_free(n->pattern[i]);
    n->count = 0;
}

void world_add(struct world *w, const void *secret, size_t len)
{
    if (w->list.len == 0)
        assert_int_equal(tripwires_begin(&w->list), TS_OK);
    assert_int_equal(tripwires_add(&w->list, secret, len), TS_OK);
    assert_int_equal(tripwire_ways(secret, len, naive_take, &w->naive), TS_OK);
    tripwires_free(w->set);
    assert_int_equal(
        tripwires_new(ts_buf_bytes(&w->list), w->list.len, &w->set), TS_OK);
}

void world_init(struct world *w, const char *secret)
{
    memset(w, 0, sizeof(*w));
    ts_buf_init(&w->list, TS_TRIPWIRES_MAX);
    w->in = text_new();
    w->want = text_new();
    if (secret != NULL)
        world_add(w, secret, strlen(secret));
}

void world_done(struct world *w)
{
    tripwires_free(w->set);
    ts_buf_done(&w->list);
    naive_done(&w->naive);
    ts_mem_free(w->in);
    ts_mem_free(w->want);
}

uint64_t redact(const struct world *w, size_t most, uint64_t seed,
                struct ts_buf *out)
{
    struct redactor *r = NULL;
    size_t at = 0, room, before;
    uint64_t hits;

    assert_int_equal(redactor_new(w->set, &r), TS_OK);
    while (at < w->in->len) {
        size_t left = w->in->len - at;
        size_t n = 1 + random_below(&seed, most);

        n = n < left ? n : left;
        room = redactor_room(r, n);
        before = out->len;
        assert_int_equal(redactor_feed(r, w->in->at + at, n, out), TS_OK);
        assert_true(out->len - before <= room);
        at += n;
    }
    room = redactor_room(r, 0);
    before = out->len;
    assert_int_equal(redactor_finish(r, out), TS_OK);
    assert_true(out->len - before <= room);
    hits = redactor_hits(r);
    redactor_free(r);
    return hits;
}
