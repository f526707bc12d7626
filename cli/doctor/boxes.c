/* Launchers, started as the supervisor starts them, for as long as they need to
 * try their boxes. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/doctor/doctor.h"
#include "proto/base/ts_fd.h"
#include "sidecar/common/bundle.h"
#include "sidecar/common/control.h"
#include "sidecar/common/fds.h"

#define PROGRAM    "tipstaff-launcher"
#define WAIT_MS    20000
#define END_MS     3000
#define PARK_FROM  64
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
    char program[4096];
    bool verbose;
    uid_t uid; /* whom to become, as root */
    gid_t gid;
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

/* sidecar/supervisor/spawn.c: an ordinary user with a few capabilities. */
static bool become(const struct visit *v)
{
    static const int caps[] = {CAP_SETUID,       CAP_SETGID,   CAP_KILL,
                               CAP_DAC_OVERRIDE, CAP_FOWNER,   CAP_SYS_ADMIN,
                               CAP_SYS_CHROOT,   CAP_NET_ADMIN};
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2] = {{0, 0, 0}, {0, 0, 0}};
    uint32_t wanted = 0;

    for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
        wanted |= 1u << caps[i];
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || setgroups(0, NULL) != 0 ||
        setresgid(v->gid, v->gid, v->gid) != 0 ||
        setresuid(v->uid, v->uid, v->uid) != 0 ||
        syscall(SYS_capget, &h, d) != 0)
        return false;
    d[0].permitted &= wanted; /* what a container has not, we do without */
    d[1].permitted = 0;
    for (int i = 0; i < 2; i++)
        d[i].effective = d[i].inheritable = d[i].permitted;
    if (syscall(SYS_capset, &h, d) != 0)
        return false;
    for (unsigned long c = 0; c < 32; c++) {
        if ((d[0].permitted >> c & 1u) != 0 &&
            prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, c, 0, 0) != 0)
            return false;
    }
    return true;
}

static _Noreturn void child(const struct visit *v, const int theirs[CHANNELS])
{
    static char *const env[] = {NULL};
    char name[] = PROGRAM;
    char *const argv[] = {name, NULL};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC), parked[CHANNELS];

    (void)setsid();
    for (int i = 0; i < CHANNELS; i++)
        parked[i] = fcntl(theirs[i], F_DUPFD_CLOEXEC, PARK_FROM);
    null = null < 0 ? -1 : fcntl(null, F_DUPFD_CLOEXEC, PARK_FROM);
    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
        (!v->verbose && dup2(null, 2) < 0))
        _exit(126);
    for (int fd = FD_CONTROL; fd <= LAUNCHER_FD_SECRETS; fd++) {
        if (dup2(fd < FD_CONTROL + CHANNELS ? parked[fd - FD_CONTROL] : null,
                 fd) < 0)
            _exit(126);
    }
    if (syscall(SYS_close_range, LAUNCHER_FD_SECRETS + 1, ~0u, 0) != 0 ||
        chdir("/") != 0 || (getuid() == 0 && !become(v)))
        _exit(126);
    (void)execve(v->program, argv, env);
    _exit(127);
}

static bool start(struct visit *v, uint32_t index, int bundle_fd)
{
    struct control_message m = {
        .type = CONTROL_START, .bundle_fd = bundle_fd, .journal_fd = -1};
    struct patient *p = &v->p[index];
    int theirs[CHANNELS];

    for (int i = 0; i < CHANNELS; i++) {
        int ends[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
            return false;
        p->ours[i] = ends[0];
        theirs[i] = ends[1];
    }
    p->pid = fork();
    if (p->pid == 0)
        child(v, theirs);
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
        .has_token_key = true,
        .check_only = true,
        .sandbox = {.most = BOX_ANY,
                    .uid_first = getuid() == 0 ? UIDS_FIRST : 0,
                    .uid_count = getuid() == 0 ? UIDS_COUNT : 0},
        .has_broker = true};
    return p->pid > 0 && control_send(p->ours[0], &m) == TS_OK;
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
        struct doctor_box box;

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
        if (m.type == CONTROL_STATUS &&
            doctor_box_parse(m.as.text.text, &box) &&
            v->r->box_count < DOCTOR_BOXES_MAX)
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

static void choose_user(struct visit *v)
{
    const struct passwd *p = getpwnam("tipstaff-launcher");

    v->uid = getuid() != 0 ? getuid() : p != NULL ? p->pw_uid : NOBODY;
    v->gid = getuid() != 0 ? getgid() : p != NULL ? p->pw_gid : NOBODY;
    (void)snprintf(v->r->user, sizeof(v->r->user), "%u%s", (unsigned)v->uid,
                   getuid() == 0 ? ", with the capabilities that the service "
                                   "has"
                                 : "");
}

void doctor_boxes(int bundle_fd, uint32_t launchers, bool verbose,
                  struct doctor_report *ret)
{
    struct visit v = {.r = ret, .verbose = verbose};
    int empty TS_CLEANUP(ts_fd_close) = -1;
    uint64_t began = now_us();

    memset(ret, 0, sizeof(*ret));
    ret->launchers = launchers;
    for (uint32_t i = 0; i < TS_LAUNCHERS_MAX; i++)
        v.p[i] = (struct patient){.ours = {-1, -1, -1}};
    choose_user(&v);
    if (!find_program(v.program, sizeof(v.program)) ||
        (bundle_fd < 0 && bundle_write(NULL, 0, &empty) != TS_OK)) {
        (void)snprintf(ret->trouble, sizeof(ret->trouble),
                       PROGRAM " is neither beside this program nor in "
                               "../libexec/tipstaff: install the service");
        return;
    }
    ret->is_whole = true;
    for (uint32_t i = 0; i < launchers; i++) {
        if (!start(&v, i, bundle_fd < 0 ? empty : bundle_fd)) {
            trouble(&v, i, "could not be started");
            ret->is_whole = false;
        }
    }
    for (uint32_t i = 0; i < launchers; i++)
        ret->is_whole = hear(&v, i) && ret->is_whole;
    ret->took_us = now_us() - began;
    for (uint32_t i = 0; i < launchers; i++)
        end(&v.p[i]);
}
