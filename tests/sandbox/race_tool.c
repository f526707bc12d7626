/*
 * A tool for races: the first argument says what it does. Says "ready" when it
 * is as it will be. Links nothing of ours: it is a stranger.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DAEMONS 3

static void say_ready(void)
{
    (void)printf("ready\n");
    (void)fflush(stdout);
}

static void be_daemon(void)
{
    (void)setsid();
    if (fork() != 0)
        _exit(0);
    (void)setsid();
    for (int fd = 0; fd < 3; fd++)
        (void)close(fd);
    for (;;)
        (void)pause();
}

/* Daemons that left group, session and parent. */
static void make_daemons(void)
{
    for (int i = 0; i < DAEMONS; i++) {
        pid_t pid = fork();

        if (pid == 0)
            be_daemon();
        if (pid > 0)
            (void)waitpid(pid, NULL, 0);
    }
    say_ready();
}

/* Whatever it may signal, itself excepted, is stopped, again and again; what it
 * was told at the first try is said. */
static void stop_all(void)
{
    int rc = kill(-1, SIGSTOP);

    (void)printf("%s\n", rc == 0 ? "reached" : strerror(errno));
    (void)fflush(stdout);
    for (;;)
        (void)kill(-1, SIGSTOP);
}

int main(int argc, char **argv)
{
    char byte;

    if (argc < 2)
        return 99;
    if (strcmp(argv[1], "exit") == 0)
        return 0;
    if (strcmp(argv[1], "stop_all") == 0)
        stop_all();
    make_daemons();
    if (strcmp(argv[1], "leave") == 0) { /* when stdin ends */
        while (read(0, &byte, 1) > 0)
            continue;
        return 0;
    }
    for (;;)
        (void)pause();
}
