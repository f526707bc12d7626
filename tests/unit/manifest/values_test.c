/* Values of types decimal and json: exact, and one text for one value. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire/mp_write.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/manifest/manifest.h"
#include "sidecar/gate/provenance/leaves.h"
#include "tests/lib/fault_mem.h"

static uint64_t seed = 0x9e3779b97f4a7c15u;

static uint64_t next(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Decimals ----------------------------------------------------------------- */

static void decimal_of_every_text_is_exact(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
        const char *canonical;
    } rows[] = {
        {"0", 0, "0"},
        {"-0", 0, "0"},
        {"-0.0", 0, "0"},
        {"12", 120000, "12"},
        {"12.5", 125000, "12.5"},
        {"12.50", 125000, "12.5"},
        {"12.5000", 125000, "12.5"},
        {"0.0001", 1, "0.0001"},
        {"-0.0001", -1, "-0.0001"},
        {"-7.25", -72500, "-7.25"},
        {"100", 1000000, "100"},
        {"922337203685477.5807", INT64_MAX, "922337203685477.5807"},
        {"-922337203685477.5808", INT64_MIN, "-922337203685477.5808"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[DECIMAL_TEXT_MAX];
        int64_t v = 42;
        size_t len;

        assert_int_equal(decimal_parse(ts_str_of(rows[i].text), &v), TS_OK);
        assert_true(v == rows[i].value);
        len = decimal_text(v, text);
        assert_int_equal(len, strlen(rows[i].canonical));
        assert_memory_equal(text, rows[i].canonical, len);
    }
}

static void decimal_of_another_text_is_refused(void **state)
{
    static const struct {
        const char *text;
        ts_err e;
    } rows[] = {
        {"", TS_E_FORMAT},
        {"-", TS_E_FORMAT},
        {".", TS_E_FORMAT},
        {"1.", TS_E_FORMAT},
        {".5", TS_E_FORMAT},
        {"+1", TS_E_FORMAT},
        {" 1", TS_E_FORMAT},
        {"1 ", TS_E_FORMAT},
        {"01", TS_E_FORMAT},
        {"00", TS_E_FORMAT},
        {"--1", TS_E_FORMAT},
        {"1e3", TS_E_FORMAT},
        {"1,5", TS_E_FORMAT},
        {"1.2.3", TS_E_FORMAT},
        {"1.23456", TS_E_FORMAT},
        {"0x10", TS_E_FORMAT},
        {"nan", TS_E_FORMAT},
        {"922337203685477.5808", TS_E_LIMIT},
        {"-922337203685477.5809", TS_E_LIMIT},
        {"9223372036854775807", TS_E_LIMIT},
        {"99999999999999999999999", TS_E_LIMIT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t v = 42;

        if (decimal_parse(ts_str_of(rows[i].text), &v) != rows[i].e)
            fail_msg("\"%s\"", rows[i].text);
        assert_int_equal(v, 42);
    }
}

static void decimal_texts_and_floats_read_back_as_the_same(void **state)
{
    char text[DECIMAL_TEXT_MAX];

    (void)state;
    for (int i = 0; i < 200000; i++) {
        int64_t v = (int64_t)(next() >> (next() % 64)), back = 0;
        int64_t small = v % 1000000000000000;

        if (next() % 2 != 0) {
            v = -v;
            small = -small;
        }
        assert_int_equal(
            decimal_parse((struct ts_str){text, decimal_text(v, text)}, &back),
            TS_OK);
        assert_true(back == v);
        assert_int_equal(decimal_of_float((double)small / 10000, &back), TS_OK);
        assert_true(back == small);
    }
}

static void decimal_of_a_float_that_is_none_is_refused(void **state)
{
    static const struct {
        double v;
        ts_err e;
    } rows[] = {
        {0.00001, TS_E_FORMAT},
        {1.0 / 3, TS_E_FORMAT},
        {5e-324, TS_E_FORMAT},
        {0.1 + 0.2, TS_E_FORMAT},
        {1.00005, TS_E_FORMAT},
        {1e11, TS_E_LIMIT},
        {-1e11, TS_E_LIMIT},
        {1.7976931348623157e308, TS_E_LIMIT},
        {__builtin_inf(), TS_E_LIMIT},
        {-__builtin_inf(), TS_E_LIMIT},
        {__builtin_nan(""), TS_E_LIMIT},
    };
    int64_t v = 42;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (decimal_of_float(rows[i].v, &v) != rows[i].e)
            fail_msg("%.17g", rows[i].v);
        assert_int_equal(v, 42);
    }
    assert_int_equal(decimal_of_float(-0.0, &v), TS_OK);
    assert_int_equal(v, 0);
    assert_int_equal(decimal_of_float(99999999999.9999, &v), TS_OK);
    assert_true(v == 999999999999999);
}

/* JSON --------------------------------------------------------------------- */

static ts_err json_of(const void *bytes, size_t len, size_t max, char *out,
                      size_t cap)
{
    struct ts_arena a;
    struct ts_str s;
    ts_err e;

    ts_arena_init(&a, 1 << 20);
    e = manifest_json((struct ts_bytes){bytes, len}, max, &a, &s);
    if (e == TS_OK) {
        assert_true(s.len > 0 && s.len < cap && s.len <= max);
        memcpy(out, s.ptr, s.len);
        out[s.len] = '\0';
        if (leaves_check(s) != TS_OK)
            fail_msg("no JSON: %s", out);
    }
    ts_arena_done(&a);
    return e;
}

static void put_float(struct mp_writer *w, uint64_t bits)
{
    uint8_t raw[9] = {0xcb};

    for (int i = 0; i < 8; i++)
        raw[1 + i] = (uint8_t)(bits >> (56 - 8 * i));
    mp_write_raw(w, raw, sizeof(raw));
}

/* RFC 8785, appendix B; but for denormal floats, which have 15 digits here. */
static void json_floats_are_written_as_rfc_8785_says(void **state)
{
    static const struct {
        uint64_t bits;
        const char *text;
    } rows[] = {
        {0x0000000000000000, "0"},
        {0x8000000000000000, "0"},
        {0x7fefffffffffffff, "1.7976931348623157e+308"},
        {0xffefffffffffffff, "-1.7976931348623157e+308"},
        {0x4340000000000000, "9007199254740992"},
        {0xc340000000000000, "-9007199254740992"},
        {0x4430000000000000, "295147905179352830000"},
        {0x44b52d02c7e14af5, "9.999999999999997e+22"},
        {0x44b52d02c7e14af6, "1e+23"},
        {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
        {0x444b1ae4d6e2ef4e, "999999999999999700000"},
        {0x444b1ae4d6e2ef4f, "999999999999999900000"},
        {0x444b1ae4d6e2ef50, "1e+21"},
        {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
        {0x3eb0c6f7a0b5ed8d, "0.000001"},
        {0x41b3de4355555553, "333333333.3333332"},
        {0x41b3de4355555554, "333333333.33333325"},
        {0x41b3de4355555555, "333333333.3333333"},
        {0x41b3de4355555556, "333333333.3333334"},
        {0x41b3de4355555557, "333333333.33333343"},
        {0xbecbf647612f3696, "-0.0000033333333333333333"},
        {0x43143ff3c1cb0959, "1424953923781206.2"},
        {0x0000000000000001, "4.94065645841247e-324"},
        {0x0010000000000000, "2.2250738585072014e-308"},
        {0x3ff0000000000000, "1"},
        {0x4024000000000000, "10"},
        {0x3fb999999999999a, "0.1"},
        {0xbfe0000000000000, "-0.5"},
        {0x40934a0000000000, "1234.5"},
    };
    uint8_t bytes[16];
    char out[64];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mp_writer w;
        size_t len = 0;

        mp_writer_init(&w, bytes, sizeof(bytes));
        put_float(&w, rows[i].bits);
        assert_int_equal(mp_written(&w, &len), TS_OK);
        assert_int_equal(json_of(bytes, len, 64, out, sizeof(out)), TS_OK);
        assert_string_equal(out, rows[i].text);
    }
}

/* The same members in whatever order: one text. */
static size_t sample(uint8_t *bytes, size_t cap, bool reversed)
{
    static const char *const keys[] = {"", "a", "b", "aa", "B", "\xc3\xa9"};
    struct mp_writer w;
    size_t len = 0;

    mp_writer_init(&w, bytes, cap);
    mp_write_map(&w, 6);
    for (size_t i = 0; i < 6; i++) {
        size_t k = reversed ? 5 - i : i;

        mp_write_cstr(&w, keys[k]);
        switch (k) {
        case 0:
            mp_write_nil(&w);
            break;
        case 1:
            mp_write_array(&w, 4);
            mp_write_uint(&w, UINT64_MAX);
            mp_write_int(&w, INT64_MIN);
            mp_write_bool(&w, true);
            mp_write_map(&w, 0);
            break;
        case 2:
            put_float(&w, 0x4029000000000000);
            break;
        case 3:
            mp_write_str(&w, "\"\\\b\t\n\f\r\x01\x1f\x7f/\0z\xe2\x80\xa8", 16);
            break;
        case 4:
            mp_write_bool(&w, false);
            break;
        default:
            mp_write_array(&w, 0);
            break;
        }
    }
    assert_int_equal(mp_written(&w, &len), TS_OK);
    return len;
}

static const char sample_json[] =
    "{\"\":null,\"B\":false,\"a\":[18446744073709551615,-9223372036854775808,"
    "true,{}],\"aa\":\"\\\"\\\\\\b\\t\\n\\f\\r\\u0001\\u001f\x7f/"
    "\\u0000z\xe2\x80\xa8\",\"b\":12.5,\"\xc3\xa9\":[]}";

static void json_of_one_value_is_one_text(void **state)
{
    uint8_t bytes[256];
    char out[512];
    size_t len;

    (void)state;
    for (int reversed = 0; reversed < 2; reversed++) {
        len = sample(bytes, sizeof(bytes), reversed != 0);
        assert_int_equal(json_of(bytes, len, 65536, out, sizeof(out)), TS_OK);
        assert_string_equal(out, sample_json);
        assert_int_equal(
            json_of(bytes, len, sizeof(sample_json) - 1, out, sizeof(out)),
            TS_OK);
        for (size_t max = 0; max < sizeof(sample_json) - 1; max++)
            assert_int_equal(json_of(bytes, len, max, out, sizeof(out)),
                             TS_E_LIMIT);
    }
}

static void json_of_damaged_bytes_is_refused_or_json(void **state)
{
    uint8_t bytes[256], bad[256];
    size_t len = sample(bytes, sizeof(bytes), false);
    char out[2048];

    (void)state;
    for (size_t cut = 0; cut < len; cut++)
        assert_int_not_equal(json_of(bytes, cut, 65536, out, sizeof(out)),
                             TS_OK);
    for (size_t bit = 0; bit < len * 8; bit++) {
        memcpy(bad, bytes, len);
        bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (json_of(bad, len, 65536, out, sizeof(out)) == TS_OK)
            assert_string_not_equal(out, sample_json);
    }
}

static void json_of_bytes_or_two_values_is_refused(void **state)
{
    static const uint8_t bin[] = {0x81, 0xa1, 'a', 0xc4, 0x01, 0x00};
    static const uint8_t two[] = {0x01, 0x02};
    char out[64];

    (void)state;
    assert_int_equal(json_of(bin, sizeof(bin), 64, out, 64), TS_E_FORMAT);
    assert_int_equal(json_of(two, sizeof(two), 64, out, 64), TS_E_FORMAT);
    assert_int_equal(json_of("", 0, 64, out, 64), TS_E_FORMAT);
}

/* Values in a call --------------------------------------------------------- */

static const struct manifest_facts facts = {.has_broker = true,
                                            .has_token_key = true};
static const char tool[] =
    "tool: t\nexec: /x\nargv: [x, '--sum={d}', '{j}', '{d}']\n"
    "args:\n  d: {type: decimal, min: -1.5, max: 5000, allow_dash: true}\n"
    "  j: {type: json, min: 2, max: 40}\n"
    "  s: {type: decimal}\n";

static struct manifests *tools_of(const char *text)
{
    struct bundle_file f = {TS_STR_LIT("tools/t.yaml"), ts_str_of(text)};
    const struct bundle b = {.files = &f, .count = 1};
    struct manifests *m = NULL;
    char err[512];

    if (manifests_load(&b, &facts, 1, &m, err, sizeof(err)) != TS_OK ||
        m->refused_count != 0)
        return NULL;
    return m;
}

static struct manifests *tools(void)
{
    return tools_of(tool);
}

/* argv of a call with these arguments, "|" behind each word, or the text of the
 * refusal. */
static const char *called(const struct manifest *m, const uint8_t *args,
                          size_t len)
{
    static char out[512];
    struct call_args c;
    struct ts_arena a;
    char **argv = NULL;
    uint32_t argc = 0;
    size_t at = 0;

    ts_arena_init(&a, 1 << 20);
    out[0] = '\0';
    if (manifest_args(m, (struct ts_bytes){args, len}, &a, &c, out,
                      sizeof(out)) == TS_OK) {
        assert_int_equal(manifest_argv(m, &c, &a, &argv, &argc), TS_OK);
        for (uint32_t i = 0; i < argc; i++)
            at += (size_t)snprintf(out + at, sizeof(out) - at, "%s|", argv[i]);
    }
    ts_arena_done(&a);
    return out;
}

enum form {
    FORM_INT,
    FORM_FLOAT,
    FORM_TEXT,
    FORM_BOOL
};

static const char *decimal_call(const struct manifest *m, const char *name,
                                enum form form, const char *text)
{
    uint8_t args[128];
    struct mp_writer w;
    double f = strtod(text, NULL);
    uint64_t bits;
    size_t len = 0;

    mp_writer_init(&w, args, sizeof(args));
    mp_write_map(&w, 1);
    mp_write_cstr(&w, name);
    memcpy(&bits, &f, sizeof(bits));
    if (form == FORM_INT)
        mp_write_int(&w, strtoll(text, NULL, 10));
    else if (form == FORM_FLOAT)
        put_float(&w, bits);
    else if (form == FORM_TEXT)
        mp_write_cstr(&w, text);
    else
        mp_write_bool(&w, true);
    assert_int_equal(mp_written(&w, &len), TS_OK);
    return called(m, args, len);
}

static void decimal_arguments_are_checked_and_passed_as_text(void **state)
{
    static const char no_number[] =
        "argument \"d\" must be a number with at most four fraction digits, "
        "as a number or a text like \"12.50\"";
    static const char too_long[] =
        "argument \"s\" has too many digits to be exact; a text holds up to "
        "922337203685477.5807";
    static const struct {
        const char *name;
        enum form form;
        const char *value, *want;
    } rows[] = {
        {"d", FORM_INT, "12", "x|--sum=12|12|"},
        {"d", FORM_FLOAT, "12.5", "x|--sum=12.5|12.5|"},
        {"d", FORM_FLOAT, "0.1", "x|--sum=0.1|0.1|"},
        {"d", FORM_TEXT, "12.50", "x|--sum=12.5|12.5|"},
        {"d", FORM_TEXT, "-1.5000", "x|--sum=-1.5|-1.5|"},
        {"d", FORM_FLOAT, "5000", "x|--sum=5000|5000|"},
        {"d", FORM_FLOAT, "5000.0001",
         "argument \"d\" must be from -1.5 to 5000"},
        {"d", FORM_INT, "-2", "argument \"d\" must be from -1.5 to 5000"},
        {"d", FORM_TEXT, "-1.5001", "argument \"d\" must be from -1.5 to 5000"},
        {"d", FORM_FLOAT, "0.00001", no_number},
        {"d", FORM_TEXT, "1e3", no_number},
        {"d", FORM_TEXT, "12 ", no_number},
        {"d", FORM_TEXT, "000000000000000000000000000000", no_number},
        {"d", FORM_BOOL, "", no_number},
        {"s", FORM_INT, "9223372036854775807", too_long},
        {"s", FORM_INT, "-922337203685478", too_long},
        {"s", FORM_FLOAT, "1e300", too_long},
        {"s", FORM_TEXT, "999999999999999999", too_long},
        {"s", FORM_INT, "922337203685477", "x|"},
    };
    struct manifests *m = tools();

    (void)state;
    assert_non_null(m);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(decimal_call(&m->list[0], rows[i].name,
                                         rows[i].form, rows[i].value),
                            rows[i].want);
    manifests_free(m);
}

static void json_arguments_are_one_word_of_their_length(void **state)
{
    struct manifests *m = tools();
    uint8_t args[128];
    size_t len;

    (void)state;
    assert_non_null(m);
    for (uint32_t texts = 0; texts < 3; texts++) {
        struct mp_writer w;

        mp_writer_init(&w, args, sizeof(args));
        mp_write_map(&w, 1);
        mp_write_cstr(&w, "j");
        if (texts == 0)
            mp_write_uint(&w, 7); /* one byte */
        mp_write_array(&w, texts);
        for (uint32_t i = 0; texts > 0 && i < texts; i++)
            mp_write_cstr(&w, texts == 1 ? "a b" : "12345678901234567890");
        len = 0;
        assert_int_equal(mp_written(&w, &len), TS_OK);
        assert_string_equal(
            called(&m->list[0], args, texts == 0 ? len - 1 : len),
            texts == 1 ? "x|[\"a b\"]|"
                       : "argument \"j\" must have 2 to 40 bytes as JSON");
    }
    manifests_free(m);
}

/* What `log: full` wrote is the same value when it is read back. */
static void recorded_arguments_read_back_as_they_were(void **state)
{
    static const char *const texts[] = {"{\"a\":[1,12.5]}", "\"text\"", "12"};
    struct manifests *m = tools();

    (void)state;
    assert_non_null(m);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        uint8_t args[128];
        struct mp_writer w;
        struct call_args c;
        struct ts_arena a;
        size_t len = 0;
        char err[256];

        mp_writer_init(&w, args, sizeof(args));
        mp_write_map(&w, 2);
        mp_write_cstr(&w, "d");
        mp_write_cstr(&w, "12.5");
        mp_write_cstr(&w, "j");
        mp_write_cstr(&w, texts[i]);
        assert_int_equal(mp_written(&w, &len), TS_OK);
        ts_arena_init(&a, 1 << 20);
        assert_int_equal(manifest_args_recorded(&m->list[0],
                                                (struct ts_bytes){args, len},
                                                &a, &c, err, sizeof(err)),
                         TS_OK);
        assert_int_equal(c.count, 2);
        assert_int_equal(c.values[0].integer, 125000);
        assert_true(ts_str_eq_c(c.values[1].text, texts[i]));
        ts_arena_done(&a);
    }
    manifests_free(m);
}

static void json_arguments_are_as_deep_as_a_message_may_be(void **state)
{
    struct manifests *m = tools();
    uint8_t args[64] = {0x81, 0xa1, 'j'};

    (void)state;
    assert_non_null(m);
    for (size_t depth = 1; depth <= TS_MP_DEPTH_MAX; depth++) {
        const char *said;

        memset(args + 3, 0x91, depth - 1);
        args[2 + depth] = 0x90;
        said = called(&m->list[0], args, 3 + depth);
        assert_int_equal(strncmp(said, "x|", 2) == 0,
                         depth <= TS_MP_DEPTH_MAX - 1);
    }
    manifests_free(m);
}

/* {KEY: [7]}: the pointer to 7 is "/KEY/0". */
static const char *called_with_key(const struct manifest *m, char fill,
                                   size_t len)
{
    static uint8_t args[4096];
    static char key[2048];
    struct mp_writer w;
    size_t n = 0;

    memset(key, fill, len);
    mp_writer_init(&w, args, sizeof(args));
    mp_write_map(&w, 1);
    mp_write_cstr(&w, "j");
    mp_write_map(&w, 1);
    mp_write_str(&w, key, len);
    mp_write_array(&w, 1);
    mp_write_uint(&w, 7);
    assert_int_equal(mp_written(&w, &n), TS_OK);
    return called(m, args, n);
}

static void json_arguments_have_pointers_of_bounded_length(void **state)
{
    static const char too_long[] =
        "argument \"j\" has names that are too long: the pointer to a value "
        "may have 1024 bytes";
    struct manifests *m = tools_of("tool: t\nexec: /x\nargv: [x]\nargs:\n"
                                   "  j: {type: json}\n");
    const size_t most = MANIFEST_PATTERN_MAX - 3; /* "/" and "/0" */

    (void)state;
    assert_non_null(m);
    for (size_t n = most - 3; n <= most + 3; n++) {
        const char *said = called_with_key(&m->list[0], 'a', n);

        assert_int_equal(strcmp(said, too_long) == 0, n > most);
    }
    /* two bytes each in a pointer */
    assert_string_not_equal(called_with_key(&m->list[0], '/', most / 2),
                            too_long);
    assert_string_equal(called_with_key(&m->list[0], '/', most / 2 + 1),
                        too_long);
    assert_string_equal(called_with_key(&m->list[0], '~', most / 2 + 1),
                        too_long);
    manifests_free(m);
}

static ts_err call_in(const void *arg)
{
    const struct manifest *m = arg;
    uint8_t args[512] = {0x82, 0xa1, 'd', 0xa3, '1', '.', '5', 0xa1, 'j'};
    size_t len = 9;
    struct call_args c;
    struct ts_arena a;
    char err[512];
    ts_err e;

    args[len++] = 0x81;
    args[len++] = 0xa1;
    args[len++] = 'k';
    args[len++] = 0xc0;
    ts_arena_init(&a, 1 << 20);
    e = manifest_args(m, (struct ts_bytes){args, len}, &a, &c, err,
                      sizeof(err));
    ts_arena_done(&a);
    return e;
}

static void values_out_of_memory_anywhere_leak_nothing(void **state)
{
    struct manifests *m = tools();

    (void)state;
    assert_non_null(m);
    assert_int_equal(call_in(&m->list[0]), TS_OK);
    for (int persistent = 0; persistent < 2; persistent++) {
        int held = fault_mem_live();

        for (int nth = 0;; nth++) {
            ts_err e;

            fault_mem_arm(nth, persistent != 0);
            e = call_in(&m->list[0]);
            if (!fault_mem_fired())
                break;
            assert_int_equal(e, TS_E_NOMEM);
            assert_int_equal(fault_mem_live(), held);
        }
    }
    fault_mem_disarm();
    manifests_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimal_of_every_text_is_exact),
        cmocka_unit_test(decimal_of_another_text_is_refused),
        cmocka_unit_test(decimal_texts_and_floats_read_back_as_the_same),
        cmocka_unit_test(decimal_of_a_float_that_is_none_is_refused),
        cmocka_unit_test(json_floats_are_written_as_rfc_8785_says),
        cmocka_unit_test(json_of_one_value_is_one_text),
        cmocka_unit_test(json_of_damaged_bytes_is_refused_or_json),
        cmocka_unit_test(json_of_bytes_or_two_values_is_refused),
        cmocka_unit_test(decimal_arguments_are_checked_and_passed_as_text),
        cmocka_unit_test(json_arguments_are_one_word_of_their_length),
        cmocka_unit_test(recorded_arguments_read_back_as_they_were),
        cmocka_unit_test(json_arguments_are_as_deep_as_a_message_may_be),
        cmocka_unit_test(json_arguments_have_pointers_of_bounded_length),
        cmocka_unit_test(values_out_of_memory_anywhere_leak_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
