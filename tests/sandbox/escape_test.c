/* What a tool tries, and what stops it. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#include "sidecar/common/layer.h"

static struct box box;

static void expect(const char *tool, const char *what, const char *arg,
                   const char *answer)
{
    const struct call c = {.tool = tool, .what = what, .arg = arg};
    struct outcome o;

    box_run(&box, &c, &o);
    if (!o.started)
        fail_msg("%s %s: refused at %s: %s", tool, what, o.step, o.text);
    if (!outcome_says(&o, answer))
        fail_msg("%s %s: said \"%.*s\", not \"%s\"", what, arg ? arg : "",
                 (int)o.out_len, o.out, answer);
    assert_int_equal(o.exited.reason, END_EXITED);
    assert_int_equal(o.exited.signal, 0);
}

static void tool_outside_its_box_meets_eacces(void **state)
{
    char secret[128], probe[128];

    (void)state;
    box_path(&box, "secret.txt", secret, sizeof(secret));
    box_path(&box, "probe", probe, sizeof(probe));
    expect("plain", "read", secret, "EACCES");
    expect("plain", "write", secret, "EACCES");
    expect("plain", "read", "/etc/passwd", "EACCES");
    expect("plain", "read", "/proc/self/status", "EACCES");
    expect("plain", "write", probe, "EACCES");
    expect("plain", "write", "/tmp/tipstaff-escape", "EACCES");
    expect("plain", "read", "/dev/null", "allowed");
    expect("plain", "create", "/dev/shm", "EACCES");
    expect("plain", "tty", NULL, "EACCES");
}

static void tool_without_sockets_reaches_nobody(void **state)
{
    (void)state;
    expect("plain", "socket", "1", "EACCES");  /* AF_UNIX */
    expect("plain", "socket", "2", "EACCES");  /* AF_INET */
    expect("plain", "socket", "10", "EACCES"); /* AF_INET6 */
    expect("plain", "socket", "16", "EACCES"); /* AF_NETLINK */
    expect("plain", "socket", "40", "EACCES"); /* AF_VSOCK */
    expect("plain", "stream_pair", NULL, "allowed");
    expect("plain", "dgram_pair", NULL, "EACCES");
    expect("plain", "connect_pair", "/run/x.sock", "EPERM");
}

static void call_of_kernel_surface_is_refused(void **state)
{
    static const struct {
        long nr;
        const char *answer;
    } calls[] = {
        {SYS_bpf, "EPERM"},
        {SYS_io_uring_setup, "EPERM"},
        {SYS_userfaultfd, "EPERM"},
        {SYS_keyctl, "EPERM"},
        {SYS_add_key, "EPERM"},
        {SYS_perf_event_open, "EPERM"},
        {SYS_setns, "EPERM"},
        {SYS_pivot_root, "EPERM"},
        {SYS_process_vm_readv, "EPERM"},
        {SYS_open_by_handle_at, "EPERM"},
        {SYS_init_module, "EPERM"},
        {SYS_reboot, "EPERM"},
        {SYS_clone3, "ENOSYS"},
        {SYS_openat2, "ENOSYS"},
        {999, "ENOSYS"},
    };
    char nr[16];

    (void)state;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        (void)snprintf(nr, sizeof(nr), "%ld", calls[i].nr);
        expect("plain", "call", nr, calls[i].answer);
    }
    expect("plain", "ptrace", NULL, "EPERM");
    expect("plain", "mount", NULL, "EPERM");
    expect("plain", "unshare", NULL, "EPERM");
    expect("plain", "clone_user", NULL, "EPERM");
    expect("plain", "memfd", NULL, "EPERM");
}

static bool landlock_is_scoped(struct box *b)
{
    const struct call c = {.tool = "plain", .what = "fds"};
    struct outcome o;

    box_run(b, &c, &o);
    return (o.on_start.layers & LAYER_LANDLOCK_SCOPE) != 0;
}

/* The mark of a run lives in a limit: no limit may be within its reach. */
static void tool_cannot_touch_its_limits_or_its_leash(void **state)
{
    (void)state;
    expect("plain", "limits", NULL, "EPERM");
    expect("build", "limits", NULL, "EPERM");
    expect("plain", "deathsig", NULL, "EPERM");
    expect("plain", "subreaper", NULL, "EPERM");
    if (landlock_is_scoped(&box))
        expect("plain", "kill_parent", NULL, "EPERM");
}

static void tool_starts_with_nothing_but_stdio(void **state)
{
    const struct call c = {.tool = "plain", .what = "env"};
    struct outcome o;

    (void)state;
    expect("plain", "fds", NULL, "3");
    box_run(&box, &c, &o);
    assert_true(o.started);
    assert_null(strstr(o.out, "SBX_SECRET"));
    assert_string_equal(o.out,
                        "TIPSTAFF_DECISION=00000000000000000000000000000000\n"
                        "PATH=/usr/local/bin:/usr/bin:/bin\nLANG=C.UTF-8\n"
                        "HOME=/nonexistent\n");
}

static void file_resource_alone_is_reachable(void **state)
{
    char in[128], other[128];
    struct call c = {.tool = "file", .what = "write", .access = ACCESS_WRITE};
    struct outcome o;

    (void)state;
    box_path(&box, "space/in.txt", in, sizeof(in));
    box_path(&box, "space/new.txt", other, sizeof(other));
    c.path = in;
    box_run(&box, &c, &o);
    assert_true(outcome_says(&o, "allowed"));
    c.access = ACCESS_READ; /* an order may only tighten */
    box_run(&box, &c, &o);
    assert_true(outcome_says(&o, "EACCES"));
    c.path = other; /* does not exist: made by the launcher */
    box_run(&box, &c, &o);
    assert_int_equal(o.code, CODE_RESOURCE_UNAVAILABLE);
    c.access = ACCESS_WRITE;
    box_run(&box, &c, &o);
    assert_true(outcome_says(&o, "allowed"));
    assert_int_equal(access(other, F_OK), 0);
}

static void link_on_the_way_is_refused(void **state)
{
    static const char *const names[] = {"space/link", "space/up/secret.txt"};
    char path[128];
    struct outcome o;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct call c = {.tool = "file",
                               .what = "read",
                               .path = path,
                               .access = ACCESS_READ};

        box_path(&box, names[i], path, sizeof(path));
        box_run(&box, &c, &o);
        assert_false(o.started);
        assert_int_equal(o.code, CODE_RESOURCE_UNAVAILABLE);
        assert_string_equal(o.step, "openat2");
    }
}

static void path_outside_the_root_is_bad_arguments(void **state)
{
    char path[160];
    struct outcome o;
    const struct call c = {
        .tool = "file", .what = "read", .path = path, .access = ACCESS_READ};

    (void)state;
    box_path(&box, "space/../secret.txt", path, sizeof(path));
    box_run(&box, &c, &o);
    assert_int_equal(o.code, CODE_BAD_ARGUMENTS);
    box_path(&box, "secret.txt", path, sizeof(path));
    box_run(&box, &c, &o);
    assert_int_equal(o.code, CODE_BAD_ARGUMENTS);
}

static void dir_resource_is_writable_beneath_only(void **state)
{
    char path[128], new[128];
    struct outcome o;
    const struct call c = {
        .tool = "dir", .what = "create", .path = path, .access = ACCESS_WRITE};

    (void)state;
    box_path(&box, "space", path, sizeof(path));
    box_path(&box, "space/new", new, sizeof(new));
    box_run(&box, &c, &o);
    assert_true(outcome_says(&o, "allowed"));
    assert_int_equal(unlink(new), 0);
}

static void suid_bits_are_refused(void **state)
{
    char path[128];

    (void)state;
    box_path(&box, "space/suid", path, sizeof(path));
    expect("build", "open_suid", path, "EPERM");
    expect("build", "chmod_suid", path, "EPERM");
    expect("build", "write", path, "allowed");
    assert_int_equal(unlink(path), 0);
}

static void pure_tool_changes_and_starts_nothing(void **state)
{
    char path[128];

    (void)state;
    box_path(&box, "probe", path, sizeof(path));
    expect("pure", "fork", NULL, "EPERM");
    expect("pure", "exec", path, "EPERM");
    expect("pure", "write", "/dev/null", "EPERM"); /* O_CREAT */
    expect("pure", "read", "/dev/null", "allowed");
    expect("plain", "fork", NULL, "allowed");
    expect("plain", "exec", "/bin/true", "EACCES");
}

static void scratch_folder_is_private_and_gone_after(void **state)
{
    const struct call c = {.tool = "scratch", .what = "scratch"};
    char path[128];
    struct outcome o;

    (void)state;
    box_run(&box, &c, &o);
    assert_true(outcome_says(&o, "allowed"));
    box_path(&box, "scratch", path, sizeof(path));
    assert_int_equal(rmdir(path), 0); /* empty */
    assert_int_equal(mkdir(path, 0777), 0);
    box_run(&box, &c, &o); /* its pinned base is gone: refused, not elsewhere */
    assert_false(o.started);
    assert_string_equal(o.step, "scratch");
}

static void program_swapped_after_load_is_refused(void **state)
{
    const struct call c = {.tool = "swapped", .what = "fds"};
    char path[128], other[128];
    struct outcome o;

    (void)state;
    box_run(&box, &c, &o);
    assert_true(outcome_says(&o, "3"));
    box_path(&box, "swapped", path, sizeof(path));
    box_path(&box, "swapped.old", other, sizeof(other));
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(symlink("probe", path), 0);
    box_run(&box, &c, &o);
    assert_false(o.started);
    assert_int_equal(o.code, CODE_LAUNCH_FAILED);
    assert_string_equal(o.step, "program");
}

static void script_runs_by_its_pinned_interpreter(void **state)
{
    const struct call c = {.tool = "interp", .what = "x"};
    struct outcome o;

    (void)state;
    box_run(&box, &c, &o);
    assert_true(o.started);
    /* probe got the script's path where it looks for a probe's name */
    assert_int_equal(o.exited.exit_code, 98);
}

static void missing_layer_refuses_with_its_name(void **state)
{
    /* of a policy; a manifest that demands it is not even served */
    const struct call c = {
        .tool = "plain", .what = "fds", .require = LAYER_CGROUP};
    const struct call of_manifest = {.tool = "needs", .what = "fds"};
    struct outcome o;

    (void)state;
    box_run(&box, &c, &o);
    assert_false(o.started);
    assert_int_equal(o.code, CODE_SANDBOX_UNAVAILABLE);
    assert_string_equal(o.step, "cgroup");
    box_run(&box, &of_manifest, &o);
    assert_false(o.started);
    assert_int_equal(o.code, CODE_TOOL_UNAVAILABLE);
}

static int open_group(void **state)
{
    (void)state;
    box_open(&box);
    return 0;
}

static int close_group(void **state)
{
    (void)state;
    box_close(&box);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tool_outside_its_box_meets_eacces),
        cmocka_unit_test(tool_without_sockets_reaches_nobody),
        cmocka_unit_test(call_of_kernel_surface_is_refused),
        cmocka_unit_test(tool_cannot_touch_its_limits_or_its_leash),
        cmocka_unit_test(tool_starts_with_nothing_but_stdio),
        cmocka_unit_test(file_resource_alone_is_reachable),
        cmocka_unit_test(link_on_the_way_is_refused),
        cmocka_unit_test(path_outside_the_root_is_bad_arguments),
        cmocka_unit_test(dir_resource_is_writable_beneath_only),
        cmocka_unit_test(suid_bits_are_refused),
        cmocka_unit_test(pure_tool_changes_and_starts_nothing),
        cmocka_unit_test(scratch_folder_is_private_and_gone_after),
        cmocka_unit_test(program_swapped_after_load_is_refused),
        cmocka_unit_test(script_runs_by_its_pinned_interpreter),
        cmocka_unit_test(missing_layer_refuses_with_its_name),
    };
    return cmocka_run_group_tests(tests, open_group, close_group);
}
