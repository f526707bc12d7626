/* What a manifest says of arguments and output for provenance: read whole, and
 * what cannot be meant is refused with file, line and remedy. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/manifest/manifest.h"
#include "tests/lib/fault_mem.h"

static const struct manifest_facts facts = {.has_broker = true,
                                            .has_token_key = true};

#define HEAD "tool: t\nexec: /x\nargv: [x]\n"

static ts_err load(const char *text, struct manifests **ret, char *err,
                   size_t cap)
{
    struct bundle_file f = {ts_str_of("tools/t.yaml"), ts_str_of(text)};
    const struct bundle b = {.files = &f, .count = 1};
    ts_err e = manifests_load(&b, &facts, 1, ret, err, cap);

    if (e != TS_OK || (*ret)->refused_count == 0)
        return e;
    (void)snprintf(err, cap, "%s", (*ret)->refused[0].text.ptr);
    manifests_free(*ret);
    *ret = NULL;
    return TS_E_FORMAT;
}

static struct manifests *loaded(const char *text)
{
    struct manifests *m = NULL;
    char err[512] = "";

    if (load(text, &m, err, sizeof(err)) != TS_OK)
        fail_msg("%s", err);
    return m;
}

static void output_that_is_not_declared_is_untrusted_text(void **state)
{
    struct manifests *m = loaded(HEAD);
    const struct manifest_output *o = &m->list[0].output;

    (void)state;
    assert_false(o->declared);
    assert_int_equal(o->format, OUTPUT_TEXT);
    assert_int_equal(o->integrity, OUTPUT_UNTRUSTED);
    assert_int_equal(o->confidentiality, OUTPUT_OF_RESOURCE);
    assert_int_equal(o->untrusted.count + o->trusted.count + o->ids.count +
                         o->secret.count,
                     0);
    manifests_free(m);
}

static void output_is_read_whole(void **state)
{
    struct manifests *m =
        loaded(HEAD "output:\n  format: json\n  integrity: trusted\n"
                    "  untrusted: [\"/*/body\", \"/a~1b/~0\"]\n"
                    "  ids: [\"\"]\n  secret: [/0]\n"
                    "  selectors:\n    email: [\"/*/to\", \"/*/cc\"]\n"
                    "    date: [\"/*/on\"]\n"
                    "  vouches: [\"/*/id\"]\n"
                    "  confidentiality: private\n");
    const struct manifest_output *o = &m->list[0].output;

    (void)state;
    assert_true(o->declared);
    assert_int_equal(o->format, OUTPUT_JSON);
    assert_int_equal(o->integrity, OUTPUT_TRUSTED);
    assert_int_equal(o->untrusted.count, 2);
    assert_true(ts_str_eq_c(o->untrusted.list[0], "/*/body"));
    assert_true(ts_str_eq_c(o->untrusted.list[1], "/a~1b/~0"));
    assert_int_equal(o->ids.count, 1);
    assert_int_equal(o->ids.list[0].len, 0);
    assert_int_equal(o->secret.count, 1);
    assert_true(ts_str_eq_c(o->secret.list[0], "/0"));
    assert_int_equal(o->trusted.count, 0);
    assert_int_equal(o->selectors[MANIFEST_FORM_EMAIL].count, 2);
    assert_true(
        ts_str_eq_c(o->selectors[MANIFEST_FORM_EMAIL].list[1], "/*/cc"));
    assert_int_equal(o->selectors[MANIFEST_FORM_DATE].count, 1);
    assert_int_equal(o->selectors[MANIFEST_FORM_NAME].count +
                         o->selectors[MANIFEST_FORM_ACCOUNT].count +
                         o->selectors[MANIFEST_FORM_NUMBER].count,
                     0);
    assert_int_equal(o->vouches.count, 1);
    assert_true(ts_str_eq_c(o->vouches.list[0], "/*/id"));
    assert_int_equal(o->confidentiality, OUTPUT_PRIVATE);
    manifests_free(m);
    m = loaded(HEAD "output: {integrity: trusted, vouches: [\"\"]}\n");
    assert_int_equal(m->list[0].output.vouches.count, 1);
    manifests_free(m);
}

static void output_every_word_is_read(void **state)
{
    static const char *const words[] = {"resource", "public", "internal",
                                        "private", "secret"};
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct manifests *m;

        (void)snprintf(text, sizeof(text),
                       HEAD "output: {confidentiality: %s}\n", words[i]);
        m = loaded(text);
        assert_int_equal(m->list[0].output.confidentiality, i);
        assert_true(m->list[0].output.declared);
        manifests_free(m);
    }
}

static void output_is_withheld_as_it_says(void **state)
{
    static const struct {
        const char *text;
        enum output_withhold is;
        uint32_t bytes;
    } rows[] = {{"{integrity: trusted}", WITHHOLD_DERIVED, 0},
                {"{withhold: never}", WITHHOLD_NEVER, 0},
                {"{withhold: secret}", WITHHOLD_SECRET, 0},
                {"{withhold: always}", WITHHOLD_ALWAYS, 0},
                {"{withhold: over 0}", WITHHOLD_OVER, 0},
                {"{withhold: over 65536}", WITHHOLD_OVER, 65536},
                {"{withhold: \"over 262144\"}", WITHHOLD_OVER, 262144}};
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct manifests *m;

        (void)snprintf(text, sizeof(text), HEAD "output: %s\n", rows[i].text);
        m = loaded(text);
        assert_int_equal(m->list[0].output.withhold, rows[i].is);
        assert_int_equal(m->list[0].output.withhold_bytes, rows[i].bytes);
        manifests_free(m);
    }
}

static void arguments_are_authority_unless_they_are_content(void **state)
{
    struct manifests *m = loaded(
        HEAD "args:\n  a: {type: string}\n  b: {role: content, type: json}\n"
             "  c: {type: strings, role: authority, match: id}\n"
             "  d: {match: value, type: url}\n"
             "  e: {max: 10.5, type: decimal, min: -0.0001}\n"
             "  f: {type: decimal}\n  g: {type: decimal, min: '3'}\n"
             "  h: {type: json, min: 2, max: 9}\n");
    const struct manifest_arg *a = m->list[0].args;

    (void)state;
    assert_int_equal(m->list[0].arg_count, 8);
    assert_true(a[0].role == ROLE_AUTHORITY && !a[0].is_id);
    assert_true(a[1].role == ROLE_CONTENT && a[1].type == ARG_JSON);
    assert_int_equal(a[1].max, 65536);
    assert_true(a[2].role == ROLE_AUTHORITY && a[2].is_id);
    assert_false(a[3].is_id);
    assert_int_equal(a[4].type, ARG_DECIMAL);
    assert_int_equal(a[4].min, -1);
    assert_int_equal(a[4].max, 105000);
    assert_true(a[5].min == INT64_MIN && a[5].max == INT64_MAX);
    assert_true(a[6].min == 30000 && a[6].max == INT64_MAX);
    assert_true(a[7].min == 2 && a[7].max == 9);
    manifests_free(m);
}

#define OUT   HEAD "output: "
#define JSON  HEAD "output: {format: json, "
#define ARG   HEAD "args:\n  a: {"
#define LINE4 "tools/t.yaml:4: "
#define LINE5 "tools/t.yaml:5: "

static const struct {
    const char *text, *says;
} mistakes[] = {
    {OUT "json\n", LINE4 "output: expected"},
    {OUT "{form: json}\n",
     LINE4 "unknown key \"form\" in output (did you mean \"format\"?)"},
    {OUT "{format: xml}\n", LINE4 "format must be text or json"},
    {OUT "{integrity: maybe}\n",
     LINE4 "integrity must be untrusted or trusted"},
    {OUT "{confidentiality: top}\n",
     LINE4 "confidentiality must be resource, public, internal, private or "
           "secret"},
#define OVER LINE4 "expected never, secret, always, or \"over N\" with N bytes"
    {OUT "{withhold: maybe}\n", OVER},
    {OUT "{withhold: over}\n", OVER},
    {OUT "{withhold: over 01}\n", OVER},
    {OUT "{withhold: over 1k}\n", OVER},
    {OUT "{withhold: over 262145}\n", OVER},
    {OUT "{withhold: over 99999999}\n", OVER},
    {OUT "{withhold: over -1}\n", OVER},
    {OUT "{withhold: [always]}\n", OVER},
    {OUT "{withhold: secret, confidentiality: private}\n",
     LINE4 "output: withhold says secret, and nothing of the output is"},
    {HEAD "output:\n  ids: [/0]\n",
     LINE5 "output: ids points into JSON; say format: json, or remove it"},
    {OUT "{untrusted: [/0], integrity: trusted}\n",
     LINE4 "output: untrusted points into JSON"},
    {OUT "{trusted: [/0]}\n", LINE4 "output: trusted points into JSON"},
    {OUT "{secret: [/0]}\n", LINE4 "output: secret points into JSON"},
    {JSON "untrusted: [/0]}\n",
     LINE4 "output: untrusted lists exceptions of integrity: trusted; say "
           "that, or remove it: all of the output is untrusted"},
    {JSON "trusted: [/0], integrity: trusted}\n",
     LINE4 "output: trusted lists exceptions of integrity: untrusted; remove "
           "it: all of the output is trusted"},
    {JSON "untrusted: [/0, \"\"], integrity: trusted}\n",
     LINE4 "output: untrusted holds \"\", which is everything; say integrity: "
           "untrusted instead"},
    {JSON "trusted: [\"\"]}\n",
     LINE4 "output: trusted holds \"\", which is everything; say integrity: "
           "trusted instead"},
    {OUT "{selectors: {name: [/0]}}\n",
     LINE4 "output: selectors points into JSON"},
    {OUT "{format: json, integrity: trusted, selectors: {name: [/0]}}\n",
     LINE4 "output: selectors adds nothing: all of the output is trusted"},
    {JSON "vouches: [/0]}\n",
     LINE4 "output: vouches adds nothing: none of the output is trusted"},
    {OUT "{integrity: trusted, vouches: [/0]}\n",
     LINE4 "output: vouches points into JSON; say format: json, or [\"\"]"},
    {OUT "{integrity: trusted, vouches: [\"\", /0]}\n",
     LINE4 "output: vouches points into JSON"},
    {OUT "{integrity: trusted, vouches: yes}\n", LINE4 "expected a list"},
    {JSON "selectors: {mail: [/0]}}\n", LINE4 "unknown key"},
    {JSON "selectors: {email: /0}}\n", LINE4 "expected a list"},
    {JSON "selectors: {email: [a]}}\n",
     LINE4 "\"a\" is not a pointer (RFC 6901)"},
    {JSON "secret: [\"\"]}\n",
     LINE4 "output: secret holds \"\", which is everything; say "
           "confidentiality: secret instead"},
    {JSON "secret: [/0], confidentiality: secret}\n",
     LINE4 "output: secret adds nothing to confidentiality: secret"},
    {JSON "ids: []}\n", LINE4 "expected a list of 1 to 64 pointers"},
    {JSON "ids: /0}\n", LINE4 "expected a list of 1 to 64 pointers"},
    {JSON "ids: [body]}\n", LINE4 "\"body\" is not a pointer (RFC 6901)"},
    {JSON "ids: [/a~2]}\n", LINE4 "\"/a~2\" is not a pointer"},
    {JSON "ids: [/a~]}\n", LINE4 "\"/a~\" is not a pointer"},
    {JSON "ids: [[/a]]}\n", LINE4 "expected a pointer in quotes"},
    {JSON "ids: [~]}\n", LINE4 "\"~\" is not a pointer"},
    {JSON "ids: [/a, /b, /a]}\n", LINE4 "\"/a\" stands twice in this list"},
    {ARG "type: string, role: none}\n",
     LINE5 "role must be authority or content"},
    {ARG "type: string, match: text}\n", LINE5 "match must be value or id"},
    {ARG "type: bool, match: id}\n",
     LINE5 "match: id belongs to types string, strings and int; remove it"},
    {ARG "type: decimal, match: id}\n", LINE5 "match: id belongs"},
    {ARG "type: json, match: id}\n", LINE5 "match: id belongs"},
    {ARG "type: path, match: id}\n", LINE5 "match: id belongs"},
    {ARG "type: url, match: id}\n", LINE5 "match: id belongs"},
    {ARG "type: string, match: id, role: content}\n",
     LINE5 "match: id says what a call is about, which is authority; remove it "
           "or role: content"},
    {ARG "type: decimal, min: 0.12345}\n",
     LINE5 "min must be a number with at most four fraction digits"},
    {ARG "type: decimal, max: 1e3}\n", LINE5 "max must be a number"},
    {ARG "type: decimal, min: 2, max: 1.5}\n",
     LINE5 "min and max must be in order"},
    {ARG "type: decimal, max: 922337203685477.5808}\n",
     LINE5 "max must be a number"},
    {ARG "type: int, min: 0.5}\n", LINE5 "min must be a whole number"},
    {ARG "type: json, max: 65537}\n", LINE5 "min and max must be in order and"},
    {ARG "type: bool, min: 0}\n", LINE5 "a bool has no min or max"},
    {ARG "type: json, one_of: [a]}\n", LINE5 "one_of belongs"},
    {ARG "type: decimal, max_items: 2}\n", LINE5 "max_items belongs"},
    {HEAD "args: {u: {type: url, required: true, role: content}}\n"
          "resource: {type: Url, arg: u}\n",
     LINE5 "resource: what a call is about is authority; remove role: content"},
    {"tool: t\nexec: /x\nargv: [x, '{a...}']\nargs: {a: {type: json}}\n",
     "tools/t.yaml:3: argv: \"{a...}\" must be"},
};

static void what_cannot_be_meant_is_refused_with_its_line(void **state)
{
    char err[512];

    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct manifests *m = NULL;

        if (load(mistakes[i].text, &m, err, sizeof(err)) != TS_E_FORMAT)
            fail_msg("served: %s", mistakes[i].text);
        if (strncmp(err, mistakes[i].says, strlen(mistakes[i].says)) != 0)
            fail_msg("got: %s\nnot: %s", err, mistakes[i].says);
    }
}

/* One more than each limit allows is refused, the limit itself is not. */
static void output_lists_and_pointers_are_bounded(void **state)
{
    char text[8192], err[512];

    (void)state;
    for (size_t over = 0; over < 2; over++) {
        struct manifests *m = NULL;
        size_t at;

        at = (size_t)snprintf(text, sizeof(text), JSON "ids: [/x");
        for (size_t i = 1; i < MANIFEST_PATTERNS_MAX + over; i++)
            at += (size_t)snprintf(text + at, sizeof(text) - at, ", /%zu", i);
        (void)snprintf(text + at, sizeof(text) - at, "]}\n");
        assert_int_equal(load(text, &m, err, sizeof(err)),
                         over ? TS_E_FORMAT : TS_OK);
        manifests_free(m);
        m = NULL;
        at = (size_t)snprintf(text, sizeof(text), JSON "ids: [\"/");
        memset(text + at, 'a', MANIFEST_PATTERN_MAX - 1 + over);
        at += MANIFEST_PATTERN_MAX - 1 + over;
        (void)snprintf(text + at, sizeof(text) - at, "\"]}\n");
        assert_int_equal(load(text, &m, err, sizeof(err)),
                         over ? TS_E_FORMAT : TS_OK);
        manifests_free(m);
        m = NULL;
        at = (size_t)snprintf(text, sizeof(text), JSON "ids: [\"");
        for (size_t i = 0; i < 64 + over; i++)
            at += (size_t)snprintf(text + at, sizeof(text) - at, "/a");
        (void)snprintf(text + at, sizeof(text) - at, "\"]}\n");
        assert_int_equal(load(text, &m, err, sizeof(err)),
                         over ? TS_E_FORMAT : TS_OK);
        manifests_free(m);
    }
}

static const char rich[] =
    HEAD "args:\n  a: {type: decimal, min: 0.5}\n"
         "  b: {type: json, role: content}\n"
         "output: {format: json, integrity: trusted, untrusted: [/a, /b], "
         "ids: [/c], secret: [/d]}\n";

static ts_err load_rich(const void *arg)
{
    struct manifests *m = NULL;
    char err[512];
    ts_err e = load(rich, &m, err, sizeof(err));

    (void)arg;
    manifests_free(m);
    return e;
}

static void output_out_of_memory_anywhere_leaks_nothing(void **state)
{
    (void)state;
    fault_mem_sweep(load_rich, NULL, TS_OK, 2);
}

/* A damaged manifest is read or refused; what is read keeps the rules. */
static void output_bit_flips_and_truncations_never_break_the_rules(void **state)
{
    char text[sizeof(rich)], err[512];

    (void)state;
    for (size_t bit = 0; bit < 8 * (sizeof(rich) - 1) + sizeof(rich); bit++) {
        struct bundle_file f = {TS_STR_LIT("tools/t.yaml"),
                                {text, sizeof(rich) - 1}};
        const struct bundle b = {.files = &f, .count = 1};
        const struct manifest_output *o;
        struct manifests *m = NULL;

        memcpy(text, rich, sizeof(rich));
        if (bit < 8 * (sizeof(rich) - 1))
            text[bit / 8] ^= (char)(1 << bit % 8);
        else
            f.content.len = bit - 8 * (sizeof(rich) - 1);
        assert_int_equal(manifests_load(&b, &facts, 1, &m, err, sizeof(err)),
                         TS_OK);
        assert_int_equal(m->count + m->refused_count, 1);
        o = &m->list[0].output;
        if (m->count == 1) {
            assert_true(o->untrusted.count == 0 ||
                        o->integrity == OUTPUT_TRUSTED);
            assert_true(o->ids.count == 0 || o->format == OUTPUT_JSON);
            assert_true(o->declared || o->format == OUTPUT_TEXT);
        }
        manifests_free(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_that_is_not_declared_is_untrusted_text),
        cmocka_unit_test(output_is_read_whole),
        cmocka_unit_test(output_every_word_is_read),
        cmocka_unit_test(output_is_withheld_as_it_says),
        cmocka_unit_test(arguments_are_authority_unless_they_are_content),
        cmocka_unit_test(what_cannot_be_meant_is_refused_with_its_line),
        cmocka_unit_test(output_lists_and_pointers_are_bounded),
        cmocka_unit_test(output_out_of_memory_anywhere_leaks_nothing),
        cmocka_unit_test(
            output_bit_flips_and_truncations_never_break_the_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
