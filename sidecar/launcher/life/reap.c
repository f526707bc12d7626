/* What runs: its deadline, its end, and that nothing of it is left. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/log.h"
#include "sidecar/launcher/launcher.h"
#include "sidecar/launcher/life/uid_kill.h"

#define COUNT_MOST    256
#define CHILDREN_MOST 512 /* of ours; with more nothing is used again */

uint64_t now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_BOOTTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static ts_err report(struct launcher *l, struct active_run *r)
{
    const struct order_exited m = {
        .order_id = r->order_id,
        .reason = r->life.reason,
        .exit_code =
            WIFEXITED(r->status) ? (uint32_t)WEXITSTATUS(r->status) : 0,
        .signal = WIFSIGNALED(r->status) ? (uint32_t)WTERMSIG(r->status) : 0,
        .wall_us = r->wall_us,
        .cpu_us = r->cpu_us,
        .max_rss_kb = r->max_rss_kb,
        .killed = r->killed,
    };

    ts_err e = network_over(&l->network, &r->network, r->order_id, m.reason);

    if (e != TS_OK)
        return e;
    if (r->scratch_fd >= 0)
        leftovers_take(l, r->scratch_fd, r->scratch, r->uid);
    else
        uids_give(&l->uids, r->uid);
    groups_give(l, r);
    metadata_dismiss(l->metadata, r->mark);
    inits_end(&r->init); /* nothing of its /tmp is left then */
    *r = l->runs[--l->run_count];
    e = back_exited(&l->back, &m);
    launch_refill(l, INITS_READY_MAX);
    return e;
}

/* With process 1 its whole namespace dies, whatever it is doing: the tool
 * itself is process 1 if there is no init. No number is reused before we have
 * reaped it. */
static void kill_namespace(const struct active_run *r)
{
    if (r->init.pid > 0)
        (void)kill(r->init.pid, SIGKILL);
    else if (r->pid > 0)
        (void)kill(r->pid, SIGKILL);
}

/* No other tool, and nothing else, has it. */
static bool has_own_uid(const struct launcher *l, const struct active_run *r)
{
    return r->uid != 0 && r->uid != l->uids.writers;
}

/* Told to end while it runs, in a namespace whose end the kernel reaps itself:
 * nobody could count them afterwards. A process of the tool's is the child of
 * another one, or of process 1 if it was left behind. */
static void count_crowd(struct launcher *l, struct active_run *r)
{
    if (r->pid <= 0)
        return; /* it ended by itself, and they were counted then */
    r->killed = inits_count_left(&l->inits, r->pid, COUNT_MOST);
    if (r->init.pid > 0 && r->killed < COUNT_MOST)
        r->killed +=
            inits_count_left(&l->inits, r->init.pid, COUNT_MOST - r->killed);
}

/* By what ends all of it at once; false: there is no such thing, and it has to
 * be found by its mark. */
static bool end_at_once(struct launcher *l, struct active_run *r)
{
    bool is_first = !r->was_swept;

    r->was_swept = true; /* should anything be left, it is looked for */
    if (r->in_pid_ns) {
        if (is_first)
            count_crowd(l, r);
        kill_namespace(r);
        return true;
    }
    if (has_own_uid(l, r) && uid_kill(&l->place, &l->watch, &l->key, r->uid))
        return true;
    return is_first && groups_end(l, r);
}

/* Other users' marks take a file each to read. */
static struct tree tree_for(const struct launcher *l, bool is_ours)
{
    struct tree t = l->tree;

    t.has_other_users = t.has_other_users && !is_ours;
    return t;
}

static void sweep(struct launcher *l, struct active_run *r)
{
    struct tree t = tree_for(l, r->uid == 0);

    if (!end_at_once(l, r))
        tree_sweep(&t, r->mark);
}

/* Process 1 can be reaped when it is the last. */
static bool is_left(struct launcher *l, const struct active_run *r)
{
    return r->in_pid_ns ? r->init.pid > 0 : tree_is_left(&l->tree, r->mark);
}

/* Carries out effects until one waits for something outside. */
static ts_err drive(struct launcher *l, struct active_run *r, enum run_event ev,
                    enum end_reason why)
{
    ts_err e;

    for (;;) {
        enum run_effect effect = run_step(&r->life, ev, why);

        switch (effect) {
        case RUN_DO_NOTHING:
            return TS_OK;
        case RUN_DO_SWEEP:
            if (ev == RUN_EV_KILL)
                r->unswept = true; /* runs_sweep() follows */
            else
                sweep(l, r);
            if ((e = network_cut(&l->network, &r->network, r->order_id,
                                 r->life.reason)) != TS_OK)
                return e;
            r->look_ns = now_ns() + LOOK_AGAIN_NS;
            if (r->ending_ns == 0)
                r->ending_ns = now_ns();
            return TS_OK;
        case RUN_DO_LOOK:
            ev = is_left(l, r) ? RUN_EV_TREE_LEFT : RUN_EV_TREE_GONE;
            break;
        case RUN_DO_REPORT:
            return report(l, r);
        case RUN_DO_STOP:
            return TS_E_STATE;
        }
    }
}

ts_err runs_kill(struct launcher *l, uint64_t order_id, enum end_reason why)
{
    for (uint32_t i = 0; i < l->run_count; i++) {
        if (l->runs[i].order_id == order_id)
            return drive(l, &l->runs[i], RUN_EV_KILL, why);
    }
    return TS_OK; /* it has ended already */
}

void runs_sweep(struct launcher *l)
{
    uint64_t marks[LAUNCHER_RUNS_MAX];
    struct tree t;
    size_t count = 0;
    bool is_ours = true;

    for (uint32_t i = 0; i < l->run_count; i++) {
        if (!l->runs[i].unswept)
            continue;
        l->runs[i].unswept = false;
        if (end_at_once(l, &l->runs[i]))
            continue;
        is_ours = is_ours && l->runs[i].uid == 0;
        marks[count++] = l->runs[i].mark;
    }
    t = tree_for(l, is_ours);
    if (count > 0)
        tree_sweep_all(&t, marks, count);
}

ts_err runs_kill_all(struct launcher *l, enum end_reason why)
{
    ts_err e = TS_OK;

    for (uint32_t i = l->run_count; i-- > 0 && e == TS_OK;)
        e = drive(l, &l->runs[i], RUN_EV_KILL, why);
    runs_sweep(l);
    return e;
}

static uint64_t micros(struct timeval t)
{
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_usec;
}

/* uid: the real one of that child. */
static struct active_run *run_of(struct launcher *l, pid_t pid, uid_t uid)
{
    uint64_t mark;

    for (uint32_t i = 0; i < l->run_count; i++) {
        if (l->runs[i].pid == pid || l->runs[i].init.pid == pid)
            return &l->runs[i];
    }
    for (uint32_t i = 0; i < l->run_count; i++) {
        if (has_own_uid(l, &l->runs[i]) && l->runs[i].uid == uid)
            return &l->runs[i];
    }
    mark = tree_mark_of(&l->tree, pid); /* an orphan: a zombie keeps its mark */
    for (uint32_t i = 0; i < l->run_count && mark != 0; i++) {
        if (l->runs[i].mark == mark)
            return &l->runs[i];
    }
    return NULL;
}

static bool is_known(const struct launcher *l, pid_t pid)
{
    for (uint32_t i = 0; i < l->run_count; i++)
        if (l->runs[i].pid == pid || l->runs[i].init.pid == pid)
            return true;
    return inits_has(&l->inits, pid);
}

/* What a tool made beside itself (CLONE_PARENT) is our child, and may be in its
 * namespace: then no process 1 knows of it. */
static bool has_strangers(const struct launcher *l)
{
    pid_t list[CHILDREN_MOST];
    size_t n = 0;

    if (tree_children(&l->tree, list, CHILDREN_MOST, &n) != TS_OK)
        return true;
    for (size_t i = 0; i < n; i++)
        if (!is_known(l, list[i]))
            return true;
    return false;
}

/* The tool is gone by itself. If nothing is left of it, its namespace is as
 * good as new. */
static void leave_namespace(struct launcher *l, struct active_run *r)
{
    if (!l->needs.no_reuse && !has_strangers(l) &&
        inits_give(&l->inits, &r->init))
        return;
    r->killed = inits_count_left(&l->inits, r->init.pid, COUNT_MOST);
}

static ts_err reap_one(struct launcher *l, pid_t pid, uid_t uid)
{
    struct active_run *r = run_of(l, pid, uid);
    struct rusage ru = {0};
    int status = 0;

    if (wait4(pid, &status, __WALL, &ru) != pid)
        return TS_E_SYSTEM;
    if (r == NULL) {
        (void)inits_forget(&l->inits, pid);
        return TS_OK;
    }
    r->cpu_us += micros(ru.ru_utime) + micros(ru.ru_stime);
    if ((uint64_t)ru.ru_maxrss > r->max_rss_kb)
        r->max_rss_kb = (uint64_t)ru.ru_maxrss;
    if (r->init.pid == pid) { /* and with it everything else */
        r->init.pid = 0;
        return r->life.state == RUN_ENDING
                   ? drive(l, r, RUN_EV_TICK, END_EXITED)
                   : TS_OK;
    }
    if (r->pid != pid) {
        r->killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        if (r->life.state == RUN_ENDING)
            r->look_ns = 0; /* perhaps the last one */
        return TS_OK;
    }
    r->pid = 0;
    r->status = status;
    if (r->init.pid > 0 && r->life.state == RUN_RUNNING)
        leave_namespace(l, r);
    r->wall_us = (now_ns() - r->started_ns) / 1000;
    if (r->ending_ns == 0)
        r->ending_ns = now_ns();
    return drive(l, r, RUN_EV_EXITED, END_EXITED);
}

ts_err runs_reap(struct launcher *l)
{
    for (;;) {
        siginfo_t si = {0};
        ts_err e;

        if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT | __WALL) != 0)
            return errno == ECHILD || errno == EINTR ? TS_OK : TS_E_SYSTEM;
        if (si.si_pid == 0)
            return TS_OK;
        if ((e = reap_one(l, si.si_pid, si.si_uid)) != TS_OK)
            return e;
    }
}

static bool is_ending(const struct active_run *r)
{
    return r->life.state == RUN_KILLING || r->life.state == RUN_ENDING;
}

ts_err runs_tick(struct launcher *l, uint64_t now)
{
    leftovers_turn(l);
    /* backwards: report() moves the last one into the gap */
    for (uint32_t i = l->run_count; i-- > 0;) {
        struct active_run *r = &l->runs[i];
        ts_err e = TS_OK;

        if (is_ending(r) && now - r->ending_ns > GIVE_UP_NS) {
            log_event(LOG_ERROR, "tree_does_not_end order=%llu",
                      (unsigned long long)r->order_id);
            return TS_E_STATE;
        }
        if (is_ending(r) && now >= r->look_ns) {
            r->look_ns = now + LOOK_AGAIN_NS;
            e = drive(l, r, RUN_EV_TICK, END_EXITED);
        } else if (!is_ending(r) && now >= r->deadline_ns) {
            e = drive(l, r, RUN_EV_WALL, END_WALL_LIMIT);
        }
        if (e != TS_OK)
            return e;
    }
    return TS_OK;
}

uint64_t runs_next_ns(const struct launcher *l)
{
    uint64_t next = l->leftover_count > 0 ? 0 : UINT64_MAX;

    for (uint32_t i = 0; i < l->run_count; i++) {
        const struct active_run *r = &l->runs[i];
        uint64_t at = is_ending(r) ? r->look_ns : r->deadline_ns;

        if (at < next)
            next = at;
    }
    return next;
}

/* A number that was reaped is nobody's to signal. */
static void note_end(struct launcher *l, pid_t pid)
{
    for (uint32_t i = 0; i < l->run_count; i++) {
        if (l->runs[i].pid == pid)
            l->runs[i].pid = 0;
        if (l->runs[i].init.pid == pid)
            l->runs[i].init.pid = 0;
    }
}

void runs_end_all(struct launcher *l)
{
    const struct timespec pause = {0, 1000000};
    uint64_t give_up = now_ns() + GIVE_UP_NS;

    inits_done(&l->inits); /* they would never end by themselves */
    for (uint32_t i = 0; i < l->run_count; i++)
        sweep(l, &l->runs[i]);
    while (now_ns() < give_up) {
        pid_t pid = waitpid(-1, NULL, WNOHANG | __WALL);

        if (pid < 0)
            break; /* nothing is left */
        if (pid > 0) {
            note_end(l, pid);
            continue;
        }
        for (uint32_t i = 0; i < l->run_count; i++) {
            if (is_left(l, &l->runs[i]))
                sweep(l, &l->runs[i]);
        }
        (void)nanosleep(&pause, NULL);
    }
    for (uint32_t i = 0; i < l->run_count; i++) {
        if (l->runs[i].scratch_fd >= 0)
            leftovers_take(l, l->runs[i].scratch_fd, l->runs[i].scratch,
                           l->runs[i].uid);
    }
    leftovers_end(l, give_up);
}
