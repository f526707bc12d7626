/* Launchers, started as the supervisor starts them, for as long as they need to
 * try their boxes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/doctor/doctor.h"
#include "proto/base/ts_fd.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/control/control.h"
#include "sidecar/common/fds.h"
#include "sidecar/supervisor/cgroups.h"
#include "sidecar/supervisor/hold.h"
#include "sidecar/supervisor/spawn.h"

#define PROGRAM    "tipstaff-launcher"
#define CANARY     "tipstaff-canary"
#define WAIT_MS    20000
#define END_MS     3000
#define NOBODY     65534
#define UIDS_FIRST 60578 /* as the service does without sandbox.uids */
#define UIDS_COUNT 606
#define CHANNELS   3 /* control, recorder, gate */

struct patient {
    pid_t pid; /* 0: not started */
    int ours[CHANNELS];
};

struct visit {
    struct doctor_report *r;
    const struct doctor_service *service;
    char program[2200];
    int program_fd, canary, null; /* owned; canary -1: it is not there */
    struct config_user user;      /* whom to become, as root */
    struct control_sandbox sandbox;
    struct cgroups cgroups;
    struct hold hold;
    struct patient p[TS_LAUNCHERS_MAX];
};

static uint64_t now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static void trouble(struct visit *v, uint32_t index, const char *what)
{
    if (v->r->trouble[0] == '\0')
        (void)snprintf(v->r->trouble, sizeof(v->r->trouble),
                       "launcher %u of %u %s", index, v->r->launchers, what);
}

/* With the service's own code; the log of the launcher only if it is wanted. */
static bool spawn_launcher(struct visit *v, struct patient *p,
                           const int theirs[CHANNELS])
{
    const struct doctor_service *d = v->service;
    bool broker = d->config == NULL || d->config->egress.on;
    struct spawn s = {.program = v->program_fd,
                      .path = v->program,
                      .name = PROGRAM,
                      .fds = {theirs[0], theirs[1], theirs[2]},
                      .fd_count = LAUNCHER_FD_LAST - FD_CONTROL + 1,
                      .user = geteuid() == 0 ? &v->user : NULL,
                      .caps = spawn_launcher_caps(v->sandbox.most, broker)};
    int kept = d->verbose ? -1 : fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    int pidfd = -1;
    ts_err e;

    for (int fd = FD_CONTROL + CHANNELS; fd <= LAUNCHER_FD_LAST; fd++)
        s.fds[fd - FD_CONTROL] = v->null;
    if (v->cgroups.folder_fd >= 0)
        s.fds[LAUNCHER_FD_CGROUP - FD_CONTROL] = v->cgroups.folder_fd;
    if (v->canary >= 0)
        s.fds[LAUNCHER_FD_CANARY - FD_CONTROL] = v->canary;
    if (kept >= 0)
        (void)dup2(v->null, STDERR_FILENO);
    e = spawn(&s, &p->pid, &pidfd);
    if (kept >= 0)
        (void)dup2(kept, STDERR_FILENO);
    ts_fd_close(&kept);
    ts_fd_close(&pidfd);
    if (e == TS_OK && v->cgroups.folder_fd >= 0)
        cgroups_adopt(&v->cgroups, p->pid);
    return e == TS_OK;
}

static bool start(struct visit *v, uint32_t index, int bundle_fd)
{
    struct control_message m = {
        .type = CONTROL_START, .bundle_fd = bundle_fd, .journal_fd = -1};
    struct patient *p = &v->p[index];
    const struct config *c = v->service->config;
    int theirs[CHANNELS];
    bool ok;

    for (int i = 0; i < CHANNELS; i++) {
        int ends[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
            return false;
        p->ours[i] = ends[0];
        theirs[i] = ends[1];
    }
    ok = spawn_launcher(v, p, theirs);
    for (int i = 0; i < CHANNELS; i++)
        (void)close(theirs[i]);
    m.as.start = (struct control_start){
        .generation = 1,
        .boot_id = 1,
        .launchers = v->r->launchers,
        .launcher_index = index,
        .sidecar_id = TS_STR_LIT("doctor"),
        .audience_count = 1,
        .audiences = {TS_STR_LIT("doctor")},
        .has_token_key = c == NULL || c->token_key != NULL,
        .check_only = true,
        .sandbox = v->sandbox,
        .has_broker = c == NULL || c->egress.on};
    m.as.start.sandbox.cgroups = v->cgroups.folder_fd >= 0;
    return ok && control_send(p->ours[0], &m) == TS_OK;
}

/* Where the launcher wants a network descriptor it finds /dev/null and tells no
 * broker anything, since no tool is ever started. */
static void take_ready(struct visit *v, struct ts_str text)
{
    size_t at = strlen(v->r->unserved), room = sizeof(v->r->unserved) - at;

    if (text.len > 0 && room > text.len + 2)
        (void)snprintf(v->r->unserved + at, room, "%s%.*s", at > 0 ? "\n" : "",
                       (int)text.len, text.ptr);
}

static bool hear(struct visit *v, uint32_t index)
{
    uint8_t buf[CONTROL_MESSAGE_MAX];

    for (;;) {
        struct pollfd in = {.fd = v->p[index].ours[0], .events = POLLIN};
        struct control_message m;
        struct box_said box;

        if (poll(&in, 1, WAIT_MS) != 1) {
            trouble(v, index, "did not get ready in time");
            return false;
        }
        if (control_receive(v->p[index].ours[0], buf, &m) != TS_OK) {
            trouble(v, index,
                    "ended before it was ready; --verbose shows its log");
            return false;
        }
        ts_fd_close(&m.bundle_fd);
        ts_fd_close(&m.journal_fd);
        if (m.type == CONTROL_STATUS && box_said_parse(m.as.text.text, &box) &&
            v->r->box_count < BOXES_SAID_MAX)
            v->r->box[v->r->box_count++] = box;
        if (m.type == CONTROL_REJECTED) {
            trouble(v, index, "refused the configuration:");
            take_ready(v, m.as.text.text);
            return false;
        }
        if (m.type == CONTROL_READY) {
            take_ready(v, m.as.text.text);
            return true;
        }
    }
}

/* It ends when its recorder hangs up; what does not is killed. */
static void end(struct patient *p)
{
    const struct timespec pause = {0, 2000000};

    for (int i = 0; i < CHANNELS; i++)
        ts_fd_close(&p->ours[i]);
    if (p->pid <= 0)
        return;
    for (int ms = 0; ms < END_MS; ms += 2) {
        if (waitpid(p->pid, NULL, WNOHANG) != 0)
            return;
        (void)nanosleep(&pause, NULL);
    }
    (void)kill(p->pid, SIGKILL);
    (void)waitpid(p->pid, NULL, 0);
}

/* Beside us, or where packages put it. */
static bool find_program(char *out, size_t cap)
{
    static const char *const beside[] = {"", "../libexec/tipstaff/"};
    char self[2048];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    while (n > 0 && self[n - 1] != '/')
        n--;
    self[n > 0 ? n : 0] = '\0';
    for (size_t i = 0; n > 0 && i < sizeof(beside) / sizeof(beside[0]); i++) {
        (void)snprintf(out, cap, "%s%s" PROGRAM, self, beside[i]);
        if (access(out, X_OK) == 0)
            return true;
    }
    return false;
}

/* As the service: whom, which level, which uids, which control groups. */
static bool choose(struct visit *v)
{
    const struct config *c = v->service->config;
    const struct passwd *p = getpwnam("tipstaff-launcher");
    bool is_root = geteuid() == 0;
    struct hold_range r;

    v->user = (struct config_user){p != NULL ? p->pw_uid : NOBODY,
                                   p != NULL ? p->pw_gid : NOBODY};
    v->sandbox = (struct control_sandbox){.most = BOX_ANY,
                                          .uid_first = is_root ? UIDS_FIRST : 0,
                                          .uid_count = is_root ? UIDS_COUNT : 0,
                                          .cgroups = true};
    if (c != NULL)
        v->sandbox = c->sandbox;
    if (c != NULL && c->change_users)
        v->user = c->users[CONFIG_USER_LAUNCHER];
    if (v->service->most != BOX_ANY)
        v->sandbox.most = v->service->most;
    (void)snprintf(v->r->user, sizeof(v->r->user), "%u%s",
                   (unsigned)(is_root ? v->user.uid : geteuid()),
                   is_root ? ", with the capabilities that the service has"
                           : "");
    r = (struct hold_range){v->sandbox.uid_first, v->sandbox.uid_count};
    if (r.count == 0 || v->sandbox.most == BOX_BARE || !hold_is_needed())
        return true;
    if (hold_some(r, &v->hold, &r, v->r->uids) != TS_OK) {
        (void)snprintf(v->r->trouble, sizeof(v->r->trouble), "%s", v->r->uids);
        return false;
    }
    v->r->uid_first = v->sandbox.uid_first; /* the service's */
    v->r->uid_count = v->sandbox.uid_count;
    v->sandbox.uid_first = r.first;
    return true;
}

static void make_groups(struct visit *v, const char *parent)
{
    bool is_root = geteuid() == 0;

    if (v->sandbox.cgroups)
        (void)!cgroups_make(parent, is_root ? v->user.uid : (uid_t)-1,
                            is_root ? v->user.gid : (gid_t)-1, &v->cgroups);
}

static void visit_all(struct visit *v, int bundle_fd)
{
    struct doctor_report *r = v->r;
    uint64_t began = now_us();

    r->is_whole = true;
    for (uint32_t i = 0; i < r->launchers; i++) {
        if (!start(v, i, bundle_fd)) {
            trouble(v, i, "could not be started");
            r->is_whole = false;
        }
    }
    for (uint32_t i = 0; i < r->launchers; i++)
        r->is_whole = hear(v, i) && r->is_whole;
    r->took_us = now_us() - began;
    for (uint32_t i = 0; i < r->launchers; i++)
        end(&v->p[i]);
}

static bool find_all(struct visit *v, int bundle_fd, int *ret_empty)
{
    char canary[sizeof(v->program)];
    size_t n;

    if (!find_program(v->program, sizeof(v->program)))
        return false;
    n = strlen(v->program) - strlen(PROGRAM);
    (void)snprintf(canary, sizeof(canary), "%.*s" CANARY, (int)n, v->program);
    v->program_fd = open(v->program, O_PATH | O_CLOEXEC);
    v->canary = open(canary, O_PATH | O_CLOEXEC);
    v->null = open("/dev/null", O_RDWR | O_CLOEXEC);
    return v->program_fd >= 0 && v->null >= 0 &&
           (bundle_fd >= 0 || bundle_write(NULL, 0, ret_empty) == TS_OK);
}

void doctor_boxes(const struct doctor_service *d, struct doctor_report *ret)
{
    static struct visit v; /* too large for the stack */
    char parent[] = "/tmp/tipstaff-doctor-XXXXXX";
    int empty TS_CLEANUP(ts_fd_close) = -1;

    v = (struct visit){.r = ret,
                       .service = d,
                       .program_fd = -1,
                       .canary = -1,
                       .null = -1,
                       .cgroups.folder_fd = -1,
                       .hold.fd = -1};
    memset(ret, 0, sizeof(*ret));
    ret->launchers = d->launchers;
    for (uint32_t i = 0; i < TS_LAUNCHERS_MAX; i++)
        v.p[i] = (struct patient){.ours = {-1, -1, -1}};
    if (!find_all(&v, d->bundle_fd, &empty)) {
        (void)snprintf(ret->trouble, sizeof(ret->trouble),
                       PROGRAM " is neither beside this program nor in "
                               "../libexec/tipstaff: install the service");
    } else if (choose(&v)) {
        bool has_parent = mkdtemp(parent) != NULL;

        if (has_parent)
            make_groups(&v, parent);
        visit_all(&v, d->bundle_fd < 0 ? empty : d->bundle_fd);
        cgroups_undo(&v.cgroups);
        if (has_parent)
            (void)rmdir(parent);
    }
    hold_done(&v.hold);
    ts_fd_close(&v.program_fd);
    ts_fd_close(&v.canary);
    ts_fd_close(&v.null);
}
