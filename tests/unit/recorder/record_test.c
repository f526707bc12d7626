/* Records: what is accepted, and what JSON it becomes. */
#include "tests/lib/ts_test.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "proto/wire/limits.h"
#include "proto/wire/mp_write.h"
#include "sidecar/recorder/json_out.h"
#include "sidecar/recorder/record.h"

static uint8_t rec[TS_RECORD_MAX + 64];
static char text[RECORD_LINE_MAX];

/* A writer with the map head and "kind" written. */
static struct mp_writer begin(uint32_t entries, const char *kind)
{
    struct mp_writer w;

    mp_writer_init(&w, rec, sizeof(rec));
    mp_write_map(&w, entries);
    mp_write_cstr(&w, "kind");
    mp_write_cstr(&w, kind);
    return w;
}

static ts_err parse(const struct mp_writer *w, struct record *r,
                    const char **what)
{
    size_t len;

    assert_int_equal(mp_written(w, &len), TS_OK);
    return record_parse(rec, len, false, r, what);
}

static const char *members(const struct record *r)
{
    struct ts_json o = {.buf = text, .cap = sizeof(text) - 1};

    record_members(r, &o);
    assert_false(o.full);
    text[o.len] = '\0';
    return text;
}

/* A record of kind start with one more entry, as JSON. */
static const char *json_of(void (*value)(struct mp_writer *))
{
    struct mp_writer w = begin(2, "start");
    const char *what = NULL;
    struct record r;

    mp_write_cstr(&w, "x");
    value(&w);
    assert_int_equal(parse(&w, &r, &what), TS_OK);
    return members(&r);
}

#define VALUE(name, ...)                                                       \
    static void name(struct mp_writer *w)                                      \
    {                                                                          \
        __VA_ARGS__;                                                           \
    }
VALUE(v_text, mp_write_str(w, "a\"\\\b\t\n\v\f\r\x1f\x7f\xc2\x85\xc3\xa9", 15))
VALUE(v_nul, mp_write_str(w, "\0", 1))
VALUE(v_bin, mp_write_bin(w, "\x00\xff\x10", 3))
VALUE(v_int, mp_write_uint(w, 9007199254740991u))
VALUE(v_big, mp_write_uint(w, 9007199254740992u))
VALUE(v_max, mp_write_uint(w, UINT64_MAX))
VALUE(v_neg, mp_write_int(w, -9007199254740991))
VALUE(v_min, mp_write_int(w, INT64_MIN))
VALUE(v_nil, mp_write_nil(w))
VALUE(v_list, mp_write_array(w, 3); mp_write_bool(w, true);
      mp_write_bool(w, false); mp_write_map(w, 0))
VALUE(v_half, mp_write_raw(w, "\xcb\x3f\xe0\0\0\0\0\0\0", 9))

static void record_members_every_type_as_json(void **state)
{
    static const struct {
        void (*value)(struct mp_writer *);
        const char *json;
    } cases[] = {
        {v_text,
         "\"a\\\"\\\\\\b\\t\\n\\u000b\\f\\r\\u001f\\u007f\\u0085\xc3\xa9"
         "\""},
        {v_nul, "\"\\u0000\""},
        {v_bin, "\"00ff10\""},
        {v_int, "9007199254740991"},
        {v_big, "\"9007199254740992\""},
        {v_max, "\"18446744073709551615\""},
        {v_neg, "-9007199254740991"},
        {v_min, "\"-9223372036854775808\""},
        {v_nil, "null"},
        {v_list, "[true,false,{}]"},
        {v_half, "0.5"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char want[128];

        (void)snprintf(want, sizeof(want), "\"kind\":\"start\",\"x\":%s",
                       cases[i].json);
        assert_string_equal(json_of(cases[i].value), want);
    }
}

struct field {
    const char *key;
    char type; /* i: id, s: text, e: effect, u: number */
};
static const struct field decision_fields[] = {
    {"id", 'i'},   {"tenant", 's'}, {"user", 's'}, {"agent", 's'},
    {"tool", 's'}, {"effect", 'e'}, {"code", 's'}, {NULL, 0}};
static const struct field ended_fields[] = {
    {"id", 'i'}, {"tenant", 's'}, {"reason", 's'}, {NULL, 0}};
static const struct field revocation_fields[] = {
    {"tenant", 's'}, {"rev_seq", 'u'}, {"target", 's'}, {NULL, 0}};
static const struct field loaded_fields[] = {{"generation", 'u'}, {NULL, 0}};
static const struct field rejected_fields[] = {
    {"generation", 'u'}, {"text", 's'}, {NULL, 0}};
static const struct field refused_fields[] = {
    {"generation", 'u'}, {"tool", 's'}, {"text", 's'}, {NULL, 0}};
static const struct {
    const char *kind;
    const struct field *fields;
} kinds[] = {
    {"decision", decision_fields},        {"exec_ended", ended_fields},
    {"revocation", revocation_fields},    {"policy_loaded", loaded_fields},
    {"policy_rejected", rejected_fields}, {"tool_refused", refused_fields}};

static void write_field(struct mp_writer *w, const struct field *f, bool wrong)
{
    mp_write_cstr(w, f->key);
    if (wrong)
        mp_write_nil(w);
    else if (f->type == 'i')
        mp_write_bin(w, "0123456789abcdef", 16);
    else if (f->type == 'u')
        mp_write_uint(w, 7);
    else
        mp_write_cstr(w, f->type == 'e' ? "forbid" : "t");
}

static uint32_t count_fields(const struct field *f)
{
    uint32_t n = 0;

    while (f[n].key != NULL)
        n++;
    return n;
}

/* Every required key of every kind: left out, and of the wrong type. */
static void record_parse_required_keys_are_required(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        uint32_t n = count_fields(kinds[k].fields);

        for (uint32_t out = 0; out <= n; out++)
            for (int wrong = 0; wrong < 2; wrong++) {
                bool whole = out == n, there = wrong != 0 || whole;
                struct mp_writer w =
                    begin(1 + n - (there ? 0 : 1), kinds[k].kind);
                struct record r = {.order = 99};
                const char *what = NULL;
                ts_err e;

                for (uint32_t i = 0; i < n; i++)
                    if (i != out || there)
                        write_field(&w, &kinds[k].fields[i],
                                    i == out && wrong != 0);
                /* target is of any type */
                if (!whole && wrong != 0 &&
                    strcmp(kinds[k].fields[out].key, "target") == 0)
                    whole = true;
                e = parse(&w, &r, &what);
                if (whole) {
                    assert_int_equal(e, TS_OK);
                } else {
                    assert_int_not_equal(e, TS_OK);
                    assert_non_null(what);
                    assert_int_equal(r.order, 99);
                }
            }
    }
}

static void record_parse_recorders_own_keys_are_refused(void **state)
{
    static const char *const own[] = {"v", "seq", "time", "prev"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct mp_writer w = begin(2, "start");
        const char *what = NULL;
        struct record r;

        mp_write_cstr(&w, own[i]);
        mp_write_uint(&w, 1);
        assert_int_equal(parse(&w, &r, &what), TS_E_INVALID);
    }
}

static void record_parse_own_kinds_only_from_ourselves(void **state)
{
    static const char *const own[] = {"segment", "truncation"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct mp_writer w = begin(1, own[i]);
        const char *what = NULL;
        struct record r;
        size_t len;

        assert_int_equal(parse(&w, &r, &what), TS_E_INVALID);
        assert_int_equal(mp_written(&w, &len), TS_OK);
        assert_int_equal(record_parse(rec, len, true, &r, &what), TS_OK);
    }
}

static void record_parse_malformed_is_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
        {"", 0},                       /* nothing */
        {"\x80", 1},                   /* empty map */
        {"\x80\xa4kind\xa5start", 12}, /* entries behind an empty map */
        {"\x81\xa4kind\xa5startX", 13},
        {"\x81\xa4kind\xa5other", 12},
        {"\x81\xa4kinx\xa5start", 12},
        {"\x82\xa4kind\xa5start\xa4kind\xa5start", 23}, /* twice */
        {"\x82\xa4kind\xa5start\xa1x\xc1", 15},
        {"\x82\xa4kind\xa5start\xa1x\xd4\0\0", 17}, /* ext */
        {"\x82\xa4kind\xa5start\xa1x\xa1\xff", 16}, /* not UTF-8 */
        {"\x91\x01", 2},
    };
    struct record r = {.order = 99};
    const char *what = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_not_equal(
            record_parse(bad[i].bytes, bad[i].len, false, &r, &what), TS_OK);
        assert_int_equal(r.order, 99);
    }
}

static void record_parse_effect_other_than_three_is_refused(void **state)
{
    struct mp_writer w = begin(8, "decision");
    const char *what = NULL;
    struct record r;

    (void)state;
    for (uint32_t i = 0; i < 5; i++)
        write_field(&w, &decision_fields[i], false);
    mp_write_cstr(&w, "effect");
    mp_write_cstr(&w, "Permit");
    write_field(&w, &decision_fields[6], false);
    assert_int_equal(parse(&w, &r, &what), TS_E_INVALID);
}

/* A rich decision: every truncation and every bit flip is refused, or parses
 * and becomes JSON that a strict reader accepts. */
static void record_every_truncation_and_flip_gives_json_or_error(void **state)
{
    struct mp_writer w = begin(12, "decision");
    static uint8_t copy[1024];
    const char *what;
    struct record r;
    size_t len;

    (void)state;
    for (uint32_t i = 0; i < 7; i++)
        write_field(&w, &decision_fields[i], false);
    mp_write_cstr(&w, "args_digest");
    mp_write_bin(&w, "0123456789abcdef0123456789abcdef", 32);
    mp_write_cstr(&w, "context");
    v_list(&w);
    mp_write_cstr(&w, "text");
    v_text(&w);
    mp_write_cstr(&w, "order");
    mp_write_uint(&w, 77);
    assert_int_equal(mp_written(&w, &len), TS_OK);
    assert_int_equal(record_parse(rec, len, false, &r, &what), TS_OK);
    assert_true(r.has_order && r.order == 77 && r.has_args_digest && r.has_id);
    memcpy(copy, rec, len);
    for (size_t n = 0; n < len; n++)
        assert_int_not_equal(record_parse(rec, n, false, &r, &what), TS_OK);
    for (size_t bit = 0; bit < len * 8; bit++) {
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (record_parse(copy, len, false, &r, &what) == TS_OK) {
            struct ts_json o = {.buf = text, .cap = sizeof(text)};
            json_t *j;

            ts_json_cstr(&o, "{");
            record_members(&r, &o);
            ts_json_cstr(&o, "}");
            if (o.full) /* a flip made a zero byte in a key */
                assert_non_null(memchr(copy, '\0', len));
            if (o.full)
                goto next;
            j = json_loadb(o.buf, o.len,
                           JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
            if (j == NULL)
                fail_msg("bit %zu: %.*s", bit, (int)o.len, o.buf);
            json_decref(j);
        }
    next:
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* The worst growth: control characters. It fits RECORD_LINE_MAX. */
static void record_members_largest_record_fits_a_line(void **state)
{
    static char worst[TS_RECORD_MAX];
    struct mp_writer w = begin(2, "start");
    struct ts_json o = {.buf = text, .cap = RECORD_LINE_MAX - 4096};
    const char *what = NULL;
    struct record r;

    (void)state;
    memset(worst, 1, sizeof(worst));
    mp_write_cstr(&w, "x");
    mp_write_str(&w, worst, TS_RECORD_MAX - 20);
    assert_int_equal(parse(&w, &r, &what), TS_OK);
    record_members(&r, &o);
    assert_false(o.full);
    mp_write_nil(&w); /* over the limit: too long, whatever it is */
    assert_int_equal(record_parse(rec, TS_RECORD_MAX + 1, false, &r, &what),
                     TS_E_LIMIT);
}

/* Many JSON readers refuse a zero byte in a key: no such line is written. */
static void record_members_zero_byte_in_a_key_is_refused(void **state)
{
    static const char rec_nul[] = "\x82\xa4kind\xa5start\xa1x\x81\xa2"
                                  "a\0\x01";
    struct ts_json o = {.buf = text, .cap = sizeof(text)};
    const char *what = NULL;
    struct record r;

    (void)state;
    assert_int_equal(
        record_parse(rec_nul, sizeof(rec_nul) - 1, false, &r, &what), TS_OK);
    record_members(&r, &o);
    assert_true(o.full);
}

static void json_out_never_writes_past_its_end(void **state)
{
    struct mp_writer w = begin(2, "start");
    const char *what = NULL;
    struct record r;
    size_t whole;

    (void)state;
    mp_write_cstr(&w, "x");
    v_text(&w);
    assert_int_equal(parse(&w, &r, &what), TS_OK);
    whole = strlen(members(&r));
    for (size_t cap = 0; cap <= whole; cap++) {
        struct ts_json o = {.buf = text, .cap = cap};

        memset(text, '#', whole + 8);
        record_members(&r, &o);
        assert_int_equal(o.full, cap < whole);
        for (size_t i = cap; i < whole + 8; i++)
            assert_int_equal(text[i], '#');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(record_members_every_type_as_json),
        cmocka_unit_test(record_parse_required_keys_are_required),
        cmocka_unit_test(record_parse_recorders_own_keys_are_refused),
        cmocka_unit_test(record_parse_own_kinds_only_from_ourselves),
        cmocka_unit_test(record_parse_malformed_is_refused),
        cmocka_unit_test(record_parse_effect_other_than_three_is_refused),
        cmocka_unit_test(record_every_truncation_and_flip_gives_json_or_error),
        cmocka_unit_test(record_members_largest_record_fits_a_line),
        cmocka_unit_test(record_members_zero_byte_in_a_key_is_refused),
        cmocka_unit_test(json_out_never_writes_past_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
