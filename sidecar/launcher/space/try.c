/* Which parts of a full box this process can have: by making one. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "sidecar/launcher/space/helper.h"
#include "sidecar/launcher/space/space.h"

#define NO_EFFECT EPROTO

struct try_job {
    struct space_entry entry;
    bool wants_proc;
};

static bool is_on(const char *path, long magic)
{
    struct statfs st;

    return statfs(path, &st) == 0 && st.f_type == magic;
}

/* 0, or the errno of what failed; EPROTO: nothing failed, yet it is not so. */
static int look(const struct try_job *j)
{
    const char *volatile step = NULL;
    long rc = space_enter(&j->entry, &step);
    char self[16];

    if (rc < 0)
        return (int)-rc;
    if (access("/usr", F_OK) != 0 || access("/sys", F_OK) == 0 ||
        access("/root", F_OK) == 0)
        return NO_EFFECT;
    if (!is_on("/tmp/", TMPFS_MAGIC) || access("/tmp/", W_OK) != 0)
        return NO_EFFECT;
    if (!j->wants_proc)
        return 0;
    /* the first process of a pid namespace is number 1, and nobody else */
    memset(self, 0, sizeof(self));
    if (readlink("/proc/self", self, sizeof(self) - 1) < 0)
        return errno;
    return strcmp(self, "1") == 0 ? 0 : NO_EFFECT;
}

static int try_helper(int sock, void *arg)
{
    const struct try_job *j = arg;
    struct helper_note n = {.step = "private_tmp"};
    long pid, rc = 0;
    int status = 0;

    if (j->wants_proc) {
        (void)snprintf(n.step, sizeof(n.step), "own_proc");
        rc = filter_call4(&j->entry.key, SYS_unshare, CLONE_NEWPID, 0, 0, 0);
    }
    pid = rc < 0 ? rc : filter_call5(&j->entry.key, SYS_clone, 0, 0, 0, 0, 0);
    if (pid == 0)
        (void)raw_call3(SYS_exit_group, look(j), 0, 0);
    if (pid < 0) {
        n.err = (int32_t)-pid;
    } else {
        rc = raw_call6(SYS_wait4, pid, raw_ptr(&status),
                       0x40000000 /* __WALL */, 0, 0, 0);
        n.err = rc == pid && (status & 0x7f) == 0 ? (status >> 8) & 0xff
                                                  : NO_EFFECT;
    }
    return helper_tell(sock, &n, NULL) ? 0 : 1;
}

static bool attempt(struct try_job *j, struct space_caps *c)
{
    struct helper_note n = {.err = ECHILD, .step = "helper"};
    int fds[HELPER_FDS];
    struct helper h;

    if (helper_start(&j->entry.key, try_helper, j, &h) == TS_OK) {
        if (helper_hear(&h, &n, fds) != TS_OK)
            n = (struct helper_note){.err = ECHILD, .step = "helper"};
        helper_end(&h);
    }
    if (n.err != 0 && c->step == NULL) {
        c->step = helper_step_text(&n);
        c->sys_errno = n.err;
    }
    return n.err == 0;
}

static void try_shared(const struct filter_key *key, struct space_caps *c)
{
    struct space_shared s = {-1, -1, -1, -1};
    const char *step = NULL;
    int err = 0;

    if (space_shared_make(key, &s, &step, &err) != TS_OK)
        return;
    c->empty_net = s.net_ns >= 0;
    c->ready_ipc = s.ipc_ns >= 0;
    c->ready_uts = s.uts_ns >= 0;
    c->ready_cgroup = s.cgroup_ns >= 0;
    if (step != NULL && c->step == NULL) {
        c->step = step;
        c->sys_errno = err;
    }
    space_shared_done(&s);
}

void space_try(const struct filter_key *key, bool owns_user,
               struct space_caps *ret)
{
    const struct space_builder b = {.key = *key,
                                    .uid_first = getuid(),
                                    .uid_count = 1,
                                    .gid = getgid(),
                                    .proc_below = owns_user};
    const struct space_want nothing = {.program_fd = -1, .cwd_fd = -1};
    struct space_caps c = {.owns_user = owns_user};
    char options[SPACE_TMP_OPTIONS_MAX];
    struct space_set *set = NULL;
    struct try_job j = {.entry = {.key = *key,
                                  .procs = {-1, -1, -1, -1},
                                  .net_ns = -1,
                                  .ipc_ns = -1,
                                  .uts_ns = -1,
                                  .cgroup_ns = -1,
                                  .tmp_options = options}};

    space_tmp_options(options, 1, getuid(), getgid());
    if (space_build(&b, &nothing, 1, &set, &c.step, &c.sys_errno) == TS_OK &&
        space_box_of(set, 0)->space != NULL) {
        c.step = NULL;
        c.sys_errno = 0;
        j.entry.mnt_ns = space_box_of(set, 0)->space->mnt_ns;
        c.private_tmp = attempt(&j, &c);
        c.templates = c.private_tmp;
        j.wants_proc = true;
        j.entry.proc_options = SPACE_PROC_OPTIONS;
        c.own_proc = c.templates && attempt(&j, &c);
    }
    space_set_free(set);
    try_shared(key, &c);
    *ret = c;
}
