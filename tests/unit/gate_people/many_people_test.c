#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fixture.h"
#include "sidecar/gate/people/directory.h"
#include "sidecar/gate/people/directory_yaml.h"
#include "tests/lib/ts_test.h"

/* Directories at their limits: they load, and in what time is printed. */

static struct fixture fix;

static int setup(void **state)
{
    (void)state;
    fix_init(&fix);
    fix_add_starter(&fix, "acme", KEY_ISSUER, KEY_CODER);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fix_done(&fix);
    return 0;
}

static double now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* users of two groups each, and agents; keys of the first with_keys agents. */
static char *source_of(unsigned users, unsigned agents, unsigned with_keys)
{
    size_t cap = 256 + (size_t)users * 96 + (size_t)agents * 160, at = 0;
    char *text = malloc(cap);

    assert_non_null(text);
    at += (size_t)snprintf(text, cap, "users:\n");
    for (unsigned i = 0; i < users; i++)
        at += (size_t)snprintf(
            text + at, cap - at,
            "  - {id: u%u, status: active, groups: [developers, g%u]}\n", i,
            i % 500);
    at += (size_t)snprintf(text + at, cap - at, "agents:%s\n",
                           agents == 0 ? " []" : "");
    for (unsigned i = 0; i < agents; i++) {
        char hex[65] = "";

        if (i < with_keys) { /* any points do */
            uint8_t seed[TRUST_SEED_LEN] = {0};
            struct trust_secret s = {0};

            memcpy(seed, &i, sizeof(i));
            seed[31] = 1;
            assert_int_equal(trust_secret_from_seed(seed, &s), TS_OK);
            ts_hex_encode(hex, s.pk, sizeof(s.pk));
            trust_secret_done(&s);
        }
        at += (size_t)snprintf(
            text + at, cap - at,
            "  - {id: a%u, status: active, owner: u0, keys: [%s]}\n", i, hex);
    }
    assert_true(at < cap);
    return text;
}

static void sixteen_thousand_users_load_within_a_second(void **state)
{
    char *text = source_of(DIRECTORY_USERS_MAX, 0, 0);
    struct fix_signing how = fix_signing("acme", 2);
    struct bundle_file file = {TS_STR_LIT("d.yaml"), ts_str_of(text)};
    struct directory_snapshot d;
    struct snapshot *s = NULL;
    struct ts_bytes object;
    struct ts_arena arena;
    double t0, t1, t2;

    (void)state;
    fix_load_ok(&fix);
    ts_arena_init(&arena, 256u << 20);
    t0 = now_ms();
    if (directory_yaml_read(&file, &arena, &d, fix.err, sizeof(fix.err)) !=
        TS_OK)
        fail_msg("%s", fix.err);
    t1 = now_ms();
    assert_int_equal(d.user_count, DIRECTORY_USERS_MAX);
    ts_arena_done(&arena);
    fix_set(&fix, "tenants/acme/directory.yaml", text);
    object = fix_sign_directory(&fix, &how);
    t2 = now_ms();
    assert_int_equal(snapshot_with_directory(fix.snapshot, TS_STR_LIT("acme"),
                                             object, &fix.past, &s, fix.err,
                                             sizeof(fix.err)),
                     TS_OK);
    print_message("%d users: source %.0f ms, signed %zu bytes, in force after "
                  "%.0f ms\n",
                  DIRECTORY_USERS_MAX, t1 - t0, object.len, now_ms() - t2);
    free((void *)(uintptr_t)object.ptr);
    snapshot_free(fix.snapshot);
    fix.snapshot = s;
    for (unsigned i = 0; i < DIRECTORY_USERS_MAX; i++) {
        char name[16];
        struct cedar_uid uid;

        (void)snprintf(name, sizeof(name), "u%u", i);
        uid = cedar_uid_make(TS_STR_LIT("User"), ts_str_of(name));
        assert_non_null(directory_find(s->tenants[0].directory, &uid));
    }
    free(text);
}

static void one_user_or_agent_more_is_refused(void **state)
{
    static const struct {
        unsigned users, agents;
        const char *text;
    } rows[] = {{DIRECTORY_USERS_MAX + 1, 0,
                 "d.yaml:2: users has more than 16384 entries"},
                {1, DIRECTORY_AGENTS_MAX + 1,
                 "d.yaml:4: agents has more than 4096 entries"}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char *text = source_of(rows[i].users, rows[i].agents, 0);
        struct bundle_file file = {TS_STR_LIT("d.yaml"), ts_str_of(text)};
        struct directory_snapshot d;
        struct ts_arena arena;

        ts_arena_init(&arena, 256u << 20);
        assert_int_not_equal(
            directory_yaml_read(&file, &arena, &d, fix.err, sizeof(fix.err)),
            TS_OK);
        assert_string_equal(fix.err, rows[i].text);
        ts_arena_done(&arena);
        free(text);
    }
}

static void every_agent_with_a_key_loads(void **state)
{
    char *text = source_of(1, DIRECTORY_AGENTS_MAX, DIRECTORY_AGENTS_MAX);
    struct fix_signing how = fix_signing("acme", 2);
    struct snapshot *s = NULL;
    struct ts_bytes object;
    double t0;

    (void)state;
    fix_load_ok(&fix);
    fix_set(&fix, "tenants/acme/directory.yaml", text);
    object = fix_sign_directory(&fix, &how);
    t0 = now_ms();
    assert_int_equal(snapshot_with_directory(fix.snapshot, TS_STR_LIT("acme"),
                                             object, &fix.past, &s, fix.err,
                                             sizeof(fix.err)),
                     TS_OK);
    print_message("%d agents with keys: in force after %.0f ms\n",
                  DIRECTORY_AGENTS_MAX, now_ms() - t0);
    free((void *)(uintptr_t)object.ptr);
    snapshot_free(s);
    free(text);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(sixteen_thousand_users_load_within_a_second),
        T(one_user_or_agent_more_is_refused),
        T(every_agent_with_a_key_loads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
