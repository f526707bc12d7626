/*
 * tipstaff-launcher: the only process that may start programs. Takes orders
 * from the recorder, gives the tools' stdio to the gate, and parses nothing
 * that a stranger sent but argument maps, again. No option, no configuration
 * of its own; the supervisor starts it with its descriptors.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/confine/confine.h"
#include "sidecar/common/control/control.h"
#include "sidecar/common/fds.h"
#include "sidecar/common/log.h"
#include "sidecar/launcher/launcher.h"
#include "sidecar/launcher/trials.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE              65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif
#define KEYRING_PAUSE_NS 10000000      /* 10 ms */
#define KEYRING_TRIES    200           /* 2 s and more */
#define FAREWELL_NS      2000000000ull /* 2 s for the DRAIN behind a hang-up */
#define ORDERS_PER_TURN  32 /* then deadlines and ended tools get their turn */

/* No handler exists, so none can run in the memory that a starting child
 * borrows; ignored signals would be inherited by tools, so none is ignored. */
static ts_err set_signals(struct launcher *l)
{
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    sigset_t all, child;

    (void)sigfillset(&all);
    if (sigprocmask(SIG_SETMASK, &all, NULL) != 0)
        return TS_E_SYSTEM;
    for (int s = 1; s < NSIG; s++)
        (void)sigaction(s, &dfl, NULL); /* some cannot be set, and need not */
    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    (void)sigaddset(&child, SIGTERM);
    l->signal_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    return l->signal_fd < 0 ? TS_E_SYSTEM : TS_OK;
}

/* Low numbers are for what tools are given: all that is opened from here on
 * lies above them, so that no step of a child can close what a later one needs.
 */
static ts_err keep_low_numbers(const struct launcher *l)
{
    int fd;

    do {
        fd = fcntl(l->null_fd, F_DUPFD_CLOEXEC, 0);
        if (fd < 0)
            return TS_E_SYSTEM;
    } while (fd < CHILD_GIVEN_END);
    (void)close(fd);
    return TS_OK;
}

/* In a copy of ourselves, since it cannot be taken back. */
static bool has_no_wx(void)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0 ? 0
                                                                         : 1);
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

/* From a tool's namespace of processes to our own. There is none in a user
 * namespace, ours or one that the whole service is in: ours of processes then
 * belongs to another, in which we may do nothing. */
static void open_way_back(struct launcher *l)
{
    int fd;

    if (!l->caps.spaces || l->caps.in_user_ns)
        return;
    fd = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && setns(fd, CLONE_NEWPID) == 0)
        l->place.own_pid_ns = fd;
    else
        ts_fd_close(&fd);
}

/* The quota is that of our user, and tools have others: they can get theirs
 * even if there is none left for us. Keys of processes that have just ended, of
 * a set before this one, are given back a little later. */
static void open_keyring(struct launcher *l)
{
    const struct timespec pause = {0, KEYRING_PAUSE_NS};
    long rc;

    for (int i = 0;; i++) {
        rc = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
        if (rc >= 0 || errno != EDQUOT || i == KEYRING_TRIES)
            break;
        (void)nanosleep(&pause, NULL);
    }
    l->has_keyring = rc >= 0;
    l->gives_keyring = rc >= 0 || errno == EDQUOT;
    if (rc < 0 && l->gives_keyring)
        log_event(LOG_WARN,
                  "no_keyring uid=%u text=\"the kernel's quota of keys of this "
                  "user is used up (/proc/key-users): raise "
                  "kernel.keys.maxkeys\"",
                  (unsigned)l->self_uid);
}

static ts_err open_own(struct launcher *l)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max < 65536 ? files.rlim_max : 65536;
        (void)setrlimit(RLIMIT_NOFILE, &files); /* fewer tools fit otherwise */
    }
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        struct rlimit own;

        /* RLIM_INFINITY is the largest number there is */
        if (getrlimit((__rlimit_resource_t)i, &own) != 0)
            return TS_E_SYSTEM;
        l->most[i] = own.rlim_max;
    }
    l->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (l->null_fd < 3 || l->epoll_fd < 0)
        return TS_E_SYSTEM;
    if (keep_low_numbers(l) != TS_OK)
        return TS_E_SYSTEM;
    l->self_uid = geteuid();
    l->self_gid = getegid();
    l->has_no_wx = has_no_wx();
    open_keyring(l);
    if (child_place_make(&l->place) != TS_OK)
        return TS_E_SYSTEM;
    open_way_back(l);
    return trials_prepare(l);
}

/* Everything that the filter forbids afterwards; it is installed when START has
 * said which (control_in.c). */
static ts_err confine(struct launcher *l, const char **step)
{
    ts_err e;

    *step = "capabilities";
    if ((e = caps_keep(true, &l->caps)) != TS_OK ||
        (e = confine_base(LAUNCHER_FD_LAST, step)) != TS_OK)
        return e;
    /* Not SIGKILL: what a tool has set free is nobody's but ours to end, also
     * when the supervisor was killed. Until signals are blocked it kills. */
    *step = "signals";
    if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) != 0 ||
        (e = set_signals(l)) != TS_OK)
        return TS_E_SYSTEM;
    *step = "subreaper";
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
        return TS_E_SYSTEM;
    *step = "descriptors";
    if ((e = open_own(l)) != TS_OK)
        return e;
    layers_probe_floor(&l->layers);
    *step = "key";
    if ((e = filter_key_make(&l->key)) != TS_OK)
        return e;
    *step = "/proc and the marks of tools";
    if (getrandom(&l->serial, sizeof(l->serial), 0) !=
        (ssize_t)sizeof(l->serial))
        return TS_E_SYSTEM;
    if ((e = tree_open(&l->tree, &l->key)) != TS_OK)
        return e;
    if (l->layers.process_limit && !l->caps.in_user_ns)
        l->other_tasks = tree_count_others(&l->tree);
    l->tree.has_other_users = l->caps.uids;
    *step = "processes 1 of tools";
    if (l->caps.spaces &&
        (e = inits_open(&l->inits, l->tree.proc_fd, &l->key)) != TS_OK)
        return e;
    *step = "watchdog";
    if ((e = watch_start(&l->watch)) != TS_OK)
        return e;
    return TS_OK;
}

static void log_layers(const struct launcher *l)
{
    for (size_t i = 0; i < LAYER_COUNT; i++) {
        const struct layer_probe *p = &l->layers.probe[i];

        if ((p->bit & LAYER_FLOOR) != 0 && !p->holds)
            log_event(LOG_ERROR, "layer_missing layer=%s errno=%d",
                      layer_name(p->bit), p->sys_errno);
    }
    if (!l->layers.process_limit)
        log_event(LOG_WARN, "layer_weak layer=rlimits processes=unbounded "
                            "reason=\"uid 0 or no RLIMIT_NPROC\"");
}

static ts_err watch(struct launcher *l, int fd, uint32_t events, int op)
{
    struct epoll_event ev = {.events = events, .data.fd = fd};

    return epoll_ctl(l->epoll_fd, op, fd, &ev) == 0 ? TS_OK : TS_E_SYSTEM;
}

static ts_err set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return TS_E_SYSTEM;
    return TS_OK;
}

static ts_err start_up(struct launcher *l)
{
    char text[CONTROL_TEXT_MAX];
    ts_err e;

    if (sodium_init() < 0)
        return TS_E_SYSTEM;
    back_init(&l->back, LAUNCHER_FD_GATE);
    if ((e = control_start_up(l)) != TS_OK ||
        (e = set_nonblocking(FD_CONTROL)) != TS_OK ||
        (e = watch(l, FD_CONTROL, EPOLLIN, EPOLL_CTL_ADD)) != TS_OK ||
        (e = watch(l, LAUNCHER_FD_RECORDER, EPOLLIN, EPOLL_CTL_ADD)) != TS_OK ||
        (e = watch(l, LAUNCHER_FD_GATE, EPOLLIN, EPOLL_CTL_ADD)) != TS_OK ||
        (e = watch(l, l->signal_fd, EPOLLIN, EPOLL_CTL_ADD)) != TS_OK)
        return e;
    if ((e = control_tell(l)) != TS_OK)
        return e;
    /* What this host cannot serve: `tipstaffd --check` fails on it. */
    (void)toolset_unavailable(l->tools, text, sizeof(text));
    trials_list(l, text, sizeof(text));
    return control_say(FD_CONTROL, CONTROL_READY, text);
}

/* The other launchers start beside us, and are complete when orders come. */
static void count_others(struct launcher *l)
{
    uint64_t n;

    if (l->has_counted || !l->layers.process_limit || l->caps.in_user_ns)
        return;
    l->has_counted = true;
    n = tree_count_others(&l->tree);
    l->other_tasks = n > l->inits.count ? n - l->inits.count : 0;
}

static ts_err take_orders(struct launcher *l)
{
    count_others(l);
    for (int i = 0; i < ORDERS_PER_TURN && !back_is_busy(&l->back); i++) {
        ts_err e = orders_receive(l);

        if (e == TS_E_AGAIN)
            return TS_OK;
        if (e != TS_OK)
            return e;
    }
    return TS_OK;
}

static ts_err on_recorder(struct launcher *l, uint32_t events)
{
    ts_err e;

    if (back_is_busy(&l->back) && (events & (EPOLLHUP | EPOLLERR)) != 0)
        return TS_E_CLOSED; /* not asked for, and no reason to wait */
    e = take_orders(l);
    runs_sweep(l); /* the last of them may have been kills */
    return e;
}

/* The gate never speaks to us: whatever can be read is its end. */
static ts_err on_gate(struct launcher *l, uint32_t events)
{
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        return TS_E_CLOSED;
    return back_flush(&l->back);
}

static ts_err on_signal(struct launcher *l)
{
    struct signalfd_siginfo si[2]; /* of each of the two one can wait */
    ssize_t n = read(l->signal_fd, si, sizeof(si));

    for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(si[0]); i++) {
        if (si[i].ssi_signo == SIGTERM)
            return TS_E_CLOSED;
    }
    return runs_reap(l);
}

static ts_err dispatch(struct launcher *l, const struct epoll_event *ev)
{
    ts_err e;

    if (ev->data.fd == l->signal_fd)
        return on_signal(l);
    if (ev->data.fd == LAUNCHER_FD_GATE)
        return on_gate(l, ev->events);
    if (ev->data.fd == LAUNCHER_FD_RECORDER)
        return on_recorder(l, ev->events);
    e = control_hear(&l->control);
    return e == TS_E_AGAIN ? TS_OK : e;
}

static int wait_ms(const struct launcher *l, uint64_t now)
{
    uint64_t next = runs_next_ns(l), network = network_next_ns(&l->network);

    if (network < next)
        next = network;
    if (l->draining && l->drain_ns > now && l->drain_ns < next)
        next = l->drain_ns;
    if (next == UINT64_MAX)
        return -1;
    if (next <= now)
        return 0;
    next = (next - now + 999999) / 1000000;
    return next > 3600000 ? 3600000 : (int)next;
}

/* While answers wait for the gate no order is taken. */
static ts_err set_interest(struct launcher *l, bool *io_was_busy)
{
    bool busy = back_is_busy(&l->back);
    ts_err e;

    if (busy == *io_was_busy)
        return TS_OK;
    *io_was_busy = busy;
    e = watch(l, LAUNCHER_FD_RECORDER, busy ? 0 : EPOLLIN, EPOLL_CTL_MOD);
    if (e != TS_OK)
        return e;
    return watch(l, LAUNCHER_FD_GATE, busy ? EPOLLIN | EPOLLOUT : EPOLLIN,
                 EPOLL_CTL_MOD);
}

static bool is_drained(const struct launcher *l)
{
    return l->draining && l->run_count == 0 && !back_is_busy(&l->back);
}

static ts_err loop(struct launcher *l)
{
    struct epoll_event ev[8];
    bool was_busy = false;
    ts_err e = TS_OK;

    while (e == TS_OK && !is_drained(l)) {
        int n = epoll_wait(l->epoll_fd, ev, 8, wait_ms(l, now_ns()));

        if (n < 0 && errno != EINTR)
            return TS_E_SYSTEM;
        for (int i = 0; i < n && e == TS_OK; i++)
            e = dispatch(l, &ev[i]);
        if (e == TS_OK)
            e = runs_tick(l, now_ns());
        network_tick(&l->network, now_ns());
        if (e == TS_OK && l->draining && now_ns() >= l->drain_ns)
            e = runs_kill_all(l, END_SHUTDOWN);
        if (e == TS_OK)
            e = control_tell(l);
        if (e == TS_OK)
            e = set_interest(l, &was_busy);
    }
    return e;
}

/* Somebody has ended, and not only a call of ours failed. */
static bool has_hung_up(void)
{
    struct pollfd peer[] = {{.fd = LAUNCHER_FD_GATE},
                            {.fd = LAUNCHER_FD_RECORDER}};

    return poll(peer, 2, 0) > 0;
}

/* In a drain the gate ends first, and its hang-up may be seen before the DRAIN
 * that the supervisor sends then. Everything has been killed by now; all that
 * is still open is whether this end was in good order. */
static bool was_drained(struct launcher *l)
{
    uint64_t until = now_ns() + FAREWELL_NS;
    struct pollfd in = {.fd = FD_CONTROL, .events = POLLIN};

    if (!l->draining && !has_hung_up())
        return false;
    while (!l->draining && now_ns() < until) {
        if (poll(&in, 1, (int)(FAREWELL_NS / 1000000)) < 0 && errno != EINTR)
            return false;
        if ((in.revents & POLLIN) == 0 || control_hear(&l->control) != TS_OK)
            break;
    }
    return l->draining;
}

int main(void)
{
    static struct launcher l; /* too large for the stack; passed down */
    const char *step = "";
    ts_err e;

    log_init("launcher", LOG_INFO);
    l.inits.program = -1;
    e = confine(&l, &step);
    if (e != TS_OK) {
        log_event(LOG_ERROR, "not_confined step=\"%s\" error=\"%s\"", step,
                  ts_err_text(e));
        return 1;
    }
    log_layers(&l);
    e = start_up(&l);
    if (e == TS_OK)
        e = loop(&l);
    runs_end_all(&l);
    space_groups_free(l.groups);
    if (e != TS_OK && !(e == TS_E_CLOSED && was_drained(&l))) {
        log_event(LOG_ERROR, "stopped error=\"%s\"", ts_err_text(e));
        return 1;
    }
    return 0;
}
