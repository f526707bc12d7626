#include "host.h"

#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#include "harness.h"

static int try_it(bool has_caps)
{
    const uid_t user = box_user();
    const int more = CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET;

    if (!has_caps && getuid() == 0 &&
        (setgroups(0, NULL) != 0 || setresgid(user, user, user) != 0 ||
         setresuid(user, user, user) != 0))
        return errno;
    if (unshare(CLONE_NEWNS | more | (has_caps ? 0 : CLONE_NEWUSER)) != 0)
        return errno;
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 ? 0 : errno;
}

int host_namespaces(bool has_caps)
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(try_it(has_caps));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

bool host_gives_full(bool has_caps)
{
    const int err = host_namespaces(has_caps);

    if (err != 0)
        print_message("SKIPPED: full boxes are not given here%s: a mount "
                      "namespace of one's own: %s\n",
                      has_caps ? "" : " without privileges", strerror(err));
    return err == 0;
}
