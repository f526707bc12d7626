/* One event at a time: messages first, then deaths, then signals. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/log.h"
#include "sidecar/supervisor/supervise.h"

#define NS_PER_MS UINT64_C(1000000)

bool process_may_say(enum process_phase phase, enum control_type type)
{
    switch (phase) {
    case PHASE_GONE:
        return false;
    case PHASE_STARTING:
        return type == CONTROL_READY || type == CONTROL_REJECTED ||
               type == CONTROL_STATUS;
    case PHASE_PREPARING:
        return type == CONTROL_PREPARED || type == CONTROL_REJECTED ||
               type == CONTROL_STATUS;
    case PHASE_SERVING:
    case PHASE_DRAINING:
        return type == CONTROL_STATUS;
    }
    return false;
}

const char *process_name(const struct process *p)
{
    static const char *const names[] = {[ROLE_RECORDER] = "tipstaff-recorder",
                                        [ROLE_LAUNCHER] = "tipstaff-launcher",
                                        [ROLE_GATE] = "tipstaff-gate",
                                        [ROLE_BROKER] = "tipstaff-broker"};

    return names[p->role];
}

uint64_t supervisor_now_ms(struct supervisor *sv)
{
    return clock_now(&sv->clock).boot_ns / NS_PER_MS;
}

ts_err pump_open(struct supervisor *sv)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGCHLD);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGPIPE);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return ts_err_from_errno(errno);
    sv->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return sv->signals < 0 ? ts_err_from_errno(errno) : TS_OK;
}

void process_gone(struct process *p)
{
    ts_fd_close(&p->pidfd);
    ts_fd_close(&p->control);
    p->pid = 0;
    p->phase = PHASE_GONE;
}

/* True if it was a stop or reload that is new. */
static bool read_signals(struct supervisor *sv)
{
    struct signalfd_siginfo info;
    bool news = false;

    while (read(sv->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGHUP) {
            sv->want_reload = true;
            news = true;
        } else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) {
            sv->want_stop = true;
            news = true;
        }
    }
    return news;
}

static bool find_message(struct supervisor *sv, struct event *ev)
{
    for (uint32_t i = 0; i < sv->set_count; i++) {
        struct process *p = &sv->set[i];
        ts_err e;

        if (p->control < 0)
            continue;
        e = control_receive(p->control, sv->pump_buf, &ev->message);
        if (e == TS_E_AGAIN)
            continue;
        ev->from = p;
        if (e == TS_OK && p->role == ROLE_GATE)
            sv->gate_heard_ms = supervisor_now_ms(sv);
        if (e == TS_OK && process_may_say(p->phase, ev->message.type)) {
            ev->kind = EVENT_MESSAGE;
            return true;
        }
        if (e == TS_OK) {
            ts_fd_close(&ev->message.bundle_fd);
            ts_fd_close(&ev->message.journal_fd);
        }
        /* It closed the channel or talks nonsense: it ends now, and its death
         * is the event that follows. */
        ts_fd_close(&p->control);
        if (p->phase != PHASE_DRAINING || e != TS_E_CLOSED)
            (void)syscall(SYS_pidfd_send_signal, p->pidfd, SIGKILL, NULL, 0);
        if (e != TS_E_CLOSED) {
            ev->kind = EVENT_BROKEN;
            return true;
        }
    }
    return false;
}

/* Reaps one child. Those that are not of the set are what a launcher left
 * behind; they need nothing more. */
static bool find_death(struct supervisor *sv, struct event *ev)
{
    int status = 0;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (uint32_t i = 0; i < sv->set_count; i++) {
            if (sv->set[i].pid != pid)
                continue;
            ev->kind = EVENT_DEATH;
            ev->from = &sv->set[i];
            ev->status = status;
            process_gone(&sv->set[i]);
            return true;
        }
        if (hook_child_died(sv, pid, status)) {
            ev->kind = EVENT_SIGNAL; /* look at everything once more */
            return true;
        }
    }
    return false;
}

/* Milliseconds to sleep; -1 for ever. */
static int sleep_ms(uint64_t now, uint64_t deadline, uint64_t watchdog)
{
    uint64_t until = deadline;

    if (watchdog != 0 && (until == 0 || watchdog < until))
        until = watchdog;
    if (until == 0)
        return -1;
    if (until <= now)
        return 0;
    return until - now > 60000 ? 60000 : (int)(until - now);
}

static void wait_for_any(struct supervisor *sv, int timeout_ms)
{
    struct pollfd p[SET_MAX + 2];
    nfds_t n = 0;

    p[n++] = (struct pollfd){.fd = sv->signals, .events = POLLIN};
    if (sv->serving && watch_fd(sv->watch) >= 0)
        p[n++] = (struct pollfd){.fd = watch_fd(sv->watch), .events = POLLIN};
    for (uint32_t i = 0; i < sv->set_count; i++) {
        if (sv->set[i].control >= 0)
            p[n++] =
                (struct pollfd){.fd = sv->set[i].control, .events = POLLIN};
    }
    (void)poll(p, n, timeout_ms); /* whatever it says, all are looked at */
}

/* False when the gate serves and yet says nothing: its loop hangs. Starting,
 * loading and draining have limits of their own. */
static bool gate_is_alive(const struct supervisor *sv, uint64_t now)
{
    for (uint32_t i = 0; i < sv->set_count; i++) {
        const struct process *p = &sv->set[i];

        if (p->role == ROLE_GATE && p->phase == PHASE_SERVING)
            return now - sv->gate_heard_ms < GATE_SILENT_MS;
    }
    return true;
}

static void keep_alive(struct supervisor *sv, uint64_t now)
{
    if (sv->notify.watchdog_ms == 0 || now < sv->watchdog_at_ms)
        return;
    if (!gate_is_alive(sv, now)) {
        log_event(LOG_ERROR, "gate_silent text=\"the service manager is not "
                             "told that all is well\"");
        sv->watchdog_at_ms = now + GATE_SILENT_MS; /* not in every turn */
        return;
    }
    notify_send(&sv->notify, "WATCHDOG=1");
    sv->watchdog_at_ms = now + sv->notify.watchdog_ms;
}

void pump(struct supervisor *sv, uint64_t deadline_ms, struct event *ret)
{
    for (;;) {
        struct event ev = {.message = {.bundle_fd = -1, .journal_fd = -1}};
        uint64_t now = supervisor_now_ms(sv);
        bool news;

        keep_alive(sv, now);
        news = read_signals(sv); /* before the deaths that SIGCHLD is about */
        if (find_message(sv, &ev) || find_death(sv, &ev)) {
            *ret = ev;
            return; /* a signal is not lost: want_stop and want_reload stay */
        }
        if (news || (deadline_ms != 0 && now >= deadline_ms)) {
            ev.kind = news ? EVENT_SIGNAL : EVENT_TIME;
            *ret = ev;
            return;
        }
        if (sv->serving && watch_take(sv->watch, now)) {
            ev.kind = EVENT_FILES;
            *ret = ev;
            return;
        }
        wait_for_any(
            sv, sleep_ms(now, deadline_ms,
                         sv->notify.watchdog_ms == 0 ? 0 : sv->watchdog_at_ms));
    }
}
