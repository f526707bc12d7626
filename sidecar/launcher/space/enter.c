/* In the child, between clone and exec: see child.c for what may be done. */
#include "sidecar/launcher/space/enter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "sidecar/launcher/space/space.h"

#define TMP_FLAGS  (MS_NOSUID | MS_NODEV | MS_NOATIME)
#define PROC_FLAGS (MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY)
#define INODES_MB  256 /* files for each MiB of a private /tmp */

/* "0" is the writer itself: no number to format, no other process to name. */
static long join_groups(const struct space_entry *e)
{
    for (int i = 0; i < SPACE_GROUPS_MAX; i++) {
        long rc;

        if (e->procs[i] < 0)
            continue;
        rc = raw_call3(SYS_write, e->procs[i], raw_ptr("0"), 1);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static long join(const struct space_entry *e, int ns, int kind)
{
    return ns < 0 ? 0 : filter_call4(&e->key, SYS_setns, ns, kind, 0, 0);
}

static void shut(long fd)
{
    if (fd >= 0)
        (void)raw_call3(SYS_close, fd, 0, 0);
}

static long open_at(const struct space_entry *e, int dir, const char *path,
                    int flags)
{
    const struct open_how how = {
        .flags = (uint64_t)(unsigned)flags | O_CLOEXEC,
        .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };

    return filter_call4(&e->key, SYS_openat2, dir, raw_ptr(path), raw_ptr(&how),
                        sizeof(how));
}

static long put_inner(const struct space_entry *e, int tmp,
                      const struct space_inner *i)
{
    if (i->kind == INNER_FOLDER)
        return filter_call4(&e->key, SYS_mkdirat, tmp, raw_ptr(i->at), 0755, 0);
    return filter_call4(&e->key, SYS_symlinkat, raw_ptr(i->from), tmp,
                        raw_ptr(i->at), 0);
}

/* The folders are the launcher's, and so stay as they are. */
static long fill_tmp(const struct space_entry *e)
{
    long rc = 0, tmp;

    if (e->tmp_options == NULL || e->inner_count == 0)
        return 0;
    tmp = open_at(e, AT_FDCWD, SPACE_TMP, O_PATH | O_DIRECTORY);
    if (tmp < 0)
        return tmp;
    (void)raw_call3(SYS_umask, 022, 0, 0); /* the tool has another uid */
    for (uint32_t i = 0; i < e->inner_count && rc >= 0; i++)
        rc = put_inner(e, (int)tmp, &e->inner[i]);
    shut(tmp);
    return rc;
}

static long enter_mounts(const struct space_entry *e,
                         const char *volatile *step)
{
    unsigned long tmp = TMP_FLAGS | (e->tmp_exec ? 0 : MS_NOEXEC);
    long rc = 0;

    *step = "mnt_ns";
    if ((rc = join(e, e->mnt_ns, CLONE_NEWNS)) < 0 ||
        (rc = filter_call4(&e->key, SYS_unshare, CLONE_NEWNS, 0, 0, 0)) < 0)
        return rc;
    *step = "private_tmp";
    if (e->tmp_options != NULL)
        rc = filter_call5(&e->key, SYS_mount, raw_ptr("tmpfs"),
                          raw_ptr(SPACE_TMP), raw_ptr("tmpfs"), (long)tmp,
                          raw_ptr(e->tmp_options));
    if (rc >= 0)
        rc = fill_tmp(e);
    if (rc < 0 || e->proc_options == NULL)
        return rc;
    *step = "own_proc";
    return filter_call5(&e->key, SYS_mount, raw_ptr("proc"),
                        raw_ptr(SPACE_PROC), raw_ptr("proc"), PROC_FLAGS,
                        raw_ptr(e->proc_options));
}

long space_enter(const struct space_entry *e, const char *volatile *step)
{
    const struct {
        int ns, kind;
        const char *name;
    } joined[] = {{e->net_ns, CLONE_NEWNET, "net_ns"},
                  {e->ipc_ns, CLONE_NEWIPC, "ipc_ns"},
                  {e->uts_ns, CLONE_NEWUTS, "uts_ns"},
                  {e->cgroup_ns, CLONE_NEWCGROUP, "cgroup_ns"}};
    long rc;

    *step = "cgroup";
    if ((rc = join_groups(e)) < 0)
        return rc;
    *step = "mnt_ns";
    if (e->nest_kinds != 0 && (rc = join(e, e->nest, e->nest_kinds)) < 0)
        return rc;
    for (unsigned i = 0; i < sizeof(joined) / sizeof(joined[0]); i++) {
        if ((e->nest_kinds & joined[i].kind) != 0)
            continue;
        *step = joined[i].name;
        if ((rc = join(e, joined[i].ns, joined[i].kind)) < 0)
            return rc;
    }
    return e->mnt_ns < 0 || e->nest_kinds != 0 ? 0 : enter_mounts(e, step);
}

long space_enter_cwd(const struct space_entry *e, const char *volatile *step)
{
    long rc, fd;

    *step = "cwd";
    if (e->cwd[0] == '/' && e->cwd[1] == '\0')
        return 0; /* who enters a mount namespace is at its root */
    fd = open_at(e, AT_FDCWD, e->cwd, O_PATH | O_DIRECTORY);
    if (fd < 0)
        return fd;
    rc = raw_call3(SYS_fchdir, fd, 0, 0);
    shut(fd);
    return rc;
}

long space_open_program(const struct space_entry *e, const char *volatile *step)
{
    struct stat st = {.st_dev = 0};
    long rc, fd;

    *step = "program";
    fd = open_at(e, AT_FDCWD, e->program, O_PATH);
    if (fd < 0)
        return fd;
    rc = raw_call6(SYS_newfstatat, fd, raw_ptr(""), raw_ptr(&st), AT_EMPTY_PATH,
                   0, 0);
    if (rc == 0 && (st.st_dev != e->program_dev || st.st_ino != e->program_ino))
        rc = -ESTALE;
    if (rc < 0) {
        (void)raw_call3(SYS_close, fd, 0, 0);
        return rc;
    }
    return fd;
}

/* Without nr_inodes empty files could fill what size does not count. */
void space_tmp_options(char out[SPACE_TMP_OPTIONS_MAX], uint64_t size_mb,
                       uid_t uid, gid_t gid)
{
    uint64_t mb = size_mb < 1 ? 1 : size_mb > 65536 ? 65536 : size_mb;

    (void)snprintf(out, SPACE_TMP_OPTIONS_MAX,
                   "size=%lluk,nr_inodes=%llu,mode=1770,uid=%u,gid=%u",
                   (unsigned long long)mb * 1024,
                   (unsigned long long)mb * INODES_MB, (unsigned)uid,
                   (unsigned)gid);
}
