/*
 * A tool that does not want to die: the first argument names the trick, a
 * second one, "exit", lets its main process end by itself, a third one is
 * there for whoever looks for it. Says "ready" when the trick is on. Links
 * nothing of ours: it is a stranger.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHAINS 10

static char *self[5];

static void deaf(void)
{
    const struct sigaction a = {.sa_handler = SIG_IGN};

    (void)setsid();
    for (int sig = 1; sig < NSIG; sig++)
        (void)sigaction(sig, &a, NULL); /* all that can be ignored */
    for (int fd = 0; fd < 3; fd++)
        (void)close(fd);
}

/* Lives for one fork: whoever looks for it finds a pid that is gone. */
static void chase(void)
{
    for (;;) {
        if (fork() > 0)
            _exit(0);
    }
}

/* The same, each generation a child of the first one's parent. */
static void siblings(void)
{
    for (;;) {
        if (syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0) > 0)
            _exit(0);
    }
}

/* Wakes all that were stopped, and has a new child at every turn. */
static void cheer(void)
{
    for (;;) {
        if (fork() == 0) {
            (void)kill(-1, SIGCONT);
            _exit(0);
        }
        (void)kill(-1, SIGCONT);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
}

/* Both: who forks wakes the others first, and leaves. */
static void cheering_chase(void)
{
    for (;;) {
        (void)kill(-1, SIGCONT);
        if (fork() > 0)
            _exit(0);
    }
}

static void *forking_thread(void *arg)
{
    (void)arg;
    cheer();
    return NULL;
}

/* Without a leader: what is left of the process is one thread. */
static void leaderless(void)
{
    pthread_t t;

    if (pthread_create(&t, NULL, forking_thread, NULL) == 0)
        (void)syscall(SYS_exit, 0);
    cheer();
}

/* The parent of a vfork sleeps where no signal but a deadly one wakes it. */
static void vforks(void)
{
    for (;;) {
        if (vfork() == 0) {
            for (int i = 0; i < 1000; i++)
                (void)kill(-1, SIGCONT);
            _exit(0);
        }
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
}

/* A program of its own with every turn, under the same pid or the next. */
static void execs(void)
{
    if (fork() > 0)
        _exit(0);
    (void)execv("/proc/self/exe", self);
    chase();
}

static void stopped(void)
{
    for (;;)
        (void)raise(SIGSTOP);
}

static const struct {
    const char *name;
    void (*run)(void);
} tricks[] = {
    {"chase", chase},           {"siblings", siblings},
    {"cheer", cheer},           {"cheering_chase", cheering_chase},
    {"leaderless", leaderless}, {"vforks", vforks},
    {"execs", execs},           {"stopped", stopped},
};

static void start(void (*run)(void))
{
    for (int i = 0; i < CHAINS; i++) {
        if (fork() != 0)
            continue;
        deaf();
        run();
        _exit(0);
    }
}

int main(int argc, char **argv)
{
    static char again[] = "again"; /* what a program started anew is told */

    if (argc < 3)
        return 99;
    for (size_t i = 0; i < sizeof(tricks) / sizeof(tricks[0]); i++) {
        if (strcmp(argv[1], tricks[i].name) != 0)
            continue;
        if (strcmp(argv[2], "again") == 0)
            tricks[i].run();
        memcpy(self, (char *[]){argv[0], argv[1], again, argv[3], NULL},
               sizeof(self));
        start(tricks[i].run);
        (void)printf("ready\n");
        (void)fflush(stdout);
        if (strcmp(argv[2], "exit") == 0)
            return 0;
        for (;;)
            (void)pause();
    }
    return 98;
}
