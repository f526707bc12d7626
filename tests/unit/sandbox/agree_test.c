/*
 * What a profile means, what our compiler makes of it and what libseccomp
 * makes of it must be the same: for every profile, level strict of it, both
 * architectures, every number and the arguments that can matter.
 */
#include "tests/lib/ts_test.h"

#include <linux/audit.h>
#include <stdio.h>

#include "sidecar/launcher/layers/filter_keyed.h"
#include "sidecar/sandbox/bpf.h"
#include "tests/unit/sandbox/models.h"
#include "tests/unit/sandbox/oracle.h"

#define NUMBERS 600
#define ALLOWED_STEPS                                                          \
    6727 /* of the generator that this one replaces, over as many numbers */
#define STEP_NUMBERS 463 /* NR_syscalls of Linux 6.8, x86-64 */

static const struct filter_key key = {{0x0123456789abcdef, 0xfedcba9876543210}};

struct compare {
    const struct sandbox_model *m;
    const struct sandbox_bpf *ours, *under; /* under: NULL, or the base */
    const struct oracle *other;             /* NULL: not compared */
    uint32_t nr, audit;
    uint64_t done;
};

/* The kernel runs all filters and takes the strictest; of equals the newest. */
static uint32_t both(const struct compare *c, const uint64_t *args)
{
    uint32_t over = sandbox_bpf_run(c->ours, c->audit, c->nr, args, NULL),
             under;

    if (c->under == NULL)
        return over;
    under = sandbox_bpf_run(c->under, c->audit, c->nr, args, NULL);
    return (int32_t)(under & 0xffff0000) < (int32_t)(over & 0xffff0000) ? under
                                                                        : over;
}

static bool compare(void *ctx, const uint64_t *args)
{
    struct compare *c = ctx;
    uint32_t want = sandbox_model_eval(c->m, c->audit, c->nr, args);

    c->done++;
    if (both(c, args) != want) {
        print_error("number %u: model %x, filter %x\n", c->nr, want,
                    both(c, args));
        return false;
    }
    if (c->other != NULL &&
        (c->nr >= SANDBOX_NR_END || c->other->said[c->nr])) {
        uint32_t other =
            sandbox_bpf_run(&c->other->program, c->audit, c->nr, args, NULL);
        const struct sandbox_call *call =
            c->nr < SANDBOX_NR_END ? c->m->by_nr[c->nr] : NULL;

        /* explained: libseccomp answers with its default where a call has
         * conditions and none holds */
        if (other != want &&
            !(call != NULL && call->count > 0 && want == call->action &&
              other == SANDBOX_ABSENT)) {
            print_error("number %u: model %x, libseccomp %x\n", c->nr, want,
                        other);
            return false;
        }
    }
    return true;
}

static uint64_t compare_all(const struct sandbox_model *m,
                            const struct sandbox_bpf *ours,
                            const struct sandbox_bpf *under,
                            const struct oracle *other)
{
    static const uint32_t audits[] = {AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64,
                                      AUDIT_ARCH_I386, AUDIT_ARCH_ARM, 0};
    static const uint32_t odd[] = {
        SANDBOX_X32_BIT,     SANDBOX_X32_BIT + 1, SANDBOX_X32_BIT + 512,
        SANDBOX_X32_BIT - 1, 0x7fffffff,          0x80000000,
        UINT32_MAX - 1,      UINT32_MAX};
    struct compare c = {.m = m, .ours = ours, .under = under, .other = other};
    const uint64_t none[SANDBOX_ARGS] = {0};

    for (c.nr = 0; c.nr < NUMBERS; c.nr++) {
        c.audit = sandbox_arch_audit(m->arch);
        assert_true(models_each_args(
            c.nr < SANDBOX_NR_END ? m->by_nr[c.nr] : NULL, compare, &c));
        for (size_t i = 0; i < sizeof(audits) / sizeof(audits[0]); i++) {
            c.audit = audits[i];
            if (under == NULL || audits[i] == sandbox_arch_audit(m->arch))
                assert_true(compare(&c, none));
        }
    }
    c.audit = sandbox_arch_audit(m->arch);
    c.other = NULL; /* it knows x32 as an architecture of its own */
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        c.nr = odd[i];
        assert_true(compare(&c, none));
    }
    return c.done;
}

static struct sandbox_profile *profile(const char *name, struct ts_arena *a)
{
    struct sandbox_profile *p = NULL;

    ts_arena_init(a, SANDBOX_ARENA_BYTES);
    assert_int_equal(sandbox_profile_builtin(ts_str_of(name), a, &p), TS_OK);
    return p;
}

static void
every_profile_means_the_same_to_model_filter_and_libseccomp(void **s)
{
    (void)s;
    for (int i = 0; i < SANDBOX_BUILTIN_COUNT; i++) {
        for (int arch = 0; arch < SANDBOX_ARCHS; arch++) {
            struct ts_arena a;
            struct sandbox_profile *p = profile(sandbox_builtin_names[i], &a);
            struct sandbox_model m;
            struct sandbox_bpf b;
            static struct oracle o;
            uint32_t steps;
            uint64_t n;

            assert_int_equal(
                sandbox_profile_model(p, (enum sandbox_arch)arch, &a, &m),
                TS_OK);
            assert_int_equal(sandbox_bpf_compile(&m, &a, &b), TS_OK);
            assert_int_equal(oracle_make(&m, &a, &o), TS_OK);
            assert_true(o.said_count > SANDBOX_NR_END - 32);
            n = compare_all(&m, &b, NULL, &o);
            steps =
                sandbox_bpf_steps(&b, sandbox_arch_audit(m.arch), STEP_NUMBERS);
            print_message("%-6s %-7s %3u instructions, %u steps (libseccomp: "
                          "%u, %u); %llu comparisons, %u calls by libseccomp\n",
                          p->name, sandbox_arch_name(m.arch), b.count, steps,
                          o.program.count,
                          sandbox_bpf_steps(&o.program,
                                            sandbox_arch_audit(m.arch),
                                            STEP_NUMBERS),
                          (unsigned long long)n, o.said_count);
            assert_true(steps < ALLOWED_STEPS);
            ts_arena_done(&a);
        }
    }
}

static void launcher_filter_means_profile_and_key(void **s)
{
    (void)s;
    for (int i = 0; i < SANDBOX_BUILTIN_COUNT; i++) {
        for (int arch = 0; arch < SANDBOX_ARCHS; arch++) {
            struct ts_arena a;
            struct sandbox_profile *p = profile(sandbox_builtin_names[i], &a);
            struct sandbox_model m;
            struct sandbox_bpf b;

            assert_int_equal(
                sandbox_profile_model(p, (enum sandbox_arch)arch, &a, &m),
                TS_OK);
            assert_int_equal(filter_keyed_add(&p->calls, &key, false, &m, &a),
                             TS_OK);
            assert_int_equal(sandbox_bpf_compile(&m, &a, &b), TS_OK);
            (void)compare_all(&m, &b, NULL, NULL);
            print_message("%-6s %-7s with keys %3u instructions, %u steps\n",
                          p->name, sandbox_arch_name(m.arch), b.count,
                          sandbox_bpf_steps(&b, sandbox_arch_audit(m.arch),
                                            STEP_NUMBERS));
            ts_arena_done(&a);
        }
    }
}

static void strict_over_base_means_strict(void **s)
{
    (void)s;
    for (int i = 0; i < SANDBOX_BUILTIN_COUNT; i++) {
        for (int arch = 0; arch < SANDBOX_ARCHS; arch++) {
            struct ts_arena a;
            struct sandbox_profile *p = profile(sandbox_builtin_names[i], &a);
            struct sandbox_model base, strict;
            struct sandbox_bpf under, over;

            assert_int_equal(
                sandbox_profile_model(p, (enum sandbox_arch)arch, &a, &base),
                TS_OK);
            assert_int_equal(
                filter_keyed_add(&p->calls, &key, false, &base, &a), TS_OK);
            assert_int_equal(
                sandbox_profile_strict(p, (enum sandbox_arch)arch, &a, &strict),
                TS_OK);
            assert_int_equal(
                filter_keyed_add(&p->calls, &key, true, &strict, &a), TS_OK);
            assert_int_equal(sandbox_bpf_compile(&base, &a, &under), TS_OK);
            assert_int_equal(
                sandbox_bpf_compile_over(&base, &strict, &a, &over), TS_OK);
            (void)compare_all(&strict, &over, &under, NULL);
            /* arguments of the base's clauses, too: keys that no longer open */
            for (uint32_t nr = 0; nr < SANDBOX_NR_END; nr++) {
                struct compare c = {.m = &strict,
                                    .ours = &over,
                                    .under = &under,
                                    .nr = nr,
                                    .audit = sandbox_arch_audit(base.arch)};

                assert_true(models_each_args(base.by_nr[nr], compare, &c));
            }
            print_message("%-6s %-7s strict %3u instructions\n", p->name,
                          sandbox_arch_name(base.arch), over.count);
            ts_arena_done(&a);
        }
    }
}

/* A generator of our own: the same models on every machine. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void random_models_compile_to_what_they_mean(void **s)
{
    static uint8_t bytes[3000];
    uint64_t seed = 0x9e3779b97f4a7c15;

    (void)s;
    for (int round = 0; round < 60; round++) {
        struct models_bytes b = {bytes,
                                 (size_t)(50 + next_random(&seed) % 2900), 0};
        struct ts_arena a;
        struct sandbox_model m;
        struct sandbox_bpf p;
        ts_err e;

        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (uint8_t)next_random(&seed);
        ts_arena_init(&a, SANDBOX_ARENA_BYTES);
        assert_int_equal(models_random(&b, &a, &m), TS_OK);
        e = sandbox_bpf_compile(&m, &a, &p);
        assert_true(e == TS_OK || e == TS_E_LIMIT);
        if (e == TS_OK)
            (void)compare_all(&m, &p, NULL, NULL);
        ts_arena_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            every_profile_means_the_same_to_model_filter_and_libseccomp),
        cmocka_unit_test(launcher_filter_means_profile_and_key),
        cmocka_unit_test(strict_over_base_means_strict),
        cmocka_unit_test(random_models_compile_to_what_they_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
