#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/sandbox/profile.h"
#include "tests/lib/fault_mem.h"

#define HEAD "name: x\ndescription: d\nextends: files\n"

static uint32_t answer(const struct sandbox_profile *p, const char *call,
                       const uint64_t args[SANDBOX_ARGS])
{
    static const uint64_t none[SANDBOX_ARGS];
    int i = sandbox_calls_find(&p->calls, ts_str_of(call));
    struct sandbox_model m;
    struct ts_arena a;
    uint32_t action;

    assert_true(i >= 0);
    ts_arena_init(&a, SANDBOX_ARENA_BYTES);
    assert_int_equal(sandbox_profile_model(p, SANDBOX_X86_64, &a, &m), TS_OK);
    action = sandbox_model_eval(&m, sandbox_arch_audit(SANDBOX_X86_64),
                                (uint32_t)p->calls.list[i].nr[SANDBOX_X86_64],
                                args == NULL ? none : args);
    ts_arena_done(&a);
    return action;
}

static struct sandbox_profile *read_ok(const char *text, struct ts_arena *a)
{
    const struct sandbox_source source = {"sandbox/x.yaml", ts_str_of(text)};
    struct sandbox_profile *p = NULL;
    char err[512] = "";

    ts_arena_init(a, SANDBOX_ARENA_BYTES);
    if (sandbox_profile_read(&source, a, &p, err, sizeof(err)) != TS_OK)
        fail_msg("%s", err);
    return p;
}

static void profile_changes_what_it_extends(void **s)
{
    const uint64_t user[SANDBOX_ARGS] = {0x10000000},
                   suid[SANDBOX_ARGS] = {0, 04755};
    struct ts_arena a;
    struct sandbox_profile *p =
        read_ok(HEAD "allow: [mount, chmod]\nabsent: [splice]\nkill: [bpf]\n"
                     "refuse: [read]\n"
                     "rules:\n  getpid:\n    refuse: [\"u32 arg0 == 7\"]\n"
                     "    else: EINVAL\n"
                     "  uname: {else: kill}\n",
                &a);

    (void)s;
    assert_int_equal(answer(p, "mount", NULL), SANDBOX_ALLOW);
    assert_int_equal(answer(p, "splice", NULL), SANDBOX_ABSENT);
    assert_int_equal(answer(p, "bpf", NULL), SANDBOX_KILL);
    assert_int_equal(answer(p, "read", NULL), SANDBOX_ERRNO(1));
    assert_int_equal(answer(p, "getpid", NULL), SANDBOX_ERRNO(22));
    assert_int_equal(answer(p, "uname", NULL), SANDBOX_KILL);
    assert_int_equal(answer(p, "write", NULL), SANDBOX_ALLOW);
    /* restrictions that are inherited hold for what is allowed by name */
    assert_int_equal(answer(p, "chmod", NULL), SANDBOX_ALLOW);
    assert_int_equal(answer(p, "chmod", suid), SANDBOX_ERRNO(1));
    assert_int_equal(answer(p, "clone", user), SANDBOX_ERRNO(1));
    assert_int_equal(answer(p, "clone3", NULL), SANDBOX_ABSENT);
    ts_arena_done(&a);
}

static void profile_name_beats_set_and_strict_set_beats_lax(void **s)
{
    const uint64_t tiocsti[SANDBOX_ARGS] = {0, 0x5412};
    struct ts_arena a;
    struct sandbox_profile *p =
        read_ok(HEAD "allow: [\"@system-service\", mount]\n"
                     "refuse: [\"@file-system\", \"@mount\"]\n"
                     "kill: [\"@keyring\"]\n",
                &a);

    (void)s;
    assert_int_equal(answer(p, "mount", NULL), SANDBOX_ALLOW);
    assert_int_equal(answer(p, "umount2", NULL), SANDBOX_ERRNO(1));
    assert_int_equal(answer(p, "open", NULL), SANDBOX_ERRNO(1));
    assert_int_equal(answer(p, "keyctl", NULL), SANDBOX_KILL);
    assert_int_equal(answer(p, "kcmp", NULL), SANDBOX_ALLOW);
    /* a set leaves calls with rules as they are */
    assert_int_equal(answer(p, "ioctl", tiocsti), SANDBOX_ERRNO(1));
    ts_arena_done(&a);
}

static void profile_restrictions_mean_what_systemd_means(void **s)
{
    const uint64_t wx[SANDBOX_ARGS] = {0, 1, 6}, x[SANDBOX_ARGS] = {0, 1, 4},
                   fifo[SANDBOX_ARGS] = {0, 1}, batch[SANDBOX_ARGS] = {0, 3},
                   net[SANDBOX_ARGS] = {0x40000000},
                   user[SANDBOX_ARGS] = {0x10000000},
                   inet[SANDBOX_ARGS] = {2, 1}, vsock[SANDBOX_ARGS] = {40, 1};
    struct ts_arena a;
    struct sandbox_profile *p =
        read_ok(HEAD "allow: [sched_setscheduler, sched_setattr, unshare, "
                     "socket]\n"
                     "memory_deny_write_execute: true\n"
                     "restrict_realtime: true\n"
                     "restrict_namespaces: [net]\n"
                     "restrict_address_families: [AF_INET]\n",
                &a);

    (void)s;
    assert_int_equal(answer(p, "mmap", wx), SANDBOX_ERRNO(1));
    assert_int_equal(answer(p, "mmap", x), SANDBOX_ALLOW);
    assert_int_equal(answer(p, "mprotect", x), SANDBOX_ERRNO(1));
    assert_int_equal(answer(p, "sched_setscheduler", fifo), SANDBOX_ERRNO(1));
    assert_int_equal(answer(p, "sched_setscheduler", batch), SANDBOX_ALLOW);
    assert_int_equal(answer(p, "sched_setattr", NULL), SANDBOX_ERRNO(1));
    assert_int_equal(answer(p, "unshare", net), SANDBOX_ALLOW);
    assert_int_equal(answer(p, "unshare", user), SANDBOX_ERRNO(1));
    assert_int_equal(answer(p, "socket", inet), SANDBOX_ALLOW);
    assert_int_equal(answer(p, "socket", vsock), SANDBOX_ERRNO(97));
    ts_arena_done(&a);
}

static void profile_that_is_wrong_is_refused_with_file_and_line(void **s)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "sandbox/x.yaml:"},
        {"[]", "sandbox/x.yaml:1: a profile is a map"},
        {"name: x\ndescription: d\n", ":1: \"extends:\" is missing"},
        {"name: x\ndescription: d\nextends: file\n",
         ":3: extends \"file\", which is not built in"},
        {"name: x\ndescription: d\nextends: strict\n",
         ":3: extends \"strict\""},
        {"name: x\ndescription: d\nextends: []\n", ":3: extends must be one"},
        {"name: y\ndescription: d\nextends: files\n",
         ":1: name is \"y\", but the file is not y.yaml"},
        {"description: d\nextends: files\n", ":1: \"name:\" is missing"},
        {"name: x\nextends: files\n", ":1: \"description:\" is missing"},
        {HEAD "alow: []\n", ":4: unknown key \"alow\""},
        {HEAD "allow: read\n", ":4: allow must be a list"},
        {HEAD "allow:\n  - read\n  - reed\n",
         ":6: there is no system call \"reed\"; did you mean read?"},
        {HEAD "allow: [\"@file-sytem\"]\n",
         ":4: there is no set \"@file-sytem\"; did you mean @file-system?"},
        {HEAD "allow: [xxxxxxxxxxxxxxx]\n", ":4: there is no system call"},
        {HEAD "allow: [[read]]\n", ":4: expected the name of a system call"},
        {HEAD "allow: [mount]\nkill: [mount]\n",
         ":5: mount stands in \"allow\" (line 4) too"},
        {HEAD "allow: [mount]\nrules:\n  mount: {else: EPERM}\n",
         ":6: mount stands in a list (line 4) too"},
        {HEAD "rules: []\n", ":4: rules must be a map"},
        {HEAD "rules:\n  iocl: {else: EPERM}\n",
         ":5: there is no system call \"iocl\"; did you mean ioctl?"},
        {HEAD "rules:\n  ioctl: {alow: []}\n", ":5: unknown key \"alow\""},
        {HEAD "rules:\n  ioctl: {allow: []}\n", ":5: expected a list of cond"},
        {HEAD "rules:\n  ioctl: {else: maybe}\n", ":5: \"maybe\" is nothing"},
        {HEAD "rules:\n  ioctl: {}\n", ":5: expected \"allow:\""},
        {HEAD "rules:\n  ioctl:\n    allow:\n      - arg1 == TIOCST\n",
         ":7: ioctl: \"TIOCST\" is no known value; did you mean TIOCSTI?"},
        {HEAD "restrict_suid_sgid: yes\n", ":4: expected true or false"},
        {HEAD "restrict_namespaces: [usr]\n", ":4: no such kind"},
        {HEAD "restrict_namespaces: some\n", ":4: restrict_namespaces must"},
        {HEAD "restrict_address_families: AF_INET\n", ":4: restrict_address"},
        {HEAD "restrict_address_families: [INET]\n", ":4: \"INET\" is not"},
        {HEAD "restrict_address_families: [AF_INET, AF_INET]\n",
         ":4: AF_INET stands twice"},
        {HEAD "accept: x\n", ":4: accept must be a list"},
        {HEAD "accept: [{hole: ptrace}]\n", ":4: expected {hole: NAME"},
        {HEAD "accept: [{hole: ptrase, reason: because of it}]\n",
         ":4: there is no hole \"ptrase\"; did you mean ptrace?"},
        {HEAD "name: x\n", "sandbox/x.yaml:4: "},
    };

    (void)s;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct sandbox_source source = {"sandbox/x.yaml",
                                              ts_str_of(cases[i].text)};
        struct sandbox_profile *p = NULL;
        struct ts_arena a;
        char err[512] = "";

        ts_arena_init(&a, SANDBOX_ARENA_BYTES);
        assert_int_equal(
            sandbox_profile_read(&source, &a, &p, err, sizeof(err)),
            TS_E_INVALID);
        if (strstr(err, cases[i].says) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", err, cases[i].says);
        assert_null(p);
        ts_arena_done(&a);
    }
}

static ts_err check(const char *text, char *err, size_t cap)
{
    const struct sandbox_source source = {"sandbox/x.yaml", ts_str_of(text)};
    struct ts_arena a;
    struct sandbox_profile *p = read_ok(text, &a);
    ts_err e = sandbox_profile_check(p, &source, err, cap);

    ts_arena_done(&a);
    return e;
}

static void profile_with_a_way_out_loads_only_if_it_says_so(void **s)
{
    char err[512] = "";

    (void)s;
    assert_int_equal(check(HEAD "allow: [times, ptrace]\n", err, sizeof(err)),
                     TS_E_INVALID);
    assert_non_null(strstr(err, "sandbox/x.yaml:4: ptrace opens the hole"));
    assert_int_equal(
        check(HEAD "allow: [ptrace]\n"
                   "accept: [{hole: ptrace, reason: a debugger runs here}]\n",
              err, sizeof(err)),
        TS_OK);
    assert_int_equal(
        check(HEAD "restrict_suid_sgid: false\n", err, sizeof(err)),
        TS_E_INVALID);
    assert_non_null(strstr(err, "\"set-id\""));
    /* every bit that the kernel reads counts */
    assert_int_equal(
        check(HEAD "rules:\n  ioctl:\n    refuse: [\"arg1 == TIOCSTI\"]\n", err,
              sizeof(err)),
        TS_E_INVALID);
    /* weaker ones are for the linter to tell */
    assert_int_equal(check(HEAD "allow: [shmget]\n", err, sizeof(err)), TS_OK);
}

static void builtin_profiles_have_no_way_out_and_accept_none(void **s)
{
    char err[512] = "";

    (void)s;
    for (int i = 0; i < SANDBOX_BUILTIN_COUNT; i++) {
        struct ts_str name = ts_str_of(sandbox_builtin_names[i]);
        const struct sandbox_source *source = sandbox_builtin_source(name);
        struct sandbox_profile *p = NULL;
        struct ts_arena a;

        ts_arena_init(&a, SANDBOX_ARENA_BYTES);
        if (sandbox_profile_read(source, &a, &p, err, sizeof(err)) != TS_OK ||
            sandbox_profile_check(p, source, err, sizeof(err)) != TS_OK)
            fail_msg("%s", err);
        assert_int_equal(p->accept_count, 0);
        assert_int_equal(p->options.needs_write_exec,
                         strcmp(p->name, "jit") == 0);
        ts_arena_done(&a);
    }
}

static ts_err scenario(const void *arg)
{
    const struct sandbox_source *source = arg;
    struct sandbox_profile *p;
    struct sandbox_model m;
    struct ts_arena a;
    char err[512];
    ts_err e;

    ts_arena_init(&a, SANDBOX_ARENA_BYTES);
    e = sandbox_profile_read(source, &a, &p, err, sizeof(err));
    if (e == TS_OK)
        e = sandbox_profile_check(p, source, err, sizeof(err));
    if (e == TS_OK)
        e = sandbox_profile_strict(p, SANDBOX_ARM64, &a, &m);
    ts_arena_done(&a);
    return e;
}

static void profile_without_memory_says_so(void **s)
{
    static const char text[] =
        HEAD "allow: [\"@sync\"]\nrules: {ioctl: {allow: [\"arg1 == 5\"]}}\n"
             "accept: [{hole: ptrace, reason: a debugger}]\n";
    const struct sandbox_source source = {"sandbox/x.yaml", TS_STR_LIT("")};
    struct sandbox_source x = source;

    (void)s;
    x.text = ts_str_of(text);
    fault_mem_sweep(scenario, &x, TS_OK, 3);
}

/* Broken files end in an error or a profile, never in less. */
static void profile_cut_or_flipped_anywhere_is_decoded_or_refused(void **s)
{
    static const char text[] =
        HEAD "allow: [\"@ipc\", mount]\nkill: [bpf]\n"
             "rules:\n  ioctl: {allow: [\"arg1 in TCGETS 0x5421\"], else: 5}\n"
             "restrict_namespaces: [net]\n";
    char copy[sizeof(text)];

    (void)s;
    for (size_t i = 0; i < 2 * (sizeof(text) - 1); i++) {
        struct sandbox_source source = {"sandbox/x.yaml", {copy, 0}};
        struct sandbox_profile *p = NULL;
        struct ts_arena a;
        char err[512] = "";
        ts_err e;

        memcpy(copy, text, sizeof(text));
        source.text.len = i < sizeof(text) ? i : sizeof(text) - 1;
        if (i >= sizeof(text))
            copy[i - sizeof(text)] ^= (char)(1 << (i % 7));
        ts_arena_init(&a, SANDBOX_ARENA_BYTES);
        e = sandbox_profile_read(&source, &a, &p, err, sizeof(err));
        assert_true(e == TS_OK ? p != NULL : strlen(err) > 16);
        ts_arena_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profile_changes_what_it_extends),
        cmocka_unit_test(profile_name_beats_set_and_strict_set_beats_lax),
        cmocka_unit_test(profile_restrictions_mean_what_systemd_means),
        cmocka_unit_test(profile_that_is_wrong_is_refused_with_file_and_line),
        cmocka_unit_test(profile_with_a_way_out_loads_only_if_it_says_so),
        cmocka_unit_test(builtin_profiles_have_no_way_out_and_accept_none),
        cmocka_unit_test(profile_without_memory_says_so),
        cmocka_unit_test(profile_cut_or_flipped_anywhere_is_decoded_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
