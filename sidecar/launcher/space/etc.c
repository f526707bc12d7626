/* The /etc of a box. Whatever is not here, and no manifest names, a tool does
 * not see: no accounts, no hosts, no keys, no configuration of services. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sidecar/launcher/space/common.h"

#define COPY_MAX   ((off_t)4 << 20) /* bytes; more is not one of these files */
#define LINKS_MAX  4096
#define USERS_MAX  1024 /* lines of passwd */
#define LINE_MAX_  160
#define TARGET_MAX 1024

/* Copied, not bound: a mount each would be copied at every launch. A change
 * on the host shows after the next reload. */
static const struct {
    const char *folder; /* beneath /etc; "." for itself */
    const char *name;
} copied[] = {
    {".", "ld.so.cache"},      /* where the loader finds libraries */
    {".", "localtime"},        /* the time zone, where it is a file */
    {".", "timezone"},         /* the same by name */
    {".", "services"},         /* getservbyname(3) */
    {".", "protocols"},        /* getprotobyname(3) */
    {".", "mime.types"},       /* what file types are called */
    {".", "os-release"},       /* which system this is */
    {"ssl", "openssl.cnf"},    /* node and python fail without it */
    {"pki/tls", "openssl.cnf"} /* the same elsewhere */
};

static const char hosts[] = "127.0.0.1 localhost box\n::1 localhost box\n";
static const char names[] = "passwd: files\ngroup: files\nhosts: files dns\n"
                            "services: files\nprotocols: files\n";
/* No name server is reachable from any box: fail at once instead of waiting
 * (names of allowed hosts are resolved by the broker). */
static const char resolver[] = "options attempts:1 timeout:1\n";
static const char groups[] = "root:x:0:\nnogroup:x:65534:\n";
static const char users[] =
    "root:x:0:0:root:/:/usr/sbin/nologin\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";

static long put(long fd, const char *text, size_t len)
{
    while (len > 0) {
        long n = raw_call3(SYS_write, fd, raw_ptr(text), (long)len);

        if (n <= 0)
            return n < 0 ? n : -EIO;
        text += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Somebody for getpwuid(3) to find, whichever uid the tool has. */
static long make_accounts(struct mounter *m, int etc,
                          const struct space_builder *b)
{
    char line[LINE_MAX_];
    long rc, fd = mounts_open(m, etc, "passwd", O_WRONLY | O_CREAT | O_EXCL);
    uint32_t count = b->uid_count < USERS_MAX ? b->uid_count : USERS_MAX;

    if (fd < 0)
        return fd;
    rc = put(fd, users, sizeof(users) - 1);
    for (uint32_t i = 0; i < count && rc == 0; i++) {
        unsigned uid = (unsigned)b->uid_first + i;
        int n = snprintf(line, sizeof(line),
                         "tool%u:x:%u:%u:tool:%s:/usr/sbin/nologin\n", uid, uid,
                         (unsigned)b->gid, SPACE_TMP);

        if (uid != 0 && uid != 65534)
            rc = put(fd, line, (size_t)n);
    }
    (void)raw_call3(SYS_close, fd, 0, 0);
    if (rc < 0)
        return rc;
    fd = mounts_open(m, etc, "group", O_WRONLY | O_CREAT | O_EXCL);
    if (fd < 0)
        return fd;
    rc = put(fd, groups, sizeof(groups) - 1);
    if (rc == 0 && b->gid != 0 && b->gid != 65534)
        rc = put(fd, line,
                 (size_t)snprintf(line, sizeof(line), "tool:x:%u:\n",
                                  (unsigned)b->gid));
    (void)raw_call3(SYS_close, fd, 0, 0);
    return rc;
}

static long pour(int from, long to)
{
    char buf[8192];
    ssize_t n;
    long rc = 0;

    while (rc == 0 && (n = read(from, buf, sizeof(buf))) > 0)
        rc = put(to, buf, (size_t)n);
    return rc;
}

/* Only what everybody may read anyway: we may be able to read more. */
static long copy_file(struct mounter *m, int etc, const char *folder,
                      const char *name)
{
    char path[128];
    struct stat st;
    long dir, to, rc = 0;
    int from;

    (void)snprintf(path, sizeof(path), "/etc/%s/%s", folder, name);
    from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (from < 0)
        return 0;
    if (fstat(from, &st) != 0 || !S_ISREG(st.st_mode) ||
        (st.st_mode & S_IROTH) == 0 || st.st_size > COPY_MAX)
        goto out;
    dir = strcmp(folder, ".") == 0
              ? mounts_open(m, etc, ".", O_PATH | O_DIRECTORY)
              : mounts_make(m, etc, folder, true);
    if (dir < 0) {
        rc = dir;
        goto out;
    }
    to = mounts_open(m, (int)dir, name, O_WRONLY | O_CREAT | O_EXCL);
    rc = to < 0 ? to : pour(from, to);
    if (to >= 0)
        (void)raw_call3(SYS_close, to, 0, 0);
    (void)raw_call3(SYS_close, dir, 0, 0);
out:
    (void)close(from);
    return rc == -EEXIST ? 0 : rc;
}

/* A link like the host's; what is no link is left out. */
static long copy_link(struct mounter *m, int from, int to, const char *name)
{
    char target[TARGET_MAX];
    ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);
    long rc;

    if (n < 0 || (size_t)n >= sizeof(target) - 1)
        return 0;
    target[n] = '\0';
    rc = filter_call4(m->key, SYS_symlinkat, raw_ptr(target), to, raw_ptr(name),
                      0);
    return rc == -EEXIST ? 0 : rc;
}

struct entry { /* struct linux_dirent64 */
    uint64_t ino;
    int64_t off;
    uint16_t len;
    uint8_t type;
    char name[];
};

/* /usr/bin is full of links that go by way of /etc/alternatives. */
static long copy_alternatives(struct mounter *m, int etc)
{
    _Alignas(8) char buf[8192] = {0};
    int from = open("/etc/alternatives",
                    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    long n, rc = 0, left = LINKS_MAX,
            to = from < 0 ? -1 : mounts_make(m, etc, "alternatives", true);

    if (from < 0)
        return 0;
    while (to >= 0 && rc == 0 && left > 0 &&
           (n = raw_call3(SYS_getdents64, from, raw_ptr(buf), sizeof(buf))) >
               0) {
        for (long at = 0; at < n && rc == 0 && left > 0; left--) {
            const struct entry *e = (const void *)(buf + at);

            at += e->len;
            if (e->name[0] != '.')
                rc = copy_link(m, from, (int)to, e->name);
        }
    }
    (void)close(from);
    if (to >= 0)
        (void)raw_call3(SYS_close, to, 0, 0);
    return to < 0 ? to : rc;
}

static long copy_localtime(struct mounter *m, int etc)
{
    int from = open("/etc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    long rc = from < 0 ? 0 : copy_link(m, from, etc, "localtime");

    if (from >= 0)
        (void)close(from);
    return rc;
}

long etc_fill(struct mounter *m, int etc, const struct space_builder *b)
{
    long rc;

    if ((rc = make_accounts(m, etc, b)) < 0 ||
        (rc = mounts_file(m, etc, "hosts", hosts, sizeof(hosts) - 1)) < 0 ||
        (rc = mounts_file(m, etc, "nsswitch.conf", names, sizeof(names) - 1)) <
            0 ||
        (rc = mounts_file(m, etc, "resolv.conf", resolver,
                          sizeof(resolver) - 1)) < 0 ||
        (rc = mounts_file(m, etc, "hostname", "box\n", 4)) < 0 ||
        (rc = copy_localtime(m, etc)) < 0 ||
        (rc = copy_alternatives(m, etc)) < 0)
        return rc;
    for (size_t i = 0; i < sizeof(copied) / sizeof(copied[0]); i++) {
        rc = copy_file(m, etc, copied[i].folder, copied[i].name);
        if (rc < 0)
            return rc;
    }
    return 0;
}
