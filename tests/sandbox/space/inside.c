#include "tests/lib/ts_test.h"

#include "inside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct filter_key key = {{11, 22}};

bool inside_possible(void)
{
    struct space_caps c;

    space_try(&key, false, &c);
    if (c.templates && c.own_proc && c.empty_net)
        return true;
    print_message("SKIPPED: no full boxes here: %s: %s\n",
                  c.step != NULL ? c.step : "-", strerror(c.sys_errno));
    return false;
}

void inside_start(struct inside *t, const char *base)
{
    memset(t, 0, sizeof(*t));
    (void)snprintf(t->home, sizeof(t->home), "%s/tipstaff-space-XXXXXX", base);
    assert_non_null(mkdtemp(t->home));
    assert_int_equal(chmod(t->home, 0755), 0);
    t->builder = (struct space_builder){
        .key = key, .uid_first = 60578, .uid_count = 4, .gid = 61000};
    t->want =
        (struct space_want){.paths = t->paths, .program_fd = -1, .cwd_fd = -1};
}

static int drop(const char *path, const struct stat *st, int flag,
                struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void inside_done(struct inside *t)
{
    space_set_free(t->set);
    for (uint32_t i = 0; i < t->path_count; i++)
        (void)close(t->paths[i].fd);
    (void)nftw(t->home, drop, 8, FTW_DEPTH | FTW_PHYS);
}

void inside_open(struct inside *t, const char *path, uint32_t flags)
{
    char *copy = strdup(path); /* until the test program ends */
    int fd = open(path, O_PATH | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_true(t->path_count < 8);
    t->paths[t->path_count++] =
        (struct space_path){.path = copy, .fd = fd, .flags = flags};
    t->want.path_count = t->path_count;
}

void inside_path(struct inside *t, const char *name, uint32_t flags)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s%s%s", t->home,
                   name[0] != '\0' ? "/" : "", name);
    inside_open(t, path, flags);
}

const char *inside_why(struct inside *t)
{
    const char *step = "";
    int err = 0;

    space_set_free(t->set);
    t->set = NULL;
    if (space_build(&t->builder, &t->want, 1, &t->set, &step, &err) != TS_OK) {
        print_error("space_build: %s: %s\n", step, strerror(err));
        fail();
    }
    return space_box_of(t->set, 0)->space != NULL
               ? NULL
               : space_box_of(t->set, 0)->why;
}

void inside_build(struct inside *t)
{
    const char *why = inside_why(t);

    if (why != NULL)
        print_error("%s\n", why);
    assert_null(why);
}

void inside_file(const char *folder, const char *name, const char *text)
{
    char path[256];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
}

static void enter_and_check(const struct inside *t,
                            int (*check)(const char *home))
{
    const struct space_box *b = space_box_of(t->set, 0);
    char options[SPACE_TMP_OPTIONS_MAX];
    const char *volatile step = "";
    struct space_entry e = {.key = key,
                            .procs = {-1, -1, -1, -1},
                            .net_ns = -1,
                            .ipc_ns = -1,
                            .uts_ns = -1,
                            .cgroup_ns = -1,
                            .mnt_ns = b->space->mnt_ns,
                            .tmp_options = options,
                            .proc_options = SPACE_PROC_OPTIONS,
                            .inner = b->space->inner,
                            .inner_count = b->space->inner_count,
                            .cwd = b->cwd,
                            .program = b->program,
                            .program_dev = b->program_dev,
                            .program_ino = b->program_ino};
    long rc;

    space_tmp_options(options, 1, t->own_id != 0 ? t->own_id : 60578, 61000);
    rc = space_enter(&e, &step);
    if (rc >= 0)
        rc = space_enter_cwd(&e, &step);
    if (rc >= 0 && b->program != NULL)
        rc = space_open_program(&e, &step);
    if (rc < 0) {
        print_error("%s: %s\n", step, strerror((int)-rc));
        _exit(254);
    }
    _exit(check(t->home));
}

int inside_run(const struct inside *t, int (*check)(const char *home))
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        if (unshare(CLONE_NEWPID) != 0)
            _exit(253);
        pid = fork();
        if (pid == 0)
            enter_and_check(t, check);
        (void)waitpid(pid, &status, 0);
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 252);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 252;
}

int count_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;

    assert_non_null(d);
    while (readdir(d) != NULL)
        n++;
    (void)closedir(d);
    return n;
}

int count_mounts(void)
{
    FILE *f = fopen("/proc/self/mountinfo", "re");
    int c, n = 0;

    assert_non_null(f);
    while ((c = fgetc(f)) != EOF)
        n += c == '\n' ? 1 : 0;
    (void)fclose(f);
    return n;
}

int count_children(void)
{
    errno = 0;
    return waitpid(-1, NULL, WNOHANG | __WALL) < 0 && errno == ECHILD ? 0 : 1;
}
