#include <pthread.h>
#include <stdio.h>

#include "policy/cedar.h"
#include "tests/lib/ts_test.h"

/* One policy set and one store, asked by several threads at once. */

#define THREADS 4
#define ROUNDS  2000

static const char policies_text[] =
    "@id(\"a\") permit(principal in G::\"g\", action, resource);"
    "@id(\"b\") forbid(principal, action, resource) when { "
    "principal.n + context.n > 100 };"
    "@id(\"c\") permit(principal, action, resource) when { "
    "[1, 2, 3].contains(context.n) && principal.name like \"u*\" };";
static const char entities_text[] =
    "[{\"uid\":{\"type\":\"U\",\"id\":\"u\"},\"attrs\":{\"n\":7,\"name\":"
    "\"u1\"},\"parents\":[{\"type\":\"G\",\"id\":\"g\"}]}]";

static struct cedar_policies *policies;
static struct cedar_entities *entities;

static enum cedar_decision decide(struct ts_arena *arena, int64_t n,
                                  uint32_t *ret_reasons)
{
    struct cedar_request req = {
        .principal = cedar_uid_make(TS_STR_LIT("U"), TS_STR_LIT("u")),
        .action = cedar_uid_make(TS_STR_LIT("Action"), TS_STR_LIT("v")),
        .resource = cedar_uid_make(TS_STR_LIT("R"), TS_STR_LIT("r"))};
    const struct cedar_field f = {TS_STR_LIT("n"), cedar_long(n)};
    struct cedar_answer a = {0};

    if (cedar_record_make(arena, &f, 1, &req.context) != TS_OK ||
        cedar_authorize(policies, entities, &req, arena, &a) != TS_OK)
        return (enum cedar_decision)99;
    *ret_reasons = a.reason_count;
    return a.decision;
}

/* Returns how many answers were wrong. */
static void *work(void *arg)
{
    struct ts_arena arena;
    uintptr_t wrong = 0;

    (void)arg;
    ts_arena_init(&arena, 1 << 16);
    for (int64_t i = 0; i < ROUNDS; i++) {
        int64_t n = i % 200;
        uint32_t reasons = 0;
        enum cedar_decision d = decide(&arena, n, &reasons);
        bool deny = n + 7 > 100;
        uint32_t expected = !deny && n >= 1 && n <= 3 ? 2 : 1;

        if (d != (deny ? CEDAR_DENY : CEDAR_ALLOW) || reasons != expected)
            wrong++;
        ts_arena_reset(&arena);
    }
    ts_arena_done(&arena);
    return (void *)wrong;
}

static void authorize_from_many_threads_agrees(void **state)
{
    struct cedar_source p = {"p", ts_str_of(policies_text)};
    struct cedar_source e = {"e", ts_str_of(entities_text)};
    pthread_t threads[THREADS];

    (void)state;
    assert_int_equal(
        cedar_policies_parse(&p, 1, &cedar_options_default, &policies, NULL),
        TS_OK);
    assert_int_equal(cedar_entities_parse(&e, 1, &entities, NULL), TS_OK);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, NULL), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *wrong = NULL;

        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_int_equal((uintptr_t)wrong, 0);
    }
    cedar_entities_free(entities);
    cedar_policies_free(policies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authorize_from_many_threads_agrees),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
