#ifndef TESTS_SANDBOX_TRAP_H
#define TESTS_SANDBOX_TRAP_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Every system call of a process, and of those that it makes until they
 * execute something, passes the test, which can make one of them fail: by
 * seccomp's user notification, so nothing of the process knows. Call number
 * `nth` since trap_arm() fails; calls of tools and of other threads are not
 * counted.
 */
#define TRAP_TOOLS_MAX 256

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
/* What failed since trap_arm(), if anything did. */
struct trap_hit trap_disarm(struct trap *t);

#endif
