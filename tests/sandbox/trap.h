#ifndef TESTS_SANDBOX_TRAP_H
#define TESTS_SANDBOX_TRAP_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Every system call of a process, and of those that it makes until they
 * execute something, passes the test, which can make one of them fail, or do
 * something of its own meanwhile: by seccomp's user notification, so nothing of
 * the process knows. Call number `nth` since trap_arm() is the one; calls of
 * tools and of other threads are not counted.
 */
#define TRAP_TOOLS_MAX 256

/* Called in the trap's thread while `caller` waits in front of its call, which
 * then goes on. True: at the next call again. Must not wait for the launcher.
 */
typedef bool trap_fn(void *arg, pid_t caller);

struct trap_shared;

struct trap_hit {
    bool fired;
    int nr;
    uint64_t args[6];
    bool in_child;
};

struct trap {
    struct trap_shared *shared;
    pthread_t thread;
    pthread_mutex_t lock;
    int listener;
    pid_t launcher;
    bool is_idle; /* the launcher waits for what comes next */
    bool is_over; /* there is nobody any more */
    bool is_armed;
    unsigned left; /* calls until the one that fails */
    int error;
    trap_fn *then; /* instead of failing it */
    void *then_arg;
    struct trap_hit hit;
    pid_t tools[TRAP_TOOLS_MAX]; /* whose calls are not counted */
    unsigned tool_count;
};

/* False: this host or user cannot have it. */
bool trap_possible(void);
/* Before the process exists; trap_install() inside it, last before it becomes
 * whom it is to be (needs CAP_SYS_ADMIN, or no_new_privs set). */
void trap_start(struct trap *t);
bool trap_install(void *arg); /* a struct trap */
/* The process has ended. */
void trap_stop(struct trap *t);

/* Waits until the launcher is idle (epoll_wait), or has ended: false. */
bool trap_settle(struct trap *t);
/* Settles first. */
void trap_arm(struct trap *t, unsigned nth, int error);
/* The same, but nothing fails: fn is called. */
void trap_arm_call(struct trap *t, unsigned nth, trap_fn *fn, void *arg);
/* What failed since trap_arm(), or was met, if anything was. */
struct trap_hit trap_disarm(struct trap *t);

#endif
