/* What profiles answer to the canary's calls. */
#include <string.h>

#include "sidecar/launcher/canary/asked.h"
#include "tests/lib/fault_mem.h"
#include "tests/lib/ts_test.h"

static struct sandbox_profile *read_profile(const char *text,
                                            struct ts_arena *a)
{
    const struct sandbox_source src = {.file = "sandbox/x.yaml",
                                       .text = ts_str_of(text)};
    struct sandbox_profile *p = NULL;
    char why[512] = "";

    ts_arena_init(a, SANDBOX_ARENA_BYTES);
    if (sandbox_profile_read(&src, a, &p, why, sizeof(why)) != TS_OK)
        fail_msg("%s", why);
    return p;
}

static struct canary_asked ask(const char *text, bool strict)
{
    struct canary_asked got = {0, 0};
    struct ts_arena a;

    assert_int_equal(canary_ask(read_profile(text, &a), strict, &got), TS_OK);
    ts_arena_done(&a);
    return got;
}

static void built_in_profiles_give_nothing_but_sockets(void **s)
{
    (void)s;
    for (int i = 0; i < SANDBOX_BUILTIN_COUNT; i++) {
        bool is_net = strcmp(sandbox_builtin_names[i], "net") == 0;
        struct sandbox_profile *p;
        struct canary_asked got;
        struct ts_arena a;

        for (int strict = 0; strict < 2; strict++) {
            ts_arena_init(&a, SANDBOX_ARENA_BYTES);
            assert_int_equal(sandbox_profile_builtin(
                                 ts_str_of(sandbox_builtin_names[i]), &a, &p),
                             TS_OK);
            assert_int_equal(canary_ask(p, strict != 0, &got), TS_OK);
            ts_arena_done(&a);
            assert_int_equal(got.gives, is_net ? CANARY(SOCKET_INET) : 0);
            assert_int_equal(got.skips, 0);
        }
    }
}

#define HEAD "name: x\ndescription: x\nextends: files\n"

static void what_a_profile_opens_is_given_by_whatever_rule(void **s)
{
    (void)s;
    assert_int_equal(ask(HEAD "allow: [ptrace]\n", false).gives, CANARY(TRACE));
    assert_int_equal(ask(HEAD "allow: ['@mount', '@keyring']\n", false).gives,
                     CANARY(MOUNT) | CANARY(KEYRING));
    assert_int_equal(
        ask(HEAD "rules: {socket: {allow: ['arg0 == AF_NETLINK']}}\n", false)
            .gives,
        CANARY(SOCKET_NETLINK));
    /* other arguments than the canary's */
    assert_int_equal(
        ask(HEAD "rules: {socket: {allow: ['arg0 == AF_INET6']}}\n", false)
            .gives,
        0);
}

/* EINVAL of the filter looks like EINVAL of the kernel, which was reached. */
static void a_refusal_that_looks_like_success_is_not_judged(void **s)
{
    (void)s;
    assert_int_equal(
        ask(HEAD "rules: {ptrace: {allow: ['arg0 == 77'], else: EINVAL}}\n",
            false)
            .gives,
        CANARY(TRACE));
    assert_int_equal(ask(HEAD "refuse: [bpf]\n", false).gives, 0);
    assert_int_equal(ask(HEAD "absent: [bpf]\n", false).gives, 0);
}

static void what_kills_is_not_tried(void **s)
{
    struct canary_asked got = ask(HEAD "kill: ['@mount', kill, bpf]\n", false);

    (void)s;
    assert_int_equal(got.skips, CANARY(MOUNT) | CANARY(SIGNAL) | CANARY(BPF));
    assert_int_equal(got.gives, 0);
}

static ts_err scenario(const void *arg)
{
    struct canary_asked got;

    return canary_ask(arg, true, &got);
}

static void canary_ask_without_memory_says_so(void **s)
{
    struct ts_arena a;
    struct sandbox_profile *p = read_profile(HEAD, &a);

    (void)s;
    fault_mem_sweep(scenario, p, TS_OK, 1);
    ts_arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in_profiles_give_nothing_but_sockets),
        cmocka_unit_test(what_a_profile_opens_is_given_by_whatever_rule),
        cmocka_unit_test(a_refusal_that_looks_like_success_is_not_judged),
        cmocka_unit_test(what_kills_is_not_tried),
        cmocka_unit_test(canary_ask_without_memory_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
