/*
 * Keyed calls never pass for one that does not have the key: any argument, any
 * register, one bit wrong.
 */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "sidecar/launcher/layers/filter_keyed.h"
#include "sidecar/sandbox/bpf.h"
#include "sidecar/sandbox/cond.h"

static const struct filter_key key = {{0x8123456789abcdef, 0x7edcba9876543211}};

struct launcher_models {
    struct ts_arena arena;
    struct sandbox_profile *p;
    struct sandbox_model tool, launcher, strict;
};

static void models_make(struct launcher_models *x, const char *name,
                        enum sandbox_arch arch)
{
    ts_arena_init(&x->arena, SANDBOX_ARENA_BYTES);
    assert_int_equal(sandbox_profile_builtin(ts_str_of(name), &x->arena, &x->p),
                     TS_OK);
    assert_int_equal(sandbox_profile_model(x->p, arch, &x->arena, &x->tool),
                     TS_OK);
    x->launcher = x->tool;
    assert_int_equal(
        filter_keyed_add(&x->p->calls, &key, false, &x->launcher, &x->arena),
        TS_OK);
    assert_int_equal(sandbox_profile_strict(x->p, arch, &x->arena, &x->strict),
                     TS_OK);
    assert_int_equal(
        filter_keyed_add(&x->p->calls, &key, true, &x->strict, &x->arena),
        TS_OK);
}

/* Arguments for which the row's condition holds. */
static void arguments(const struct filter_keyed *k, uint64_t args[SANDBOX_ARGS])
{
    struct sandbox_clause c = {0};
    struct sandbox_why why;
    struct ts_arena a;

    memset(args, 0, SANDBOX_ARGS * sizeof(args[0]));
    if (k->when == NULL)
        return;
    ts_arena_init(&a, 1 << 16);
    assert_int_equal(
        sandbox_cond_parse(k->call, ts_str_of(k->when), &a, &c, &why), TS_OK);
    for (uint32_t i = 0; i < c.count; i++) {
        const struct sandbox_cond *d = &c.conds[i];

        args[d->arg] |=
            d->differs ? d->values[0] ^ (d->mask & 0x20000) : d->values[0];
    }
    ts_arena_done(&a);
}

static void set_key(const struct filter_keyed *k, uint64_t args[SANDBOX_ARGS])
{
    unsigned at = filter_keyed_first(k);

    args[at] = key.word[0];
    if (at == 4)
        args[5] = key.word[1];
}

static int number(const struct launcher_models *x, const char *call)
{
    int i = sandbox_calls_find(&x->p->calls, ts_str_of(call));

    return i < 0 ? -1 : x->p->calls.list[i].nr[x->tool.arch];
}

static void one_row(const struct launcher_models *x,
                    const struct filter_keyed *k)
{
    const uint32_t audit = sandbox_arch_audit(x->tool.arch);
    uint64_t args[SANDBOX_ARGS];
    int nr = number(x, k->call);
    unsigned first = filter_keyed_first(k);
    uint32_t without;

    if (nr < 0)
        return;
    arguments(k, args);
    without = sandbox_model_eval(&x->tool, audit, (uint32_t)nr, args);
    set_key(k, args);
    assert_int_equal(
        sandbox_model_eval(&x->launcher, audit, (uint32_t)nr, args),
        SANDBOX_ALLOW);
    if (!k->in_strict) /* what strict leaves is what it leaves a tool */
        assert_int_equal(
            sandbox_model_eval(&x->strict, audit, (uint32_t)nr, args) ==
                SANDBOX_ALLOW,
            without == SANDBOX_ALLOW &&
                sandbox_model_eval(&x->strict, audit, (uint32_t)nr,
                                   (uint64_t[6]){args[0], args[1], args[2],
                                                 args[3]}) == SANDBOX_ALLOW);
    for (unsigned bit = 0; bit < 64 * (SANDBOX_ARGS - first); bit++) {
        uint64_t wrong[SANDBOX_ARGS];

        memcpy(wrong, args, sizeof(wrong));
        wrong[first + bit / 64] ^= 1ull << (bit % 64);
        assert_int_equal(
            sandbox_model_eval(&x->launcher, audit, (uint32_t)nr, wrong),
            without);
    }
}

static void keyed_call_with_one_wrong_bit_is_a_call_without_a_key(void **s)
{
    (void)s;
    for (int i = 0; i < SANDBOX_BUILTIN_COUNT; i++) {
        for (int arch = 0; arch < SANDBOX_ARCHS; arch++) {
            struct launcher_models x;

            models_make(&x, sandbox_builtin_names[i], (enum sandbox_arch)arch);
            for (const struct filter_keyed *k = filter_keyed_calls;
                 k->call != NULL; k++)
                one_row(&x, k);
            ts_arena_done(&x.arena);
        }
    }
}

/* One row in one filter: the key with any of its halves right, and not all. */
static void same_steps(const struct launcher_models *x,
                       const struct filter_keyed *k,
                       const struct sandbox_bpf *filter, bool when)
{
    const uint32_t audit = sandbox_arch_audit(x->tool.arch);
    const unsigned first = filter_keyed_first(k);
    const unsigned all = (1u << 2 * (SANDBOX_ARGS - first)) - 1;
    uint64_t args[SANDBOX_ARGS] = {0};
    uint32_t steps = 0, nr = (uint32_t)number(x, k->call), said = 0;

    if (when)
        arguments(k, args);
    set_key(k, args);
    for (unsigned wrong = all; wrong > 0; wrong--) {
        uint64_t guess[SANDBOX_ARGS];
        uint32_t took, answer;

        memcpy(guess, args, sizeof(guess));
        for (unsigned half = 0; half < 2 * (SANDBOX_ARGS - first); half++) {
            if ((wrong & 1u << half) != 0)
                guess[first + half / 2] ^= 0xa5a5a5a5ull << half % 2 * 32;
        }
        answer = sandbox_bpf_run(filter, audit, nr, guess, &took);
        if (wrong == all) {
            steps = took;
            said = answer;
        }
        if (took != steps || answer != said)
            fail_msg("%s, halves %x wrong: %u instructions, not %u", k->call,
                     wrong, took, steps);
    }
}

/* A refusal must not take longer the more of a key was right: 2^64 guesses
 * would become twice 2^32. */
static void wrong_keys_take_the_same_instructions_whatever_was_right(void **s)
{
    (void)s;
    for (int i = 0; i < 2 * SANDBOX_BUILTIN_COUNT; i++) {
        struct launcher_models x;
        struct sandbox_bpf base, strict;
        unsigned rows = 0;

        models_make(&x, sandbox_builtin_names[i / 2],
                    (enum sandbox_arch)(i % 2));
        assert_int_equal(sandbox_bpf_compile(&x.launcher, &x.arena, &base),
                         TS_OK);
        assert_int_equal(
            sandbox_bpf_compile_over(&x.launcher, &x.strict, &x.arena, &strict),
            TS_OK);
        for (const struct filter_keyed *k = filter_keyed_calls; k->call != NULL;
             k++) {
            if (number(&x, k->call) < 0)
                continue;
            for (int when = 0; when < 2; when++) {
                same_steps(&x, k, &base, when == 1);
                same_steps(&x, k, &strict, when == 1);
            }
            rows++;
        }
        assert_true(rows > 30);
        ts_arena_done(&x.arena);
    }
}

/* The table says how many arguments the kernel reads; what it knows of widths
 * must not contradict it. */
static void keyed_register_is_one_that_the_kernel_ignores(void **s)
{
    (void)s;
    for (const struct filter_keyed *k = filter_keyed_calls; k->call != NULL;
         k++) {
        assert_true(k->args <= 5);
        if (strcmp(k->call, "keyctl") == 0)
            continue; /* five, of which this operation uses two */
        for (unsigned arg = filter_keyed_first(k); arg < SANDBOX_ARGS; arg++)
            assert_int_equal(sandbox_arg_bits(k->call, arg), 0);
    }
}

static void new_user_namespace_is_for_nobody(void **s)
{
    (void)s;
    for (int i = 0; i < SANDBOX_BUILTIN_COUNT; i++) {
        struct launcher_models x;
        uint64_t args[SANDBOX_ARGS] = {0x10000000, 0x10000000,  0,
                                       0,          key.word[0], key.word[1]};
        static const char *const calls[] = {"unshare", "setns", "clone3",
                                            "clone"};

        models_make(&x, sandbox_builtin_names[i], SANDBOX_X86_64);
        for (int k = 0; k < 4; k++) {
            if (k == 3)
                args[5] = key.word[0];
            assert_int_not_equal(
                sandbox_model_eval(&x.launcher,
                                   sandbox_arch_audit(SANDBOX_X86_64),
                                   (uint32_t)number(&x, calls[k]), args),
                SANDBOX_ALLOW);
        }
        ts_arena_done(&x.arena);
    }
}

/* What the linter knows as a hole of severity escape is closed in all. */
static void builtin_profiles_and_strict_have_no_escape_open(void **s)
{
    (void)s;
    for (int i = 0; i < SANDBOX_BUILTIN_COUNT; i++) {
        for (int arch = 0; arch < SANDBOX_ARCHS; arch++) {
            struct launcher_models x;

            models_make(&x, sandbox_builtin_names[i], (enum sandbox_arch)arch);
            for (const struct sandbox_hole *h = sandbox_holes; h->name != NULL;
                 h++) {
                bool tool = sandbox_hole_is_open(h, &x.p->calls, &x.tool);

                if (sandbox_calls_find(&x.p->calls, ts_str_of(h->call)) < 0)
                    fail_msg("hole of an unknown call %s", h->call);
                if (tool && h->severity == SANDBOX_ESCAPE)
                    fail_msg("%s: %s", sandbox_builtin_names[i], h->name);
                if (!tool) /* strict opens nothing */
                    assert_false(
                        sandbox_hole_is_open(h, &x.p->calls, &x.strict));
            }
            ts_arena_done(&x.arena);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keyed_call_with_one_wrong_bit_is_a_call_without_a_key),
        cmocka_unit_test(
            wrong_keys_take_the_same_instructions_whatever_was_right),
        cmocka_unit_test(keyed_register_is_one_that_the_kernel_ignores),
        cmocka_unit_test(new_user_namespace_is_for_nobody),
        cmocka_unit_test(builtin_profiles_and_strict_have_no_escape_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
