/*
 * tipstaff-hook: tells people, by a command of the operator's, which calls wait
 * for them and what became of these. It reads what the gate tells of questions
 * and can say nothing but how its commands fare; docs/PRIVSEP.md.
 */
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/confine/confine.h"
#include "sidecar/common/fds.h"
#include "sidecar/common/log.h"
#include "sidecar/hook/confine_hook.h"
#include "sidecar/hook/watcher.h"

#define NICER 10 /* than what decides */

/* A terminal's ^C goes to the whole group; the supervisor alone acts on it. */
static void ignore_signals(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)sigaction(SIGINT, &ignore, NULL);
    (void)sigaction(SIGHUP, &ignore, NULL);
}

/* Of two that want memory or a processor it is the other that gets it. */
static void give_way(void)
{
    static const char first[] = "500";
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (fd >= 0)
        (void)!write(fd, first, sizeof(first) - 1);
    ts_fd_close(&fd);
    (void)setpriority(PRIO_PROCESS, 0, NICER);
}

static ts_err take_settings(struct watcher *w)
{
    uint8_t buf[CONTROL_MESSAGE_MAX];
    struct control_message m;
    ts_err e = control_receive(FD_CONTROL, buf, &m);

    if (e != TS_OK)
        return e;
    ts_fd_close(&m.bundle_fd);
    ts_fd_close(&m.journal_fd);
    return m.type == CONTROL_HOOK ? watcher_settings(w, &m.as.hook)
                                  : TS_E_STATE;
}

static ts_err set_up(struct watcher *w, const char **reterr_step)
{
    ts_err e;

    *reterr_step = "a user of its own";
    if (geteuid() == 0)
        return TS_E_DENIED; /* as root nothing below would hold */
    if ((e = confine_base(HOOK_FD_CHANNEL, reterr_step)) != TS_OK)
        return e;
    *reterr_step = "settings";
    if ((e = take_settings(w)) != TS_OK)
        return e;
    if ((e = confine_hook(&w->how, reterr_step)) != TS_OK)
        return e;
    *reterr_step = "loop";
    return watcher_open(w);
}

int main(void)
{
    static struct watcher w; /* too large for the stack; passed down */
    const char *step = "start";
    ts_err e;

    log_init("hook", LOG_INFO);
    ignore_signals();
    give_way();
    w.control = FD_CONTROL;
    w.channel = HOOK_FD_CHANNEL;
    w.signals = -1;
    e = sodium_init() < 0 ? TS_E_SYSTEM : set_up(&w, &step);
    if (e != TS_OK) {
        log_event(LOG_ERROR, "hook_not_started step=\"%s\" reason=\"%s\"", step,
                  ts_err_text(e));
        return 1;
    }
    watcher_serve(&w);
    watcher_done(&w);
    return 0;
}
