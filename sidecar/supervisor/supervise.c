/* The life of the service: start, serve, reload, start again, stop. */
#include "sidecar/supervisor/supervise.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/log.h"
#include "sidecar/common/manifest/manifest.h"

#define NS_PER_MS     UINT64_C(1000000)
#define LAST_WORDS_MS 10000 /* for the recorder when another has died */

static void log_event_of(const struct event *ev)
{
    if (ev->kind == EVENT_BROKEN) {
        log_event(LOG_ERROR, "protocol_broken name=%s", process_name(ev->from));
        return;
    }
    if (WIFSIGNALED(ev->status))
        log_event(LOG_ERROR, "process_died name=%s signal=%d",
                  process_name(ev->from), WTERMSIG(ev->status));
    else
        log_event(LOG_ERROR, "process_died name=%s exit=%d",
                  process_name(ev->from), WEXITSTATUS(ev->status));
}

static void say_serving(struct supervisor *sv)
{
    notify_send(&sv->notify, "READY=1\nSTATUS=serving generation %llu",
                (unsigned long long)sv->generation);
    log_event(LOG_INFO, "serving generation=%llu",
              (unsigned long long)sv->generation);
}

static void on_status(struct supervisor *sv, const struct event *ev)
{
    char text[512];

    (void)ts_str_escape(text, sizeof(text), ev->message.as.text.text.ptr,
                        ev->message.as.text.text.len);
    if (ev->from->role == ROLE_GATE)
        notify_send(&sv->notify, "STATUS=%s", text);
    log_event(LOG_DEBUG, "status name=%s text=\"%s\"", process_name(ev->from),
              text);
}

void supervisor_watch(struct supervisor *sv)
{
    if (watch_reset(sv->watch, sv->bundle, supervisor_now_ms(sv)) != TS_OK)
        log_event(LOG_ERROR, "watch_failed text=\"out of memory: directories "
                             "are read again at the next reload only\"");
}

/* A gate that is slow holds no more files in its channel than a configuration
 * may have bytes; a single one always fits. */
static ts_err count_feed(struct supervisor *sv, int control, int fd)
{
    struct stat st;
    int unread = 0;

    if (fstat(fd, &st) != 0 || ioctl(control, SIOCOUTQ, &unread) != 0)
        return ts_err_from_errno(errno);
    if (unread == 0)
        sv->fed_bytes = 0;
    if (sv->fed_bytes + (uint64_t)st.st_size > BUNDLE_BYTES_MAX)
        return TS_E_AGAIN;
    sv->fed_bytes += (uint64_t)st.st_size;
    return TS_OK;
}

static ts_err feed_gate(void *ctx, struct ts_str tenant,
                        enum control_feed_kind what, int fd)
{
    struct supervisor *sv = ctx;
    const struct control_message m = {.type = CONTROL_FEED,
                                      .bundle_fd = fd,
                                      .journal_fd = -1,
                                      .as.feed = {tenant, what}};

    for (uint32_t i = 0; i < sv->set_count; i++) {
        const struct process *p = &sv->set[i];

        if (p->role == ROLE_GATE && p->phase == PHASE_SERVING &&
            p->control >= 0) {
            ts_err e = count_feed(sv, p->control, fd);

            return e == TS_OK ? control_send(p->control, &m) : e;
        }
    }
    return TS_E_CLOSED; /* its death is on its way */
}

static void look_at_files(struct supervisor *sv)
{
    struct moment now = clock_now(&sv->clock);

    watch_turn(sv->watch,
               (struct watch_time){now.boot_ns / NS_PER_MS, now.real_ms},
               feed_gate, sv);
}

/* Of two deadlines, 0 being none. */
static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* Until SIGTERM (TS_E_CLOSED) or until the set is lost (TS_E_STATE). */
static ts_err serve(struct supervisor *sv)
{
    for (;;) {
        struct event ev = {0};

        if (sv->want_stop)
            return TS_E_CLOSED;
        if (sv->want_reload && reload(sv) != TS_OK)
            return TS_E_STATE;
        look_at_files(sv);
        hook_child_turn(sv);
        pump(sv, earlier(watch_due(sv->watch), hook_child_due(sv)), &ev);
        switch (ev.kind) {
        case EVENT_TIME:
        case EVENT_FILES:
        case EVENT_SIGNAL:
            break; /* all of it is looked at above */
        case EVENT_MESSAGE:
            on_status(sv, &ev); /* nothing else is allowed while serving */
            break;
        case EVENT_DEATH:
        case EVENT_BROKEN:
            log_event_of(&ev);
            return TS_E_STATE;
        }
    }
}

/* Sleeps off the delay. False when there will be no further set. */
static bool may_restart(struct supervisor *sv)
{
    uint64_t wait_ms = 0, until;

    if (!restart_note(&sv->restart, supervisor_now_ms(sv), &wait_ms)) {
        log_event(LOG_ERROR, "giving_up text=\"more than %d deaths in %d s\"",
                  RESTART_MAX, RESTART_WINDOW_MS / 1000);
        return false;
    }
    log_event(LOG_WARN, "restarting wait_ms=%llu", (unsigned long long)wait_ms);
    notify_send(&sv->notify, "STATUS=restarting after a process was lost");
    until = supervisor_now_ms(sv) + wait_ms;
    while (!sv->want_stop && supervisor_now_ms(sv) < until) {
        struct event ev;

        pump(sv, until, &ev); /* the set is empty: only time and signals */
    }
    return !sv->want_stop;
}

static ts_err start(struct supervisor *sv)
{
    char text[512] = "";
    ts_err e = set_start(sv);

    if (e == TS_OK)
        e = sockets_publish(&sv->sockets, text, sizeof(text));
    if (text[0] != '\0')
        log_event(LOG_ERROR, "socket_refused text=\"%s\"", text);
    return e;
}

static int run(struct supervisor *sv)
{
    bool first = true;

    for (;;) {
        ts_err e = start(sv);

        if (e == TS_OK) {
            say_serving(sv);
            first = false;
            supervisor_watch(sv);
            sv->serving = true;
            e = serve(sv);
            sv->serving = false;
            watch_stop(sv->watch);
        }
        if (sv->want_stop && e == TS_E_CLOSED)
            return EXIT_SERVED;
        if (set_kill(sv, LAST_WORDS_MS) != TS_OK)
            return EXIT_BROKEN; /* the service manager kills the rest */
        if (sv->want_stop)
            return EXIT_SERVED;
        /* What has never worked will not work by being tried again. */
        if (first)
            return sv->rejected ? EXIT_CONFIG : EXIT_BROKEN;
        if (!may_restart(sv))
            return sv->want_stop ? EXIT_SERVED : EXIT_BROKEN;
    }
}

static int stop(struct supervisor *sv, int code)
{
    notify_send(&sv->notify, "STOPPING=1\nSTATUS=draining");
    log_event(LOG_INFO, "stopping");
    sockets_hide(&sv->sockets, SOCKET_AGENT);
    if (set_drain(sv, sv->config->grace_ms) != TS_OK)
        code = EXIT_BROKEN;
    set_rescue(sv);
    log_event(LOG_INFO, "stopped");
    return code;
}

/* An operator of a tenant that is not there: a misspelt name, or one that has
 * been removed and whose operators were forgotten. */
static ts_err check_operators(const struct supervisor *sv, char *text)
{
    char prefix[TS_ID_MAX + 16];
    struct bundle b = {0};
    ts_err e = bundle_open(sv->bundle, &b);

    for (uint32_t i = 0; e == TS_OK && i < sv->config->tenant_operator_count;
         i++) {
        struct ts_str t = sv->config->tenant_operators[i].tenant;
        size_t count = 0;

        (void)snprintf(prefix, sizeof(prefix), "tenants/%.*s/", (int)t.len,
                       t.ptr);
        (void)bundle_prefix(&b, prefix, &count);
        if (count > 0)
            continue;
        (void)snprintf(text, CONTROL_TEXT_MAX,
                       "%s: tenant_operators names tenant %.*s, and there is "
                       "no %s; correct the name or remove it",
                       sv->config_file, (int)t.len, t.ptr, prefix);
        e = TS_E_INVALID;
    }
    bundle_done(&b);
    return e;
}

/* A launcher for each profile, for as long as the service runs: a filter that
 * a process has installed cannot be taken back. */
static ts_err count_launchers(struct supervisor *sv, char *text)
{
    struct bundle b = {0};
    ts_err e = bundle_open(sv->bundle, &b);

    if (e != TS_OK)
        return e;
    sv->launchers = manifest_profile_count(&b);
    bundle_done(&b);
    if (sv->launchers <= TS_LAUNCHERS_MAX)
        return TS_OK;
    (void)snprintf(text, CONTROL_TEXT_MAX,
                   "sandbox: %u profiles with the five built in, and %d is the "
                   "most; remove some",
                   sv->launchers, TS_LAUNCHERS_MAX);
    return TS_E_LIMIT;
}

static int first_bundle(struct supervisor *sv)
{
    char text[CONTROL_TEXT_MAX] = "", shown[1500];

    if (reload_collect(sv, &sv->bundle, text) == TS_OK &&
        check_operators(sv, text) == TS_OK &&
        count_launchers(sv, text) == TS_OK) {
        sv->generation = 1;
        return EXIT_SERVED;
    }
    (void)ts_str_escape(shown, sizeof(shown), text, ts_str_of(text).len);
    log_event(LOG_ERROR, "configuration_refused text=\"%s\"", shown);
    return EXIT_CONFIG;
}

/* Absent is normal: in a container the hierarchies are read-only. parent: for
 * the folder of links to them. */
static void open_cgroups(struct supervisor *sv, const char *parent)
{
    const struct config *c = sv->config;
    const struct config_user *u = &c->users[CONFIG_USER_LAUNCHER];
    ts_err e;

    if (!c->sandbox.cgroups)
        return;
    e = cgroups_make(parent, c->change_users ? u->uid : (uid_t)-1,
                     c->change_users ? u->gid : (gid_t)-1, &sv->cgroups);
    if (e != TS_OK)
        log_event(LOG_INFO,
                  "no_cgroups text=\"tools are limited by process, "
                  "not as a whole: %s\"",
                  ts_err_text(e));
}

/* Nobody else on this host may have the uids that tools get. --check may run
 * beside the service, and then tries its boxes with others. */
static int hold_uids(struct supervisor *sv)
{
    const struct control_sandbox *s = &sv->config->sandbox;
    struct hold_range r = {s->uid_first, s->uid_count};
    char text[HOLD_TEXT] = "";
    ts_err e;

    if (s->uid_count == 0 || s->most == BOX_BARE || !hold_is_needed())
        return EXIT_SERVED;
    e = sv->check_only ? hold_some(r, &sv->hold, &r, text)
                       : hold_take(r, &sv->hold, text);
    if (e == TS_OK) {
        sv->uid_first = r.first;
        if (text[0] != '\0')
            log_event(LOG_WARN, "uids_in_use text=\"%s: %s\"", sv->config_file,
                      text);
        return EXIT_SERVED;
    }
    log_event(LOG_ERROR, "uids_refused text=\"%s: %s\"", sv->config_file, text);
    return e == TS_E_DENIED ? EXIT_CONFIG : EXIT_BROKEN;
}

static int supervise_open(struct supervisor *sv,
                          const struct supervise_how *how)
{
    char text[512] = "";
    int code;

    if (notify_open(how->notify_socket, how->watchdog_usec, how->watchdog_pid,
                    getpid(), &sv->notify) != TS_OK) {
        log_event(LOG_ERROR, "notify_refused text=\"NOTIFY_SOCKET is set but "
                             "cannot be used\"");
        return EXIT_BROKEN;
    }
    /* Whatever our processes leave behind comes to us, not to init. */
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0 ||
        pump_open(sv) != TS_OK) {
        log_event(LOG_ERROR, "start_failed text=\"subreaper or signals\"");
        return EXIT_BROKEN;
    }
    if (first_bundle(sv) != EXIT_SERVED)
        return EXIT_CONFIG;
    if (sockets_open(&sv->sockets, how->config, &how->listen, text,
                     sizeof(text)) != TS_OK) {
        log_event(LOG_ERROR, "socket_refused text=\"%s\"", text);
        return EXIT_CONFIG;
    }
    if ((code = hold_uids(sv)) != EXIT_SERVED)
        return code;
    open_cgroups(sv, how->config->run_dir);
    if (watch_new(how->config_dir, &sv->watch) != TS_OK) {
        log_event(LOG_ERROR, "start_failed text=\"out of memory\"");
        return EXIT_BROKEN;
    }
    if (!how->config->change_users)
        log_event(LOG_INFO,
                  "one_user uid=%u text=\"not root: all processes "
                  "run as the caller\"",
                  (unsigned)geteuid());
    return EXIT_SERVED;
}

static void supervisor_init(struct supervisor *sv,
                            const struct supervise_how *how)
{
    *sv = (struct supervisor){.config = how->config,
                              .config_file = how->config_file,
                              .config_dir = how->config_dir,
                              .libexec_dir = how->libexec_dir,
                              .libexec = how->libexec,
                              .credentials = how->credentials,
                              .init_state = how->init_state,
                              .notify = {.sock = -1},
                              .hold.fd = -1,
                              .uid_first = how->config->sandbox.uid_first,
                              .signals = -1,
                              .bundle = -1,
                              .ring = -1,
                              .hook_control = -1,
                              .cgroups.folder_fd = -1};
    sockets_init(&sv->sockets);
}

static void supervisor_done(struct supervisor *sv)
{
    sockets_done(&sv->sockets);
    watch_free(sv->watch);
    cgroups_done(&sv->cgroups);
    hold_done(&sv->hold);
    ts_fd_close(&sv->bundle);
    ts_fd_close(&sv->ring);
    ts_fd_close(&sv->hook_control);
    ts_fd_close(&sv->signals);
    notify_done(&sv->notify);
}

int supervise(const struct supervise_how *how)
{
    struct supervisor sv;
    int code;

    supervisor_init(&sv, how);
    code = supervise_open(&sv, how);
    if (code == EXIT_SERVED) {
        code = run(&sv);
        code = stop(&sv, code);
    }
    supervisor_done(&sv);
    return code;
}

/* In the place of the listening sockets: ends that nobody writes to. */
static ts_err quiet_sockets(struct supervisor *sv, int others[2])
{
    static const enum sockets_index used[2] = {SOCKET_AGENT, SOCKET_ADMIN};

    for (int i = 0; i < 2; i++) {
        int ends[2];

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
            return TS_E_SYSTEM;
        sv->sockets.fd[used[i]] = ends[0];
        others[i] = ends[1];
    }
    return TS_OK;
}

/* The set, with groups for tools as the service would have them: what a
 * manifest requires is to be judged. The service may run beside us, so nothing
 * of its own folders is touched. */
static int check_set(struct supervisor *sv)
{
    char parent[] = "/tmp/tipstaff-check-XXXXXX";
    bool has_parent = mkdtemp(parent) != NULL;
    ts_err e;

    if (has_parent)
        open_cgroups(sv, parent);
    e = set_try(sv);
    cgroups_undo(&sv->cgroups);
    if (has_parent)
        (void)rmdir(parent);
    if (e == TS_OK)
        return EXIT_SERVED;
    return sv->rejected ? EXIT_CONFIG : EXIT_BROKEN;
}

int supervise_check(const struct supervise_how *how)
{
    struct supervisor sv;
    int others[2] = {-1, -1}, code = EXIT_BROKEN;

    supervisor_init(&sv, how);
    sv.check_only = true;
    sv.said = ts_mem_alloc(sizeof(*sv.said));
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0 &&
        pump_open(&sv) == TS_OK && quiet_sockets(&sv, others) == TS_OK)
        code = first_bundle(&sv);
    if (code == EXIT_SERVED)
        code = hold_uids(&sv);
    if (code == EXIT_SERVED)
        code = check_set(&sv);
    if (sv.said != NULL)
        boxes_said_print(sv.said);
    ts_mem_free(sv.said);
    ts_fd_close(&others[0]);
    ts_fd_close(&others[1]);
    supervisor_done(&sv);
    return code;
}
