/* What people are told beside a call: there and back, what gives way when it is
 * too much, and hostile bytes. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/gate/approve/ticket_context.h"
#include "tests/lib/fault_mem.h"

#define RULES 2

static struct ts_buf out;

static int setup(void **state)
{
    (void)state;
    ts_buf_init(&out, TICKET_CONTEXT_MAX);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fault_mem_disarm();
    ts_buf_done(&out);
    return 0;
}

static struct ts_bytes encoded(const struct ticket_context *c)
{
    ts_buf_clear(&out);
    assert_int_equal(ticket_context_encode(c, &out), TS_OK);
    assert_true(out.len <= TICKET_CONTEXT_MAX);
    return (struct ts_bytes){ts_buf_bytes(&out), out.len};
}

static struct ticket_context full(void)
{
    return (struct ticket_context){
        .args = {{.arg = TS_STR_LIT("/to/0"), .source = TICKET_SOURCE_PROMPT},
                 {.arg = TS_STR_LIT("/body"),
                  .value = TS_STR_LIT("https://evil.example/x"),
                  .source = TICKET_SOURCE_UNTRUSTED,
                  .places = {TS_STR_LIT("mail.read/3/from"),
                             TS_STR_LIT("web.get")},
                  .place_count = 2,
                  .places_left = 7,
                  .is_new = true}},
        .arg_count = 2,
        .args_left = 3,
        .asked_minute = 2,
        .asked_hour = 9,
        .has_calls = true,
        .calls_hour = 40,
        .lost = true,
        .declared = {TS_STR_LIT("web:untrusted")},
        .declared_count = 1,
        .declared_left = 1,
        .first_tool = true,
        .first_resource = true,
        .endorses = {{TS_STR_LIT("to"), TS_STR_LIT("bob@x.example")},
                     {TS_STR_LIT("extra/to"), TS_STR_LIT("carol@x.example")}},
        .endorses_count = 2,
        .has_level = true,
        .level = 2,
        .origin = TS_STR_LIT("webhook"),
        .reasons = {TS_STR_LIT("payments need a person"),
                    TS_STR_LIT("so do strangers")},
        .secrets = true,
        .has_stdin = true,
        .tainted = true,
        .sensitivity = TS_STR_LIT("high"),
    };
}

static void same_str(struct ts_str a, struct ts_str b)
{
    assert_true(ts_str_eq(a, b));
}

static void same_arg(const struct ticket_context_arg *a,
                     const struct ticket_context_arg *b)
{
    same_str(a->arg, b->arg);
    same_str(a->value, b->value);
    assert_int_equal(a->source, b->source);
    assert_int_equal(a->place_count, b->place_count);
    assert_int_equal(a->places_left, b->places_left);
    assert_int_equal(a->is_new, b->is_new);
    for (uint32_t i = 0; i < a->place_count; i++)
        same_str(a->places[i], b->places[i]);
}

static void everything_comes_back(void **state)
{
    static struct ticket_context c, d; /* large, for a stack */

    (void)state;
    c = full();
    assert_int_equal(ticket_context_decode(encoded(&c), RULES, &d), TS_OK);
    assert_int_equal(d.arg_count, 2);
    same_arg(&d.args[0], &c.args[1]); /* untrusted first */
    same_arg(&d.args[1], &c.args[0]);
    assert_int_equal(d.args_left, 3);
    assert_int_equal(d.asked_minute, 2);
    assert_int_equal(d.asked_hour, 9);
    assert_true(d.has_calls && d.lost);
    assert_int_equal(d.calls_minute, 0);
    assert_int_equal(d.calls_hour, 40);
    assert_int_equal(d.declared_count, 1);
    same_str(d.declared[0], c.declared[0]);
    assert_int_equal(d.declared_left, 1);
    assert_true(d.first_tool && d.first_resource && !d.first_action);
    assert_int_equal(d.endorses_count, 2);
    for (size_t i = 0; i < 2; i++) {
        same_str(d.endorses[i].arg, c.endorses[i].arg);
        same_str(d.endorses[i].value, c.endorses[i].value);
    }
    assert_true(d.has_level && d.level == 2);
    same_str(d.origin, c.origin);
    same_str(d.reasons[0], c.reasons[0]);
    same_str(d.reasons[1], c.reasons[1]);
    assert_true(d.secrets && d.has_stdin && d.tainted);
    same_str(d.sensitivity, c.sensitivity);
}

static void nothing_is_the_empty_map_and_no_bytes(void **state)
{
    static const struct ticket_context none = {.arg_count = 0};
    static struct ticket_context d;
    struct ts_bytes b = encoded(&none);

    (void)state;
    d = full();
    assert_int_equal(b.len, 1);
    assert_int_equal(b.ptr[0], 0x80);
    assert_int_equal(ticket_context_decode(b, RULES, &d), TS_OK);
    assert_int_equal(d.arg_count, 0);
    assert_int_equal(d.origin.len, 0);
    d = full();
    assert_int_equal(
        ticket_context_decode((struct ts_bytes){NULL, 0}, RULES, &d), TS_OK);
    assert_int_equal(d.arg_count, 0);
}

/* Each of n values with texts as long as they may be. */
static struct ticket_context crowded(uint32_t n, enum ticket_source worst_at,
                                     const char *text)
{
    struct ticket_context c = full();

    c.arg_count = n;
    for (uint32_t i = 0; i < n; i++) {
        c.args[i] = (struct ticket_context_arg){.arg = ts_str_of(text),
                                                .value = ts_str_of(text),
                                                .source = TICKET_SOURCE_TRUSTED,
                                                .place_count = 4};
        for (size_t k = 0; k < 4; k++)
            c.args[i].places[k] = ts_str_of(text);
    }
    c.args[n - 1].source = worst_at;
    return c;
}

static void what_is_too_much_gives_way_least_worrying_first(void **state)
{
    char text[700];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (uint32_t n = 1; n <= TICKET_CONTEXT_ARGS_MAX; n++) {
        static struct ticket_context c, d;

        c = crowded(n, TICKET_SOURCE_UNTRUSTED, text);
        for (uint32_t i = 0; i < TICKET_RULES_MAX; i++)
            c.reasons[i] = ts_str_of(text);
        c.declared_count = TICKET_CONTEXT_LABELS_MAX;
        for (uint32_t i = 0; i < TICKET_CONTEXT_LABELS_MAX; i++)
            c.declared[i] = ts_str_of(text);
        assert_int_equal(
            ticket_context_decode(encoded(&c), TICKET_RULES_MAX, &d), TS_OK);
        assert_true(d.arg_count > 0);
        assert_int_equal(d.args[0].source, TICKET_SOURCE_UNTRUSTED);
        assert_int_equal(d.arg_count + d.args_left, n + 3);
        assert_int_equal(d.args[0].place_count + d.args[0].places_left, 4);
        assert_int_equal(d.declared_count + d.declared_left,
                         TICKET_CONTEXT_LABELS_MAX + 1);
        for (uint32_t i = 0; i < TICKET_RULES_MAX; i++)
            assert_true(d.reasons[i].len >= 32);
    }
}

/* What a yes lets through is never cut: it is there whole, or it is not. */
static void what_it_endorses_is_whole_or_not_there(void **state)
{
    static struct ticket_context c, d;
    char text[TICKET_CONTEXT_VALUE_MAX + 1], arg[TICKET_CONTEXT_ARG_MAX + 1];
    uint32_t least = TICKET_CONTEXT_ENDORSES_MAX;

    (void)state;
    memset(text, 'x', sizeof(text));
    memset(arg, 'a', sizeof(arg));
    for (uint32_t n = 1; n <= TICKET_CONTEXT_ARGS_MAX; n++) {
        c = crowded(n, TICKET_SOURCE_UNTRUSTED, "a long text of a value");
        c.endorses_count = TICKET_CONTEXT_ENDORSES_MAX;
        for (uint32_t i = 0; i < c.endorses_count; i++)
            c.endorses[i] = (struct ticket_endorses){
                {arg, 1 + i}, {text, TICKET_CONTEXT_VALUE_MAX}};
        assert_int_equal(ticket_context_decode(encoded(&c), RULES, &d), TS_OK);
        assert_true(d.arg_count > 0);
        for (uint32_t i = 0; i < d.endorses_count; i++) {
            same_str(d.endorses[i].arg, c.endorses[i].arg);
            same_str(d.endorses[i].value, c.endorses[i].value);
        }
        if (d.endorses_count < least)
            least = d.endorses_count;
        if (d.arg_count < n) /* those give way last */
            assert_int_equal(d.endorses_count, 0);
    }
    assert_int_equal(least, 0);
}

static void what_it_endorses_is_refused_where_it_would_be_cut(void **state)
{
    static struct ticket_context c;
    char text[TICKET_CONTEXT_VALUE_MAX + 1];
    const struct ts_str good = TS_STR_LIT("x");
    const struct ticket_endorses bad[] = {
        {{text, TICKET_CONTEXT_ARG_MAX + 1}, good},
        {good, {text, TICKET_CONTEXT_VALUE_MAX + 1}},
        {{text, 0}, good},
        {good, {text, 0}},
        {TS_STR_LIT("\xff"), good},
        {good, TS_STR_LIT("\xff")}};

    (void)state;
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        c = full();
        c.endorses[1] = bad[i];
        ts_buf_clear(&out);
        assert_int_equal(ticket_context_encode(&c, &out), TS_E_INVALID);
        assert_int_equal(out.len, 0);
    }
    c = full();
    c.endorses_count = TICKET_CONTEXT_ENDORSES_MAX + 1;
    assert_int_equal(ticket_context_encode(&c, &out), TS_E_INVALID);
}

static void a_cut_is_seen_and_falls_between_characters(void **state)
{
    /* 2-byte, 3-byte and 4-byte characters, moved by each possible offset */
    static const char *const pieces[] = {"\xc3\xa9", "\xe2\x82\xac",
                                         "\xf0\x9f\x98\x80"};

    (void)state;
    for (size_t p = 0; p < 3; p++) {
        for (size_t shift = 0; shift < 4; shift++) {
            static struct ticket_context c, d;
            char text[400] = "aaaa";
            size_t len = shift;

            c = (struct ticket_context){.arg_count = 1};
            while (len + 4 < 300) {
                memcpy(text + len, pieces[p], strlen(pieces[p]));
                len += strlen(pieces[p]);
            }
            c.args[0] = (struct ticket_context_arg){
                .arg = {text, len}, .source = TICKET_SOURCE_UNKNOWN};
            assert_int_equal(ticket_context_decode(encoded(&c), 0, &d), TS_OK);
            assert_true(d.args[0].arg.len <= TICKET_CONTEXT_ARG_MAX);
            assert_memory_equal(d.args[0].arg.ptr + d.args[0].arg.len - 3,
                                "...", 3);
            assert_true(ts_utf8_valid(d.args[0].arg.ptr, d.args[0].arg.len));
        }
    }
}

static void what_is_no_text_is_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 9; i++) {
        const struct ts_str bad = TS_STR_LIT("\xff");
        struct ticket_context c = full();
        struct ts_str *const at[] = {
            &c.args[0].arg, &c.args[0].value, &c.args[1].places[1],
            &c.declared[0], &c.origin,        &c.reasons[1],
            &c.sensitivity,
        };

        ts_buf_clear(&out);
        if (i < 7)
            *at[i] = bad;
        else if (i == 7)
            c.level = 4;
        else
            c.args[0].source = TICKET_SOURCE_COUNT_;
        assert_int_equal(ticket_context_encode(&c, &out), TS_E_INVALID);
        assert_int_equal(out.len, 0);
    }
}

static void keys_out_of_order_twice_or_unknown_are_refused(void **state)
{
    const struct ts_str bad[] = {
        TS_STR_LIT("\x82\xa7tainted\xc3\xa7secrets\xc3"),
        TS_STR_LIT("\x82\xa7tainted\xc3\xa7tainted\xc3"),
        TS_STR_LIT("\x81\xa3new\xc3"),
        TS_STR_LIT("\x81\xa7tainted\xc2"),
        TS_STR_LIT("\x81\xa6origin\xa0"),
        TS_STR_LIT("\x81\xa4"
                   "args\x90"),
        TS_STR_LIT("\x81\xa9"
                   "args_left\x00"),
        TS_STR_LIT("\x81\xa5"
                   "asked\x92\x00\x00"),
        TS_STR_LIT("\x81\xa5"
                   "first\x92\xa8resource\xa4tool"),
        TS_STR_LIT("\x81\xa8"
                   "endorses\x90"),
        TS_STR_LIT("\x81\xa8"
                   "endorses\x91\x92\xa0\xa1x"),
        TS_STR_LIT("\x81\xa8"
                   "endorses\x91\x92\xa1x\xa0"),
        TS_STR_LIT("\x81\xa8"
                   "endorses\x91\x91\xa1x"),
        TS_STR_LIT("\x81\xa7reasons\x91\x92\x02\xa1x"),
        TS_STR_LIT("\x81\xa7reasons\x92\x92\x01\xa1x\x92\x00\xa1x"),
        TS_STR_LIT("\x81\xa5level\x04"),
        TS_STR_LIT("\x81\xa4lost\xc2"),
        TS_STR_LIT("\x82\xa4lost\xc3\xa5level\x01"),
        TS_STR_LIT("\x81\xa5"
                   "calls\x91\x00"),
        TS_STR_LIT("\x81\xa4"
                   "args\x91\x95\xa1x\xa0\xa6prompt\x90\x00"),
        TS_STR_LIT("\x80\x80"),
        TS_STR_LIT("\x90"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct ticket_context d;
        const struct ts_bytes in = {(const uint8_t *)bad[i].ptr, bad[i].len};

        if (ticket_context_decode(in, RULES, &d) == TS_OK)
            fail_msg("accepted row %zu", i);
    }
}

static void every_truncation_and_bit_flip_is_refused_or_whole(void **state)
{
    static struct ticket_context c, d;
    uint8_t copy[TICKET_CONTEXT_MAX];
    struct ts_buf again;
    struct ts_bytes b;

    (void)state;
    c = full();
    b = encoded(&c);
    ts_buf_init(&again, TICKET_CONTEXT_MAX);
    memcpy(copy, b.ptr, b.len);
    for (size_t n = 1; n < b.len; n++)
        assert_int_not_equal(
            ticket_context_decode((struct ts_bytes){copy, n}, RULES, &d),
            TS_OK);
    for (size_t bit = 0; bit < b.len * 8; bit++) {
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (ticket_context_decode((struct ts_bytes){copy, b.len}, RULES, &d) ==
            TS_OK) {
            ts_buf_clear(&again);
            assert_int_equal(ticket_context_encode(&d, &again), TS_OK);
        }
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    ts_buf_done(&again);
}

static void without_memory_nothing_is_written(void **state)
{
    const struct ticket_context c = full();
    struct ts_buf b;

    (void)state;
    ts_buf_init(&b, TICKET_CONTEXT_MAX);
    fault_mem_arm(0, true);
    assert_int_equal(ticket_context_encode(&c, &b), TS_E_NOMEM);
    fault_mem_disarm();
    assert_int_equal(b.len, 0);
    ts_buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_comes_back),
        cmocka_unit_test(nothing_is_the_empty_map_and_no_bytes),
        cmocka_unit_test(what_is_too_much_gives_way_least_worrying_first),
        cmocka_unit_test(what_it_endorses_is_whole_or_not_there),
        cmocka_unit_test(what_it_endorses_is_refused_where_it_would_be_cut),
        cmocka_unit_test(a_cut_is_seen_and_falls_between_characters),
        cmocka_unit_test(what_is_no_text_is_refused),
        cmocka_unit_test(keys_out_of_order_twice_or_unknown_are_refused),
        cmocka_unit_test(every_truncation_and_bit_flip_is_refused_or_whole),
        cmocka_unit_test(without_memory_nothing_is_written),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
