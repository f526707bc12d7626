/* From a file upwards. */
#include "sidecar/launcher/metadata/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sidecar/launcher/layers/raw.h"

#define LEVELS_MOST 1024 /* folders from a file up to the root */
#define LOOKS_MOST  8    /* a file that is being renamed */

static bool is_root(const struct stat *st, const struct place_root *roots,
                    uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (roots[i].dev == st->st_dev && roots[i].ino == st->st_ino)
            return true;
    }
    return false;
}

static long open_folder(int at, const char *path, uint64_t resolve,
                        const struct filter_key *key)
{
    const struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                                 .resolve = resolve};

    return filter_call4(key, SYS_openat2, at, raw_ptr(path), raw_ptr(&how),
                        sizeof(how));
}

/* Takes the folder over. */
static bool is_beneath(int folder, const struct place_root *roots,
                       uint32_t count, const struct filter_key *key)
{
    struct stat st, before = {0};
    bool found = false;

    for (int i = 0; i < LEVELS_MOST && folder >= 0; i++) {
        long up;

        if (fstat(folder, &st) != 0 ||
            (i > 0 && st.st_dev == before.st_dev && st.st_ino == before.st_ino))
            break; /* above the root is the root */
        found = is_root(&st, roots, count);
        if (found)
            break;
        before = st;
        up = open_folder(folder, "..", RESOLVE_NO_MAGICLINKS, key);
        (void)close(folder);
        folder = (int)up;
    }
    if (folder >= 0)
        (void)close(folder);
    return found;
}

/* The folder in which it has a name; -1 if none is found. */
static int folder_of(int fd, const struct stat *st, int proc_fds,
                     const struct filter_key *key)
{
    char number[16], path[PATH_MAX];
    struct stat there;
    char *name;
    ssize_t n;
    long folder;

    (void)snprintf(number, sizeof(number), "%d", fd);
    n = readlinkat(proc_fds, number, path, sizeof(path) - 1);
    if (n <= 1 || (size_t)n == sizeof(path) - 1 || path[0] != '/')
        return -1; /* no file, or a name that did not fit */
    path[n] = '\0';
    name = strrchr(path, '/');
    *name++ = '\0';
    folder = open_folder(AT_FDCWD, path[0] == '\0' ? "/" : path,
                         RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS, key);
    if (folder < 0)
        return -1;
    if (fstatat((int)folder, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
        there.st_dev == st->st_dev && there.st_ino == st->st_ino)
        return (int)folder;
    (void)close((int)folder);
    return -1;
}

static int refusal_of(int fd)
{
    struct statvfs v;

    return fstatvfs(fd, &v) == 0 && (v.f_flag & ST_RDONLY) != 0 ? EROFS : EPERM;
}

int place_judge(int fd, int proc_fds, const struct place_root *roots,
                uint32_t count, const struct filter_key *key)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return EPERM;
    if (is_root(&st, roots, count))
        return 0;
    if (S_ISREG(st.st_mode) && st.st_nlink == 0)
        return 0;
    for (int i = 0; i < LOOKS_MOST; i++) {
        int folder = folder_of(fd, &st, proc_fds, key);

        if (folder >= 0)
            return is_beneath(folder, roots, count, key) ? 0 : refusal_of(fd);
    }
    return refusal_of(fd);
}
