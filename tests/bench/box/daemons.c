/* Starts as many daemons as it is told, each in a session of its own and
 * nobody's child, says "ready" and waits to be killed. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int start(void)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid > 0 && waitpid(pid, NULL, 0) == pid ? 0 : 1;
    if (setsid() < 0)
        _exit(1);
    pid = fork();
    if (pid != 0)
        _exit(pid > 0 ? 0 : 1);
    for (;;)
        (void)pause();
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 100;

    for (int i = 0; i < count; i++)
        if (start() != 0)
            return 1;
    if (write(1, "ready\n", 6) != 6)
        return 1;
    for (;;)
        (void)pause();
}
