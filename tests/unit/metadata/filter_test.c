/* The filter's variant over every call and profile: nothing is given that the
 * profile does not give, and no call that changes metadata is let through. */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "sidecar/launcher/layers/filter_notify.h"
#include "sidecar/sandbox/bpf.h"

static const char *const stopped[] = {
    "chmod",        "fchmod",       "fchmodat",   "fchmodat2",
    "chown",        "fchown",       "lchown",     "fchownat",
    "utime",        "utimes",       "futimesat",  "utimensat",
    "setxattr",     "lsetxattr",    "fsetxattr",  "removexattr",
    "lremovexattr", "fremovexattr", "setxattrat", "removexattrat",
    "file_setattr"};

static bool is_stopped(const char *name)
{
    for (size_t i = 0; i < sizeof(stopped) / sizeof(stopped[0]); i++) {
        if (strcmp(stopped[i], name) == 0)
            return true;
    }
    return false;
}

static const uint64_t samples[] = {
    0, 1, 3, 04755, 0644, 02000, 0x40086602, 0x401c5820, 0x5401, UINT64_MAX};
#define SAMPLES (sizeof(samples) / sizeof(samples[0]))

static void check_call(const struct sandbox_model *base,
                       const struct sandbox_model *m, uint32_t nr,
                       const char *name)
{
    for (size_t i = 0; i < SAMPLES * SAMPLES * SAMPLES; i++) {
        const uint64_t a[SANDBOX_ARGS] = {samples[i % SAMPLES],
                                          samples[i / SAMPLES % SAMPLES],
                                          samples[i / SAMPLES / SAMPLES]};
        uint32_t audit = sandbox_arch_audit(m->arch);
        uint32_t was = sandbox_model_eval(base, audit, nr, a);
        uint32_t is = sandbox_model_eval(m, audit, nr, a);

        if (was != SANDBOX_ALLOW && is != was) /* refused stays refused */
            fail_msg("%s: %x became %x", name, was, is);
        if (is_stopped(name))
            assert_int_not_equal(is, SANDBOX_ALLOW);
        else if (strcmp(name, "sched_setaffinity") == 0)
            assert_int_equal(is, was == SANDBOX_ALLOW && (uint32_t)a[0] != 0
                                     ? SANDBOX_NOTIFY
                                     : was);
        else if (strcmp(name, "ioctl") == 0 &&
                 ((uint32_t)a[1] == 0x40086602 || (uint32_t)a[1] == 0x401c5820))
            assert_int_not_equal(is, SANDBOX_ALLOW);
        else
            assert_int_equal(is, was);
    }
}

static void check_profile(const struct sandbox_profile *p, enum sandbox_arch at)
{
    struct sandbox_model base, m;
    struct ts_arena a;

    ts_arena_init(&a, SANDBOX_ARENA_BYTES);
    assert_int_equal(sandbox_profile_model(p, at, &a, &base), TS_OK);
    m = base;
    assert_int_equal(filter_notify_apply(p, &m, &a), TS_OK);
    for (size_t i = 0; i < p->calls.count; i++) {
        int nr = p->calls.list[i].nr[at];

        if (nr >= 0)
            check_call(&base, &m, (uint32_t)nr, p->calls.list[i].name);
    }
    ts_arena_done(&a);
}

static void variant_of_each_profile_lets_no_metadata_through(void **state)
{
    static const char open_wide[] =
        "name: wide\ndescription: wide\nextends: files\n"
        "allow: [setxattr, fsetxattr, fchmodat2, removexattr, lremovexattr]\n"
        "rules:\n  ioctl:\n    allow: [\"arg1 in 0x40086602 0x5401\"]\n";
    const struct sandbox_source s = {"sandbox/wide.yaml", ts_str_of(open_wide)};

    (void)state;
    for (uint32_t i = 0; i <= SANDBOX_BUILTIN_COUNT; i++) {
        struct sandbox_profile *p;
        struct ts_arena a;
        char text[512] = "";
        ts_err e;

        ts_arena_init(&a, SANDBOX_ARENA_BYTES);
        e = i < SANDBOX_BUILTIN_COUNT
                ? filter_profile_load(NULL, i, &a, &p, text, sizeof(text))
                : sandbox_profile_read(&s, &a, &p, text, sizeof(text));
        if (e != TS_OK)
            fail_msg("%s", text);
        for (int at = 0; at < SANDBOX_ARCHS; at++)
            check_profile(p, (enum sandbox_arch)at);
        ts_arena_done(&a);
    }
}

static void program_with_its_keys_is_made_for_each_profile(void **state)
{
    const struct filter_key key = {{0x1234567890abcdef, 0xfedcba0987654321}};

    (void)state;
    for (uint32_t i = 0; i < SANDBOX_BUILTIN_COUNT; i++) {
        struct sandbox_profile *p;
        struct filter_program f;
        struct ts_arena a;
        char text[512] = "";

        ts_arena_init(&a, SANDBOX_ARENA_BYTES);
        assert_int_equal(
            filter_profile_load(NULL, i, &a, &p, text, sizeof(text)), TS_OK);
        assert_int_equal(filter_make_notify(p, &key, &f), TS_OK);
        assert_true(f.count > 0);
        filter_program_done(&f);
        ts_arena_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variant_of_each_profile_lets_no_metadata_through),
        cmocka_unit_test(program_with_its_keys_is_made_for_each_profile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
