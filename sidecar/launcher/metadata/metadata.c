/* The threads that answer stopped calls. */
#include "sidecar/launcher/metadata/metadata.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "sidecar/launcher/layers/raw.h"
#include "sidecar/launcher/metadata/carry_out.h"
#include "sidecar/launcher/metadata/runs.h"

#define STACK_BYTES  ((size_t)128 << 10)
#define SET_FLAGS    0x40082104 /* SECCOMP_IOCTL_NOTIF_SET_FLAGS */
#define SYNC_WAKE_UP 1
#define NOTICE_BYTES 512 /* a later kernel may tell more */
/* Each call wakes all threads that listen: some listen, the others stand by. */
#define LISTENERS 2

enum state {
    WAITING,
    WORKING,
    CANCELLED
};

struct metadata {
    struct metadata_means means;
    int listener;
    pthread_mutex_t lock;
    pthread_cond_t bell;
    enum state state;
    uint32_t listeners; /* threads that wait for a call */
    struct metadata_turns turns;
    pthread_t threads[METADATA_THREADS];
    uint32_t thread_count;
    metadata_mark_fn *mark;
    void *arg;
    struct metadata_runs runs;
};

union notice {
    struct seccomp_notif n;
    unsigned char room[NOTICE_BYTES];
};
union answer {
    struct seccomp_notif_resp r;
    unsigned char room[NOTICE_BYTES];
};

static long ask(const struct metadata *m, unsigned long what, void *with)
{
    return filter_call4(&m->means.key, SYS_ioctl, m->listener, (long)what,
                        raw_ptr(with), 0);
}

/* Still the thread that called: what was taken is the tool's. */
static bool still_waits(const struct metadata *m, const struct seccomp_notif *n)
{
    uint64_t id = n->id;

    return ask(m, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

/* A number is no hold on a thread: that one may end and another get its number
 * in between. Such a one gets back what every tool begins with. */
static int move(struct metadata *m, const struct metadata_call *c,
                const struct metadata_taken *t, uint64_t mark)
{
    int err;

    if (c->pid <= 0 || m->mark(m->arg, c->pid) != mark)
        return ESRCH;
    err = metadata_move(&m->means, c, t);
    if (m->mark(m->arg, c->pid) != mark) {
        metadata_move_back(&m->means, c->pid);
        return ESRCH;
    }
    return err;
}

static int decide(struct metadata *m, const struct seccomp_notif *n,
                  const struct metadata_call *c, const struct metadata_taken *t,
                  const struct metadata_run *run, uint64_t mark)
{
    if (!still_waits(m, n))
        return EINTR; /* nobody hears it */
    if (c->kind != METADATA_PROCESSORS)
        return metadata_change(&m->means, c, t, run->roots, run->count);
    return move(m, c, t, mark);
}

/* The mark was that of a thread whose number may have become another's since;
 * decide() notices. */
static int handle(struct metadata *m, const struct metadata_turn *turn)
{
    const struct seccomp_notif *n = &turn->call;
    pid_t thread = (pid_t)n->pid;
    const struct metadata_run *run = metadata_runs_hold(&m->runs, turn->mark);
    struct metadata_taken t = {.at = -1, .file = -1};
    struct metadata_call c;
    int err = EPERM;

    if (run == NULL)
        return EPERM;
    err = metadata_decode(&n->data, &c);
    if (err == 0) {
        err = metadata_take(&m->means, thread, &c, &t);
        if (err == 0)
            err = decide(m, n, &c, &t, run, turn->mark);
        metadata_taken_done(&t);
    }
    metadata_runs_let_go(&m->runs, run);
    return err;
}

/* For this thread alone, by the kernel's call. */
static void drop_capabilities(const struct metadata *m)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};

    if (filter_call4(&m->means.key, SYS_capset, raw_ptr(&h), raw_ptr(none), 0,
                     0) != 0)
        _exit(1); /* with more rights than a tool nothing is done for one */
}

static bool wait_for_work(struct metadata *m)
{
    bool works;

    (void)pthread_mutex_lock(&m->lock);
    while (m->state == WAITING)
        (void)pthread_cond_wait(&m->bell, &m->lock);
    works = m->state == WORKING;
    (void)pthread_mutex_unlock(&m->lock);
    return works;
}

static void answer(const struct metadata *m, uint64_t id, int err)
{
    union answer out;

    memset(&out, 0, sizeof(out));
    out.r.id = id;
    out.r.error = -err;
    (void)ask(m, SECCOMP_IOCTL_NOTIF_SEND, &out);
}

static void listen_once(const struct metadata *m, struct metadata_turn *ret)
{
    union notice in;
    long rc;

    do {
        memset(&in, 0, sizeof(in)); /* the kernel wants it so */
        rc = ask(m, SECCOMP_IOCTL_NOTIF_RECV, &in);
        /* ENOENT: it was killed before we heard */
    } while (rc == -EINTR || rc == -ENOENT || rc == -EAGAIN);
    if (rc != 0)
        _exit(1); /* no tool is left in a call that nobody answers */
    *ret = (struct metadata_turn){m->mark(m->arg, (pid_t)in.n.pid), in.n};
}

/* From the one that is over. While one listens, nothing waits that could be
 * done: it was asked for first, and each end of a call asks again. */
static void next_turn(struct metadata *m, struct metadata_turn *io)
{
    (void)pthread_mutex_lock(&m->lock);
    metadata_turns_over(&m->turns, io->mark);
    while (!metadata_turns_next(&m->turns, io)) {
        enum metadata_when when;

        if (m->listeners == LISTENERS) {
            (void)pthread_cond_wait(&m->bell, &m->lock);
            continue;
        }
        m->listeners++;
        (void)pthread_mutex_unlock(&m->lock);
        listen_once(m, io);
        (void)pthread_mutex_lock(&m->lock);
        m->listeners--;
        when = metadata_turns_take(&m->turns, io);
        if (when == METADATA_NOW)
            break;
        if (when == METADATA_NEVER)
            answer(m, io->call.id, EAGAIN);
    }
    if (m->listeners == 0)
        (void)pthread_cond_signal(&m->bell); /* somebody who stands by */
    (void)pthread_mutex_unlock(&m->lock);
}

static void *run(void *arg)
{
    struct metadata *m = arg;
    struct metadata_turn turn = {.mark = 0};

    drop_capabilities(m);
    if (!wait_for_work(m))
        return NULL;
    for (;;) {
        next_turn(m, &turn);
        answer(m, turn.call.id, handle(m, &turn));
    }
    return NULL;
}

/* Both have room for what this kernel tells. */
static bool fits(void)
{
    struct seccomp_notif_sizes s = {0, 0, 0};

    return syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &s) == 0 &&
           s.seccomp_notif <= NOTICE_BYTES &&
           s.seccomp_notif_resp <= NOTICE_BYTES &&
           s.seccomp_data == sizeof(struct seccomp_data);
}

static ts_err start_threads(struct metadata *m)
{
    pthread_attr_t attr;
    int err = 0;

    if (pthread_attr_init(&attr) != 0)
        return TS_E_NOMEM;
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
    while (m->thread_count < METADATA_THREADS && err == 0) {
        err = pthread_create(&m->threads[m->thread_count], &attr, run, m);
        if (err == 0)
            m->thread_count++;
    }
    (void)pthread_attr_destroy(&attr);
    return err == 0 ? TS_OK : TS_E_SYSTEM;
}

static void set_state(struct metadata *m, enum state to)
{
    (void)pthread_mutex_lock(&m->lock);
    m->state = to;
    (void)pthread_cond_broadcast(&m->bell);
    (void)pthread_mutex_unlock(&m->lock);
}

ts_err metadata_make(const struct filter_key *key, metadata_mark_fn *mark,
                     void *arg, struct metadata **ret)
{
    struct metadata *m;
    long len;
    ts_err e;

    if (!fits())
        return TS_E_UNSUPPORTED;
    if ((m = ts_mem_alloc(sizeof(*m))) == NULL)
        return TS_E_NOMEM;
    memset(m, 0, sizeof(*m));
    m->listener = -1;
    m->mark = mark;
    m->arg = arg;
    (void)pthread_mutex_init(&m->lock, NULL);
    (void)pthread_cond_init(&m->bell, NULL);
    metadata_runs_init(&m->runs);
    m->means.key = *key;
    m->means.proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    m->means.self_fds = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
    len = syscall(SYS_sched_getaffinity, 0, sizeof(m->means.all), m->means.all);
    m->means.all_len = len > 0 ? (size_t)len : 0;
    e = m->means.proc_fd >= 0 && m->means.self_fds >= 0 && len > 0
            ? start_threads(m)
            : TS_E_UNSUPPORTED;
    if (e != TS_OK) {
        metadata_cancel(m);
        return e;
    }
    *ret = m;
    return TS_OK;
}

void metadata_begin(struct metadata *m, int listener)
{
    m->listener = listener;
    /* the tool waits for us and we for it: on one processor (Linux 6.6) */
    (void)filter_call4(&m->means.key, SYS_ioctl, listener, SET_FLAGS,
                       SYNC_WAKE_UP, 0);
    set_state(m, WORKING);
}

void metadata_cancel(struct metadata *m)
{
    set_state(m, CANCELLED);
    for (uint32_t i = 0; i < m->thread_count; i++)
        (void)pthread_join(m->threads[i], NULL);
    ts_fd_close(&m->means.proc_fd);
    ts_fd_close(&m->means.self_fds);
    (void)pthread_cond_destroy(&m->bell);
    (void)pthread_mutex_destroy(&m->lock);
    (void)pthread_mutex_destroy(&m->runs.lock);
    ts_mem_free(m);
}

ts_err metadata_admit(struct metadata *m, uint64_t mark, const int *fds,
                      uint32_t count)
{
    return m == NULL ? TS_OK : metadata_runs_add(&m->runs, mark, fds, count);
}

void metadata_dismiss(struct metadata *m, uint64_t mark)
{
    if (m != NULL)
        metadata_runs_remove(&m->runs, mark);
}
