/* What is recognised, however the stream is cut, and what is not. */
#include "tests/lib/ts_test.h"

#include <sodium.h>
#include <string.h>

#include "rig.h"
#include "sidecar/common/tripwire/tripwire_priv.h"

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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
