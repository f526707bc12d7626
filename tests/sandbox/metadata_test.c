/* The layer "metadata" in a bare box of a real launcher: what is a tool's own
 * can be changed, nobody is held up by a tool that stops, floods or dies in the
 * middle of a call, and a level without it does not promise it. */
#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#include "proto/base/ts_fd.h"
#include "sidecar/launcher/metadata/turns.h"

static struct box box;

static int open_each(void **state)
{
    (void)state;
    box_open(&box);
    return 0;
}

static int close_each(void **state)
{
    (void)state;
    box_close(&box);
    return 0;
}

static double now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static struct call call_of(const char *what)
{
    return (struct call){.tool = "scratch", .what = what};
}

static void run_well(const char *what)
{
    const struct call c = call_of(what);
    struct outcome o;
    double begun = now_ms();

    box_run(&box, &c, &o);
    assert_true(o.started);
    o.out[o.out_len < sizeof(o.out) ? o.out_len : sizeof(o.out) - 1] = '\0';
    if (strncmp(o.out, "ok ", 3) != 0 || o.exited.exit_code != 0)
        fail_msg("%s: %s (exit %u, signal %u)", what, o.out, o.exited.exit_code,
                 o.exited.signal);
    assert_true((o.on_start.layers & LAYER_METADATA) != 0);
    assert_true((o.on_start.weakened & LAYER_METADATA) == 0);
    print_message("%s: %.0f ms\n", what, now_ms() - begun);
}

static void own_files_are_changed_as_ordinary_programs_do_it(void **state)
{
    (void)state;
    run_well("tree");
}

static void own_threads_get_processors_and_others_do_not(void **state)
{
    (void)state;
    run_well("threads");
}

static void processes_that_die_in_a_call_cost_nobody_anything(void **state)
{
    (void)state;
    run_well("killed");
    run_well("tree");
}

static void threads_that_end_in_a_call_cost_nobody_anything(void **state)
{
    (void)state;
    run_well("ending");
    run_well("tree");
}

/* Else it could not be changed anyway, and nothing would be shown. Before the
 * manifests are read: a program is pinned by all that it is. */
static bool give_it_its_program(void *arg)
{
    char path[128];

    (void)arg;
    box_path(&box, "probe", path, sizeof(path));
    return chown(path, box.user, (gid_t)-1) == 0;
}

static int open_with_own_program(void **state)
{
    const struct box_parts parts = {.prepare = give_it_its_program};

    (void)state;
    box_open_with(&box, BOX_BARE, false, &parts);
    return 0;
}

static void descriptor_for_reading_changes_nothing(void **state)
{
    (void)state;
    run_well("readable");
}

static void attributes_and_flags_are_nobodys(void **state)
{
    (void)state;
    run_well("attributes");
}

static void a_descriptor_that_is_swapped_changes_no_other_file(void **state)
{
    (void)state;
    run_well("swapped");
}

/* While one tool does its worst, another's calls are answered. */
static void beside(const char *bad)
{
    const struct call c = call_of(bad);
    uint64_t id = box_send(&box, &c);
    struct outcome o;

    box_wait_start(&box, id, &o);
    assert_true(o.started);
    box_wait_ready(&box, id, &o);
    run_well("tree");
    run_well("threads");
    box_kill(&box, id, END_CANCELLED);
    box_wait_end(&box, id, &o);
    run_well("tree");
}

static void a_tool_that_stops_in_its_calls_holds_up_nobody(void **state)
{
    (void)state;
    beside("stopped");
}

static void a_tool_that_never_ceases_calling_holds_up_nobody(void **state)
{
    (void)state;
    beside("flood");
}

/* A file system that never answers, where tools can name it: -1 without root or
 * FUSE. Closed, it answers everybody with an error. */
static int mount_what_hangs(char *dir, size_t cap)
{
    char options[128];
    int fd = getuid() == 0 ? open("/dev/fuse", O_RDWR | O_CLOEXEC) : -1;

    if (fd < 0 || unshare(CLONE_NEWNS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        ts_fd_close(&fd);
        return -1;
    }
    box_open(&box); /* there, for its launcher's eyes */
    box_path(&box, "hung", dir, cap);
    (void)snprintf(options, sizeof(options),
                   "fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other", fd);
    assert_int_equal(mkdir(dir, 0755), 0);
    assert_int_equal(mount("hung", dir, "fuse", 0, options), 0);
    return fd;
}

/* One thread less than there are is held by a run each, also when those runs
 * have ended. */
static void a_file_system_that_hangs_takes_a_thread_a_run(void **state)
{
    const struct call c = call_of("hung");
    static struct outcome o[METADATA_THREADS];
    uint64_t id[METADATA_THREADS];
    char dir[128];
    int fd = mount_what_hangs(dir, sizeof(dir));

    (void)state;
    if (fd < 0) {
        print_message("SKIPPED: no root, or no FUSE\n");
        return;
    }
    for (int i = 0; i < METADATA_THREADS - 1; i++) {
        id[i] = box_send(&box, &c);
        box_wait_start(&box, id[i], &o[i]);
        assert_true(o[i].started);
        box_wait_ready(&box, id[i], &o[i]);
        run_well("tree");
    }
    for (int i = 0; i < METADATA_THREADS - 1; i++) {
        box_kill(&box, id[i], END_CANCELLED);
        box_wait_end(&box, id[i], &o[i]);
    }
    assert_int_equal(box_count_probes(&box), 0);
    run_well("tree");
    ts_fd_close(&fd);
    run_well("tree");
    assert_int_equal(umount2(dir, MNT_DETACH), 0);
    assert_int_equal(rmdir(dir), 0);
    box_close(&box);
}

/* It ends as a whole: nobody answers, and no call is let through. */
static void a_launcher_that_loses_a_thread_lets_nothing_through(void **state)
{
    const struct call c = call_of("orphan");
    uint64_t id = box_send(&box, &c);
    char path[64], late[64] = "";
    struct dirent *d;
    struct outcome o;
    pid_t last = 0;
    size_t len = 0;
    DIR *dir;

    (void)state;
    box_wait_start(&box, id, &o);
    assert_true(o.started);
    box_wait_ready(&box, id, &o);
    (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)box.pid);
    assert_non_null(dir = opendir(path));
    while ((d = readdir(dir)) != NULL) {
        if (d->d_name[0] != '.')
            last = (pid_t)strtol(d->d_name, NULL, 10);
    }
    (void)closedir(dir);
    assert_true(last != box.pid);
    assert_int_equal(syscall(SYS_tgkill, box.pid, last, SIGKILL), 0);
    assert_int_equal(waitpid(box.pid, &box.wait_status, 0), box.pid);
    assert_true(WIFSIGNALED(box.wait_status));
    box.pid = 0;
    for (ssize_t n = 1; n > 0; len += (size_t)n) {
        struct pollfd p = {.fd = o.out_fd, .events = POLLIN};

        assert_int_equal(poll(&p, 1, 20000), 1);
        n = read(o.out_fd, late + len, sizeof(late) - 1 - len);
        assert_true(n >= 0);
    }
    (void)snprintf(path, sizeof(path), "late %d 600\n", ENOSYS);
    assert_string_equal(late, path);
    ts_fd_close(&o.in_fd);
    ts_fd_close(&o.out_fd);
    ts_fd_close(&o.err_fd);
}

/* What a filter outside of ours does to whoever wants to be told. */
static bool forbid_listeners(void *arg)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                 offsetof(struct seccomp_data, args[1])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EBUSY),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

    (void)arg;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

static void a_demand_where_the_layer_cannot_be_is_refused_by_name(void **state)
{
    const struct box_parts parts = {.prepare = forbid_listeners};
    struct call c = call_of("exit");
    struct outcome o;

    (void)state;
    box_open_with(&box, BOX_BARE, false, &parts);
    box_run(&box, &c, &o);
    assert_true(o.started);
    assert_true((o.on_start.layers & LAYER_METADATA) == 0);
    c.require = LAYER_METADATA;
    box_run(&box, &c, &o);
    assert_false(o.started);
    assert_int_equal(o.code, CODE_SANDBOX_UNAVAILABLE);
    assert_string_equal(o.step, "metadata");
    box_close(&box);
}

static void a_demand_for_the_layer_is_met(void **state)
{
    struct call c = call_of("exit");
    struct outcome o;

    (void)state;
    c.require = LAYER_METADATA;
    box_run(&box, &c, &o);
    assert_true(o.started);
    assert_int_equal(o.on_start.box, BOX_BARE);
}

int main(void)
{
#define EACH(f) cmocka_unit_test_setup_teardown(f, open_each, close_each)
#define OWN(f)                                                                 \
    cmocka_unit_test_setup_teardown(f, open_with_own_program, close_each)
    const struct CMUnitTest tests[] = {
        EACH(own_files_are_changed_as_ordinary_programs_do_it),
        EACH(own_threads_get_processors_and_others_do_not),
        EACH(processes_that_die_in_a_call_cost_nobody_anything),
        EACH(threads_that_end_in_a_call_cost_nobody_anything),
        EACH(attributes_and_flags_are_nobodys),
        OWN(descriptor_for_reading_changes_nothing),
        OWN(a_descriptor_that_is_swapped_changes_no_other_file),
        EACH(a_tool_that_stops_in_its_calls_holds_up_nobody),
        EACH(a_tool_that_never_ceases_calling_holds_up_nobody),
        EACH(a_launcher_that_loses_a_thread_lets_nothing_through),
        EACH(a_demand_for_the_layer_is_met),
        cmocka_unit_test(a_demand_where_the_layer_cannot_be_is_refused_by_name),
        cmocka_unit_test(a_file_system_that_hangs_takes_a_thread_a_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
