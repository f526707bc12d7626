/*
 * tipstaff-launcher itself, with a clock at three places (linked with --wrap):
 * nothing else differs, and without a page it is the launcher.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "page.h"
#include "sidecar/launcher/launcher.h"

static struct bench_page *page;

static uint64_t clock_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Pages that a fork would have to copy: small ones. */
static void take_ballast(size_t bytes)
{
    char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        _exit(99);
    (void)madvise(p, bytes, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < bytes; i += 4096)
        p[i] = 1;
}

__attribute__((constructor)) static void find_page(void)
{
    const char *ballast = getenv("BENCH_BALLAST_MB");
    void *p = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED,
                   BENCH_PAGE_FD, 0);

    if (p != MAP_FAILED)
        page = p;
    (void)close(BENCH_PAGE_FD);
    if (ballast != NULL)
        take_ballast((size_t)strtoul(ballast, NULL, 10) << 20);
}

struct bare_exec {
    const struct child_plan *plan;
    const struct filter_key *key;
};

/* The floor: with the key, since we are behind the filter. */
static int exec_only(void *arg)
{
    const struct bare_exec *b = arg;

    (void)filter_call5(b->key, SYS_execveat, b->plan->exec_fd, raw_ptr(""),
                       raw_ptr(b->plan->argv), raw_ptr(b->plan->envp),
                       AT_EMPTY_PATH);
    return 127;
}

static void wait_for(pid_t pid)
{
    if (waitpid(pid, NULL, __WALL) != pid)
        _exit(98);
}

static uint32_t floor_once(const struct child_plan *plan,
                           const struct child_place *place)
{
    struct bare_exec b = {plan, &plan->key};
    uint64_t t0 = clock_ns();
    int tid = 0;
    long pid = clone_run(0, &place->stack, &tid, exec_only, &b, &plan->key);

    wait_for((pid_t)pid);
    return (uint32_t)(clock_ns() - t0);
}

ts_err __real_child_spawn(const struct child_plan *plan,
                          const struct child_place *place, struct watch *watch,
                          pid_t *ret_pid, const char **reterr_step,
                          int *reterr_errno);
static uint32_t box_once(const struct child_plan *plan,
                         const struct child_place *place, struct watch *watch)
{
    uint64_t t0 = clock_ns();
    const char *step;
    pid_t pid = 0;
    int err;

    if (__real_child_spawn(plan, place, watch, &pid, &step, &err) != TS_OK)
        _exit(97);
    wait_for(pid);
    return (uint32_t)(clock_ns() - t0);
}

static void take_turns(const struct child_plan *plan,
                       const struct child_place *place, struct watch *watch)
{
    for (uint32_t i = 0; i < page->turns && i < BENCH_TURNS_MAX; i++) {
        bool box_first = (clock_ns() >> 4 & 1) != 0;

        if (box_first)
            page->box_ns[i] = box_once(plan, place, watch);
        page->floor_ns[i] = floor_once(plan, place);
        if (!box_first)
            page->box_ns[i] = box_once(plan, place, watch);
    }
}

ts_err __wrap_child_spawn(const struct child_plan *plan,
                          const struct child_place *place, struct watch *watch,
                          pid_t *ret_pid, const char **reterr_step,
                          int *reterr_errno);
ts_err __wrap_child_spawn(const struct child_plan *plan,
                          const struct child_place *place, struct watch *watch,
                          pid_t *ret_pid, const char **reterr_step,
                          int *reterr_errno)
{
    struct child_plan again = *plan;
    siginfo_t si;
    ts_err e;

    if (page == NULL)
        return __real_child_spawn(plan, place, watch, ret_pid, reterr_step,
                                  reterr_errno);
    if (page->turns > 0) { /* several in one namespace, one after the other */
        again.pid_in_ns = 0;
        take_turns(&again, place, watch);
    }
    page->spawn_ns = clock_ns();
    e = __real_child_spawn(&again, place, watch, ret_pid, reterr_step,
                           reterr_errno);
    page->exec_ns = clock_ns();
    if (e == TS_OK && page->wait != 0)
        (void)waitid(P_PID, (id_t)*ret_pid, &si, WEXITED | WNOWAIT | __WALL);
    page->over_ns = clock_ns();
    return e;
}

ts_err __real_back_started(struct back *b, const struct order_started *m,
                           int fds[BACK_FDS]);
ts_err __wrap_back_started(struct back *b, const struct order_started *m,
                           int fds[BACK_FDS]);
ts_err __wrap_back_started(struct back *b, const struct order_started *m,
                           int fds[BACK_FDS])
{
    ts_err e;

    if (page != NULL) /* before: who reads the message reads this */
        page->started_ns = clock_ns();
    e = __real_back_started(b, m, fds);
    return e;
}

ts_err __real_launch_order(struct launcher *l, const struct order *o,
                           uint64_t received_ns);
ts_err __wrap_launch_order(struct launcher *l, const struct order *o,
                           uint64_t received_ns);
ts_err __wrap_launch_order(struct launcher *l, const struct order *o,
                           uint64_t received_ns)
{
    ts_err e;

    if (page != NULL)
        page->order_ns = clock_ns();
    e = __real_launch_order(l, o, received_ns);
    if (page != NULL)
        page->done_ns = clock_ns();
    return e;
}
