#include "sidecar/launcher/start/watch.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sidecar/launcher/layers/raw.h"

#define IDLE_ROUNDS (1000 / WATCH_CONT_MS)
#define MS_NS       1000000ull

enum {
    WATCH_CLOSED = 0,
    WATCH_OPEN,
    WATCH_ACTING /* the thread signals the child right now */
};

static uint64_t monotonic_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void futex_wait(uint32_t *word, uint32_t value, uint64_t ms)
{
    const struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000 * MS_NS)};

    (void)raw_call6(SYS_futex, raw_ptr(word), FUTEX_WAIT_PRIVATE, value,
                    ms == 0 ? 0 : raw_ptr(&t), 0, 0);
}

static void futex_wake(uint32_t *word)
{
    (void)raw_call3(SYS_futex, raw_ptr(word), FUTEX_WAKE_PRIVATE, 1);
}

void watch_open(struct watch *w)
{
    uint32_t one = 1;

    w->tid[0] = w->tid[1] = 0;
    w->killed = 0;
    w->stops = 0;
    w->opened_ns = monotonic_ns();
    (void)__atomic_add_fetch(&w->serial, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&w->state, WATCH_OPEN, __ATOMIC_SEQ_CST);
    /* the thread looks at the state after it has set the bell */
    if (__atomic_compare_exchange_n(&w->bell, &one, 0, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST))
        futex_wake(&w->bell);
}

bool watch_close(struct watch *w)
{
    for (;;) {
        uint32_t open = WATCH_OPEN;

        if (__atomic_compare_exchange_n(&w->state, &open, WATCH_CLOSED, false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            return __atomic_load_n(&w->killed, __ATOMIC_SEQ_CST) != 0;
        futex_wait(&w->state, WATCH_ACTING, 1);
    }
}

/* It is the process's, whichever of its threads asks; the news is left for the
 * one that waits for it. */
static bool is_stopped(int tid)
{
    siginfo_t si = {.si_pid = 0};

    return raw_call6(SYS_waitid, P_PID, tid, raw_ptr(&si),
                     WSTOPPED | WNOHANG | WNOWAIT | __WALL, 0, 0) == 0 &&
           si.si_pid == tid;
}

static bool any_stopped(const struct watch *w)
{
    for (int i = 0; i < 2; i++) {
        int tid = __atomic_load_n(&w->tid[i], __ATOMIC_SEQ_CST);

        if (tid > 0 && is_stopped(tid))
            return true;
    }
    return false;
}

static void act(struct watch *w)
{
    uint64_t age = monotonic_ns() - w->opened_ns;
    int sig = SIGCONT;

    if (age < WATCH_CONT_MS * MS_NS)
        return;
    if (any_stopped(w))
        w->stops++;
    if (w->stops >= WATCH_STOPS || age >= WATCH_KILL_MS * MS_NS)
        sig = SIGKILL;
    for (int i = 0; i < 2; i++) {
        int tid = __atomic_load_n(&w->tid[i], __ATOMIC_SEQ_CST);

        if (tid <= 0)
            continue;
        if (sig == SIGKILL)
            __atomic_store_n(&w->killed, 1, __ATOMIC_SEQ_CST);
        (void)raw_call3(SYS_kill, tid, sig, 0);
    }
}

/* Nothing happens in the window while it is ACTING but what act() does. */
static void look(struct watch *w)
{
    uint32_t open = WATCH_OPEN;

    if (!__atomic_compare_exchange_n(&w->state, &open, WATCH_ACTING, false,
                                     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        return;
    act(w);
    __atomic_store_n(&w->state, WATCH_OPEN, __ATOMIC_SEQ_CST);
    futex_wake(&w->state);
}

static void *run(void *arg)
{
    const struct timespec pause = {0, (long)(WATCH_CONT_MS * MS_NS)};
    struct watch *w = arg;
    uint32_t seen = 0, quiet = 0;

    for (;;) {
        uint32_t serial = __atomic_load_n(&w->serial, __ATOMIC_SEQ_CST);
        bool open =
            __atomic_load_n(&w->state, __ATOMIC_SEQ_CST) != WATCH_CLOSED;

        quiet = open || serial != seen ? 0 : quiet + 1;
        seen = serial;
        if (quiet > IDLE_ROUNDS) {
            __atomic_store_n(&w->bell, 1, __ATOMIC_SEQ_CST);
            if (__atomic_load_n(&w->state, __ATOMIC_SEQ_CST) == WATCH_CLOSED)
                futex_wait(&w->bell, 1, 0);
            __atomic_store_n(&w->bell, 0, __ATOMIC_SEQ_CST);
            quiet = 0;
            continue;
        }
        (void)raw_call6(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0,
                        raw_ptr(&pause), 0, 0, 0);
        look(w);
    }
    return NULL;
}

ts_err watch_start(struct watch *w)
{
    pthread_attr_t attr;
    pthread_t thread;
    int err;

    *w = (struct watch){0};
    if (pthread_attr_init(&attr) != 0)
        return TS_E_NOMEM;
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    (void)pthread_attr_setstacksize(&attr, (size_t)64 << 10);
    err = pthread_create(&thread, &attr, run, w);
    (void)pthread_attr_destroy(&attr);
    return err == 0 ? TS_OK : TS_E_SYSTEM;
}
