/* The kernel counts keys by user. A tool has a keyring of its own, counted
 * among its own user's; where that user has no room for one more it keeps the
 * launcher's, which is empty, and the launch says so, or refuses. Needs root,
 * to use up the quota of others. */
#include "harness.h"
#include "host.h"

#include <errno.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#include "sidecar/common/layer.h"

#define TRIES_MOST 15000 /* 30 s and more */

static struct box box;

static long quota(void)
{
    FILE *f = fopen("/proc/sys/kernel/keys/maxkeys", "re");
    char text[32] = "";

    assert_non_null(f);
    assert_non_null(fgets(text, sizeof(text), f));
    (void)fclose(f);
    return strtol(text, NULL, 10);
}

/* All keys that there may be but these, which others have and keep; those of
 * processes that have just ended are given back late, one by one. 0 or an
 * errno. */
static int fill(long others)
{
    const struct timespec pause = {0, 2000000};
    const long all = quota() - others;
    long have = 1, tries = 0;
    char name[32];

    while (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0) {
        if (errno != EDQUOT || ++tries == TRIES_MOST)
            return errno;
        (void)nanosleep(&pause, NULL);
    }
    while (have < all) {
        (void)snprintf(name, sizeof(name), "k%ld", have);
        if (syscall(SYS_add_key, "keyring", name, NULL, 0,
                    KEY_SPEC_SESSION_KEYRING) >= 0) {
            have++;
            continue;
        }
        if (errno != EDQUOT || ++tries == TRIES_MOST)
            return errno;
        (void)nanosleep(&pause, NULL);
    }
    return 0;
}

static _Noreturn void hold(uid_t uid, long others, int told)
{
    int err;

    err = setgroups(0, NULL) != 0 || setuid(uid) != 0 ? errno : fill(others);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* setuid clears it */
    (void)!write(told, &err, sizeof(err));
    for (;;)
        (void)pause();
}

/* A process that has all keys this user may have, until it is ended. */
static pid_t use_up(uid_t uid, long others)
{
    int p[2], err = -1;
    pid_t pid;

    assert_int_equal(pipe(p), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        hold(uid, others, p[1]);
    (void)close(p[1]);
    assert_int_equal(read(p[0], &err, sizeof(err)), sizeof(err));
    (void)close(p[0]);
    assert_int_equal(err, 0);
    return pid;
}

static void give_back(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static bool is_root(void)
{
    if (getuid() != 0)
        print_message("SKIPPED: needs root\n");
    return getuid() == 0;
}

static void run(const char *tool, uint32_t require, struct outcome *o)
{
    struct call c = {
        .tool = tool, .what = "exit", .arg = "0", .require = require};
    char made[256];

    if (tool[0] == 'f') { /* "file": its user is the writers' */
        box_path(&box, "space/made.txt", made, sizeof(made));
        c.path = made;
        c.access = ACCESS_WRITE;
        c.arg = NULL;
    }
    box_run(&box, &c, o);
}

static void has(const struct outcome *o, bool layer, bool weakened)
{
    assert_true(o->started);
    assert_int_equal((o->on_start.layers & LAYER_KEYRING) != 0, layer);
    assert_int_equal((o->on_start.weakened & LAYER_KEYRING) != 0, weakened);
}

static void is_refused(const struct outcome *o)
{
    assert_false(o->started);
    assert_int_equal(o->code, CODE_SANDBOX_UNAVAILABLE);
    assert_string_equal(o->step, "keyring");
}

static void tools_of_users_of_their_own_need_no_room_of_the_launchers(void **s)
{
    static const enum box_level levels[] = {BOX_UID, BOX_FULL};

    (void)s;
    for (size_t i = 0; i < 2 && is_root(); i++) {
        struct outcome o;
        pid_t holder;

        if (levels[i] == BOX_FULL && !host_gives_full(true))
            continue;
        box_open_at(&box, levels[i], true);
        holder = use_up(box.user, 1);
        for (int k = 0; k < 3; k++) {
            run("plain", LAYER_KEYRING, &o);
            has(&o, true, false);
        }
        give_back(holder);
        box_close(&box);
    }
}

static void launcher_that_starts_without_room_gives_users_theirs(void **s)
{
    struct outcome o;
    pid_t holder;

    (void)s;
    if (!is_root())
        return;
    /* as a service has it: a first one of all is made beyond any quota */
    assert_true(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0);
    holder = use_up(box_user(), 0);
    box_open_at(&box, BOX_UID, true);
    run("plain", LAYER_KEYRING, &o);
    has(&o, true, false);
    box_close(&box);
    box_open_at(&box, BOX_BARE, true); /* tools would have the service's */
    run("plain", 0, &o);
    has(&o, false, false);
    run("plain", LAYER_KEYRING, &o);
    is_refused(&o);
    box_close(&box);
    give_back(holder);
}

static void writers_without_room_share_an_empty_one_and_it_is_told(void **s)
{
    struct outcome o;
    pid_t holder;

    (void)s;
    if (!is_root())
        return;
    box_open_at(&box, BOX_UID, true);
    run("file", LAYER_KEYRING, &o);
    has(&o, true, false);
    holder = use_up(box.uid_first, 0);
    run("file", 0, &o);
    has(&o, true, true);
    run("plain", LAYER_KEYRING, &o); /* another user */
    has(&o, true, false);
    run("file", LAYER_KEYRING, &o);
    is_refused(&o);
    assert_int_equal(o.sys_errno, EDQUOT);
    assert_non_null(strstr(o.text, "kernel.keys.maxkeys"));
    give_back(holder);
    box_close(&box);
}

static void tools_of_the_launchers_user_share_an_empty_one_as_well(void **s)
{
    struct outcome o;
    pid_t holder;

    (void)s;
    if (!is_root() || !host_gives_full(false))
        return;
    box_open_at(&box, BOX_FULL, false);
    run("plain", LAYER_KEYRING, &o);
    has(&o, true, false);
    holder = use_up(box.user, 1);
    run("plain", 0, &o);
    has(&o, true, true);
    run("plain", LAYER_KEYRING, &o);
    is_refused(&o);
    give_back(holder);
    box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            tools_of_users_of_their_own_need_no_room_of_the_launchers),
        cmocka_unit_test(launcher_that_starts_without_room_gives_users_theirs),
        cmocka_unit_test(
            writers_without_room_share_an_empty_one_and_it_is_told),
        cmocka_unit_test(
            tools_of_the_launchers_user_share_an_empty_one_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
