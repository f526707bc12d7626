/* Control groups, tried with a process in one: files that exist say little. A
 * service has a folder of its own for them (sidecar/supervisor/cgroups.h),
 * which is found again here: beneath where we are. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sidecar/launcher/layers/probe_tries.h"

#define NO_EFFECT  EPROTO
#define PATH_BYTES 1024
#define TOUCHED    ((size_t)4 << 20) /* bytes */

static int put(const char *dir, const char *file, const char *text)
{
    char path[PATH_BYTES + 64];
    int err = 0, fd;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, file);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    if (write(fd, text, strlen(text)) < 0)
        err = errno;
    (void)close(fd);
    return err;
}

static unsigned long long number_in(const char *dir, const char *file)
{
    char path[PATH_BYTES + 64], text[64];
    ssize_t n = -1;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, file);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, text, sizeof(text) - 1);
        (void)close(fd);
    }
    text[n > 0 ? n : 0] = '\0';
    return strtoull(text, NULL, 10);
}

/* Nobody can be made beside the only process that may be there. */
static int no_second(const char *dir)
{
    int err = put(dir, "cgroup.procs", "0");
    pid_t pid;

    if (err != 0)
        return err;
    pid = fork();
    if (pid == 0)
        _exit(0);
    if (pid > 0)
        (void)waitpid(pid, NULL, 0);
    return pid < 0 && errno == EAGAIN ? 0 : NO_EFFECT;
}

/* What is touched is counted. */
static int is_counted(const char *dir, const char *usage)
{
    int err = put(dir, "cgroup.procs", "0");

    if (err != 0)
        return err;
    if (mmap(NULL, TOUCHED, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) == MAP_FAILED)
        return errno;
    return number_in(dir, usage) >= TOUCHED ? 0 : NO_EFFECT;
}

static int in_child(const char *dir, const char *usage)
{
    int status = 0;
    pid_t pid = fork();

    if (pid < 0)
        return errno;
    if (pid == 0)
        _exit(usage == NULL ? no_second(dir) : is_counted(dir, usage));
    (void)waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : NO_EFFECT;
}

/* A group beneath parent with one limit, and a process in it. usage NULL: of
 * processes, else the file that counts memory. */
static int try_limit(const char *parent, const char *limit, const char *usage)
{
    char dir[PATH_BYTES];
    int err;

    (void)snprintf(dir, sizeof(dir), "%s/tipstaff-probe-%d", parent,
                   (int)getpid());
    if (mkdir(dir, 0700) != 0)
        return errno;
    err = put(dir, limit, usage == NULL ? "1" : "67108864");
    if (err == 0)
        err = in_child(dir, usage);
    return rmdir(dir) == 0 || err != 0 ? err : errno;
}

/* Our own place in the hierarchy: the line of /proc/self/cgroup with this
 * between its colons, beneath where that is mounted. */
static bool place_of(const char *mount, const char *label, char *ret)
{
    char text[4096];
    const char *line = text;
    ssize_t n = -1;
    int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);

    if (fd >= 0) {
        n = read(fd, text, sizeof(text) - 1);
        (void)close(fd);
    }
    text[n > 0 ? n : 0] = '\0';
    for (const char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        const char *at = strchr(line, ':');
        size_t len = strlen(label);

        if (at == NULL || at > end || strncmp(at + 1, label, len) != 0 ||
            at[1 + len] != ':')
            continue;
        at += 2 + len;
        return snprintf(ret, PATH_BYTES - 64, "%s%.*s", mount, (int)(end - at),
                        at) < PATH_BYTES - 64;
    }
    return false;
}

static int try_v2(const char *mount)
{
    char place[PATH_BYTES];
    int err;

    if (!place_of(mount, "", place))
        return ENOENT;
    err = try_limit(place, "pids.max", NULL);
    return err != 0 ? err : try_limit(place, "memory.max", "memory.current");
}

static int try_v1(void)
{
    char place[PATH_BYTES];
    int err;

    if (!place_of("/sys/fs/cgroup/pids", "pids", place))
        return ENOENT;
    if ((err = try_limit(place, "pids.max", NULL)) != 0)
        return err;
    if (!place_of("/sys/fs/cgroup/memory", "memory", place))
        return ENOENT;
    return try_limit(place, "memory.limit_in_bytes", "memory.usage_in_bytes");
}

int try_cgroup(void)
{
    if (try_v2("/sys/fs/cgroup/unified") == 0 || try_v1() == 0)
        return 0;
    return try_v2("/sys/fs/cgroup"); /* as it is where nothing is mounted */
}
