#include "sidecar/supervisor/hook_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/log.h"
#include "sidecar/common/reap.h"
#include "sidecar/supervisor/spawn.h"
#include "sidecar/supervisor/supervise.h"
#include "sidecar/supervisor/wires.h"

#define PROGRAM  "tipstaff-hook"
#define WAIT_MIN 1000
#define WAIT_MAX 60000
#define GOOD_MS  60000 /* it lived so long: the next start is at once again */

static struct process *gate_of(struct supervisor *sv)
{
    for (uint32_t i = 0; i < sv->set_count; i++) {
        struct process *p = &sv->set[i];

        if (p->role == ROLE_GATE && p->phase == PHASE_SERVING &&
            p->control >= 0)
            return p;
    }
    return NULL;
}

static ts_err start(struct supervisor *sv, int control, int channel)
{
    char path[4096];
    int pidfd TS_CLEANUP(ts_fd_close) = -1,
              program TS_CLEANUP(ts_fd_close) = -1;
    struct spawn s = {.path = path,
                      .name = PROGRAM,
                      .fds = {control, channel},
                      .fd_count = 2,
                      .user = &sv->config->users[CONFIG_USER_HOOK]};
    int n = snprintf(path, sizeof(path), "%s/%s", sv->libexec, PROGRAM);

    if (n < 0 || (size_t)n >= sizeof(path))
        return TS_E_LIMIT;
    program = openat(sv->libexec_dir, PROGRAM, O_PATH | O_CLOEXEC);
    if (program < 0)
        return ts_err_from_errno(errno);
    s.program = program;
    return spawn(&s, &sv->hook.pid, &pidfd);
}

/* The gate first: it has the end from which all questions come. */
static ts_err tell(struct supervisor *sv, int gate, int control, int channel)
{
    const struct control_message to_gate = {
        .type = CONTROL_WATCHER,
        .bundle_fd = channel,
        .journal_fd = -1,
        .as.watcher = {sv->config->users[CONFIG_USER_HOOK].uid}};
    const struct control_message to_hook = {.type = CONTROL_HOOK,
                                            .bundle_fd = -1,
                                            .journal_fd = -1,
                                            .as.hook = sv->config->hook.how};
    ts_err e = control_send(gate, &to_gate);

    return e == TS_OK ? control_send(control, &to_hook) : e;
}

static ts_err bring_up(struct supervisor *sv, int gate)
{
    int control[2] = {-1, -1}, channel[2] = {-1, -1};
    ts_err e = wires_pair(control);

    if (e == TS_OK &&
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) != 0)
        e = ts_err_from_errno(errno);
    if (e == TS_OK)
        e = start(sv, control[1], channel[1]);
    if (e == TS_OK)
        e = tell(sv, gate, control[0], channel[0]);
    ts_fd_close(&channel[0]);
    ts_fd_close(&channel[1]);
    ts_fd_close(&control[1]);
    ts_fd_close(&sv->hook_control);
    sv->hook_control = control[0]; /* while it is open we live */
    return e;
}

static void wait_longer(struct hook_child *h, uint64_t now)
{
    h->wait_ms = h->wait_ms == 0 ? WAIT_MIN : 2 * h->wait_ms;
    if (h->wait_ms > WAIT_MAX)
        h->wait_ms = WAIT_MAX;
    h->at_ms = now + h->wait_ms;
}

void hook_child_turn(struct supervisor *sv)
{
    uint64_t now = supervisor_now_ms(sv);
    struct process *gate = gate_of(sv);
    ts_err e;

    if (!sv->config->hook.on || gate == NULL || sv->hook.pid != 0 ||
        now < sv->hook.at_ms)
        return;
    e = bring_up(sv, gate->control);
    if (e == TS_OK) {
        sv->hook.at_ms = now;
        return;
    }
    log_event(LOG_ERROR, "hook_not_started reason=\"%s\"", ts_err_text(e));
    if (sv->hook.pid != 0) /* it hears nothing; its death is seen later */
        (void)kill(sv->hook.pid, SIGKILL);
    else
        wait_longer(&sv->hook, now);
}

uint64_t hook_child_due(const struct supervisor *sv)
{
    return sv->config->hook.on && sv->hook.pid == 0 && sv->hook.at_ms != 0
               ? sv->hook.at_ms
               : 0;
}

static void kill_what_it_left(const struct supervisor *sv)
{
    pid_t keep[SET_MAX];
    size_t n = 0;

    for (uint32_t i = 0; i < sv->set_count; i++)
        if (sv->set[i].pid != 0)
            keep[n++] = sv->set[i].pid;
    reap_strays(keep, n);
}

bool hook_child_died(struct supervisor *sv, pid_t pid, int status)
{
    uint64_t now = supervisor_now_ms(sv);

    if (sv->hook.pid == 0 || pid != sv->hook.pid)
        return false;
    log_event(LOG_WARN, "hook_died %s=%d%s",
              WIFSIGNALED(status) ? "signal" : "exit",
              WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
              !WIFSIGNALED(status) && WEXITSTATUS(status) == 127
                  ? " text=\"could not be started\""
                  : "");
    sv->hook.pid = 0;
    if (now - sv->hook.at_ms >= GOOD_MS)
        sv->hook.wait_ms = 0;
    wait_longer(&sv->hook, now);
    kill_what_it_left(sv);
    return true;
}

void hook_child_gone(struct supervisor *sv)
{
    sv->hook = (struct hook_child){.pid = 0};
    ts_fd_close(&sv->hook_control);
}
