/* Entities against a schema: random ones, truncated and flipped ones, many
 * mistakes, and no memory. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "conform_help.h"
#include "policy/cedar_schema.h"
#include "tests/lib/fault_mem.h"

static uint64_t seed;

static uint32_t next(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % below;
}

struct text {
    char s[8192];
    size_t len;
};

static void TS_PRINTF(2, 3) add(struct text *t, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(t->s + t->len, sizeof(t->s) - t->len, fmt, ap);
    va_end(ap);
    assert_true(n >= 0 && (size_t)n < sizeof(t->s) - t->len);
    t->len += (size_t)n;
}

/* An extension value in one of its four spellings. */
static void add_ext(struct text *t, const char *fn, const char *arg)
{
    switch (next(4)) {
    case 0:
        add(t, "\"%s\"", arg);
        break;
    case 1:
        add(t, "{\"fn\":\"%s\",\"arg\":\"%s\"}", fn, arg);
        break;
    case 2:
        add(t, "{\"fn\":\"%s\",\"args\":[\"%s\"]}", fn, arg);
        break;
    default:
        add(t, "{\"__extn\":{\"fn\":\"%s\",\"arg\":\"%s\"}}", fn, arg);
    }
}

static void add_entity(struct text *t, const char *type, const char *id)
{
    if (next(2) == 0)
        add(t, "{\"type\":\"%s\",\"id\":\"%s\"}", type, id);
    else
        add(t, "{\"__entity\":{\"type\":\"%s\",\"id\":\"%s\"}}", type, id);
}

/* Random attributes of U, as JSON and as the value they stand for. */
static struct cedar_value random_attrs(struct text *t)
{
    static const char *const ips[] = {"1.2.3.4", "10.0.0.0/8", "::1"};
    static const char *const decs[] = {"1.5", "-0.0001", "922337203685477.58"};
    struct cedar_field f[8], r[2];
    struct cedar_value v[3];
    struct cedar_uid *ids;
    size_t n = 0, m = next(3);
    uint32_t ip = next(3), dec = next(3);
    int64_t num = (int64_t)next(1000) - 500;
    void *mem;

    assert_int_equal(ts_arena_array(&cf_arena, 2, sizeof(*ids), &mem), TS_OK);
    ids = mem;
    ids[0] = cf_uid("U", "x");
    ids[1] = cf_uid("E", next(2) == 0 ? "a" : "b");
    add(t, "{\"n\":%d", (int)num);
    f[n++] = (struct cedar_field){TS_STR_LIT("n"), cedar_long(num)};
    add(t, ",\"ip\":");
    add_ext(t, "ip", ips[ip]);
    f[n].key = TS_STR_LIT("ip");
    assert_int_equal(cedar_ipaddr(ts_str_of(ips[ip]), &f[n++].value), TS_OK);
    add(t, ",\"de\":");
    add_ext(t, "decimal", decs[dec]);
    f[n].key = TS_STR_LIT("de");
    assert_int_equal(cedar_decimal(ts_str_of(decs[dec]), &f[n++].value), TS_OK);
    add(t, ",\"u\":");
    add_entity(t, "U", "x");
    f[n++] = (struct cedar_field){TS_STR_LIT("u"), cedar_entity(&ids[0])};
    add(t, ",\"e\":");
    add_entity(t, "E", ids[1].id.ptr);
    f[n++] = (struct cedar_field){TS_STR_LIT("e"), cedar_entity(&ids[1])};
    add(t, ",\"r\":{\"x\":%u,\"y\":", ip);
    add_ext(t, "ip", ips[ip]);
    add(t, "},\"ips\":[");
    r[0] = (struct cedar_field){TS_STR_LIT("x"), cedar_long(ip)};
    r[1] = (struct cedar_field){TS_STR_LIT("y"), f[1].value};
    f[n++] = (struct cedar_field){TS_STR_LIT("r"), cf_record(r, 2)};
    for (size_t i = 0; i < m; i++) {
        add(t, "%s", i > 0 ? "," : "");
        add_ext(t, "ip", ips[i]);
        assert_int_equal(cedar_ipaddr(ts_str_of(ips[i]), &v[i]), TS_OK);
    }
    add(t, "]}");
    f[n].key = TS_STR_LIT("ips");
    assert_int_equal(cedar_set_make(&cf_arena, v, m, &f[n++].value), TS_OK);
    return cf_record(f, n);
}

static void entities_parse_schema_gives_back_what_was_written(void **state)
{
    struct cedar_uid u = cf_uid("U", "u");

    (void)state;
    for (seed = 1; seed < 4000;) {
        uint64_t round = seed;
        struct text t = {.len = 0};
        struct cedar_entities *e = NULL;
        struct cedar_value want, got = {.kind = CEDAR_RECORD};
        struct cedar_overlay o = {.uid = u};

        add(&t, "[{\"uid\":{\"type\":\"U\",\"id\":\"u\"},\"parents\":[],"
                "\"attrs\":");
        want = random_attrs(&t);
        add(&t, "}]");
        assert_int_equal(cf_load(t.s, t.len, &e), TS_OK);
        got.as.record = cedar_entity_attrs(e, &u);
        assert_true(cedar_value_eq(&want, &got));
        /* what was read fits, as the other door sees it too */
        o.attrs = got;
        assert_int_equal(cedar_overlay_check(cf_schema, &o, &cf_diags), TS_OK);
        cedar_entities_free(e);
        ts_arena_reset(&cf_arena);
        seed = round + 1;
    }
}

static const char whole[] = "[" CF_ENT(
    "U", "u",
    "\"n\":1,\"ip\":\"::1\",\"addr\":{\"home\":{\"zip\":1}},\"dt\":{\"fn\":"
    "\"offset\",\"args\":[\"2020-01-01\",\"1h\"]},\"us\":[{\"type\":\"U\","
    "\"id\":\"1\"}],\"e\":{\"__entity\":{\"type\":\"E\",\"id\":\"a\"}}",
    CF_REF("G", "g")) "," CF_ENT("Action", "b", "", CF_REF("Action", "c")) "]";

static void entities_parse_schema_truncation_and_flip_are_survived(void **state)
{
    char copy[sizeof(whole)];

    (void)state;
    for (size_t n = 0; n < sizeof(whole) - 1; n++) {
        struct cedar_entities *e = NULL;

        assert_int_equal(cf_load(whole, n, &e), TS_E_FORMAT);
        assert_true(cf_diags.errors > 0);
        assert_null(e);
    }
    for (size_t bit = 0; bit < (sizeof(whole) - 1) * 8; bit++) {
        struct cedar_entities *e = NULL;

        memcpy(copy, whole, sizeof(whole));
        copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << (bit % 8)));
        if (cf_load(copy, sizeof(whole) - 1, &e) != TS_OK) {
            assert_true(cf_diags.errors > 0);
            assert_null(e);
        }
        cedar_entities_free(e);
    }
}

static ts_err all_doors(const void *arg)
{
    static const char text[] =
        "{\"ok\":true,\"addr\":{\"zip\":1},\"tags\":[\"a\"]}";
    struct cedar_source src = {.name = "c", .text = {text, sizeof(text) - 1}};
    struct cedar_uid act = cf_uid("Action", "strict");
    struct cedar_entities *e = NULL;
    struct cedar_value v;
    struct ts_arena a;
    ts_err err;

    (void)arg;
    ts_arena_init(&a, 1 << 20);
    err = cf_load(whole, sizeof(whole) - 1, &e);
    if (err == TS_OK)
        err = cedar_context_parse(&a, cf_schema, &act, &src, &v, &cf_diags);
    cedar_entities_free(e);
    ts_arena_done(&a);
    return err;
}

static void parse_every_failed_allocation_is_reported(void **state)
{
    (void)state;
    fault_mem_sweep(all_doors, NULL, TS_OK, 5);
}

/* Many mistakes cost no more than they are worth: only so many are described.
 */
static void entities_parse_schema_many_mistakes_are_bounded(void **state)
{
    static char text[400000];
    struct cedar_entities *e = NULL;
    size_t len = 0;

    (void)state;
    len += (size_t)snprintf(text, sizeof(text),
                            "[{\"uid\":{\"type\":\"U\",\"id\":\"u\"},"
                            "\"parents\":[],\"attrs\":{\"n\":1");
    for (unsigned i = 0; i < 20000; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, ",\"k%u\":%u",
                                i, i);
    len += (size_t)snprintf(text + len, sizeof(text) - len, "}}]");
    assert_int_equal(cf_load(text, len, &e), TS_E_FORMAT);
    assert_int_equal(cf_diags.errors, CEDAR_DIAGS_MAX);
}

#define T(f) cmocka_unit_test_setup_teardown(f, cf_setup, cf_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(entities_parse_schema_gives_back_what_was_written),
        T(entities_parse_schema_truncation_and_flip_are_survived),
        T(parse_every_failed_allocation_is_reported),
        T(entities_parse_schema_many_mistakes_are_bounded),
    };

    return cmocka_run_group_tests(tests, cf_setup_schema, cf_teardown_schema);
}
