/* What runs is what was loaded, and where: programs that change after they were
 * pinned, in every way that leaves something as it was; working folders that
 * lead elsewhere. */
#include "harness.h"
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#include "sidecar/common/control/control.h"

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

static void run(const char *tool, struct outcome *o)
{
    const struct call c = {.tool = tool, .what = "exit", .arg = "0"};

    box_run(&box, &c, o);
}

static bool runs(const char *tool)
{
    struct outcome o;

    run(tool, &o);
    return o.started; /* the interpreter of the script here is no such thing */
}

static void assert_changed(const char *tool)
{
    struct outcome o;

    run(tool, &o);
    assert_false(o.started);
    assert_int_equal(o.code, CODE_LAUNCH_FAILED);
    assert_string_equal(o.step, "program");
    assert_int_equal(o.sys_errno, ESTALE);
}

static void assert_unavailable(const char *tool)
{
    struct outcome o;

    run(tool, &o);
    assert_false(o.started);
    assert_int_equal(o.code, CODE_TOOL_UNAVAILABLE);
}

/* The new generation serves from here on. */
static void reload(void)
{
    struct control_message m = {.type = CONTROL_PREPARE, .journal_fd = -1};
    uint8_t buf[CONTROL_MESSAGE_MAX];

    m.bundle_fd = box_bundle(&box);
    m.as.prepare.generation = box.generation + 1;
    assert_int_equal(control_send(box.control, &m), TS_OK);
    (void)close(m.bundle_fd);
    m.type = CONTROL_COMMIT;
    m.bundle_fd = -1;
    assert_int_equal(control_send(box.control, &m), TS_OK);
    assert_int_equal(control_receive(box.control, buf, &m), TS_OK);
    assert_int_equal(m.type, CONTROL_PREPARED);
    /* COMMIT is read when PREPARE is done: an order may come before it */
    m.type = CONTROL_PREPARE;
    m.bundle_fd = box_bundle(&box);
    m.as.prepare.generation = box.generation + 2;
    assert_int_equal(control_send(box.control, &m), TS_OK);
    (void)close(m.bundle_fd);
    assert_int_equal(control_receive(box.control, buf, &m), TS_OK);
    m.type = CONTROL_ABORT;
    m.bundle_fd = -1;
    assert_int_equal(control_send(box.control, &m), TS_OK);
    box.generation++;
}

/* The same bytes, size, inode and times: only the time of the change is left,
 * and that nobody can set. */
static void rewrite_at(const char *path)
{
    struct stat st;
    char byte;
    int fd = open(path, O_RDWR | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(pread(fd, &byte, 1, 0), 1);
    assert_int_equal(pwrite(fd, &byte, 1, 0), 1);
    assert_int_equal(futimens(fd, (struct timespec[]){st.st_atim, st.st_mtim}),
                     0);
    (void)close(fd);
}

static void rewrite(const char *name)
{
    char path[256];

    box_path(&box, name, path, sizeof(path));
    rewrite_at(path);
}

static void program_rewritten_with_its_times_restored_is_refused(void **state)
{
    (void)state;
    assert_true(runs("swapped"));
    rewrite("swapped");
    assert_changed("swapped");
    assert_true(runs("plain"));
    reload();
    assert_true(runs("swapped"));
}

static void script_and_interpreter_are_pinned_like_programs(void **state)
{
    (void)state;
    assert_true(runs("interp"));
    rewrite("script");
    assert_changed("interp");
    reload();
    assert_true(runs("interp"));
    rewrite("probe"); /* its interpreter */
    assert_changed("interp");
    assert_changed("plain");
}

static void program_of_another_digest_is_not_served(void **state)
{
    (void)state;
    assert_unavailable("known");
}

static void program_of_which_the_name_is_replaced_is_refused(void **state)
{
    char from[256], to[256];

    (void)state;
    box_path(&box, "probe", from, sizeof(from));
    box_path(&box, "swapped", to, sizeof(to));
    assert_true(runs("swapped"));
    assert_int_equal(unlink(to), 0);
    assert_int_equal(link(from, to), 0);
    assert_changed("swapped"); /* the inode that is held has no name */
}

/* A page that was written through a mapping is not noticed when it is written
 * again: whoever has one must not be there when the program is pinned. */
static void program_that_somebody_can_still_write_to_is_not_served(void **state)
{
    static const char *const files[][2] = {{"swapped", "swapped"},
                                           {"script", "interp"}};
    char path[256];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        volatile char *page;
        int fd;

        box_path(&box, files[i][0], path, sizeof(path));
        fd = open(path, O_RDWR | O_CLOEXEC);
        assert_true(fd >= 0);
        page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        assert_true((const volatile void *)page != MAP_FAILED);
        (void)close(fd); /* the mapping holds the file open */
        page[0] = page[0];
        reload();
        assert_unavailable(files[i][1]);
        assert_true(runs("plain"));
        assert_int_equal(munmap((void *)(uintptr_t)page, 4096), 0);
        reload();
        assert_true(runs(files[i][1]));
    }
}

/* The first write through a mapping that was made later moves the time. */
static void program_written_through_a_mapping_is_refused(void **state)
{
    volatile char *page;
    char path[256];
    int fd;

    (void)state;
    box_path(&box, "script", path, sizeof(path));
    fd = open(path, O_RDWR | O_CLOEXEC);
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true((const volatile void *)page != MAP_FAILED);
    (void)close(fd);
    assert_true(runs("interp"));
    page[3] = page[3];
    assert_changed("interp");
    assert_int_equal(munmap((void *)(uintptr_t)page, 4096), 0);
}

/* In the launcher's process: its folder becomes an overlay of itself. */
static bool make_overlay(void *arg)
{
    char options[512];
    const char *dir = arg;

    (void)snprintf(options, sizeof(options),
                   "lowerdir=%s,upperdir=%s.over/up,workdir=%s.over/work",
                   box.dir, dir, dir);
    return unshare(CLONE_NEWNS) == 0 &&
           mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("overlay", box.dir, "overlay", 0, options) == 0;
}

static bool make_bind(void *arg)
{
    char a[256], b[256];

    (void)arg;
    box_path(&box, "probe", a, sizeof(a));
    box_path(&box, "swapped", b, sizeof(b));
    return unshare(CLONE_NEWNS) == 0 &&
           mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount(a, b, NULL, MS_BIND, NULL) == 0;
}

static bool may_mount(void)
{
    if (getuid() == 0)
        return host_gives_full(true);
    print_message("SKIPPED: needs root\n");
    return false;
}

static void change_beneath_a_bind_mount_is_seen(void **state)
{
    const struct box_parts parts = {.prepare = make_bind};

    (void)state;
    if (!may_mount())
        return;
    box_open_with(&box, BOX_BARE, false, &parts);
    assert_true(runs("swapped"));
    rewrite("probe");
    assert_changed("swapped");
    box_close(&box);
}

static void remove_overlay(const char *dir)
{
    char path[256];

    for (int i = 0; i < 4; i++) {
        static const char *const names[] = {"/up/swapped", "/up", "/work/work",
                                            "/work"};

        (void)snprintf(path, sizeof(path), "%s.over%s", dir, names[i]);
        if (unlink(path) != 0)
            (void)rmdir(path);
    }
    (void)snprintf(path, sizeof(path), "%s.over", dir);
    (void)rmdir(path);
}

/* Both ways: in the layer below, which is the host's, and by copy-up, from
 * where the launcher is. */
static void change_in_either_layer_of_an_overlay_is_seen(void **state)
{
    static const char *const sub[] = {"", "/up", "/work"};
    char dir[64] = "/dev/shm/tipstaff-over-XXXXXX", path[256];
    const struct box_parts parts = {.prepare = make_overlay,
                                    .prepare_arg = dir};

    (void)state;
    if (!may_mount())
        return;
    assert_non_null(mkdtemp(dir));
    for (int i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof(path), "%s.over%s", dir, sub[i]);
        assert_int_equal(mkdir(path, 0755), 0);
    }
    box_open_with(&box, BOX_BARE, false, &parts);
    assert_true(runs("swapped"));
    assert_true(runs("interp"));
    rewrite("script");
    assert_changed("interp");
    (void)snprintf(path, sizeof(path), "/proc/%d/root%s/swapped", (int)box.pid,
                   box.dir);
    rewrite_at(path);
    assert_changed("swapped");
    box_close(&box);
    remove_overlay(dir);
    (void)rmdir(dir);
}

static void paths_through_a_process_are_not_served(void **state)
{
    (void)state;
    assert_unavailable("atfd");
    assert_unavailable("atroot");
    assert_unavailable("asfd");
}

/* At these levels there is no root of its own around it. */
static void folder_that_was_moved_is_no_working_folder(void **state)
{
    static const struct {
        enum box_level level;
        bool has_caps;
    } modes[] = {{BOX_BARE, false}, {BOX_UID, true}};
    const struct call c = {.tool = "inside", .what = "exit", .arg = "0"};
    char from[256], to[256];
    struct outcome o;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        if (modes[i].has_caps && getuid() != 0) {
            print_message("SKIPPED: needs root\n");
            continue;
        }
        box_open_at(&box, modes[i].level, modes[i].has_caps);
        box_run(&box, &c, &o);
        assert_true(o.started);
        box_path(&box, "space/sub", from, sizeof(from));
        box_path(&box, "elsewhere", to, sizeof(to));
        assert_int_equal(rename(from, to), 0);
        box_run(&box, &c, &o);
        assert_false(o.started);
        assert_string_equal(o.step, "cwd");
        assert_int_equal(o.sys_errno, ESTALE);
        assert_int_equal(rename(to, from), 0);
        box_run(&box, &c, &o);
        assert_true(o.started);
        assert_int_equal(rmdir(from), 0);
        box_run(&box, &c, &o);
        assert_false(o.started);
        assert_string_equal(o.step, "cwd");
        assert_int_equal(o.sys_errno, ENOENT);
        box_close(&box);
    }
}

#define EACH(f) cmocka_unit_test_setup_teardown(f, open_each, close_each)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(program_rewritten_with_its_times_restored_is_refused),
        EACH(script_and_interpreter_are_pinned_like_programs),
        EACH(program_of_another_digest_is_not_served),
        EACH(program_of_which_the_name_is_replaced_is_refused),
        EACH(program_that_somebody_can_still_write_to_is_not_served),
        EACH(program_written_through_a_mapping_is_refused),
        cmocka_unit_test(change_beneath_a_bind_mount_is_seen),
        cmocka_unit_test(change_in_either_layer_of_an_overlay_is_seen),
        EACH(paths_through_a_process_are_not_served),
        cmocka_unit_test(folder_that_was_moved_is_no_working_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
