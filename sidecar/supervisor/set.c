/* A set of processes: the order of birth and of death. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/log.h"
#include "sidecar/common/reap.h"
#include "sidecar/common/ring/ring.h"
#include "sidecar/supervisor/spawn.h"
#include "sidecar/supervisor/supervise.h"
#include "sidecar/supervisor/wires.h"

#define REAP_MS        10000 /* for a process stuck in the kernel */
#define LAST_WORDS_MS  10000 /* the recorder's, in good order */
#define GATE_MORE_MS   10000 /* beyond the grace: it kills and records */
#define LAUNCHER_MS    10000
#define LAST_BREATH_MS 5000 /* for one that has closed its channel */

static const struct config_user *user_of(const struct config *c,
                                         enum process_role role)
{
    static const enum config_role users[] = {
        [ROLE_RECORDER] = CONFIG_USER_RECORDER,
        [ROLE_LAUNCHER] = CONFIG_USER_LAUNCHER,
        [ROLE_GATE] = CONFIG_USER_GATE,
        [ROLE_BROKER] = CONFIG_USER_BROKER};

    return c->change_users ? &c->users[users[role]] : NULL;
}

/* The broker's only where there are credentials at all. */
static uint64_t caps_of(const struct supervisor *sv, enum process_role role)
{
    const struct config *c = sv->config;

    if (role == ROLE_LAUNCHER)
        return spawn_launcher_caps(c->sandbox.most, c->egress.on);
    return role == ROLE_BROKER && sv->credentials != NULL ? spawn_broker_caps()
                                                          : 0;
}

static ts_err start_process(struct supervisor *sv, const struct wires *w,
                            enum process_role role, uint32_t index,
                            struct process **ret)
{
    struct process *p = &sv->set[sv->set_count];
    int ends[2] = {-1, -1}, program TS_CLEANUP(ts_fd_close) = -1;
    char path[4096];
    struct spawn s = {0};
    ts_err e;
    int n;

    *p = (struct process){.role = role, .pidfd = -1, .control = -1};
    n = snprintf(path, sizeof(path), "%s/%s", sv->libexec, process_name(p));
    if (n < 0 || (size_t)n >= sizeof(path))
        return TS_E_LIMIT;
    program = openat(sv->libexec_dir, process_name(p), O_PATH | O_CLOEXEC);
    if (program < 0) {
        log_event(LOG_ERROR, "program_missing path=%s text=\"%s\"", path,
                  strerror(errno));
        return TS_E_NOT_FOUND;
    }
    if ((e = wires_pair(ends)) != TS_OK)
        return e;
    s = (struct spawn){.program = program,
                       .path = path,
                       .name = process_name(p),
                       .user = user_of(sv->config, role),
                       .comes_first = role == ROLE_GATE,
                       .caps = caps_of(sv, role)};
    s.fds[0] = ends[1];
    wires_gather(sv, w, role, index, &s);
    e = fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 ? spawn(&s, &p->pid, &p->pidfd)
                                                 : TS_E_SYSTEM;
    ts_fd_close(&ends[1]);
    if (e != TS_OK) {
        ts_fd_close(&ends[0]);
        return e;
    }
    if (role == ROLE_LAUNCHER && sv->cgroups.folder_fd >= 0)
        cgroups_adopt(&sv->cgroups, p->pid);
    p->control = ends[0];
    p->phase = PHASE_STARTING;
    sv->set_count++;
    *ret = p;
    return TS_OK;
}

static struct control_message start_message(const struct supervisor *sv,
                                            const struct wires *w,
                                            enum process_role role,
                                            uint32_t index)
{
    const struct config *c = sv->config;
    struct control_message m = {
        .type = CONTROL_START,
        .bundle_fd = role == ROLE_RECORDER ? -1 : sv->bundle,
        .journal_fd = role == ROLE_GATE ? w->journal : -1};

    m.as.start = (struct control_start){
        .generation = sv->generation,
        .boot_id = w->boot_id,
        .launchers = sv->launchers,
        .launcher_index = index,
        .sidecar_id = c->sidecar_id,
        .audience_count = c->audience_count,
        .durability_sync = c->durability_sync,
        .admin_uid_count = c->admin_uid_count,
        .allow_root_agents = c->allow_root_agents,
        .require_pidfd = c->require_pidfd,
        .segment_bytes = c->segment_bytes,
        .reserve_bytes = c->reserve_bytes,
        .handshake_rate = c->handshake_rate,
        .handshake_burst = c->handshake_burst,
        .tenant_operator_count = c->tenant_operator_count,
        .init_state = sv->init_state,
        .has_token_key = c->token_key != NULL,
        .check_only = sv->check_only,
        .sandbox = c->sandbox,
        .has_broker = c->egress.on,
        .dns = ts_str_of(c->egress.dns),
    };
    m.as.start.sandbox.cgroups = sv->cgroups.folder_fd >= 0; /* made, then */
    m.as.start.sandbox.uid_first = sv->uid_first;
    if (role == ROLE_BROKER)
        m.as.start.resolv = w->dns_of_host;
    memcpy(m.as.start.audiences, c->audiences, sizeof(c->audiences));
    memcpy(m.as.start.admin_uids, c->admin_uids, sizeof(c->admin_uids));
    memcpy(m.as.start.tenant_operators, c->tenant_operators,
           sizeof(c->tenant_operators));
    return m;
}

static void log_death(const struct event *ev)
{
    bool by_signal = WIFSIGNALED(ev->status);

    log_event(LOG_ERROR, "process_died name=%s %s=%d%s", process_name(ev->from),
              by_signal ? "signal" : "exit",
              by_signal ? WTERMSIG(ev->status) : WEXITSTATUS(ev->status),
              !by_signal && WEXITSTATUS(ev->status) == 127
                  ? " text=\"could not be started\""
                  : "");
}

/* Tools that this host cannot serve, a line each. The launcher has logged them;
 * where files are checked they are mistakes. */
static void take_unserved(struct supervisor *sv, struct ts_str text)
{
    if (text.len == 0)
        return;
    sv->unserved = true;
    if (sv->check_only)
        (void)fprintf(stderr,
                      "tipstaffd: what this host cannot serve:\n"
                      "%.*s\n",
                      (int)text.len, text.ptr);
}

/* Launchers tell it when they are asked, that is by --check. */
static void take_box(struct supervisor *sv, const struct event *ev)
{
    if (sv->said != NULL)
        boxes_said_add(sv->said, (uint32_t)(ev->from - sv->set),
                       ev->message.as.text.text);
}

static void log_rejection(struct supervisor *sv, const struct event *ev)
{
    char text[1500];

    (void)ts_str_escape(text, sizeof(text), ev->message.as.text.text.ptr,
                        ev->message.as.text.text.len);
    log_event(LOG_ERROR, "configuration_refused by=%s text=\"%s\"",
              process_name(ev->from), text);
    sv->rejected = true;
}

/* Until that process says READY. *journal takes the descriptor it may carry. */
static ts_err await_ready(struct supervisor *sv, struct process *p,
                          int *journal)
{
    uint64_t until = supervisor_now_ms(sv) + sv->config->start_ms;

    while (p->phase == PHASE_STARTING) {
        struct event ev;

        pump(sv, until, &ev);
        switch (ev.kind) {
        case EVENT_TIME:
            log_event(LOG_ERROR, "start_timed_out name=%s after_ms=%llu",
                      process_name(p),
                      (unsigned long long)sv->config->start_ms);
            return TS_E_LIMIT;
        case EVENT_FILES:
            break; /* not before it serves */
        case EVENT_SIGNAL:
            if (sv->want_stop)
                return TS_E_CLOSED;
            break; /* a reload waits until there is something to reload */
        case EVENT_DEATH:
            log_death(&ev);
            return TS_E_STATE;
        case EVENT_BROKEN:
            log_event(LOG_ERROR, "protocol_broken name=%s",
                      process_name(ev.from));
            return TS_E_STATE;
        case EVENT_MESSAGE:
            if (ev.message.type == CONTROL_REJECTED) {
                log_rejection(sv, &ev);
                return TS_E_INVALID;
            }
            if (ev.message.type == CONTROL_READY) {
                ev.from->phase = PHASE_SERVING;
                ts_fd_close(journal);
                *journal = ev.message.bundle_fd; /* moved, or -1 */
                if (ev.from->role == ROLE_LAUNCHER)
                    take_unserved(sv, ev.message.as.text.text);
            }
            if (ev.message.type == CONTROL_STATUS)
                take_box(sv, &ev);
            break;
        }
    }
    return TS_OK;
}

/* Started and told what it needs to know; not yet ready. */
static ts_err begin(struct supervisor *sv, const struct wires *w,
                    enum process_role role, uint32_t index,
                    struct process **ret)
{
    struct control_message m;
    ts_err e = start_process(sv, w, role, index, ret);

    if (e != TS_OK)
        return e;
    m = start_message(sv, w, role, index);
    /* A process that could not be started reads nothing; await_ready() will
     * see why. */
    e = control_send((*ret)->control, &m);
    return e == TS_E_CLOSED ? TS_OK : e;
}

/* Until it is ready. *ret_extra: the descriptor that came with it, or -1. */
static ts_err finish(struct supervisor *sv, struct process *p, int *ret_extra)
{
    int extra TS_CLEANUP(ts_fd_close) = -1;
    ts_err e = await_ready(sv, p, &extra);

    if (e != TS_OK)
        return e;
    if ((p->role == ROLE_RECORDER) != (extra >= 0)) {
        log_event(LOG_ERROR, "protocol_broken name=%s text=\"READY %s\"",
                  process_name(p),
                  extra >= 0 ? "with a descriptor" : "without the journal");
        return TS_E_STATE;
    }
    *ret_extra = extra;
    extra = -1; /* moved */
    return TS_OK;
}

static ts_err bring_up(struct supervisor *sv, struct wires *w,
                       enum process_role role)
{
    struct process *p = NULL;
    int extra = -1;
    ts_err e = begin(sv, w, role, 0, &p);

    if (e == TS_OK)
        e = finish(sv, p, &extra);
    if (e == TS_OK && role == ROLE_RECORDER)
        w->journal = extra; /* of another role there is none */
    return e;
}

/* Those that read the configuration: the launchers and the broker side by side,
 * since each of them tries its boxes and none waits for another; the gate,
 * which lets agents in, when all of them are ready. */
static ts_err bring_up_readers(struct supervisor *sv, struct wires *w)
{
    uint32_t first = sv->set_count;
    struct process *p;
    ts_err e = TS_OK;
    int none = -1;

    if (sv->config->egress.on)
        e = begin(sv, w, ROLE_BROKER, 0, &p);
    for (uint32_t i = 0; e == TS_OK && i < sv->launchers; i++)
        e = begin(sv, w, ROLE_LAUNCHER, i, &p);
    for (uint32_t i = first; e == TS_OK && i < sv->set_count; i++)
        e = finish(sv, &sv->set[i], &none);
    return e == TS_OK ? bring_up(sv, w, ROLE_GATE) : e;
}

ts_err set_start(struct supervisor *sv)
{
    struct wires w;
    ts_err e;

    wires_init(&w);
    sv->set_count = 0;
    sv->rejected = false;
    e = wires_open_dirs(sv, &w);
    if (e == TS_OK)
        e = wires_open(sv, &w);
    if (e == TS_OK)
        e = bring_up(sv, &w, ROLE_RECORDER);
    if (e == TS_OK) {
        /* It was for this recorder alone: a journal that is lost later is not
         * begun anew when the set starts again. */
        sv->init_state = false;
        e = bring_up_readers(sv, &w);
    }
    wires_done(&w);
    if (e != TS_OK && set_kill(sv, 0) != TS_OK)
        e = TS_E_LIMIT; /* logged there */
    return e;
}

ts_err set_try(struct supervisor *sv)
{
    struct wires w;
    ts_err e;

    wires_init(&w);
    sv->set_count = 0;
    sv->rejected = false;
    e = wires_open(sv, &w);
    if (e == TS_OK)
        e = bring_up_readers(sv, &w);
    wires_done(&w);
    if (set_kill(sv, 0) != TS_OK)
        e = TS_E_LIMIT; /* logged there */
    if (e == TS_OK && sv->unserved) {
        sv->rejected = true;
        e = TS_E_INVALID;
    }
    return e;
}

static struct process *find(struct supervisor *sv, enum process_role role)
{
    for (uint32_t i = 0; i < sv->set_count; i++) {
        if (sv->set[i].role == role && sv->set[i].pid != 0)
            return &sv->set[i];
    }
    return NULL;
}

/* DRAIN to one and wait until it has ended, by itself or, after more_ms beyond
 * its grace, by force. */
static void drain_one(struct supervisor *sv, struct process *p,
                      uint64_t grace_ms, uint64_t more_ms)
{
    const struct control_message m = {.type = CONTROL_DRAIN,
                                      .bundle_fd = -1,
                                      .journal_fd = -1,
                                      .as.drain = {grace_ms}};
    uint64_t until = supervisor_now_ms(sv) + grace_ms + more_ms;
    bool killed = false;

    p->phase = PHASE_DRAINING;
    if (p->control < 0 || control_send(p->control, &m) != TS_OK)
        until = supervisor_now_ms(sv) + LAST_BREATH_MS; /* ending already */
    while (p->pid != 0) {
        struct event ev = {0};

        if (!killed && supervisor_now_ms(sv) >= until) {
            log_event(LOG_WARN, "drain_cut_short name=%s", process_name(p));
            (void)syscall(SYS_pidfd_send_signal, p->pidfd, SIGKILL, NULL, 0);
            killed = true;
            until = supervisor_now_ms(sv) + REAP_MS;
        } else if (killed && supervisor_now_ms(sv) >= until) {
            return; /* stuck in the kernel; set_kill() says so */
        }
        pump(sv, until, &ev);
        if (ev.kind == EVENT_DEATH && ev.from != p)
            log_death(&ev);
    }
}

ts_err set_kill(struct supervisor *sv, uint64_t drain_recorder_ms)
{
    struct process *recorder = find(sv, ROLE_RECORDER);
    struct reaped r = {0};
    ts_err e;

    /* The gate, which began last, goes first: it would log the others' end. */
    for (uint32_t i = sv->set_count; i-- > 0;) {
        struct process *p = &sv->set[i];

        if (p->pid != 0 && (p != recorder || drain_recorder_ms == 0))
            (void)syscall(SYS_pidfd_send_signal, p->pidfd, SIGKILL, NULL, 0);
    }
    if (recorder != NULL && drain_recorder_ms != 0) {
        /* Tools first: while one lives, its outcome is open. */
        e = reap_all(recorder->pid, REAP_MS, &r);
        if (e == TS_OK && r.except_status == -1)
            drain_one(sv, recorder, drain_recorder_ms, 0);
    }
    e = reap_all(0, REAP_MS, &r);
    if (e != TS_OK)
        log_event(LOG_ERROR, "processes_stuck text=\"some do not die\"");
    for (uint32_t i = 0; i < sv->set_count; i++)
        process_gone(&sv->set[i]);
    sv->set_count = 0;
    hook_child_gone(sv);
    return e;
}

void set_rescue(struct supervisor *sv)
{
    const bool stop = sv->want_stop;
    struct wires w;
    ts_err e;

    if (sv->ring < 0 || ring_is_empty(sv->ring))
        return;
    wires_init(&w);
    sv->set_count = 0;
    sv->want_stop = false; /* it would end the start; there is little to do */
    e = wires_open_dirs(sv, &w);
    if (e == TS_OK)
        e = wires_open_recorder(sv, &w);
    if (e == TS_OK)
        e = bring_up(sv, &w, ROLE_RECORDER);
    wires_done(&w);
    sv->want_stop = stop;
    if (set_kill(sv, LAST_WORDS_MS) != TS_OK || e != TS_OK ||
        !ring_is_empty(sv->ring))
        log_event(LOG_ERROR,
                  "records_lost text=\"what the recorder had not "
                  "written when it ended: %s\"",
                  ts_err_text(e));
    else
        log_event(LOG_INFO, "records_rescued");
}

ts_err set_drain(struct supervisor *sv, uint64_t grace_ms)
{
    struct process *p = find(sv, ROLE_GATE);

    if (p != NULL)
        drain_one(sv, p, grace_ms, GATE_MORE_MS);
    if ((p = find(sv, ROLE_BROKER)) != NULL)
        drain_one(sv, p, 0,
                  LAUNCHER_MS); /* with the tools gone, it has nothing */
    while ((p = find(sv, ROLE_LAUNCHER)) != NULL) {
        drain_one(sv, p, 0, LAUNCHER_MS);
        process_gone(p); /* also one that is stuck: no second round */
    }
    return set_kill(sv, LAST_WORDS_MS);
}
