#include "tests/lib/ts_test.h"

#include <string.h>

#include "sidecar/common/manifest/manifest.h"

struct row {
    const char *in;
    const char *out; /* NULL: refused */
};

static void path_canonical_tricks_stay_beneath_root(void **state)
{
    static const struct row rows[] = {
        {"a.txt", "/srv/w/a.txt"},
        {"./a//b/", "/srv/w/a/b"},
        {"a/../b", "/srv/w/b"},
        {"/srv/w/a", "/srv/w/a"},
        {"/srv/w", "/srv/w"},
        {"../w/a", "/srv/w/a"},
        {"%2e%2e/a", "/srv/w/%2e%2e/a"},
        {"..", NULL},
        {"../x", NULL},
        {"/srv/wx/a", NULL},
        {"/srv/w/../x", NULL},
        {"/etc/passwd", NULL},
        {"../../../../etc", NULL},
        {"", NULL},
    };
    struct ts_arena a;

    (void)state;
    ts_arena_init(&a, 1 << 20);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ts_str got = {"", 0};
        ts_err e = path_canonical(TS_STR_LIT("/srv/w"), ts_str_of(rows[i].in),
                                  &a, &got);

        assert_int_equal(e == TS_OK, rows[i].out != NULL);
        if (e == TS_OK && !ts_str_eq_c(got, rows[i].out))
            fail_msg("%s gave %.*s", rows[i].in, (int)got.len, got.ptr);
    }
    assert_int_equal(path_canonical(TS_STR_LIT("/srv/w"),
                                    (struct ts_str){"a\0b", 3}, &a,
                                    &(struct ts_str){"", 0}),
                     TS_E_INVALID);
    ts_arena_done(&a);
}

static void url_canonical_gives_one_spelling_or_refuses(void **state)
{
    static const struct row rows[] = {
        {"HTTP://Example.COM", "http://example.com/"},
        {"https://example.com:443/a", "https://example.com/a"},
        {"https://example.com:8443/a", "https://example.com:8443/a"},
        {"https://example.com./a", "https://example.com/a"},
        {"https://example.com:/a", "https://example.com/a"},
        {"https://e.com/a/../b/./c", "https://e.com/b/c"},
        {"https://e.com/a/%2e%2e/b", "https://e.com/b"},
        {"https://e.com/%7euser%2f", "https://e.com/~user%2F"},
        {"https://e.com/../../x", "https://e.com/x"},
        {"https://e.com?q=a/../b", "https://e.com/?q=a/../b"},
        {"https://[2001:DB8::0:1]:443/", "https://[2001:db8::1]/"},
        {"https://127.0.0.1/", "https://127.0.0.1/"},
        {"https://xn--bcher-kva.de/", "https://xn--bcher-kva.de/"},
        {"https://user@e.com/", NULL},
        {"https://e.com:80@evil.com/", NULL},
        {"https://b\xc3\xbc"
         "cher.de/",
         NULL},
        {"https://e.com\\@evil.com/", NULL},
        {"https://e%2ecom/", NULL},
        {"https://127.1/", NULL},
        {"https://0x7f.0.0.1/", NULL},
        {"https://2130706433/", NULL},
        {"https://0177.0.0.1/", NULL},
        {"https://[fe80::1%25eth0]/", NULL},
        {"https://[::1", NULL},
        {"https://e.com:0/", NULL},
        {"https://e.com:65536/", NULL},
        {"https://e.com/#x", NULL},
        {"https://e.com/%00", NULL},
        {"https://e.com/%zz", NULL},
        {"https://e.com/a b", NULL},
        {"https:///a", NULL},
        {"//e.com/a", NULL},
        {"e.com", NULL},
        {"https://-a.com/", NULL},
        {"https://a..b/", NULL},
    };
    struct ts_arena a;

    (void)state;
    ts_arena_init(&a, 1 << 20);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct url_parts u, again;
        ts_err e = url_canonical(ts_str_of(rows[i].in), &a, &u);

        if ((e == TS_OK) != (rows[i].out != NULL))
            fail_msg("%s: %s", rows[i].in, ts_err_text(e));
        if (e != TS_OK)
            continue;
        if (!ts_str_eq_c(u.url, rows[i].out))
            fail_msg("%s gave %.*s", rows[i].in, (int)u.url.len, u.url.ptr);
        assert_int_equal(url_canonical(u.url, &a, &again), TS_OK);
        assert_true(ts_str_eq(u.url, again.url)); /* a fixed point */
    }
    ts_arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_canonical_tricks_stay_beneath_root),
        cmocka_unit_test(url_canonical_gives_one_spelling_or_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
