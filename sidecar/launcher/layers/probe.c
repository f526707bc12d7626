#include "sidecar/launcher/layers/probe.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sidecar/launcher/layers/landlock.h"
#include "sidecar/launcher/layers/probe_tries.h"

/* A try that does not end is a layer that does not hold. It gets processor time
 * rather than time: a busy machine must not look like one without seccomp. */
#define TRY_CPU_SECONDS 5
#define TRY_SECONDS     60

static const struct {
    uint32_t bit;
    int (*attempt)(void);
    const char *stops;
} tries[LAYER_COUNT] = {
    {LAYER_NO_NEW_PRIVS, try_no_new_privs,
     "set-id programs give a tool no other rights"},
    {LAYER_SECCOMP, try_seccomp,
     "no sockets, no mounts, no tracing: only listed system calls"},
    {LAYER_LANDLOCK, try_landlock,
     "files: only the tool's own and the authorised resource"},
    {LAYER_LANDLOCK_NET, try_landlock_net,
     "TCP denied once more behind seccomp"},
    {LAYER_LANDLOCK_SCOPE, try_landlock_scope,
     "no signals and no abstract sockets to the outside"},
    {LAYER_RLIMITS, try_rlimits,
     "memory, CPU time, file size, descriptors, and (not as uid 0) processes"},
    {LAYER_FDS_CLOSED, try_fds_closed,
     "only stdin, stdout and stderr are open"},
    {LAYER_CLEAN_ENV, try_clean_env, "no variable of the sidecar is seen"},
    {LAYER_SESSION, try_session, "no terminal to type into"},
    {LAYER_PDEATHSIG, try_pdeathsig, "a tool dies with the launcher"},
    {LAYER_SUBREAPER, try_subreaper,
     "daemons of a tool come to the launcher, which kills them"},
    {LAYER_UID, try_uid, "a user id that nobody else has while the tool runs"},
    {LAYER_NAMESPACES, try_namespaces,
     "a root, processes, and IPC of its own: the rest is not there"},
    {LAYER_CGROUP, try_cgroup,
     "limits of memory and processes for all of a tool together"},
    {LAYER_NET_NS, try_net_ns, "a network without a way out"},
    {LAYER_PRIVATE_TMP, try_private_tmp,
     "a /tmp that nobody else sees, of limited size"},
    {LAYER_OWN_PROC, try_own_proc, "a /proc without anybody else's processes"},
    {LAYER_KEYRING, try_keyring, "no keys of the service's session"},
    {LAYER_NO_WX, try_no_wx, "no memory both writable and executable"},
    {LAYER_OWN_FILTER, try_own_filter,
     "a further filter of system calls (level strict)"},
    {LAYER_METADATA, try_metadata,
     "mode, owner and times: only of the tool's own files"},
};

/* 0 or an errno; anything odd (killed, hung) is EPROTO. */
static int attempt(int (*fn)(void))
{
    int status = 0;
    pid_t pid = fork();

    if (pid < 0)
        return errno;
    if (pid == 0) {
        const struct rlimit cpu = {TRY_CPU_SECONDS, TRY_CPU_SECONDS};
        sigset_t none;

        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        (void)setrlimit(RLIMIT_CPU, &cpu);
        (void)alarm(TRY_SECONDS);
        _exit(fn());
    }
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return errno;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : EPROTO;
}

/* Whether a filter may answer with an errno (no filter is installed). */
static int has_seccomp(void)
{
    const uint32_t action = SECCOMP_RET_ERRNO;

    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0
               ? 0
               : errno;
}

static void probe(struct layers *ret, uint32_t bits)
{
    struct layers l = {.landlock_abi = landlock_abi()};

    for (size_t i = 0; i < LAYER_COUNT; i++) {
        int err = (bits >> i & 1) == 0 ? EAGAIN
                  : tries[i].bit == LAYER_SECCOMP && bits != LAYER_BITS_ALL
                      ? has_seccomp()
                      : attempt(tries[i].attempt);

        l.probe[i] = (struct layer_probe){.bit = 1u << i,
                                          .holds = err == 0,
                                          .sys_errno = err,
                                          .stops = tries[i].stops};
        if (err == 0)
            l.held |= 1u << i;
    }
    l.process_limit = attempt(try_process_limit) == 0;
    *ret = l;
}

void layers_probe(struct layers *ret)
{
    probe(ret, LAYER_BITS_ALL);
}

void layers_probe_floor(struct layers *ret)
{
    probe(ret, LAYER_FLOOR | (uint32_t)LAYER_LANDLOCK_NET |
                   (uint32_t)LAYER_LANDLOCK_SCOPE);
}
