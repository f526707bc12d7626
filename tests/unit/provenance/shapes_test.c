/* Links, accounts, cards and codes in texts. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "sidecar/gate/provenance/shapes.h"

struct list {
    char text[1024];
    size_t len;
    uint32_t count, stop_after;
};

static bool note(void *ctx, enum shape s, struct ts_str t)
{
    struct list *l = ctx;
    int n = snprintf(l->text + l->len, sizeof(l->text) - l->len, "%s:%.*s ",
                     shape_name(s), (int)t.len, t.ptr);

    assert_true(n > 0 && (size_t)n < sizeof(l->text) - l->len);
    l->len += (size_t)n;
    return ++l->count != l->stop_after;
}

static void finds(const char *text, const char *want)
{
    struct list l = {0};

    shapes_in(ts_str_of(text), note, &l);
    assert_string_equal(l.text, want);
}

static void each_shape_is_found_and_its_neighbours_are_not(void **state)
{
    (void)state;
    finds("", "");
    finds("see https://Example.com/a?b=c, and (http://x.y/z).",
          "url:https://Example.com/a?b=c url:http://x.y/z ");
    finds("go to www.example.com/a. Not to awww.example.com",
          "url:www.example.com/a ");
    finds("https:// www.", "");
    finds("Bob.Smith+x@mail-1.example2.com; and a@b",
          "email:Bob.Smith+x@mail-1.example2.com ");
    finds("@example.com a@.com b@com.", "");
    finds("to GB29NWBK60161331926819 or us133000000121212121212!",
          "account:GB29NWBK60161331926819 account:us133000000121212121212 ");
    finds("xGB29NWBK60161331926819 ab12cdefghijklmnop GB29NWBK6016133192681x9"
          "00000000000000",
          "");
    finds("4929-3813-3266-4295 4929 3813 3266 4295 4929381332664295",
          "card:4929-3813-3266-4295 card:4929 3813 3266 4295 "
          "card:4929381332664295 ");
    finds("4929-3813 3266-4295 14929-3813-3266-4295", "");
    finds("code 123456. not 1234567 nor a123456 nor 12345", "code:123456 ");
}

static void one_is_not_inside_another(void **state)
{
    (void)state;
    finds("https://e.com/?m=a@b.com&c=123456",
          "url:https://e.com/?m=a@b.com&c=123456 ");
}

/* What a browser takes for the name of a user, and a reader for the host. */
static void a_host_behind_a_quotation_mark_is_of_the_link(void **state)
{
    (void)state;
    finds("see https://good.example'@evil.example/x y",
          "url:https://good.example'@evil.example/x ");
    finds("see https://good.example)\"@evil.example y",
          "url:https://good.example)\"@evil.example ");
    finds("('https://good.example/a') a@b.cc",
          "url:https://good.example/a email:a@b.cc ");
    finds("<a href=\"https://good.example\">a@b.cc</a>",
          "url:https://good.example email:a@b.cc ");
}

static void the_search_ends_when_it_is_told_to(void **state)
{
    struct list l = {.stop_after = 1};

    (void)state;
    shapes_in(TS_STR_LIT("a@b.cc d@e.ff"), note, &l);
    assert_int_equal(l.count, 1);
}

/* Runs that look like the beginning of an address: linear, so this ends. */
static void a_long_run_costs_its_length(void **state)
{
    static char text[4u << 20];
    struct list l = {0};

    (void)state;
    memset(text, 'a', sizeof(text));
    shapes_in((struct ts_str){text, sizeof(text)}, note, &l);
    memset(text, '1', sizeof(text));
    shapes_in((struct ts_str){text, sizeof(text)}, note, &l);
    assert_int_equal(l.count, 0);
}

static void any_bytes_in_memory_that_ends_with_them(void **state)
{
    static const char sample[] =
        "x https://e.com a@b.cc GB29NWBK60161331926819 1234-5678-1234-5678 "
        "123456";

    (void)state;
    for (size_t n = 0; n < sizeof(sample); n++) {
        for (int flip = 0; flip < 8; flip++) {
            char *copy = ts_mem_alloc(n + 1);
            struct list l = {0};

            assert_non_null(copy);
            memcpy(copy, sample, n);
            if (n > 0)
                copy[n - 1] = (char)(copy[n - 1] ^ 1 << flip);
            shapes_in((struct ts_str){copy, n}, note, &l);
            assert_true(l.count <= 6);
            ts_mem_free(copy);
        }
    }
}

static void names_and_links(void **state)
{
    (void)state;
    for (int s = SHAPE_URL; s <= SHAPE_CODE; s++)
        assert_int_equal(shape_is_link((enum shape)s), s <= SHAPE_ACCOUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_shape_is_found_and_its_neighbours_are_not),
        cmocka_unit_test(one_is_not_inside_another),
        cmocka_unit_test(a_host_behind_a_quotation_mark_is_of_the_link),
        cmocka_unit_test(the_search_ends_when_it_is_told_to),
        cmocka_unit_test(a_long_run_costs_its_length),
        cmocka_unit_test(any_bytes_in_memory_that_ends_with_them),
        cmocka_unit_test(names_and_links),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
