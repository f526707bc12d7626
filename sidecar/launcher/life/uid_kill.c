#include "sidecar/launcher/life/uid_kill.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "sidecar/launcher/layers/raw.h"
#include "sidecar/launcher/start/caps.h"

#define TRIES 3 /* they may kill it first */

struct hand {
    const struct filter_key *key;
    pid_t launcher;
    uid_t uid;
    bool is_done;
};

/* It kills whatever it may, so it must be sure first that it is who it should
 * be, and that it may not kill us. */
static bool is_harmless(const struct hand *h)
{
    uid_t real = 0, effective = 0, saved = 0;

    return raw_call3(SYS_getresuid, raw_ptr(&real), raw_ptr(&effective),
                     raw_ptr(&saved)) == 0 &&
           real == h->uid && effective == h->uid && saved == h->uid &&
           raw_call3(SYS_kill, h->launcher, 0, 0) == -EPERM;
}

/* In the launcher's memory, like a starting tool (child.c). */
static int run(void *arg)
{
    struct hand *h = arg;

    if (filter_call4(h->key, SYS_setresuid, h->uid, h->uid, h->uid, 0) == 0 &&
        caps_drop_all_raw(h->key) == 0 && is_harmless(h))
        h->is_done = raw_call3(SYS_kill, -1, SIGKILL, 0) == 0;
    return 0;
}

bool uid_kill(const struct child_place *place, struct watch *watch,
              const struct filter_key *key, uid_t uid)
{
    struct hand h = {.key = key, .launcher = place->self, .uid = uid};

    for (int i = 0; i < TRIES && !h.is_done; i++) {
        long pid;

        watch_open(watch);
        pid = clone_run(0, &place->helper_stack, &watch->tid[0], run, &h, key);
        (void)watch_close(watch);
        if (pid < 0)
            return false;
        (void)waitpid((pid_t)pid, NULL, __WALL);
    }
    return h.is_done;
}
