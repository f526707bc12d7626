/* Tripwires: what is recognised, however the stream is cut, and what is not. */
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "proto/base/ts_mem.h"
#include "sidecar/common/tripwire_priv.h"
#include "tests/lib/fault_mem.h"
#include "tests/lib/ts_test.h"

#define TEXT_MAX (1u << 17)

struct text {
    size_t len;
    uint8_t at[TEXT_MAX];
};

/* splitmix64: the same cases every time */
static uint64_t random_next(uint64_t *s)
{
    uint64_t z = (*s += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static size_t random_below(uint64_t *s, size_t n)
{
    return (size_t)(random_next(s) % n);
}

static void append(struct text *t, const void *p, size_t n)
{
    assert_true(t->len + n <= TEXT_MAX);
    memcpy(t->at + t->len, p, n);
    t->len += n;
}

static struct text *text_new(void)
{
    struct text *t = ts_mem_alloc(sizeof(*t));

    assert_non_null(t);
    return t;
}

/* ---- a redactor that nobody can get wrong ------------------------------- */

#define PATTERNS_MAX (4 * TRIPWIRE_EACH_MAX)
struct naive {
    size_t count;
    size_t len[PATTERNS_MAX];
    uint8_t *pattern[PATTERNS_MAX];
};

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

static uint64_t naive_redact(const struct naive *n, const struct text *in,
                             struct text *out)
{
    uint64_t hits = 0;

    out->len = 0;
    for (size_t at = 0; at < in->len;) {
        size_t longest = 0;

        for (size_t i = 0; i < n->count; i++) {
            if (n->len[i] > longest && n->len[i] <= in->len - at &&
                memcmp(in->at + at, n->pattern[i], n->len[i]) == 0)
                longest = n->len[i];
        }
        if (longest == 0) {
            append(out, in->at + at++, 1);
            continue;
        }
        append(out, TRIPWIRE_MARK, strlen(TRIPWIRE_MARK));
        at += longest;
        hits++;
    }
    return hits;
}

/* ---- a set with what belongs to it -------------------------------------- */

struct world {
    struct ts_buf list;
    struct tripwires *set;
    struct naive naive;
    struct text *in, *want;
};

static void world_add(struct world *w, const void *secret, size_t len)
{
    if (w->list.len == 0)
        assert_int_equal(tripwires_begin(&w->list), TS_OK);
    assert_int_equal(tripwires_add(&w->list, secret, len), TS_OK);
    assert_int_equal(tripwire_ways(secret, len, naive_take, &w->naive), TS_OK);
    tripwires_free(w->set);
    assert_int_equal(
        tripwires_new(ts_buf_bytes(&w->list), w->list.len, &w->set), TS_OK);
}

static void world_init(struct world *w, const char *secret)
{
    memset(w, 0, sizeof(*w));
    ts_buf_init(&w->list, TS_TRIPWIRES_MAX);
    w->in = text_new();
    w->want = text_new();
    if (secret != NULL)
        world_add(w, secret, strlen(secret));
}

static void world_done(struct world *w)
{
    tripwires_free(w->set);
    ts_buf_done(&w->list);
    naive_done(&w->naive);
    ts_mem_free(w->in);
    ts_mem_free(w->want);
}

/* Through a redactor in pieces of up to most bytes. */
static uint64_t redact(const struct world *w, size_t most, uint64_t seed,
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

static void world_check(const struct world *w, size_t most, uint64_t seed)
{
    uint64_t want = naive_redact(&w->naive, w->in, w->want), hits;
    struct ts_buf out;

    ts_buf_init(&out, 2 * TEXT_MAX);
    hits = redact(w, most, seed, &out);
    assert_int_equal(hits, want);
    assert_int_equal(out.len, w->want->len);
    if (out.len > 0)
        assert_memory_equal(ts_buf_bytes(&out), w->want->at, out.len);
    ts_buf_done(&out);
}

/* ---- what is recognised -------------------------------------------------- */

static void expect_output(const char *secret, const char *in, const char *want)
{
    struct ts_buf out;
    struct world w;

    world_init(&w, secret);
    append(w.in, in, strlen(in));
    for (size_t most = 1; most < 70; most++) {
        ts_buf_init(&out, TEXT_MAX);
        (void)redact(&w, most, most, &out);
        assert_int_equal(out.len, strlen(want));
        assert_memory_equal(ts_buf_bytes(&out), want, out.len);
        ts_buf_done(&out);
    }
    world_done(&w);
}

/* Written down by hand, with other programs' encoders: not by our own code. */
static void redactor_each_way_of_writing_is_recognised(void **state)
{
    static const char secret[] = "p@ss/w\"rd\xc3\xa9 x!";

    (void)state;
    expect_output(secret, "a p@ss/w\"rd\xc3\xa9 x! b", "a [redacted] b");
    /* python3: base64.b64encode(b"..." + secret + b"...") */
    expect_output("tok-5f3a9c71e2", "dG9rLTVmM2E5YzcxZTI=", "[redacted]I=");
    expect_output("tok-5f3a9c71e2",
                  "eHRvay01ZjNhOWM3MWUyeA==", "eH[redacted]eA==");
    expect_output("tok-5f3a9c71e2", "eHh0b2stNWYzYTljNzFlMnh4",
                  "eHh[redacted]nh4");
    expect_output("\xfb\xff\xfe\xfb\xff\xfe\xfb\xff\xfe", "x -__--__--__- y",
                  "x [redacted] y");
    expect_output("\xfb\xff\xfe\xfb\xff\xfe\xfb\xff\xfe", "x +//++//++//+ y",
                  "x [redacted] y");
    expect_output("tok-5f3a9c71e2", "<746f6b2d35663361396337316532>",
                  "<[redacted]>");
    expect_output("tok-5f3a9c71e2", "<746F6B2D35663361396337316532>",
                  "<[redacted]>");
    expect_output(secret, "?k=p%40ss%2Fw%22rd%C3%A9%20x%21&", "?k=[redacted]&");
    expect_output(secret, "?k=p%40ss%2fw%22rd%c3%a9%20x%21&", "?k=[redacted]&");
    expect_output(secret, "?k=p%40ss%2Fw%22rd%C3%A9+x%21&", "?k=[redacted]&");
    expect_output(secret, "?k=p%40ss/w%22rd%C3%A9%20x%21&", "?k=[redacted]&");
    expect_output(secret, "?k=p%40ss%2Fw%22rd%C3%A9%20x!&", "?k=[redacted]&");
    expect_output(secret, "{\"k\":\"p@ss/w\\\"rd\xc3\xa9 x!\"}",
                  "{\"k\":\"[redacted]\"}");
    expect_output(secret, "{\"k\":\"p@ss\\/w\\\"rd\xc3\xa9 x!\"}",
                  "{\"k\":\"[redacted]\"}");
    expect_output(secret, "{\"k\":\"p@ss/w\\\"rd\\u00e9 x!\"}",
                  "{\"k\":\"[redacted]\"}");
    expect_output("key\xf0\x9f\x94\x91\n\x01more",
                  "key\\ud83d\\udd11\\n\\u0001"
                  "more",
                  "[redacted]");
}

static void redactor_other_text_passes_unharmed(void **state)
{
    (void)state;
    expect_output("tok-5f3a9c71e2", "", "");
    expect_output("tok-5f3a9c71e2", "tok-5f3a9c71e", "tok-5f3a9c71e");
    expect_output("tok-5f3a9c71e2", "tok-5f3a9c71e3 tok-5f3a",
                  "tok-5f3a9c71e3 tok-5f3a");
    expect_output("tok-5f3a9c71e2", "TOK-5F3A9C71E2", "TOK-5F3A9C71E2");
}

static void redactor_overlapping_matches_leftmost_longest_wins(void **state)
{
    struct world w;

    (void)state;
    expect_output("aaaaaaaa", "aaaaaaaaaaaaaaaaaaa", "[redacted][redacted]aaa");
    world_init(&w, "abcdefgh");
    world_add(&w, "abcdefghijkl", 12);
    world_add(&w, "efghijklmnop", 12);
    append(w.in, "abcdefghijklmnop abcdefghijk efghijklmnop", 42 - 1);
    for (size_t most = 1; most < 45; most++)
        world_check(&w, most, most);
    assert_int_equal(naive_redact(&w.naive, w.in, w.want), 3);
    assert_memory_equal(w.want->at, "[redacted]mnop [redacted]ijk [redacted]",
                        w.want->len);
    world_done(&w);
}

/* ---- properties -----------------------------------------------------------
 */

/* Small alphabets make many beginnings, overlaps and true matches. */
static void make_case(struct world *w, uint64_t *s)
{
    uint8_t secret[64];
    size_t letters = 1 + random_below(s, 3);
    size_t secrets = 1 + random_below(s, 3);
    size_t pieces = random_below(s, 60);

    for (size_t i = 0; i < secrets; i++) {
        size_t len = 8 + random_below(s, 40);

        for (size_t k = 0; k < len; k++)
            secret[k] = (uint8_t)('a' + random_below(s, letters));
        if (random_below(s, 4) == 0)
            randombytes_buf(secret, len);
        world_add(w, secret, len);
    }
    while (pieces-- > 0) {
        size_t k = random_below(s, w->naive.count), from, n;

        if (random_below(s, 2) == 0) {
            uint8_t c = (uint8_t)('a' + random_below(s, letters));

            append(w->in, &c, 1);
            continue;
        }
        from = random_below(s, 4) == 0 ? random_below(s, w->naive.len[k]) : 0;
        n = w->naive.len[k] - from;
        if (random_below(s, 3) == 0)
            n = random_below(s, n + 1);
        append(w->in, w->naive.pattern[k] + from, n);
    }
}

static void redactor_any_text_any_pieces_is_as_the_naive_one(void **state)
{
    uint64_t s = 5, matches = 0;

    (void)state;
    for (int i = 0; i < 1500; i++) {
        struct world w;

        world_init(&w, NULL);
        make_case(&w, &s);
        world_check(&w, 1, s);
        world_check(&w, 1 + random_below(&s, 40), s);
        world_check(&w, TEXT_MAX, s);
        matches += naive_redact(&w.naive, w.in, w.want);
        world_done(&w);
    }
    assert_true(matches > 5000); /* or the cases show nothing */
}

/* Beyond what is searched in one go, with secrets of every allowed length. */
static void redactor_long_secrets_in_long_text_are_found(void **state)
{
    static const size_t lens[] = {8, 9, 100, 1000, 4095, TRIPWIRE_SECRET_MAX};
    uint8_t secret[TRIPWIRE_SECRET_MAX];
    uint64_t s = 9;

    (void)state;
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        struct world w;

        world_init(&w, NULL);
        for (size_t k = 0; k < lens[i]; k++)
            secret[k] = (uint8_t)random_next(&s);
        world_add(&w, secret, lens[i]);
        for (size_t k = 0; k < 8; k++) {
            size_t p = random_below(&s, w.naive.count);
            uint8_t filler[3000];
            size_t fill = random_below(&s, sizeof(filler));

            memset(filler, secret[0], sizeof(filler));
            append(w.in, filler, fill);
            if (w.naive.len[p] < TEXT_MAX - w.in->len)
                append(w.in, w.naive.pattern[p], w.naive.len[p]);
        }
        world_check(&w, 1, s);
        world_check(&w, 5000, s);
        world_check(&w, TEXT_MAX, s);
        world_done(&w);
    }
}

/* A dialogue stops if a line's end is held back. */
static void redactor_whole_lines_are_given_out_at_once(void **state)
{
    static const char *const lines[] = {"{\"id\": 1}\n", "login: ", "tok\n",
                                        "tok-5f3a \n",   "ok>",     "\n"};
    struct redactor *r = NULL;
    struct ts_buf out;
    struct world w;

    (void)state;
    world_init(&w, "tok-5f3a9c71e2");
    ts_buf_init(&out, TEXT_MAX);
    assert_int_equal(redactor_new(w.set, &r), TS_OK);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        size_t n = strlen(lines[i]);

        ts_buf_clear(&out);
        assert_int_equal(redactor_feed(r, (const uint8_t *)lines[i], n, &out),
                         TS_OK);
        assert_int_equal(out.len, n);
        assert_memory_equal(ts_buf_bytes(&out), lines[i], n);
    }
    ts_buf_clear(&out);
    assert_int_equal(redactor_feed(r, (const uint8_t *)"x tok-5f", 8, &out),
                     TS_OK);
    assert_int_equal(out.len, 2); /* "x ": what follows may begin the secret */
    redactor_free(r);
    ts_buf_done(&out);
    world_done(&w);
}

/* A secret that begins with a newline: nothing behind one may be given out. */
static void redactor_secret_with_line_ends_is_found_in_any_pieces(void **state)
{
    (void)state;
    expect_output("\nab: c>} )\n", "x\nab: c>} )\ny\nab: c>",
                  "x[redacted]y\nab: c>");
}

static void redactor_cut_stream_keeps_the_beginning_of_a_secret(void **state)
{
    struct redactor *r = NULL;
    struct ts_buf out;
    struct world w;

    (void)state;
    world_init(&w, "tok-5f3a9c71e2");
    ts_buf_init(&out, TEXT_MAX);
    assert_int_equal(redactor_new(w.set, &r), TS_OK);
    assert_int_equal(
        redactor_feed(r, (const uint8_t *)"here tok-5f3a9c71e", 18, &out),
        TS_OK);
    assert_int_equal(out.len, 5);
    redactor_free(r); /* no finish: nothing more came out */
    ts_buf_done(&out);
    world_done(&w);
}

static void redactor_full_output_is_an_error_and_gives_out_no_more(void **state)
{
    struct redactor *r = NULL;
    struct ts_buf out, more;
    struct world w;

    (void)state;
    world_init(&w, "tok-5f3a9c71e2");
    ts_buf_init(&out, 4);
    ts_buf_init(&more, 100);
    assert_int_equal(redactor_new(w.set, &r), TS_OK);
    assert_int_equal(
        redactor_feed(r, (const uint8_t *)"tok-5f3a9c71e2", 14, &out),
        TS_E_LIMIT);
    assert_int_equal(redactor_finish(r, &more), TS_OK);
    assert_int_equal(out.len + more.len, 0);
    redactor_free(r);
    ts_buf_done(&out);
    ts_buf_done(&more);
    world_done(&w);
}

/* ---- lists ----------------------------------------------------------------
 */

static void tripwires_add_wrong_length_is_refused(void **state)
{
    uint8_t secret[TRIPWIRE_SECRET_MAX + 1] = {0};
    struct ts_buf list;

    (void)state;
    ts_buf_init(&list, TS_TRIPWIRES_MAX);
    assert_int_equal(tripwires_add(&list, secret, 20), TS_E_STATE);
    assert_int_equal(tripwires_begin(&list), TS_OK);
    assert_int_equal(tripwires_begin(&list), TS_E_STATE);
    for (size_t len = 0; len < TRIPWIRE_SECRET_MIN; len++)
        assert_int_equal(tripwires_add(&list, secret, len), TS_E_INVALID);
    assert_int_equal(tripwires_add(&list, secret, sizeof(secret)), TS_E_LIMIT);
    assert_int_equal(list.len, TRIPWIRE_KEY);
    ts_buf_done(&list);
}

static void tripwires_add_more_than_fit_leaves_the_list(void **state)
{
    struct tripwires *set = NULL;
    uint8_t secret[32];
    struct ts_buf list;
    size_t before, added = 0;

    (void)state;
    ts_buf_init(&list, TS_TRIPWIRES_MAX);
    assert_int_equal(tripwires_begin(&list), TS_OK);
    for (;;) {
        randombytes_buf(secret, sizeof(secret));
        before = list.len;
        if (tripwires_add(&list, secret, sizeof(secret)) != TS_OK)
            break;
        added++;
    }
    assert_int_equal(list.len, before);
    assert_true(added >= 9); /* the most of a manifest, and a token */
    assert_int_equal(tripwires_new(ts_buf_bytes(&list), list.len, &set), TS_OK);
    tripwires_free(set);
    ts_buf_done(&list);
}

/* No run of four bytes of a secret, in any way of writing, is in its list. */
static void tripwires_list_does_not_hold_the_secret(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, "sk_live_51Hx9Qe7vT2LmPz8RkYw4BnC");
    for (size_t i = 0; i < w.naive.count; i++) {
        for (size_t k = 0; k + 4 <= w.naive.len[i]; k++)
            assert_null(memmem(ts_buf_bytes(&w.list), w.list.len,
                               w.naive.pattern[i] + k, 4));
    }
    world_done(&w);
}

static void tripwires_same_secret_gives_other_lists(void **state)
{
    struct world a, b;

    (void)state;
    world_init(&a, "sk_live_51Hx9Qe7vT2LmPz8RkYw4BnC");
    world_init(&b, "sk_live_51Hx9Qe7vT2LmPz8RkYw4BnC");
    assert_int_equal(a.list.len, b.list.len);
    for (size_t at = TRIPWIRE_KEY; at < a.list.len; at += TRIPWIRE_ENTRY) {
        assert_memory_not_equal(ts_buf_bytes(&a.list) + at,
                                ts_buf_bytes(&b.list) + at, 4);
        assert_memory_not_equal(ts_buf_bytes(&a.list) + at + 10,
                                ts_buf_bytes(&b.list) + at + 10,
                                TRIPWIRE_DIGEST);
    }
    world_done(&a);
    world_done(&b);
}

static void tripwires_new_truncated_list_is_refused(void **state)
{
    struct tripwires *set = NULL;
    struct world w;

    (void)state;
    world_init(&w, "tok-5f3a9c71e2");
    for (size_t n = 0; n < w.list.len; n++) {
        bool whole =
            n >= TRIPWIRE_KEY && (n - TRIPWIRE_KEY) % TRIPWIRE_ENTRY == 0;
        ts_err e = tripwires_new(ts_buf_bytes(&w.list), n, &set);

        assert_int_equal(e, whole ? TS_OK : TS_E_FORMAT);
        if (whole)
            tripwires_free(set);
        set = NULL;
    }
    world_done(&w);
}

/* Refused, or a list that finds something else: never a wrong access. */
static void tripwires_new_flipped_bit_anywhere_finds_less(void **state)
{
    uint8_t list[TRIPWIRE_KEY + TRIPWIRE_EACH_MAX * TRIPWIRE_ENTRY];
    static const char secret[] = "tok-5f3a9c71e2";
    struct world w;
    uint64_t refused = 0;
    size_t n;

    (void)state;
    world_init(&w, secret);
    append(w.in, "a tok-5f3a9c71e2 b", 18);
    n = TRIPWIRE_KEY + TRIPWIRE_ENTRY; /* the first: as it is */
    memcpy(list, ts_buf_bytes(&w.list), n);
    for (size_t bit = 0; bit < n * 8; bit++) {
        struct ts_buf out;
        ts_err e;

        list[bit / 8] ^= (uint8_t)(1u << bit % 8);
        tripwires_free(w.set);
        w.set = NULL;
        e = tripwires_new(list, n, &w.set);
        list[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (e != TS_OK) {
            assert_int_equal(e, TS_E_FORMAT);
            refused++;
            continue;
        }
        ts_buf_init(&out, TEXT_MAX);
        if (bit / 8 != TRIPWIRE_KEY + 8 && bit / 8 != TRIPWIRE_KEY + 9)
            assert_int_equal(redact(&w, 7, bit, &out), 0);
        ts_buf_done(&out);
    }
    assert_true(refused > 0);
    world_done(&w);
}

/* ---- memory ---------------------------------------------------------------
 */

static ts_err scenario(const void *arg)
{
    static const uint8_t secret[] = "tok-5f3a9c71e2";
    struct tripwires *set = NULL;
    struct redactor *r = NULL;
    struct ts_buf list, out;
    ts_err e;

    (void)arg;
    ts_buf_init(&list, TS_TRIPWIRES_MAX);
    ts_buf_init(&out, 4096);
    if ((e = tripwires_begin(&list)) == TS_OK &&
        (e = tripwires_add(&list, secret, sizeof(secret) - 1)) == TS_OK &&
        (e = tripwires_new(ts_buf_bytes(&list), list.len, &set)) == TS_OK &&
        (e = redactor_new(set, &r)) == TS_OK &&
        (e = redactor_feed(r, secret, sizeof(secret) - 1, &out)) == TS_OK)
        e = redactor_finish(r, &out);
    redactor_free(r);
    tripwires_free(set);
    ts_buf_done(&list);
    ts_buf_done(&out);
    return e;
}

static void tripwire_without_memory_says_so_and_leaks_nothing(void **state)
{
    (void)state;
    fault_mem_sweep(scenario, NULL, TS_OK, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redactor_each_way_of_writing_is_recognised),
        cmocka_unit_test(redactor_other_text_passes_unharmed),
        cmocka_unit_test(redactor_overlapping_matches_leftmost_longest_wins),
        cmocka_unit_test(redactor_any_text_any_pieces_is_as_the_naive_one),
        cmocka_unit_test(redactor_long_secrets_in_long_text_are_found),
        cmocka_unit_test(redactor_whole_lines_are_given_out_at_once),
        cmocka_unit_test(redactor_secret_with_line_ends_is_found_in_any_pieces),
        cmocka_unit_test(redactor_cut_stream_keeps_the_beginning_of_a_secret),
        cmocka_unit_test(
            redactor_full_output_is_an_error_and_gives_out_no_more),
        cmocka_unit_test(tripwires_add_wrong_length_is_refused),
        cmocka_unit_test(tripwires_add_more_than_fit_leaves_the_list),
        cmocka_unit_test(tripwires_list_does_not_hold_the_secret),
        cmocka_unit_test(tripwires_same_secret_gives_other_lists),
        cmocka_unit_test(tripwires_new_truncated_list_is_refused),
        cmocka_unit_test(tripwires_new_flipped_bit_anywhere_finds_less),
        cmocka_unit_test(tripwire_without_memory_says_so_and_leaks_nothing),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
