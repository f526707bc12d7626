/* What was seen, and what stands in it: examples, and everything small against
 * a scan of all leaves. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "naive.h"
#include "tests/lib/fault_mem.h"

static struct prov_index *x;

static int setup(void **state)
{
    (void)state;
    return prov_index_new(PROV_TASK_BYTES, &x) == TS_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    fault_mem_disarm();
    prov_index_free(x);
    return 0;
}

static void saw(enum prov_source source, const char *text)
{
    const struct prov_label l = {.source = source};

    assert_int_equal(prov_index_add(x, PROV_TEXT, ts_str_of(text), &l, 1, 7),
                     TS_OK);
}

static enum prov_source of(const char *value)
{
    struct prov_found f;

    prov_index_find(x, PROV_TEXT, ts_str_of(value), &f);
    return f.source;
}

static void a_value_has_the_best_source_that_it_stands_in(void **state)
{
    (void)state;
    saw(PROV_UNTRUSTED, "please pay US133000000121212121212 now, says Mallory");
    saw(PROV_TRUSTED, "Mallory");
    saw(PROV_PROMPT, "Pay the rent of 1,200 to https://www.Example.com/rent/ ");
    assert_int_equal(of("us133000000121212121212"), PROV_UNTRUSTED);
    assert_int_equal(of("mallory"), PROV_TRUSTED);
    assert_int_equal(of("MALLORY  "), PROV_TRUSTED);
    assert_int_equal(of("www.example.com/rent"), PROV_PROMPT);
    assert_int_equal(of("http://www.example.com/rent"), PROV_PROMPT);
    assert_int_equal(of("1200.00"), PROV_PROMPT);
    assert_int_equal(of("200"), PROV_UNKNOWN); /* a part of 1,200 */
    assert_int_equal(of("Mallo"), PROV_UNKNOWN);
    assert_int_equal(of("rent of 1,200"), PROV_PROMPT);
    assert_int_equal(of("rent  of\n1,200"), PROV_PROMPT);
    assert_int_equal(of("says Mallory please"), PROV_UNKNOWN);
    assert_int_equal(of(""), PROV_UNKNOWN);
    assert_int_equal(of("https://"), PROV_UNKNOWN);
}

/* Who owns one address does not own those that it ends with. */
static void an_address_is_no_part_of_another(void **state)
{
    static const struct {
        const char *seen, *value;
        enum prov_source want;
    } all[] = {
        {"anna.smith@x.example", "smith@x.example", PROV_UNTRUSTED},
        {"anna.smith@x.example", "anna.smith@x.example", PROV_PROMPT},
        {"write to o'brien@x.example", "brien@x.example", PROV_UNTRUSTED},
        {"anna.+smith@x.example", "smith@x.example", PROV_UNTRUSTED},
        {"m\xc3\xbcller@x.example", "ller@x.example", PROV_UNTRUSTED},
        {"mu\xcc\x88ller@x.example", "ller@x.example", PROV_UNTRUSTED},
        {"\xe7\xbb\x99"
         "bob@x.example",
         "bob@x.example", PROV_PROMPT},
        {"bob@x.example.org", "bob@x.example", PROV_UNTRUSTED},
        {"bob@x.example-shop.org", "bob@x.example", PROV_UNTRUSTED},
        {"bob@x.example. Then", "bob@x.example", PROV_PROMPT},
        {"'bob@x.example'", "bob@x.example", PROV_PROMPT},
        {"- bob@x.example", "bob@x.example", PROV_PROMPT},
        {"-bob@x.example", "bob@x.example", PROV_PROMPT},
        {"<mailto:bob@x.example>", "bob@x.example", PROV_PROMPT},
        {"bob@x.example", "mallory@bob@x.example", PROV_UNTRUSTED},
        {"https://my-bank.example/pay", "https://bank.example/pay",
         PROV_UNTRUSTED},
        {"https://www.bank.example/pay", "https://bank.example/pay",
         PROV_PROMPT},
        {"https://acme.co.uk/login", "https://acme.co", PROV_UNTRUSTED},
        {"https://acme.co.uk/login", "https://acme.co.uk", PROV_PROMPT},
        {"to my-notes.txt", "notes.txt", PROV_UNTRUSTED},
        {"it is 1.5 or 2.5.", "2.5", PROV_PROMPT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        saw(PROV_UNTRUSTED, all[i].value);
        saw(PROV_PROMPT, all[i].seen);
        if (of(all[i].value) != all[i].want)
            print_error("%s in %s\n", all[i].value, all[i].seen);
        assert_int_equal(of(all[i].value), all[i].want);
        prov_index_free(x);
        assert_int_equal(prov_index_new(PROV_TASK_BYTES, &x), TS_OK);
    }
}

static void leaves_do_not_join(void **state)
{
    (void)state;
    saw(PROV_TRUSTED, "alpha");
    saw(PROV_TRUSTED, "beta");
    assert_int_equal(of("alpha beta"), PROV_UNKNOWN);
    assert_int_equal(of("alpha"), PROV_TRUSTED);
    assert_int_equal(of("beta"), PROV_TRUSTED);
}

static void places_are_told_once_and_the_highest_level(void **state)
{
    struct prov_label l = {.source = PROV_TRUSTED, .level = PROV_PRIVATE};
    struct prov_found f;

    (void)state;
    for (uint32_t i = 0; i < 12; i++)
        assert_int_equal(prov_index_add(x, PROV_TEXT,
                                        TS_STR_LIT("a b a b again"), &l, i / 2,
                                        3),
                         TS_OK);
    prov_index_find(x, PROV_TEXT, TS_STR_LIT("a b"), &f);
    assert_int_equal(f.source, PROV_TRUSTED);
    assert_int_equal(f.count, 6);
    assert_int_equal(f.level, PROV_PRIVATE);
    assert_false(f.more);
    for (uint32_t i = 6; i < 12; i++)
        assert_int_equal(
            prov_index_add(x, PROV_TEXT, TS_STR_LIT("a b"), &l, i, 3), TS_OK);
    prov_index_find(x, PROV_TEXT, TS_STR_LIT("a b"), &f);
    assert_int_equal(f.count, PROV_FOUND_PLACES);
    assert_true(f.more);
}

static void ids_are_whole_and_only_ids(void **state)
{
    struct prov_label l = {.source = PROV_TRUSTED, .is_id = true};
    struct prov_found f;

    (void)state;
    assert_int_equal(prov_index_add(x, PROV_TEXT, TS_STR_LIT("13"), &l, 1, 1),
                     TS_OK);
    saw(PROV_TRUSTED, "14 people");
    saw(PROV_PROMPT, "delete the mail with ID: 15, and 16 others");
    prov_index_find(x, PROV_ID, TS_STR_LIT("13"), &f);
    assert_int_equal(f.source, PROV_TRUSTED);
    prov_index_find(x, PROV_ID, TS_STR_LIT("14"), &f);
    assert_int_equal(f.source, PROV_UNKNOWN);
    prov_index_find(x, PROV_ID, TS_STR_LIT("15"), &f);
    assert_int_equal(f.source, PROV_PROMPT);
    prov_index_find(x, PROV_ID, TS_STR_LIT("16"), &f);
    assert_int_equal(f.source, PROV_UNKNOWN);
}

static void secrets_are_recognised_inside_a_text(void **state)
{
    struct prov_label l = {.source = PROV_TRUSTED, .level = PROV_SECRET};

    (void)state;
    assert_int_equal(prov_index_secrets_in(x, TS_STR_LIT("anything")), 0);
    assert_int_equal(prov_index_add(x, PROV_TEXT,
                                    TS_STR_LIT("4929-3813-3266-4295"), &l, 1,
                                    1),
                     TS_OK);
    assert_int_equal(
        prov_index_add(x, PROV_TEXT, TS_STR_LIT("short"), &l, 1, 1), TS_OK);
    assert_int_equal(
        prov_index_secrets_in(
            x, TS_STR_LIT("my card is 4929-3813-3266-4295, short")),
        1);
    assert_int_equal(
        prov_index_secrets_in(x, TS_STR_LIT("4929 3813 3266 4295")), 0);
    assert_int_equal(
        prov_index_secrets_in(x, TS_STR_LIT("14929-3813-3266-4295")), 0);
    saw(PROV_PROMPT, "use 4929-3813-3266-4295");
    assert_int_equal(
        prov_index_secrets_in(x, TS_STR_LIT("is 4929-3813-3266-4295")), 0);
}

/* A small alphabet, so that everything meets everything. */
static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static size_t make(uint32_t *seed, size_t most, char *out)
{
    static const char *const parts[] = {
        "a",     "b",       "ab",       "1",        "12",
        "1,200", "200",     ".5",       "0",        " ",
        "  ",    "-",       "/",        "@",        "id",
        "id: ",  "http://", "https://", "\xc3\xa9", "\xe2\x80\x89",
        "A",     "\n",      "www.",     ".",        ",",
        "e"};
    size_t n = next(seed) % most, len = 0;

    for (size_t i = 0; i < n; i++) {
        const char *p = parts[next(seed) % (sizeof(parts) / sizeof(parts[0]))];

        memcpy(out + len, p, strlen(p));
        len += strlen(p);
    }
    return len;
}

static enum prov_kind kind_of(uint32_t *seed)
{
    return (enum prov_kind)(PROV_TEXT + next(seed) % 3);
}

static void one_world(uint32_t seed)
{
    static char texts[NAIVE_LEAVES][128];
    static struct naive n;
    char value[128];

    n.count = 0;
    for (uint32_t i = 0, most = 1 + next(&seed) % 24; i < most; i++) {
        struct naive_leaf *l = &n.leaves[n.count++];

        l->text = (struct ts_str){texts[i], make(&seed, 12, texts[i])};
        l->kind = next(&seed) % 3 == 0 ? PROV_NUMBER : PROV_TEXT;
        l->label = (struct prov_label){
            .source = (enum prov_source)(PROV_PROMPT + next(&seed) % 3),
            .is_id = next(&seed) % 4 == 0};
        assert_int_equal(prov_index_add(x, l->kind, l->text, &l->label, i, i),
                         TS_OK);
    }
    for (int i = 0; i < 40; i++) {
        const struct ts_str v = {value, make(&seed, 4, value)};
        enum prov_kind kind = kind_of(&seed);
        enum prov_source want = naive_find(&n, kind, v);
        struct prov_found f;

        prov_index_find(x, kind, v, &f);
        if (f.source != want)
            print_error("value \"%.*s\" kind %d: %s, a scan says %s\n",
                        (int)v.len, v.ptr, (int)kind,
                        prov_source_name(f.source), prov_source_name(want));
        assert_int_equal(f.source, want);
    }
}

static void it_answers_what_a_scan_of_all_leaves_answers(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 3000; seed++) {
        one_world(seed);
        prov_index_free(x);
        assert_int_equal(prov_index_new(PROV_TASK_BYTES, &x), TS_OK);
    }
}

static void what_does_not_fit_is_lost_and_the_rest_stays(void **state)
{
    const struct prov_label l = {.source = PROV_TRUSTED};
    struct prov_index *small;
    struct prov_found f;
    uint32_t kept = 0;
    char text[64];

    (void)state;
    assert_int_equal(prov_index_new(20000, &small), TS_OK);
    for (uint32_t i = 0; i < 2000; i++) {
        const int n = snprintf(text, sizeof(text), "leaf number w%u", i);
        const ts_err e = prov_index_add(
            small, PROV_TEXT, (struct ts_str){text, (size_t)n}, &l, i, i);

        assert_true(e == TS_OK || e == TS_E_LIMIT);
        kept += e == TS_OK;
        assert_true(prov_index_bytes(small) <= 20000);
    }
    assert_true(kept > 20 && kept < 2000);
    assert_int_equal(prov_index_lost(small), 2000 - kept);
    prov_index_find(small, PROV_TEXT, TS_STR_LIT("leaf number w0"), &f);
    assert_int_equal(f.source, PROV_TRUSTED);
    prov_index_find(small, PROV_TEXT, TS_STR_LIT("w1999"), &f);
    assert_int_equal(f.source, PROV_UNKNOWN);
    prov_index_free(small);
}

/* A stranger fills the index with the words of a value; the trusted leaf is
 * found all the same, and a look-up ends. */
static void strangers_cannot_crowd_out_the_trusted(void **state)
{
    static char flood[60000], value[30001];
    struct prov_found f;

    (void)state;
    for (size_t i = 0; i + 3 < sizeof(flood); i += 3)
        memcpy(flood + i, "aa ", 3);
    saw(PROV_UNTRUSTED, flood);
    saw(PROV_TRUSTED, "aa bb");
    for (size_t i = 0; i + 3 < sizeof(value); i += 3)
        memcpy(value + i, "aa ", 3);
    prov_index_find(x, PROV_TEXT, TS_STR_LIT("aa"), &f);
    assert_int_equal(f.source, PROV_TRUSTED);
    prov_index_find(x, PROV_TEXT, (struct ts_str){value, 30000}, &f);
    assert_true(f.source == PROV_UNTRUSTED || f.more);
}

static ts_err fill(const void *arg)
{
    const struct prov_label l = {.source = PROV_TRUSTED, .is_id = true};
    struct prov_index *one;
    ts_err e = prov_index_new(PROV_TASK_BYTES, &one);

    (void)arg;
    if (e != TS_OK)
        return e;
    for (uint32_t i = 0; i < 200 && e == TS_OK; i++) {
        char text[32];
        const int n = snprintf(text, sizeof(text), "w%u and w%u", i, i + 1);

        e = prov_index_add(one, PROV_TEXT, (struct ts_str){text, (size_t)n}, &l,
                           i, i);
        assert_int_equal(prov_index_lost(one), e != TS_OK);
    }
    prov_index_free(one);
    return e;
}

static void without_memory_a_leaf_is_lost_whole(void **state)
{
    (void)state;
    fault_mem_sweep(fill, NULL, TS_OK, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_value_has_the_best_source_that_it_stands_in, setup, teardown),
        cmocka_unit_test_setup_teardown(an_address_is_no_part_of_another, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(leaves_do_not_join, setup, teardown),
        cmocka_unit_test_setup_teardown(
            places_are_told_once_and_the_highest_level, setup, teardown),
        cmocka_unit_test_setup_teardown(ids_are_whole_and_only_ids, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(secrets_are_recognised_inside_a_text,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            it_answers_what_a_scan_of_all_leaves_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(
            what_does_not_fit_is_lost_and_the_rest_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(strangers_cannot_crowd_out_the_trusted,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(without_memory_a_leaf_is_lost_whole,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
