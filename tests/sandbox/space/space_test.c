/* What is in a template, and what is not. */
#include "tests/lib/ts_test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "inside.h"
#include "tests/lib/fault_mem.h"

static bool exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

static bool can_write(const char *folder)
{
    char path[512];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/new", folder);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0)
        (void)close(fd);
    return fd >= 0;
}

static bool has_text(const char *path, const char *want)
{
    char text[64] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    (void)!read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    return strcmp(text, want) == 0;
}

static int only_what_is_listed(const char *home)
{
    static const char *const known[] = {
        ".",     "..",     "bin",  "dev", "etc",  "lib", "lib32",
        "lib64", "libx32", "proc", "run", "sbin", "tmp", "usr"};
    DIR *d = opendir("/");
    const struct dirent *e;

    (void)home;
    INSIDE_WANT(d != NULL);
    while ((e = readdir(d)) != NULL) {
        bool is_known = false;

        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
            is_known = is_known || strcmp(e->d_name, known[i]) == 0;
        INSIDE_WANT(is_known);
    }
    INSIDE_WANT(!exists("/etc/shadow") && !exists("/etc/hosts.allow"));
    INSIDE_WANT(exists("/etc/passwd") && exists("/etc/nsswitch.conf"));
    INSIDE_WANT(exists("/usr/bin") && exists("/dev/null"));
    INSIDE_WANT(!exists("/dev/kmsg") && !exists("/dev/mem"));
    return 0;
}

static int nothing_is_writable(const char *home)
{
    static const char *const folders[] = {"/",     "/usr",      "/etc",
                                          "/dev",  "/run",      "/run/call",
                                          "/bin/", "/usr/local"};

    (void)home;
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        INSIDE_WANT(!can_write(folders[i]));
        INSIDE_WANT(errno == EROFS);
    }
    INSIDE_WANT(can_write("/tmp") && exists(SPACE_TMP "/new"));
    INSIDE_WANT(can_write("/dev/shm"));
    return 0;
}

static int devices_work(const char *home)
{
    char c = 1;
    int fd = open("/dev/null", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    (void)home;
    INSIDE_WANT(fd >= 0 && write(fd, "x", 1) == 1);
    fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    INSIDE_WANT(fd >= 0 && read(fd, &c, 1) == 1 && c == 0);
    fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    INSIDE_WANT(fd >= 0 && read(fd, &c, 1) == 1);
    return 0;
}

static int tmp_is_full_at_its_size(const char *home)
{
    static char block[65536];
    int fd = open("/tmp/big", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    size_t n = 0;

    (void)home;
    INSIDE_WANT(fd >= 0);
    while (n <= (4u << 20) && write(fd, block, sizeof(block)) > 0)
        n += sizeof(block);
    INSIDE_WANT(errno == ENOSPC && n <= (1u << 20));
    (void)unlink("/tmp/big");
    for (n = 0; n < 4096; n++) {
        char name[32];

        (void)snprintf(name, sizeof(name), "/tmp/e%zu", n);
        fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
            break;
        (void)close(fd);
    }
    INSIDE_WANT(errno == ENOSPC && n < 512);
    return 0;
}

static int tmp_is_empty(const char *home)
{
    DIR *d = opendir("/tmp/");
    int n = 0;

    (void)home;
    INSIDE_WANT(d != NULL);
    while (readdir(d) != NULL)
        n++;
    INSIDE_WANT(n == 2);
    return 0;
}

static int proc_shows_only_us(const char *home)
{
    DIR *d = opendir("/proc/");
    const struct dirent *e;
    char link[64] = "";

    (void)home;
    INSIDE_WANT(d != NULL);
    while ((e = readdir(d)) != NULL)
        INSIDE_WANT(e->d_name[0] < '0' || e->d_name[0] > '9' ||
                    strcmp(e->d_name, "1") == 0);
    INSIDE_WANT(readlink("/proc/self", link, sizeof(link)) == 1);
    INSIDE_WANT(open("/proc/sys/kernel/core_pattern", O_WRONLY) < 0);
    return 0;
}

static bool fifth_word(const char *line, char *out, size_t cap)
{
    size_t n;

    for (int i = 0; i < 4 && line != NULL; i++) {
        line = strchr(line, ' ');
        line += line != NULL ? 1 : 0;
    }
    n = line != NULL ? strcspn(line, " ") : 0;
    if (n == 0 || n >= cap)
        return false;
    memcpy(out, line, n);
    out[n] = '\0';
    return true;
}

/* Every mount: nosuid, in no peer group; read-only but home and /tmp. */
static int mounts_are_closed(const char *home)
{
    FILE *f = fopen("/proc/self/mountinfo", "re");
    char line[1024], at[512];

    INSIDE_WANT(f != NULL);
    while (fgets(line, sizeof(line), f) != NULL) {
        struct statvfs st;
        bool ours;

        INSIDE_WANT(strstr(line, "shared:") == NULL);
        INSIDE_WANT(strstr(line, "master:") == NULL);
        INSIDE_WANT(fifth_word(line, at, sizeof(at)));
        ours = strcmp(at, home) == 0 || strcmp(at, SPACE_TMP) == 0;
        INSIDE_WANT(statvfs(at, &st) == 0);
        INSIDE_WANT((st.f_flag & ST_NOSUID) != 0);
        INSIDE_WANT((strncmp(at, "/dev", 4) == 0) ||
                    (st.f_flag & ST_NODEV) != 0);
        INSIDE_WANT(ours == ((st.f_flag & ST_RDONLY) == 0));
        INSIDE_WANT(!ours || (st.f_flag & ST_NOEXEC) != 0);
    }
    (void)fclose(f);
    return 0;
}

static int home_can_be_written(const char *home)
{
    INSIDE_WANT(can_write(home));
    return 0;
}

static void template_has_what_it_should(void **state)
{
    static int (*const checks[])(const char *) = {
        nothing_is_writable, devices_work,       tmp_is_full_at_its_size,
        tmp_is_empty,        proc_shows_only_us, tmp_is_empty,
        only_what_is_listed};
    struct inside t;

    (void)state;
    inside_start(&t, "/srv");
    inside_build(&t);
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
        assert_int_equal(inside_run(&t, checks[i]), 0);
    inside_done(&t);
}

static void mounts_have_the_flags(void **state)
{
    struct inside t;

    (void)state;
    inside_start(&t, "/srv");
    inside_path(&t, "", SPACE_READ | SPACE_WRITE);
    t.want.network = true;
    inside_build(&t);
    assert_int_equal(inside_run(&t, mounts_are_closed), 0);
    assert_int_equal(inside_run(&t, home_can_be_written), 0);
    inside_done(&t);
}

static int sees_ro_and_rw(const char *home)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/in/f", home);
    INSIDE_WANT(has_text(path, "in"));
    INSIDE_WANT(!can_write(home));
    (void)snprintf(path, sizeof(path), "%s/in", home);
    INSIDE_WANT(can_write(path));
    (void)snprintf(path, sizeof(path), "%s/in/run", home);
    INSIDE_WANT(has_text(path, "run") && access(path, W_OK) != 0);
    (void)snprintf(path, sizeof(path), "%s/via/f", home);
    INSIDE_WANT(has_text(path, "in"));
    return 0;
}

/* Nested, linked, a program in a written folder; beneath every kind of base. */
static void paths_are_where_the_manifest_says(void **state)
{
    static const char *const bases[] = {"/srv", "/tmp",     "/home",
                                        "/etc", "/var/tmp", "/usr/local"};

    (void)state;
    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        struct inside t;
        char path[256];

        inside_start(&t, bases[i]);
        (void)snprintf(path, sizeof(path), "%s/in", t.home);
        assert_int_equal(mkdir(path, 0755), 0);
        inside_file(path, "f", "in");
        inside_file(path, "run", "run");
        (void)snprintf(path, sizeof(path), "%s/via", t.home);
        assert_int_equal(symlink("in", path), 0);
        inside_path(&t, "", SPACE_READ);
        inside_path(&t, "in", SPACE_READ | SPACE_WRITE);
        inside_path(&t, "in/run", SPACE_RUN);
        inside_path(&t, "via", SPACE_READ);
        t.want.cwd_fd = t.paths[1].fd;
        t.want.program_fd = t.paths[2].fd;
        inside_build(&t);
        assert_int_equal(inside_run(&t, sees_ro_and_rw), 0);
        inside_done(&t);
    }
}

static int link_leads_there(const char *home)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/l/sub/f", home);
    INSIDE_WANT(has_text(path, "text"));
    (void)snprintf(path, sizeof(path), "%s/other", home);
    INSIDE_WANT(!exists(path)); /* beside it, and nobody asked for it */
    return 0;
}

static void linked_root_is_shown_by_its_name(void **state)
{
    static const char *const bases[] = {"/srv", "/tmp"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct inside t;
        char path[256];

        inside_start(&t, bases[i]);
        inside_file(t.home, "other", "x");
        (void)snprintf(path, sizeof(path), "%s/real", t.home);
        assert_int_equal(mkdir(path, 0755), 0);
        (void)snprintf(path, sizeof(path), "%s/real/sub", t.home);
        assert_int_equal(mkdir(path, 0755), 0);
        inside_file(path, "f", "text");
        (void)snprintf(path, sizeof(path), "%s/l", t.home);
        assert_int_equal(symlink("real", path), 0);
        inside_path(&t, "l", SPACE_READ);
        inside_path(&t, "l/sub", SPACE_READ | SPACE_WRITE);
        inside_build(&t);
        assert_int_equal(inside_run(&t, link_leads_there), 0);
        inside_done(&t);
    }
}

static void path_that_was_replaced_is_refused_and_others_served(void **state)
{
    struct space_want wants[2];
    const char *step = "";
    struct space_set *set;
    struct inside t;
    char path[256], moved[256];
    int err = 0;

    (void)state;
    inside_start(&t, "/srv");
    (void)snprintf(path, sizeof(path), "%s/a", t.home);
    (void)snprintf(moved, sizeof(moved), "%s/b", t.home);
    assert_int_equal(mkdir(path, 0755), 0);
    inside_path(&t, "a", SPACE_READ);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkdir(path, 0755), 0);
    wants[0] = t.want;
    wants[1] = (struct space_want){.program_fd = -1, .cwd_fd = -1};
    assert_int_equal(space_build(&t.builder, wants, 2, &set, &step, &err),
                     TS_OK);
    assert_null(space_box_of(set, 0)->space);
    assert_non_null(strstr(space_box_of(set, 0)->why, path));
    assert_string_equal(space_box_of(set, 0)->path, path);
    assert_non_null(space_box_of(set, 1)->space);
    space_set_free(set);
    inside_done(&t);
}

/* Both have the same template, and the path at another place in their lists. */
static void
path_that_was_replaced_is_named_to_each_tool_that_has_it(void **state)
{
    struct space_want wants[3];
    struct space_path turned[3], lone[2];
    const char *step = "";
    struct space_set *set;
    struct inside t;
    char path[256], good[256];
    int err = 0;

    (void)state;
    inside_start(&t, "/srv");
    (void)snprintf(path, sizeof(path), "%s/a", t.home);
    (void)snprintf(good, sizeof(good), "%s/b", t.home);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(mkdir(good, 0755), 0);
    inside_path(&t, "a", SPACE_READ);
    inside_path(&t, "b", SPACE_READ);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkdir(path, 0755), 0);
    turned[0] = turned[2] = t.paths[1];
    turned[1] = t.paths[0];
    lone[0] = lone[1] = t.paths[1];
    wants[0] = t.want;
    wants[1] = t.want;
    wants[1].paths = turned;
    wants[1].path_count = 3;
    wants[2] = t.want;
    wants[2].paths = lone;
    assert_int_equal(space_build(&t.builder, wants, 3, &set, &step, &err),
                     TS_OK);
    for (uint32_t i = 0; i < 2; i++) {
        assert_null(space_box_of(set, i)->space);
        assert_non_null(strstr(space_box_of(set, i)->why, path));
        assert_string_equal(space_box_of(set, i)->path, path);
    }
    assert_non_null(space_box_of(set, 2)->space);
    space_set_free(set);
    inside_done(&t);
}

static void kernels_places_are_refused_with_a_sentence(void **state)
{
    static const char *const bad[] = {"/",    "/proc",           "/sys",
                                      "/dev", "/proc/self/root", "/run"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct inside t;

        inside_start(&t, "/srv");
        inside_open(&t, bad[i], SPACE_READ);
        assert_non_null(inside_why(&t));
        assert_string_equal(space_box_of(t.set, 0)->path, bad[i]);
        inside_done(&t);
    }
}

static double ms_since(const struct timespec *from)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - from->tv_sec) * 1e3 +
           (double)(now.tv_nsec - from->tv_nsec) / 1e6;
}

/* distinct: how many of the wants differ. */
static void build_many(uint32_t count, uint32_t distinct)
{
    static struct space_want wants[1000];
    static struct space_path paths[1000];
    static char names[1000][96];
    const char *step = "";
    struct space_set *set;
    struct timespec from;
    struct inside t;
    int err = 0, fds;

    inside_start(&t, "/srv");
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "%s/%u", t.home,
                       i % distinct);
        if (i < distinct)
            assert_int_equal(mkdir(names[i], 0755), 0);
        paths[i] = (struct space_path){.path = names[i],
                                       .fd = open(names[i], O_PATH | O_CLOEXEC),
                                       .flags = SPACE_READ};
        wants[i] = (struct space_want){.paths = &paths[i],
                                       .path_count = 1,
                                       .program_fd = -1,
                                       .cwd_fd = -1};
    }
    fds = count_fds();
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    assert_int_equal(space_build(&t.builder, wants, count, &set, &step, &err),
                     TS_OK);
    print_message("%u tools, %u templates: %.1f ms\n", count,
                  space_template_count(set), ms_since(&from));
    assert_int_equal(space_template_count(set), distinct);
    for (uint32_t i = 0; i < count; i++)
        assert_non_null(space_box_of(set, i)->space);
    assert_true(count_fds() - fds <= (int)distinct * 3 + 2);
    space_set_free(set);
    assert_int_equal(count_fds(), fds);
    for (uint32_t i = 0; i < count; i++)
        (void)close(paths[i].fd);
    inside_done(&t);
}

static void equal_path_sets_share_a_template(void **state)
{
    (void)state;
    build_many(1000, 1);
    build_many(1000, 10);
    build_many(200, 200);
}

static void nothing_is_left_of_templates(void **state)
{
    int fds = count_fds(), mounts = count_mounts();

    (void)state;
    for (int i = 0; i < 20; i++) {
        struct inside t;

        inside_start(&t, "/srv");
        inside_path(&t, "", SPACE_READ | SPACE_WRITE);
        inside_build(&t);
        assert_int_equal(inside_run(&t, home_can_be_written), 0);
        inside_done(&t);
    }
    assert_int_equal(count_fds(), fds);
    assert_int_equal(count_mounts(), mounts);
    assert_int_equal(count_children(), 0);
}

static ts_err build_once(const void *arg)
{
    const struct inside *t = arg;
    struct space_set *set = NULL;
    const char *step = "";
    int err = 0;
    ts_err e = space_build(&t->builder, &t->want, 1, &set, &step, &err);

    space_set_free(set);
    return e;
}

static void build_without_memory_says_so(void **state)
{
    struct inside t;

    (void)state;
    inside_start(&t, "/srv");
    inside_path(&t, "", SPACE_READ);
    t.want.cwd_fd = t.want.program_fd = t.paths[0].fd;
    fault_mem_sweep(build_once, &t, TS_OK, 2);
    inside_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(template_has_what_it_should),
        cmocka_unit_test(mounts_have_the_flags),
        cmocka_unit_test(paths_are_where_the_manifest_says),
        cmocka_unit_test(linked_root_is_shown_by_its_name),
        cmocka_unit_test(path_that_was_replaced_is_refused_and_others_served),
        cmocka_unit_test(
            path_that_was_replaced_is_named_to_each_tool_that_has_it),
        cmocka_unit_test(kernels_places_are_refused_with_a_sentence),
        cmocka_unit_test(equal_path_sets_share_a_template),
        cmocka_unit_test(nothing_is_left_of_templates),
        cmocka_unit_test(build_without_memory_says_so),
    };

    if (!inside_possible())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
