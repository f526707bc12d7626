#include "sidecar/launcher/start/inits.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/launcher/layers/raw.h"
#include "sidecar/launcher/start/caps.h"

#define CLOEXEC_RANGE     4     /* CLOSE_RANGE_CLOEXEC */
#define MEMFD_EXEC        0x10u /* MFD_EXEC: kernels that know it want it said */
#define DISTRUST          16
#define LEAN              16
#define STAT_CHILD_FAULTS 11 /* field of /proc/PID/stat */
#define OPEN_TRIES        5000
#define OPEN_PAUSE_NS     20000 /* with the timer's slack 0.1 to 0.4 s in all */
#define SLOW_TRIES        10000
#define SLOW_PAUSE_NS     1000000 /* then 10 s, where it waits for a processor */
#define HELD_MAX          500     /* times, a millisecond and more apart */
#define SEALS             (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* The bytes of the program, from the build. */
__asm__(".section .rodata\n"
        ".balign 16\n"
        "launcher_init_image:\n"
        ".incbin \"" INIT_PROGRAM "\"\n"
        "launcher_init_image_end:\n"
        ".byte 0\n"
        ".previous\n");
extern const char launcher_init_image[], launcher_init_image_end[];

ts_err inits_open(struct inits *ret, int proc_fd, const struct filter_key *key)
{
    size_t len = (size_t)(launcher_init_image_end - launcher_init_image);
    struct inits s = {.key = *key, .proc_fd = proc_fd};

    s.program = memfd_create("tipstaff-init",
                             MFD_CLOEXEC | MFD_ALLOW_SEALING | MEMFD_EXEC);
    if (s.program < 0 && errno == EINVAL) /* a kernel that does not know it */
        s.program =
            memfd_create("tipstaff-init", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (s.program < 0)
        return ts_err_from_errno(errno);
    if (write(s.program, launcher_init_image, len) != (ssize_t)len ||
        fcntl(s.program, F_ADD_SEALS, SEALS) != 0) {
        ts_fd_close(&s.program);
        return TS_E_SYSTEM;
    }
    *ret = s;
    return TS_OK;
}

struct birth {
    const struct inits *s;
    const struct space_entry *entry; /* or NULL */
    const char *volatile step;
    int err;
};

/* Between clone and exec; like a tool's, but it keeps our user, by which it can
 * be told from tools and they cannot signal it. */
static int run(void *arg)
{
    static char *const none[] = {NULL};
    struct birth *b = arg;
    const struct filter_key *k = &b->s->key;
    long rc;

    if ((rc = raw_call3(SYS_setsid, 0, 0, 0)) < 0 ||
        (b->entry != NULL && (rc = space_enter(b->entry, &b->step)) < 0) ||
        (rc = raw_call3(SYS_close_range, 0, ~0u, CLOEXEC_RANGE)) < 0 ||
        (rc = caps_drop_all_raw(k)) < 0 ||
        (rc = filter_call5(k, SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)) <
            0)
        goto out;
    rc = filter_call5(k, SYS_execveat, b->s->program, raw_ptr(""),
                      raw_ptr(none), raw_ptr(none), AT_EMPTY_PATH);
out:
    b->err = (int)-rc;
    return 127;
}

/* Whoever stops it again and again keeps us waiting, a busy machine does not:
 * one is sent on, and given up when it was found stopped too often. */
static bool is_held(pid_t pid, uint32_t *stops)
{
    siginfo_t si = {.si_pid = 0};

    if (waitid(P_PID, (id_t)pid, &si, WSTOPPED | WNOHANG | WNOWAIT | __WALL) ==
            0 &&
        si.si_pid == pid)
        (*stops)++;
    (void)kill(pid, SIGCONT);
    return *stops > HELD_MAX;
}

/* The kernel ends a vfork in the middle of exec: for some microseconds more the
 * new memory is as closed to others as ours, which it has replaced. */
static int ns_of(const struct inits *s, pid_t pid)
{
    struct timespec pause = {0, OPEN_PAUSE_NS};
    uint32_t stops = 0;
    char path[40];
    int fd;

    (void)snprintf(path, sizeof(path), "%d/ns/pid", (int)pid);
    for (int i = 0; i < OPEN_TRIES + SLOW_TRIES; i++) {
        fd = openat(s->proc_fd, path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0 || errno != EACCES)
            return fd;
        if (i >= OPEN_TRIES) {
            pause.tv_nsec = SLOW_PAUSE_NS;
            if (is_held(pid, &stops)) {
                errno = ETIMEDOUT;
                return -1;
            }
        }
        (void)nanosleep(&pause, NULL);
    }
    errno = EACCES;
    return -1;
}

/* Without them it serves one tool only: inits_give() asks them. */
static void open_files(const struct inits *s, struct init *i)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "%d/task/%d/children", (int)i->pid,
                   (int)i->pid);
    i->children_fd = openat(s->proc_fd, path, O_RDONLY | O_CLOEXEC);
    (void)snprintf(path, sizeof(path), "%d/stat", (int)i->pid);
    i->stat_fd = openat(s->proc_fd, path, O_RDONLY | O_CLOEXEC);
}

static ts_err make(const struct inits *s, const struct nest_want *want,
                   const struct child_place *place, struct watch *watch,
                   struct init *ret, int *reterr_errno)
{
    struct space_entry entry;
    struct birth b = {.s = s};
    struct init i = INIT_NONE;
    long pid;

    if (want != NULL) {
        entry = want->entry;
        entry.tmp_options = want->tmp_options;
        b.entry = &entry;
    }
    watch_open(watch);
    pid = clone_run(CLONE_NEWPID, &place->stack, &watch->tid[0], run, &b,
                    &s->key);
    if (watch_close(watch) && b.err == 0)
        b.err = ETIMEDOUT;
    if (pid < 0) {
        *reterr_errno = (int)-pid;
        return ts_err_from_errno((int)-pid);
    }
    i.pid = (pid_t)pid;
    if (b.err == 0 && (i.ns = ns_of(s, i.pid)) < 0)
        b.err = errno;
    if (b.err == 0 && want != NULL &&
        nest_open(&i.nest, want, s->proc_fd, i.pid) != TS_OK)
        b.err = errno;
    if (b.err != 0) {
        inits_end(&i);
        *reterr_errno = b.err;
        return TS_E_SYSTEM;
    }
    i.nest.epoch = s->epoch;
    open_files(s, &i);
    *ret = i;
    return TS_OK;
}

ts_err inits_refill(struct inits *s, uint32_t want,
                    const struct child_place *place, struct watch *watch,
                    int *reterr_errno)
{
    ts_err e;

    if (s->program < 0 || s->count >= want || s->count == INITS_READY_MAX)
        return TS_OK;
    if (s->lean > 0) {
        s->lean--;
        return TS_OK;
    }
    e = make(s, NULL, place, watch, &s->ready[s->count], reterr_errno);
    if (e == TS_OK)
        s->count++;
    return e;
}

void inits_end(struct init *i)
{
    if (i->pid > 0) {
        (void)kill(i->pid, SIGKILL);
        (void)waitpid(i->pid, NULL, __WALL);
    }
    i->pid = 0;
    ts_fd_close(&i->ns);
    ts_fd_close(&i->children_fd);
    ts_fd_close(&i->stat_fd);
    nest_close(&i->nest);
}

static void take_out(struct inits *s, uint32_t at)
{
    s->count--;
    memmove(&s->ready[at], &s->ready[at + 1],
            (s->count - at) * sizeof(s->ready[0]));
}

/* Whose room a nest gets: one without, if that leaves some, or one that nobody
 * asks for any more. */
static bool make_room(struct inits *s)
{
    uint32_t bare = 0, at = INITS_READY_MAX;

    for (uint32_t i = s->count; i-- > 0;) {
        const struct nest *n = &s->ready[i].nest;

        bare += n->space == NULL ? 1 : 0;
        if (n->space == NULL || !habits_know(&s->habits, n->space))
            at = i;
    }
    if (at == INITS_READY_MAX ||
        (s->ready[at].nest.space == NULL && bare <= INITS_READY_LEAST))
        return false;
    inits_end(&s->ready[at]);
    take_out(s, at);
    return true;
}

ts_err inits_furnish(struct inits *s, uint32_t room,
                     const struct child_place *place, struct watch *watch,
                     int *reterr_errno)
{
    struct init *i;
    ts_err e;

    if (s->program < 0 || s->lean > 0 || s->wanted_count == 0)
        return TS_OK;
    s->wanted_count--;
    if (room > INITS_READY_MAX)
        room = INITS_READY_MAX;
    if (s->count >= room && !make_room(s))
        return TS_OK;
    i = &s->ready[s->count];
    e = make(s, &s->wanted, place, watch, i, reterr_errno);
    if (e == TS_OK)
        s->count++;
    else
        habits_never(&s->habits, s->wanted.space);
    return e;
}

static bool take_bare(struct inits *s, struct init *ret)
{
    for (uint32_t i = s->count; i-- > 0;) {
        if (s->ready[i].nest.space != NULL)
            continue;
        *ret = s->ready[i];
        take_out(s, i);
        return true;
    }
    return false;
}

/* From behind: what was used last is warm. *io_has_young: one has only just
 * been made. */
static bool take_nest(struct inits *s, const struct nest_want *want,
                      struct init *ret, bool *io_has_young)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
    for (uint32_t i = s->count; i-- > 0;) {
        if (!nest_fits(&s->ready[i].nest, want))
            continue;
        if (!nest_is_ripe(&s->ready[i].nest, now)) {
            *io_has_young = true;
            continue;
        }
        *ret = s->ready[i];
        take_out(s, i);
        return true;
    }
    return false;
}

static void ask_for(struct inits *s, const struct nest_want *want)
{
    if (s->wanted.space != want->space)
        s->wanted_count = 0;
    s->wanted = *want;
    if (s->wanted_count < INITS_READY_MAX)
        s->wanted_count++;
}

ts_err inits_take(struct inits *s, const struct nest_want *want,
                  const struct child_place *place, struct watch *watch,
                  struct init *ret, int *reterr_errno)
{
    bool has_young = false;

    if (s->program < 0) {
        *reterr_errno = ENOSYS;
        return TS_E_UNSUPPORTED;
    }
    if (want != NULL && habits_allow(&s->habits, want->space)) {
        if (take_nest(s, want, ret, &has_young))
            return TS_OK;
        if (!has_young && habits_missed(&s->habits, want->space))
            ask_for(s, want);
    }
    if (take_bare(s, ret))
        return TS_OK;
    return make(s, NULL, place, watch, ret, reterr_errno);
}

ts_err inits_take_new(struct inits *s, const struct child_place *place,
                      struct watch *watch, struct init *ret, int *reterr_errno)
{
    s->distrust = DISTRUST;
    return make(s, NULL, place, watch, ret, reterr_errno);
}

/* The length of a small file of process 1, or -1. */
static ssize_t read_of(int fd, char *buf, size_t cap)
{
    return fd < 0 ? -1 : pread(fd, buf, cap, 0);
}

static bool has_no_child(const struct init *i)
{
    char buf[16];

    return read_of(i->children_fd, buf, sizeof(buf)) == 0;
}

/* What the children that it reaped cost is in its own account, and would be
 * charged to a later tool: no process ends without a page fault. */
static bool never_reaped(const struct init *i)
{
    char buf[512];
    const char *at;
    ssize_t n;

    n = read_of(i->stat_fd, buf, sizeof(buf) - 1);
    if (n <= 0)
        return false;
    buf[n] = '\0';
    at = strrchr(buf, ')'); /* field 2 ends; 11 is the faults of children */
    for (int field = 2; at != NULL && field < STAT_CHILD_FAULTS; field++)
        at = strchr(at + 1, ' ');
    return at != NULL && at[1] == '0' && at[2] == ' ';
}

/* Of templates that are still there, and left as it was found. */
static bool is_clean(struct inits *s, struct nest *n)
{
    if (n->epoch != s->epoch)
        return false;
    if (nest_is_untouched(n, &s->key))
        return true;
    habits_untidy(&s->habits, n->space);
    return false;
}

bool inits_give(struct inits *s, struct init *i)
{
    if (s->count == INITS_READY_MAX || i->uses + 1 >= INITS_USES_MAX)
        return false;
    if (s->distrust > 0) {
        s->distrust--;
        return false;
    }
    if (!has_no_child(i) || !never_reaped(i))
        return false;
    if (i->nest.space != NULL && !is_clean(s, &i->nest))
        return false;
    i->uses++;
    s->ready[s->count++] = *i;
    *i = INIT_NONE;
    return true;
}

bool inits_forget(struct inits *s, pid_t pid)
{
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->ready[i].pid != pid)
            continue;
        s->ready[i].pid = 0; /* reaped */
        inits_end(&s->ready[i]);
        take_out(s, i);
        return true;
    }
    return false;
}

bool inits_has(const struct inits *s, pid_t pid)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (s->ready[i].pid == pid)
            return true;
    return false;
}

static void drop_ready(struct inits *s)
{
    while (s->count > 0)
        inits_end(&s->ready[--s->count]);
}

void inits_renew(struct inits *s)
{
    s->epoch++;
    s->wanted_count = 0;
    s->wanted.space = NULL;
    s->habits = (struct habits){.now = 0};
    for (uint32_t i = s->count; i-- > 0;) {
        if (s->ready[i].nest.space == NULL)
            continue;
        inits_end(&s->ready[i]);
        take_out(s, i);
    }
}

void inits_spare(struct inits *s)
{
    drop_ready(s);
    s->wanted_count = 0;
    s->lean = LEAN;
}

void inits_done(struct inits *s)
{
    drop_ready(s);
    ts_fd_close(&s->program);
}

static size_t read_children(const struct inits *s, pid_t pid, char *buf,
                            size_t cap)
{
    char path[64];
    ssize_t n = 0;
    int fd;

    (void)snprintf(path, sizeof(path), "%d/task/%d/children", (int)pid,
                   (int)pid);
    fd = openat(s->proc_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, buf, cap);
        (void)close(fd);
    }
    return n > 0 ? (size_t)n : 0;
}

/* Breadth first, over a list that is also the result. */
uint32_t inits_count_left(const struct inits *s, pid_t pid, uint32_t most)
{
    pid_t seen[512] = {pid};
    uint32_t count = 1, limit = most + 1 < 512 ? most + 1 : 512;
    char buf[2048];

    for (uint32_t at = 0; at < count; at++) {
        size_t n = read_children(s, seen[at], buf, sizeof(buf));
        pid_t child = 0;

        for (size_t i = 0; i < n && count < limit; i++) {
            if (buf[i] >= '0' && buf[i] <= '9') {
                child = child * 10 + (buf[i] - '0');
                continue;
            }
            if (child > 0)
                seen[count++] = child;
            child = 0;
        }
    }
    return count - 1;
}
