/* A set of processes: what each is handed, the order of birth and of death. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/log.h"
#include "sidecar/common/ring.h"
#include "sidecar/supervisor/dirs.h"
#include "sidecar/supervisor/key.h"
#include "sidecar/supervisor/reap.h"
#include "sidecar/supervisor/resolv.h"
#include "sidecar/supervisor/spawn.h"
#include "sidecar/supervisor/supervise.h"

#define REAP_MS        10000 /* for a process stuck in the kernel */
#define LAST_WORDS_MS  5000  /* the recorder's, in good order */
#define LAUNCHER_MS    2000
#define LAST_BREATH_MS 200 /* for one that has closed its channel */
#define ERR_TEXT       512

/* Everything that connects the processes of one set; ours only while it is
 * being started. */
struct wires {
    int ring, wake, log_dir, state_dir, key, journal; /* owned */
    int absent;      /* /dev/null, for what this service has not; owned */
    int credentials; /* folder of them; owned, -1 if there is none */
    /* [i][0] recorder's end, [i][1] launcher's */
    int orders[TS_LAUNCHERS_MAX][2];
    /* [i][0] gate's end, [i][1] launcher's */
    int stdio[TS_LAUNCHERS_MAX][2];
    /* [i][0] broker's end, [i][1] launcher's */
    int egress[TS_LAUNCHERS_MAX][2];
    int records[2]; /* [0] broker's end, [1] gate's: of its connections */
    char resolv[CONTROL_RESOLV_MAX];
    struct ts_str dns_of_host; /* in resolv */
    uint64_t boot_id;
};

static void wires_init(struct wires *w)
{
    *w = (struct wires){.ring = -1,
                        .wake = -1,
                        .log_dir = -1,
                        .state_dir = -1,
                        .key = -1,
                        .journal = -1,
                        .absent = -1,
                        .credentials = -1,
                        .records = {-1, -1}};
    for (int i = 0; i < TS_LAUNCHERS_MAX; i++) {
        w->orders[i][0] = w->orders[i][1] = -1;
        w->stdio[i][0] = w->stdio[i][1] = -1;
        w->egress[i][0] = w->egress[i][1] = -1;
    }
}

static void wires_done(struct wires *w)
{
    int *const single[] = {&w->ring, &w->wake,    &w->log_dir, &w->state_dir,
                           &w->key,  &w->journal, &w->absent,  &w->credentials};

    for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++)
        ts_fd_close(single[i]);
    ts_fd_close(&w->records[0]);
    ts_fd_close(&w->records[1]);
    for (int i = 0; i < TS_LAUNCHERS_MAX; i++) {
        for (int end = 0; end < 2; end++) {
            ts_fd_close(&w->orders[i][end]);
            ts_fd_close(&w->stdio[i][end]);
            ts_fd_close(&w->egress[i][end]);
        }
    }
}

static ts_err pair(int ends[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return ts_err_from_errno(errno);
    return TS_OK;
}

/* Only what a service with a broker needs; the other gets nothing. */
static ts_err wires_egress(const struct supervisor *sv, struct wires *w)
{
    ts_err e;

    if (!sv->config->egress.on)
        return TS_OK;
    if (sv->config->egress.dns[0] == '\0')
        w->dns_of_host = resolv_read(w->resolv, sizeof(w->resolv));
    e = pair(w->records);
    for (uint32_t i = 0; e == TS_OK && i < sv->launchers; i++)
        e = pair(w->egress[i]);
    return e;
}

static ts_err open_dirs(struct supervisor *sv, struct wires *w)
{
    const struct config *c = sv->config;
    const struct config_user *u = &c->users[CONFIG_USER_RECORDER];
    uid_t uid = c->change_users ? u->uid : DIRS_ID_KEEP;
    gid_t gid = c->change_users ? u->gid : DIRS_ID_KEEP;
    char text[ERR_TEXT] = "";
    ts_err e =
        dirs_open(c->log_dir, 0750, uid, gid, &w->log_dir, text, sizeof(text));

    if (e == TS_OK)
        e = dirs_open(c->state_dir, 0700, uid, gid, &w->state_dir, text,
                      sizeof(text));
    if (e != TS_OK) {
        log_event(LOG_ERROR, "directory_refused text=\"%s\"", text);
        sv->rejected = true;
    }
    return e;
}

static ts_err wires_open(struct supervisor *sv, struct wires *w)
{
    char text[ERR_TEXT] = "";
    const struct key_files files = {.config_dir = sv->config_dir,
                                    .key = sv->config->key,
                                    .token_key = sv->config->token_key,
                                    .credentials = sv->credentials,
                                    .euid = geteuid()};
    ts_err e = key_pipe(&files, &w->key, text, sizeof(text));

    if (e != TS_OK) {
        log_event(LOG_ERROR, "key_refused text=\"%s\"", text);
        sv->rejected = true;
        return e;
    }
    if (getrandom(&w->boot_id, sizeof(w->boot_id), 0) !=
        (ssize_t)sizeof(w->boot_id))
        return TS_E_SYSTEM;
    w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->wake < 0)
        return ts_err_from_errno(errno);
    w->absent = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (w->absent < 0)
        return ts_err_from_errno(errno);
    /* whoever needs one and has no folder says so, with the tool's name */
    if (sv->credentials != NULL && sv->credentials[0] == '/')
        w->credentials = open(sv->credentials,
                              O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    e = ring_create(&w->ring);
    for (uint32_t i = 0; e == TS_OK && i < sv->launchers; i++) {
        e = pair(w->orders[i]);
        if (e == TS_OK)
            e = pair(w->stdio[i]);
    }
    return e == TS_OK ? wires_egress(sv, w) : e;
}

static int or_absent(const struct wires *w, int fd)
{
    return fd >= 0 ? fd : w->absent;
}

static void gather_fds(const struct supervisor *sv, const struct wires *w,
                       enum process_role role, uint32_t index, struct spawn *s)
{
    int *f = s->fds;
    size_t n = 1; /* 0 is the control socket */

    switch (role) {
    case ROLE_RECORDER:
        f[n++] = w->ring;
        f[n++] = w->wake;
        f[n++] = w->log_dir;
        f[n++] = w->state_dir;
        f[n++] = sv->sockets.fd[SOCKET_LOG];
        for (uint32_t i = 0; i < sv->launchers; i++)
            f[n++] = w->orders[i][0];
        break;
    case ROLE_LAUNCHER:
        f[n++] = w->orders[index][1];
        f[n++] = w->stdio[index][1];
        f[n++] = or_absent(w, w->egress[index][1]);
        f[n++] = or_absent(w, sv->cgroups.folder_fd);
        f[n++] = or_absent(w, w->credentials);
        break;
    case ROLE_GATE:
        f[n++] = sv->sockets.fd[SOCKET_AGENT];
        f[n++] = sv->sockets.fd[SOCKET_ADMIN];
        f[n++] = w->ring;
        f[n++] = w->wake;
        f[n++] = w->key;
        f[n++] = or_absent(w, w->records[1]);
        for (uint32_t i = 0; i < sv->launchers; i++)
            f[n++] = w->stdio[i][0];
        break;
    case ROLE_BROKER:
        f[n++] = w->records[0];
        f[n++] = or_absent(w, w->credentials);
        for (uint32_t i = 0; i < sv->launchers; i++)
            f[n++] = w->egress[i][0];
        break;
    }
    s->fd_count = n;
}

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
    if ((e = pair(ends)) != TS_OK)
        return e;
    s = (struct spawn){.program = program,
                       .path = path,
                       .name = process_name(p),
                       .user = user_of(sv->config, role),
                       .comes_first = role == ROLE_GATE,
                       .caps = caps_of(sv, role)};
    s.fds[0] = ends[1];
    gather_fds(sv, w, role, index, &s);
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
        .sandbox = {.most = c->sandbox.most,
                    .uid_first = c->sandbox.uid_first,
                    .uid_count = c->sandbox.uid_count},
        .has_broker = c->egress.on,
        .dns = ts_str_of(c->egress.dns),
    };
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
                      "tipstaffd: tools that this host cannot serve:\n"
                      "%.*s\n",
                      (int)text.len, text.ptr);
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
    e = open_dirs(sv, &w);
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

/* DRAIN to one and wait until it has ended, by itself or by force. */
static void drain_one(struct supervisor *sv, struct process *p,
                      uint64_t grace_ms)
{
    const struct control_message m = {.type = CONTROL_DRAIN,
                                      .bundle_fd = -1,
                                      .journal_fd = -1,
                                      .as.drain = {grace_ms}};
    uint64_t until = supervisor_now_ms(sv) + grace_ms;
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
            drain_one(sv, recorder, drain_recorder_ms);
    }
    e = reap_all(0, REAP_MS, &r);
    if (e != TS_OK)
        log_event(LOG_ERROR, "processes_stuck text=\"some do not die\"");
    for (uint32_t i = 0; i < sv->set_count; i++)
        process_gone(&sv->set[i]);
    sv->set_count = 0;
    return e;
}

ts_err set_drain(struct supervisor *sv, uint64_t grace_ms)
{
    struct process *p = find(sv, ROLE_GATE);

    if (p != NULL)
        drain_one(sv, p, grace_ms);
    if ((p = find(sv, ROLE_BROKER)) != NULL)
        drain_one(sv, p, LAUNCHER_MS); /* with the tools gone, it has nothing */
    while ((p = find(sv, ROLE_LAUNCHER)) != NULL) {
        drain_one(sv, p, LAUNCHER_MS);
        process_gone(p); /* also one that is stuck: no second round */
    }
    return set_kill(sv, LAST_WORDS_MS);
}
