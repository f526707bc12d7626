#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/egress/preload.h"

static struct sock socks[PRELOAD_FDS];
static int channel = -1;

extern char **environ;

/* Decimal, three digits at most; -1 for anything else. */
static int read_number(const char *s)
{
    int n = 0;

    if (*s == '\0')
        return -1;
    for (; *s != '\0'; s++) {
        if (*s < '0' || *s > '9' || n > 99)
            return -1;
        n = n * 10 + (*s - '0');
    }
    return n;
}

__attribute__((constructor)) static void preload_init(void)
{
    static const char key[] = "TIPSTAFF_EGRESS_FD=";
    int fd, type = 0;
    socklen_t len = sizeof(type);

    for (char **e = environ; e != NULL && *e != NULL; e++) {
        if (strncmp(*e, key, sizeof(key) - 1) != 0)
            continue;
        fd = read_number(*e + sizeof(key) - 1);
        if (fd >= 0 &&
            syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &len) ==
                0 &&
            type == SOCK_SEQPACKET)
            channel = fd;
        return;
    }
}

int preload_channel(void)
{
    return channel;
}

static pid_t self(void)
{
    return (pid_t)syscall(SYS_getpid); /* no cache: also right after vfork() */
}

void sock_close_own(int fd)
{
    if (fd >= 0)
        (void)syscall(SYS_close, fd);
}

static bool is_same(int fd, const struct sock *s)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_ino == s->inode;
}

struct sock *sock_find(int fd)
{
    struct sock *s;

    if (channel < 0 || fd < 0 || fd >= PRELOAD_FDS)
        return NULL;
    s = &socks[fd];
    if (__atomic_load_n(&s->state, __ATOMIC_ACQUIRE) == SOCK_NONE ||
        !is_same(fd, s))
        return NULL;
    return s;
}

static int refuse(int ends[2], int err)
{
    sock_close_own(ends[0]);
    sock_close_own(ends[1]);
    errno = err;
    return -1;
}

int sock_make(int family, int flags, int fd)
{
    int ends[2];
    struct stat st;
    struct sock *s;

    if (syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM | flags, 0, ends) != 0)
        return -1;
    if (ends[0] >= PRELOAD_FDS || fstat(ends[0], &st) != 0)
        return refuse(ends, EMFILE);
    /* The broker's end is nobody's else, and goes when it is sent. */
    (void)syscall(SYS_fcntl, ends[1], F_SETFD, FD_CLOEXEC);
    if (fd >= 0) {
        if (syscall(SYS_dup3, ends[0], fd,
                    (flags & SOCK_CLOEXEC) != 0 ? O_CLOEXEC : 0) < 0)
            return refuse(ends, errno);
        sock_close_own(ends[0]);
        ends[0] = fd;
    }
    s = &socks[ends[0]];
    s->family = family;
    s->pid = self();
    s->inode = st.st_ino;
    s->other = ends[1];
    s->reply = -1;
    s->peer_len = 0;
    __atomic_store_n(&s->state, SOCK_FRESH, __ATOMIC_RELEASE);
    return ends[0];
}

/* Only by the process that made it: the child of a vfork() closes descriptors
 * of its own, with our memory. What stays behind is found out by its inode. */
void sock_forget(int fd)
{
    struct sock *s = sock_find(fd);

    if (s == NULL || s->pid != self())
        return;
    if (s->state == SOCK_FRESH)
        sock_close_own(s->other);
    if (s->state == SOCK_CONNECTING)
        sock_close_own(s->reply);
    __atomic_store_n(&s->state, SOCK_NONE, __ATOMIC_RELEASE);
}

static int again(int fd)
{
    return fd < 0 ? -1 : (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 3);
}

void sock_copy(int from, int to)
{
    const struct sock *s = sock_find(from);
    struct sock *t;

    if (s == NULL || to < 0 || to >= PRELOAD_FDS || s->pid != self())
        return;
    t = &socks[to];
    t->family = s->family;
    t->pid = s->pid;
    t->inode = s->inode;
    t->other = s->state == SOCK_FRESH ? again(s->other) : -1;
    t->reply = s->state == SOCK_CONNECTING ? again(s->reply) : -1;
    t->peer = s->peer;
    t->peer_len = s->peer_len;
    __atomic_store_n(&t->state, s->state, __ATOMIC_RELEASE);
}
