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

static int decide(struct metadata *m, const struct seccomp_notif *n,
                  const struct metadata_call *c, const struct metadata_taken *t,
                  const struct metadata_run *run, uint64_t mark)
{
    if (!still_waits(m, n))
        return EINTR; /* nobody hears it */
    if (c->kind != METADATA_PROCESSORS)
        return metadata_change(&m->means, c, t, run->roots, run->count);
    if (c->pid < 0 || m->mark(m->arg, c->pid) != mark)
        return ESRCH;
    return metadata_move(&m->means, c, t);
}

static int handle(struct metadata *m, const struct seccomp_notif *n)
{
    pid_t thread = (pid_t)n->pid;
    uint64_t mark = m->mark(m->arg, thread);
    const struct metadata_run *run = metadata_runs_hold(&m->runs, mark);
    struct metadata_taken t = {.at = -1, .file = -1};
    struct metadata_call c;
    int err = EPERM;

    if (run == NULL)
        return EPERM;
    err = metadata_decode(&n->data, &c);
    if (err == 0) {
        err = metadata_take(&m->means, thread, &c, &t);
        if (err == 0)
            err = decide(m, n, &c, &t, run, mark);
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

static void *run(void *arg)
{
    struct metadata *m = arg;
    union notice in;
    union answer out;

    drop_capabilities(m);
    if (!wait_for_work(m))
        return NULL;
    for (;;) {
        long rc;
        int err;

        memset(&in, 0, sizeof(in)); /* the kernel wants it so */
        rc = ask(m, SECCOMP_IOCTL_NOTIF_RECV, &in);
        if (rc == -EINTR || rc == -ENOENT || rc == -EAGAIN)
            continue; /* ENOENT: it was killed before we heard */
        if (rc != 0)
            _exit(1); /* no tool is left in a call that nobody answers */
        err = handle(m, &in.n);
        memset(&out, 0, sizeof(out));
        out.r.id = in.n.id;
        out.r.error = -err;
        (void)ask(m, SECCOMP_IOCTL_NOTIF_SEND, &out);
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
    e = m->means.proc_fd >= 0 && m->means.self_fds >= 0 ? start_threads(m)
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
