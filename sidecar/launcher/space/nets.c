#include "sidecar/launcher/space/nets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "sidecar/launcher/space/helper.h"

#define BACKLOG       64
#define RETRY_NS      5000000000ull /* 5 s after a failure */
#define READY_DEFAULT 1

enum net_state {
    NET_NONE = 0, /* no namespace */
    NET_READY,    /* with a fresh listener */
    NET_TAKEN,
    NET_USED /* came back; its listener is gone */
};

struct net {
    enum net_state state;
    int ns;       /* owned */
    int listener; /* owned while READY or TAKEN */
};

struct space_nets {
    struct filter_key key;
    uint32_t ready; /* how many are wanted */
    uint64_t next_new_ns;
    struct net list[SPACE_NETS_MAX];
};

ts_err space_nets_new(const struct filter_key *key, uint32_t ready,
                      struct space_nets **ret)
{
    struct space_nets *n = ts_mem_alloc(sizeof(*n));

    if (n == NULL)
        return TS_E_NOMEM;
    n->key = *key;
    n->ready = ready < 1                ? READY_DEFAULT
               : ready > SPACE_NETS_MAX ? SPACE_NETS_MAX
                                        : ready;
    for (uint32_t i = 0; i < SPACE_NETS_MAX; i++)
        n->list[i] = (struct net){.ns = -1, .listener = -1};
    *ret = n;
    return TS_OK;
}

void space_nets_free(struct space_nets *n)
{
    if (n == NULL)
        return;
    for (uint32_t i = 0; i < SPACE_NETS_MAX; i++) {
        ts_fd_close(&n->list[i].ns);
        ts_fd_close(&n->list[i].listener);
    }
    ts_mem_free(n);
}

static uint32_t count_of(const struct space_nets *n, enum net_state s)
{
    uint32_t k = 0;

    for (uint32_t i = 0; i < SPACE_NETS_MAX; i++)
        k += n->list[i].state == s ? 1 : 0;
    return k;
}

ts_err space_nets_take(struct space_nets *n, struct space_net *ret)
{
    for (uint32_t i = 0; i < SPACE_NETS_MAX; i++) {
        struct net *x = &n->list[i];
        int copy;

        if (x->state != NET_READY)
            continue;
        copy = fcntl(x->listener, F_DUPFD_CLOEXEC, 3);
        if (copy < 0)
            return ts_err_from_errno(errno);
        x->state = NET_TAKEN;
        *ret =
            (struct space_net){.net_ns = x->ns, .listener = copy, .index = i};
        return TS_OK;
    }
    return count_of(n, NET_TAKEN) == SPACE_NETS_MAX ? TS_E_LIMIT : TS_E_AGAIN;
}

void space_nets_give(struct space_nets *n, uint32_t index)
{
    struct net *x;

    if (index >= SPACE_NETS_MAX || n->list[index].state != NET_TAKEN)
        return;
    x = &n->list[index];
    /* for whoever else has it, too: what the dead tool left in its queue must
     * not be taken for the next one's */
    (void)raw_call3(SYS_shutdown, x->listener, SHUT_RDWR, 0);
    ts_fd_close(&x->listener);
    x->state = NET_USED;
}

/* In the helper; a negative errno, and *step. */
struct net_job {
    const struct filter_key *key;
    int ns; /* to enter, or -1: a new one */
};

static long raise_lo(const struct filter_key *key, int sock)
{
    struct ifreq r;

    memset(&r, 0, sizeof(r));
    memcpy(r.ifr_name, "lo", 3);
    r.ifr_flags = IFF_UP | IFF_RUNNING;
    return filter_call4(key, SYS_ioctl, sock, SIOCSIFFLAGS, raw_ptr(&r), 0);
}

/* A new socket each time: what the last tool's connections left behind in the
 * old one's queue is gone with it. */
static long make_listener(const struct filter_key *key, const char **step)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(SPACE_NET_PORT)};
    const int one = 1;
    long rc, s;

    *step = "socket";
    s = filter_call4(key, SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0,
                     0);
    if (s < 0)
        return s;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *step = "lo";
    rc = raise_lo(key, (int)s);
    if (rc >= 0) {
        *step = "bind";
        /* connections of the last tool may still be in TIME_WAIT */
        (void)raw_call6(SYS_setsockopt, s, SOL_SOCKET, SO_REUSEADDR,
                        raw_ptr(&one), sizeof(one), 0);
        rc = filter_call4(key, SYS_bind, s, raw_ptr(&at), sizeof(at), 0);
    }
    if (rc >= 0) {
        *step = "listen";
        rc = filter_call4(key, SYS_listen, s, BACKLOG, 0, 0);
    }
    if (rc < 0) {
        (void)raw_call3(SYS_close, s, 0, 0);
        return rc;
    }
    return s;
}

static int net_helper(int sock, void *arg)
{
    const struct net_job *job = arg;
    struct helper_note n = {.fd_count = 2};
    const char *step = job->ns >= 0 ? "setns" : "unshare";
    int fds[2] = {-1, -1};
    long rc =
        job->ns >= 0
            ? filter_call4(job->key, SYS_setns, job->ns, CLONE_NEWNET, 0, 0)
            : filter_call4(job->key, SYS_unshare, CLONE_NEWNET, 0, 0, 0);

    if (rc >= 0)
        rc = fds[1] = (int)make_listener(job->key, &step);
    if (rc >= 0) {
        step = "descriptor";
        rc = fds[0] =
            (int)raw_call6(SYS_openat, AT_FDCWD, raw_ptr("/proc/self/ns/net"),
                           O_RDONLY | O_CLOEXEC, 0, 0, 0);
    }
    if (rc < 0) {
        n.err = (int32_t)-rc;
        n.fd_count = 0;
    }
    (void)snprintf(n.step, sizeof(n.step), "%s", step);
    return helper_tell(sock, &n, fds) ? 0 : 1;
}

static ts_err run_helper(const struct space_nets *n, int ns, int *ret_ns,
                         int *ret_listener, const char **reterr_step,
                         int *reterr_errno)
{
    struct net_job job = {.key = &n->key, .ns = ns};
    struct helper_note note = {0};
    struct helper h;
    int fds[HELPER_FDS];
    ts_err e = helper_start(&n->key, net_helper, &job, &h);

    *reterr_step = "helper";
    *reterr_errno = errno;
    if (e != TS_OK)
        return e;
    e = helper_hear(&h, &note, fds);
    helper_end(&h);
    if (e != TS_OK) {
        *reterr_errno = ECHILD;
        return e;
    }
    if (note.err != 0) {
        *reterr_step = helper_step_text(&note);
        *reterr_errno = note.err;
        return ts_err_from_errno(note.err);
    }
    *ret_ns = fds[0];
    *ret_listener = fds[1];
    return TS_OK;
}

/* The same namespace with another listener; what cannot be readied goes. */
static ts_err renew(struct space_nets *n, struct net *x,
                    const char **reterr_step, int *reterr_errno)
{
    int ns = -1, listener = -1;
    ts_err e = run_helper(n, x->ns, &ns, &listener, reterr_step, reterr_errno);

    if (e == TS_OK) {
        ts_fd_close(&ns);
        x->listener = listener;
        x->state = NET_READY;
        return TS_OK;
    }
    ts_fd_close(&x->ns);
    x->state = NET_NONE;
    return e;
}

static ts_err make_new(struct space_nets *n, struct net *x, uint64_t now,
                       const char **reterr_step, int *reterr_errno)
{
    ts_err e =
        run_helper(n, -1, &x->ns, &x->listener, reterr_step, reterr_errno);

    n->next_new_ns = now + (e == TS_OK ? SPACE_NET_PAUSE_NS : RETRY_NS);
    if (e == TS_OK)
        x->state = NET_READY;
    return e;
}

static struct net *first(struct space_nets *n, enum net_state s)
{
    for (uint32_t i = 0; i < SPACE_NETS_MAX; i++) {
        if (n->list[i].state == s)
            return &n->list[i];
    }
    return NULL;
}

ts_err space_nets_tick(struct space_nets *n, uint64_t now,
                       const char **reterr_step, int *reterr_errno)
{
    struct net *x = first(n, NET_USED);
    ts_err e = TS_OK;

    *reterr_step = NULL;
    *reterr_errno = 0;
    if (x != NULL) /* costs a helper, and no new namespace */
        e = renew(n, x, reterr_step, reterr_errno);
    if (e != TS_OK || now < n->next_new_ns ||
        count_of(n, NET_READY) + count_of(n, NET_USED) >= n->ready)
        return e;
    x = first(n, NET_NONE);
    return x == NULL ? TS_OK : make_new(n, x, now, reterr_step, reterr_errno);
}

ts_err space_nets_hurry(struct space_nets *n, uint64_t now,
                        const char **reterr_step, int *reterr_errno)
{
    n->next_new_ns = 0;
    return space_nets_tick(n, now, reterr_step, reterr_errno);
}

uint64_t space_nets_next_ns(const struct space_nets *n)
{
    uint32_t ready = count_of(n, NET_READY), used = count_of(n, NET_USED);

    if (used > 0)
        return 0;
    if (ready >= n->ready || count_of(n, NET_NONE) == 0)
        return UINT64_MAX;
    return n->next_new_ns;
}
