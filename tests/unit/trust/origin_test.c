/* Who began a task: signed by an issuer of the tenant, in time. */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "proto/trust/origin.h"
#include "proto/wire/mp_write.h"
#include "tests/lib/fault_mem.h"
#include "trust_world.h"

static struct world w;
static struct ts_buf buf;
static char long_prompt[ORIGIN_PROMPT_MAX + 1];

static int setup(void **state)
{
    (void)state;
    world_init(&w);
    ts_buf_init(&buf, SIGNED_ORIGIN_MAX);
    memset(long_prompt, 'p', sizeof(long_prompt));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fault_mem_disarm();
    ts_buf_done(&buf);
    world_done(&w);
    return 0;
}

static struct origin sample(void)
{
    return (struct origin){.tenant = TS_STR_LIT("acme"),
                           .grant_id = {1, 2, 3},
                           .kind = ORIGIN_USER,
                           .prompt = TS_STR_LIT("pay the rent"),
                           .iat = W_NOW - 5,
                           .exp = W_NOW + 100};
}

static struct ts_bytes make(const struct origin *o, enum world_key k)
{
    ts_buf_clear(&buf);
    assert_int_equal(origin_make(o, &w.key[k], &buf), TS_OK);
    return world_bytes(&buf);
}

static enum trust_code judge(const void *ctx, struct ts_bytes in)
{
    struct origin o;

    (void)ctx;
    return origin_verify(w.cfg.store, in, W_NOW, &o);
}

static void origin_goes_there_and_back_and_nothing_near_it(void **state)
{
    struct origin o = sample(), got;
    struct ts_bytes in = make(&o, KEY_ISSUER);

    (void)state;
    assert_int_equal(origin_verify(w.cfg.store, in, W_NOW, &got), TRUST_OK);
    assert_true(ts_str_eq(got.tenant, o.tenant));
    assert_true(ts_str_eq(got.prompt, o.prompt));
    assert_memory_equal(got.grant_id, o.grant_id, sizeof(o.grant_id));
    assert_int_equal(got.kind, o.kind);
    assert_int_equal(got.iat, o.iat);
    assert_int_equal(got.exp, o.exp);
    assert_int_equal(world_sweep(in, judge, NULL), in.len * 9);
}

static void origin_is_said_by_an_issuer_of_the_tenant_alone(void **state)
{
    struct origin o = sample();

    (void)state;
    for (int who = 0; who < KEY_COUNT_; who++) {
        enum trust_code c = judge(NULL, make(&o, (enum world_key)who));

        if (who == KEY_ISSUER)
            assert_int_equal(c, TRUST_OK);
        else if (who == KEY_BETA_ISSUER)
            assert_int_equal(c, TRUST_E_TENANT);
        else
            assert_int_equal(c, TRUST_E_ISSUER);
    }
}

static void origin_outside_its_time_does_not_count(void **state)
{
    static const struct {
        uint64_t iat, exp;
        enum trust_code want;
    } rows[] = {
        {W_NOW, W_NOW + 1, TRUST_OK},
        {W_NOW - 100, W_NOW, TRUST_E_EXPIRED},
        {W_NOW + TS_SKEW_S, W_NOW + 100, TRUST_OK},
        {W_NOW + TS_SKEW_S + 1, W_NOW + 100, TRUST_E_TIME},
        {W_NOW - 1, W_NOW - 1 + TS_TTL_HARD_S, TRUST_OK},
        {W_NOW - 1, W_NOW + TS_TTL_HARD_S, TRUST_E_TTL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct origin o = sample();

        o.iat = rows[i].iat;
        o.exp = rows[i].exp;
        assert_int_equal(judge(NULL, make(&o, KEY_ISSUER)), rows[i].want);
    }
}

static void origin_that_is_none_is_not_made(void **state)
{
    struct origin o = sample();

    (void)state;
    ts_buf_clear(&buf);
    o.prompt = (struct ts_str){long_prompt, ORIGIN_PROMPT_MAX};
    assert_int_equal(judge(NULL, make(&o, KEY_ISSUER)), TRUST_OK);
    o.prompt.len++;
    assert_int_equal(origin_make(&o, &w.key[KEY_ISSUER], &buf), TS_E_INVALID);
    o = sample();
    o.prompt = TS_STR_LIT("\xff");
    assert_int_equal(origin_make(&o, &w.key[KEY_ISSUER], &buf), TS_E_INVALID);
    o = sample();
    o.tenant = TS_STR_LIT("a b");
    assert_int_equal(origin_make(&o, &w.key[KEY_ISSUER], &buf), TS_E_INVALID);
    o = sample();
    o.exp = o.iat;
    assert_int_equal(origin_make(&o, &w.key[KEY_ISSUER], &buf), TS_E_INVALID);
    o = sample();
    o.kind = (enum origin_kind)0;
    assert_int_equal(origin_make(&o, &w.key[KEY_ISSUER], &buf), TS_E_INVALID);
}

/* Bodies that an issuer signed, and wrong. */
static void origin_with_an_odd_body_is_refused(void **state)
{
    static const struct {
        uint32_t fields;
        uint64_t version, kind;
        enum trust_code want;
    } rows[] = {
        {7, 1, 1, TRUST_OK},        {7, 1, 4, TRUST_OK},
        {7, 2, 1, TRUST_E_VERSION}, {8, 1, 1, TRUST_E_FORMAT},
        {6, 1, 1, TRUST_E_FORMAT},  {7, 1, 0, TRUST_E_FORMAT},
        {7, 1, 5, TRUST_E_FORMAT},  {7, 1, UINT64_MAX, TRUST_E_FORMAT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        static const uint8_t grant[16];
        uint8_t body[256];
        struct mp_writer m;
        size_t n;

        mp_writer_init(&m, body, sizeof(body));
        mp_write_array(&m, rows[i].fields);
        mp_write_uint(&m, rows[i].version);
        mp_write_str(&m, "acme", 4);
        mp_write_bin(&m, grant, sizeof(grant));
        mp_write_uint(&m, rows[i].kind);
        mp_write_str(&m, "", 0);
        mp_write_uint(&m, W_NOW);
        if (rows[i].fields > 6)
            mp_write_uint(&m, W_NOW + 10);
        if (rows[i].fields > 7)
            mp_write_uint(&m, 0);
        assert_int_equal(mp_written(&m, &n), TS_OK);
        ts_buf_clear(&buf);
        assert_int_equal(signed_make(SIGNED_ORIGIN, (struct ts_bytes){body, n},
                                     &w.key[KEY_ISSUER], &buf),
                         TS_OK);
        assert_int_equal(judge(NULL, world_bytes(&buf)), rows[i].want);
    }
}

static void origin_kinds_have_names(void **state)
{
    enum origin_kind k;

    (void)state;
    for (int i = ORIGIN_USER; i <= ORIGIN_AGENT; i++) {
        assert_true(origin_kind_parse(
            ts_str_of(origin_kind_name((enum origin_kind)i)), &k));
        assert_int_equal(k, i);
    }
    assert_false(origin_kind_parse(TS_STR_LIT("User"), &k));
    assert_false(origin_kind_parse(TS_STR_LIT(""), &k));
}

static ts_err made(const void *arg)
{
    struct ts_buf out;
    ts_err e;

    ts_buf_init(&out, SIGNED_ORIGIN_MAX);
    e = origin_make(arg, &w.key[KEY_ISSUER], &out);
    ts_buf_done(&out);
    return e;
}

static void origin_without_memory_is_not_made(void **state)
{
    struct origin o = sample();

    (void)state;
    fault_mem_sweep(made, &o, TS_OK, 2);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(origin_goes_there_and_back_and_nothing_near_it),
        T(origin_is_said_by_an_issuer_of_the_tenant_alone),
        T(origin_outside_its_time_does_not_count),
        T(origin_that_is_none_is_not_made),
        T(origin_with_an_odd_body_is_refused),
        T(origin_kinds_have_names),
        T(origin_without_memory_is_not_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
