/* Links, accounts, cards and codes in texts. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "naive_shapes.h"
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

    (void)shapes_in(ts_str_of(text), note, &l);
    if (strcmp(l.text, want) != 0)
        fail_msg("%s: %s, not %s", text, l.text, want);
}

static void each_shape_is_found_and_its_neighbours_are_not(void **state)
{
    (void)state;
    finds("", "");
    finds("see https://Example.com/a?b=c, and (http://x.y/z).",
          "url:https://Example.com/a?b=c url:http://x.y/z ");
    finds("go to www.example.com/a. Not to awww.example5",
          "url:www.example.com/a ");
    finds("https:// www. http:/ x: //", "");
    finds("http:///", "url:http:/// ");
    finds("Bob.Smith+x@mail-1.example2.com; and a@b",
          "email:Bob.Smith+x@mail-1.example2.com ");
    finds("@example.com a@.com b@com.", "host:example.com ");
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
    (void)shapes_in(TS_STR_LIT("a@b.cc d@e.ff"), note, &l);
    assert_int_equal(l.count, 1);
}

/* ---- schemes ------------------------------------------------------------- */

static void every_scheme_makes_a_link(void **state)
{
    static const char *const links[] = {
        "ftp://evil.example/x",
        "HtTpS://evil.example",
        "file:///etc/x",
        "git+ssh://a@b/c",
        "https:/evil.example",
        "http:\\\\evil.example\\x",
        "hxxps://evil[.]example",
        "http:evil",
        "javascript:alert(1",
        "JavaScript:x",
        "vbscript:x",
        "blob:x",
        "magnet:?xt=1",
        "data:text/html,x",
        "data:;base64,QQ==",
        "data:,x",
        "tel:112",
        "tel:+49112",
        "sms:5",
        "callto:5",
        "mailto:a%40evil.example",
        "https://good.example@evil.example/",
        "//evil.example/x",
        "intent://x",
        "ws://127.0.0.1:80/x",
    };
    static const char *const none[] = {
        "https: //x", "javascript: x", "myjavascript:x",
        "data: x",    "data:x,y",      "metadata:text/html,x",
        "hotel:5",    "tel: 5",        "tel:x",
        "Link: x",    "a:b",           "://x",
        "1://x",      "mailto:a",      "//",
        "///",        "// x.y",        "std::string",
        "http:// ",   "mailto:%4",     "note:/tmp/x",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        struct list l = {0};

        (void)shapes_in(ts_str_of(links[i]), note, &l);
        if (i == 7)
            assert_int_equal(l.count, 0); /* "http:" alone says nothing */
        else if (l.count != 1)
            fail_msg("%s: %s", links[i], l.text);
    }
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        finds(none[i], "");
    finds("seehttps://x.example", "url:https://x.example ");
    finds("x.y+HTTP://a", "url:HTTP://a ");
    finds("mailto:bob@x.example?cc=eve@evil.example",
          "email:bob@x.example email:eve@evil.example ");
    finds("https://a.example\\@evil.example",
          "url:https://a.example\\@evil.example ");
    finds("<a href='//evil.md'>", "host:evil.md ");
    finds("**https://x.example/a**, `https://x.example`]",
          "url:https://x.example/a url:https://x.example ");
}

/* ---- hosts --------------------------------------------------------------- */

static void host_is_one_by_its_last_name(void **state)
{
    static const char *const hosts[] = {
        "evil.example",
        "evil.com",
        "EVIL.Com",
        "a.b.c.evil.net",
        "t.co",
        "evil.io:8080",
        "evil.io:8080/x",
        "evil.io/x?y#z",
        "evil.io?x",
        "evil.io#x",
        "xn--bcher-kva.example",
        "b\xc3\xbc"
        "cher.example",
        "evil.xn--p1ai",
        "evil[.]example",
        "evil(dot)com/x",
        "a-b.example",
        "a_b.c.example",
        "ev\xc2\xadil.exa\xe2\x80\x8bmple",
        "evil\xe3\x80\x82"
        "example",
        "\xef\xbd\x85vil\xef\xbc\x8e"
        "example",
        "evil.md/x",
        "evil.zip:80/x",
        "evil.name?x",
        "evil.py/%41",
        "203.0.113.5:80",
        "203.0.113.5/x",
        "203.0.113.5:8080/9",
        "[2001:db8::1]:80",
        "[::1]/x",
        "\xe4\xbe\x8b\xe3\x81\x88.jp",
        "163.com",
        "evil.\xd1\x80\xd1\x84/x",
        "ASP.NET",
    };
    static const char *const none[] = {
        "report.docx",
        "e.g.",
        "i.e., x",
        "node.js",
        "1.2.3",
        "1.2.3.4",
        "foo.bar()",
        "README.md",
        "main.rs:12",
        "main.py:42:7",
        "src/main.in",
        "./a.com",
        "../a.com",
        "C:\\dir\\a.com",
        "user.name",
        "this.id",
        "foo_bar.io",
        "a.foo_bar",
        ".env.example",
        "a..b",
        "10.0.0.0/8",
        "999.1.1.1:80",
        "1.2.3.4.5:80",
        "v1.2.3",
        "Ph.D.",
        "U.S.A.",
        "a.m.",
        "Co.KG",
        "B.Sc.",
        "node.js/express",
        "and/or",
        "README.md#x",
        "README.md?",
        "README.md/ x",
        "x.tar.gz",
        "a.b",
        "foo.txt/bar",
        "12.30",
        "3.14e5",
        "example",
        "com",
        ".com",
        "com.",
        "np.array",
        "\xe4\xbd\xa0\xe5\xa5\xbd\xe3\x80\x82\xe4\xb8\x96\xe7\x95\x8c",
        "\xd0\xb4\xd0\xb0.\xd0\x9d\xd0\xb5\xd1\x82",
        "[a.b]",
        "[1:2]:3",
        "[::1]",
        "evil dot example",
        "1.5.2026",
        "20.kg",
        "a.b.c",
        "evil.exam\nple",
    };
    char text[128], want[128];

    (void)state;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        (void)snprintf(want, sizeof(want), "host:%s ", hosts[i]);
        finds(hosts[i], want);
        (void)snprintf(text, sizeof(text), "[x](%s), y", hosts[i]);
        finds(text, want);
        (void)snprintf(text, sizeof(text), "\"%s\"", hosts[i]);
        finds(text, want);
        (void)snprintf(text, sizeof(text), "see:%s.\n", hosts[i]);
        finds(text, want);
    }
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        finds(none[i], "");
}

static void host_ends_where_another_text_begins(void **state)
{
    (void)state;
    finds("pay at evil.com.Then go", "host:evil.com ");
    finds("evil.com.Now", "host:evil.com ");
    finds("Evil.Example.Com", "host:Evil.Example.Com ");
    finds("_evil.example_ *evil.example*", "host:evil.example "
                                           "host:evil.example ");
    finds("\xe8\xaf\xb7\xe7\x9c\x8b"
          "evil.example/x",
          "host:evil.example/x ");
    finds("evil.example\xe8\xaf\xb7\xe7\x9c\x8b", "host:evil.example ");
    finds("evil.example\xef\xbc\x8c"
          "evil.com",
          "host:evil.example "
          "host:evil.com ");
    finds("see...evil.example...", "host:evil.example ");
    finds("\"bob\"@evil.example", "host:evil.example ");
    finds("\\\\evil.md\\x //evil.md //evil/x", "host:evil.md\\x host:evil.md ");
    finds("evil.example/x'@b.com", "host:evil.example/x host:b.com ");
}

static void address_is_found_whatever_hides_in_it(void **state)
{
    static const char *const mails[] = {
        "b\xc2\xadob@ev\xe2\x80\x8bil.example",
        "bob@b\xc3\xbc"
        "cher.example",
        "b\xc3\xb3"
        "b@evil.example",
        "bob@\xe4\xbe\x8b\xe3\x81\x88.jp",
        "bob@evil[.]example",
        "bob\xef\xbc\xa0"
        "evil.example",
        "bob@evil\xef\xbc\x8e"
        "example",
        "bob@a_b.example",
    };
    char want[128];

    (void)state;
    for (size_t i = 0; i < sizeof(mails) / sizeof(mails[0]); i++) {
        (void)snprintf(want, sizeof(want), "email:%s ", mails[i]);
        finds(mails[i], want);
    }
    finds("pkg@1.2.3 @scope/x a@b x@[1.2.3.4]", "");
    finds("\xe8\xaf\xb7"
          "bob@x.example\xe8\xaf\xb7",
          "email:bob@x.example ");
    finds("...bob@x.example...", "email:bob@x.example ");
}

/* ---- accounts ------------------------------------------------------------ */

static void account_and_wallet_have_their_checksum(void **state)
{
    static const char *const good[] = {
        "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
        "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
        "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
        "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        "0xde0B295669a9FD93d5F28D9Ec85E40f4cb697BAe",
    };
    char text[128], want[128];

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        (void)snprintf(want, sizeof(want), "wallet:%s ", good[i]);
        finds(good[i], want);
        (void)snprintf(text, sizeof(text), "to bitcoin:%s, now", good[i]);
        finds(text, want);
        (void)snprintf(text, sizeof(text), "%s0", good[i]);
        finds(text, "");
        (void)snprintf(text, sizeof(text), "%s", good[i]);
        text[10] = text[10] == 'p' ? 'q' : 'p';
        finds(text, "");
    }
    finds("DE89 3704 0044 0532 0130 00, de89 3704 0044 0532 0130 00 is",
          "account:DE89 3704 0044 0532 0130 00 account:de89 3704 0044 0532 "
          "0130 00 ");
    finds("GB28 NWBK 6016 1331 9268 19", "");
    finds("DE89 3704 0044 0532 0130 00 2026 was",
          "account:DE89 3704 0044 0532 0130 00 ");
    finds("GB29  NWBK 6016 1331 9268 19 ab12 cdef ghij klmn", "");
    finds("0123456789abcdef0123456789abcdef 0x1234", "");
}

static void code_inside_of_a_link_is_found_when_asked_for(void **state)
{
    struct list l = {0};

    (void)state;
    (void)shapes_secret_in(
        TS_STR_LIT("https://e.com/?c=123456 a@b.cc 4929-3813-3266-4295"), note,
        &l);
    assert_string_equal(l.text, "code:123456 card:4929-3813-3266-4295 ");
}

/* ---- work ---------------------------------------------------------------- */

static bool take(void *ctx, enum shape s, struct ts_str t)
{
    (void)s;
    (void)t;
    ++*(uint32_t *)ctx;
    return true;
}

/* What makes a search begin again and again, repeated: twice the length is
 * twice the work, and that is a few looks at each byte. */
static void work_is_linear_in_the_length(void **state)
{
    static const char *const units[] = {
        "a",
        "1",
        ".",
        "@",
        "a@",
        "a.",
        "a.b@",
        "www.a'",
        "www.a\"",
        "https:",
        "https:/",
        "https://a'",
        "a://",
        "/",
        "//a.md",
        "a-",
        "_",
        "a_.",
        "[",
        "[.]",
        "(.)",
        "[:",
        "[1:",
        "data:",
        "data:a",
        "data:a/",
        "mailto:",
        "mailto:a%4",
        "tel:",
        "a.com",
        "a.com.A",
        "a.com.a",
        "1.",
        "1.1.1.1:",
        "1.1.1.1/",
        "x.md/",
        "\xc2\xad",
        "\xe4\xbe\x8b",
        "a\xe4\xbe\x8b",
        "\xe4\xbe\x8b.",
        "\xc3\xbc",
        "\xc3\xbc@",
        "\xff",
        "\xe2\x80",
        "DE89 ",
        "DE89370400440",
        "ab12 cdef ",
        "0x",
        "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN",
        "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN ",
        "bc1qq",
        "bc1qqqqqqqqqqqq ",
        "1234-",
        "1234 ",
        "123456",
        "a+",
        "+",
        "javascript:",
        "a\\",
        "\\",
        "http:\\",
        "a.example.",
        "\xef\xbc\x8e",
        "a\xef\xbc\x8e",
        "'@",
        "a'@",
        "a.com/'",
        "www.a.com'b",
        "[::1]",
        "[::1]:",
        "(dot",
        "[do",
        "~",
        "%40",
        "x:y:",
        "a%",
        "\0",
    };
    const size_t half = 1u << 12;
    char *text = ts_mem_alloc(2 * half);

    (void)state;
    assert_non_null(text);
    for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++) {
        const size_t n = strlen(units[u]) + (units[u][0] == '\0');
        uint32_t count = 0;
        size_t once, twice;

        for (size_t i = 0; i < 2 * half; i++)
            text[i] = units[u][i % n];
        once = shapes_in((struct ts_str){text, half}, take, &count);
        twice = shapes_in((struct ts_str){text, 2 * half}, take, &count);
        if (twice > 2 * once + 8192 || once > 100 * half)
            fail_msg("\"%s\": %zu, %zu", units[u], once, twice);
        once = shapes_secret_in((struct ts_str){text, half}, take, &count);
        twice = shapes_secret_in((struct ts_str){text, 2 * half}, take, &count);
        assert_true(twice <= 2 * once + 8192 && once <= 100 * half);
    }
    ts_mem_free(text);
}

/* One long run in front of what would end it well. */
static void long_run_costs_its_length(void **state)
{
    static const char *const ends[] = {"",      "@",   "@a", "@a.b",
                                       "://",   ":",   ".",  ".com",
                                       "'@a.b", "%40", ",x", "]:1"};
    static const char *const begins[] = {
        "", "https://", "www.", "data:", "mailto:", "a@", "[", "//", "tel:1"};
    static const char fill[] = "a1.-_/:@'%[";
    const size_t half = 1u << 12;
    char *text = ts_mem_alloc(2 * half + 64);

    (void)state;
    assert_non_null(text);
    for (size_t b = 0; b < sizeof(begins) / sizeof(begins[0]); b++)
        for (size_t f = 0; f + 1 < sizeof(fill); f++)
            for (size_t e = 0; e < sizeof(ends) / sizeof(ends[0]); e++) {
                size_t work[2];

                for (size_t k = 0; k < 2; k++) {
                    const size_t from = strlen(begins[b]);
                    const size_t n = half * (k + 1), to = strlen(ends[e]);
                    uint32_t count = 0;

                    memcpy(text, begins[b], from);
                    memset(text + from, fill[f], n);
                    memcpy(text + from + n, ends[e], to);
                    work[k] = shapes_in((struct ts_str){text, from + n + to},
                                        take, &count);
                }
                if (work[1] > 2 * work[0] + 8192 || work[0] > 100 * half)
                    fail_msg("%s %c %s: %zu, %zu", begins[b], fill[f], ends[e],
                             work[0], work[1]);
            }
    ts_mem_free(text);
}

static void any_bytes_in_memory_that_ends_with_them(void **state)
{
    static const char sample[] =
        "x https://e.com a@b.cc GB29NWBK60161331926819 1234-5678-1234-5678 "
        "123456 DE89 3704 0044 0532 0130 00 evil[.]com:80/x 1.2.3.4:5 "
        "[::1]:8 x.md/y \xc3\xbc.de \xe4\xbe\x8b.jp mailto:a%40b "
        "data:;x,y 0xde0B295669a9FD93d5F28D9Ec85E40f4cb697BAe e.com.Then";

    (void)state;
    for (size_t n = 0; n < sizeof(sample); n++) {
        for (int flip = 0; flip < 8; flip++) {
            char *copy = ts_mem_alloc(n + 1);
            struct list l = {0};

            assert_non_null(copy);
            memcpy(copy, sample, n);
            if (n > 0)
                copy[n - 1] = (char)(copy[n - 1] ^ 1 << flip);
            (void)shapes_in((struct ts_str){copy, n}, note, &l);
            assert_true(l.count <= 20);
            ts_mem_free(copy);
        }
    }
}

/* Pieces of links, one after the other: what is found is what a second reading
 * of the page finds. */
static void pieces_in_any_order_are_read_as_the_page_says(void **state)
{
    static const char *const pieces[] = {
        "https",
        "://",
        "//",
        "/",
        ":",
        "www.",
        "a",
        "evil",
        "X",
        "7",
        "203",
        ".",
        "..",
        "[.]",
        "(dot)",
        "@",
        "-",
        "_",
        "+",
        "com",
        "md",
        "example",
        "docx",
        "Then",
        " ",
        "\n",
        "'",
        "\"",
        "(",
        ")",
        "<",
        ">",
        "[",
        "]",
        "::1",
        "%40",
        "%",
        "?",
        "#",
        "\\",
        "~",
        "80",
        "data",
        "mailto",
        "tel",
        "javascript",
        ";",
        ",",
        "\xc2\xad",
        "\xe2\x80\x8b",
        "\xc3\xbc",
        "\xe4\xbe\x8b",
        "\xef\xbc\x8e",
        "\xef\xbd\x81",
        "\xe3\x80\x82",
        "\xff",
        "\xe2\x82\xac",
        "\xf0\x9f\x98\x80",
        "xn--",
        "123456",
        "1.2.3.4",
        "DE89370400440532013000",
        "DE89 3704 0044 0532 0130 00",
        "bob",
        "4929381332664295",
        "de",
        "name",
    };
    uint64_t x = 88172645463325252u; /* xorshift */

    (void)state;
    for (int round = 0; round < 5000; round++) {
        struct list ours = {0}, naive = {0};
        char text[512];
        size_t n = 0;

        for (int k = 0; k < 12; k++) {
            const char *piece;

            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            piece = pieces[x % (sizeof(pieces) / sizeof(pieces[0]))];
            memcpy(text + n, piece, strlen(piece));
            n += strlen(piece);
        }
        (void)shapes_in((struct ts_str){text, n}, note, &ours);
        naive_shapes_in((struct ts_str){text, n}, note, &naive);
        if (strcmp(ours.text, naive.text) != 0)
            fail_msg("%.*s: %s, not %s", (int)n, text, ours.text, naive.text);
    }
}

static void names_and_links(void **state)
{
    (void)state;
    for (int s = SHAPE_URL; s <= SHAPE_CODE; s++)
        assert_int_equal(shape_is_link((enum shape)s), s <= SHAPE_HOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_shape_is_found_and_its_neighbours_are_not),
        cmocka_unit_test(one_is_not_inside_another),
        cmocka_unit_test(a_host_behind_a_quotation_mark_is_of_the_link),
        cmocka_unit_test(the_search_ends_when_it_is_told_to),
        cmocka_unit_test(every_scheme_makes_a_link),
        cmocka_unit_test(host_is_one_by_its_last_name),
        cmocka_unit_test(host_ends_where_another_text_begins),
        cmocka_unit_test(address_is_found_whatever_hides_in_it),
        cmocka_unit_test(account_and_wallet_have_their_checksum),
        cmocka_unit_test(code_inside_of_a_link_is_found_when_asked_for),
        cmocka_unit_test(work_is_linear_in_the_length),
        cmocka_unit_test(long_run_costs_its_length),
        cmocka_unit_test(any_bytes_in_memory_that_ends_with_them),
        cmocka_unit_test(pieces_in_any_order_are_read_as_the_page_says),
        cmocka_unit_test(names_and_links),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
