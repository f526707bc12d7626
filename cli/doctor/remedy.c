#include "cli/doctor/doctor.h"

#include <stddef.h>

static const struct {
    uint32_t layer;
    const char *what;
} remedies[] = {
    {LAYER_NO_NEW_PRIVS, "needs Linux 3.5 and no policy against prctl"},
    {LAYER_SECCOMP, "needs a kernel with CONFIG_SECCOMP_FILTER; gVisor: use "
                    "runtime class runc for this pod"},
    {LAYER_LANDLOCK,
     "needs Linux 5.13 with landlock in the list of `lsm=` (cat "
     "/sys/kernel/security/lsm); in a container, a seccomp profile that knows "
     "the landlock calls (RuntimeDefault of containerd 1.6 and later)"},
    {LAYER_LANDLOCK_NET, "needs Linux 6.7; seccomp stands before it"},
    {LAYER_LANDLOCK_SCOPE,
     "needs Linux 6.12; a uid of its own or a pid namespace stand before it"},
    {LAYER_RLIMITS, "raise what the service is given: LimitNOFILE= and "
                    "LimitNPROC= of the unit; a user that is not root"},
    {LAYER_FDS_CLOSED, "needs Linux 5.11 (close_range)"},
    {LAYER_CLEAN_ENV, "nothing is missing that could be given"},
    {LAYER_SESSION, "nothing is missing that could be given"},
    {LAYER_PDEATHSIG, "needs a seccomp profile of the container that allows "
                      "prctl"},
    {LAYER_SUBREAPER, "needs Linux 3.4"},
    {LAYER_UID, "capabilities SETUID, SETGID and KILL for the launcher: start "
                "the service as root, or AmbientCapabilities= (systemd), "
                "securityContext.capabilities.add (Kubernetes); and "
                "sandbox.uids in tipstaff.yaml"},
    {LAYER_NAMESPACES,
     "CAP_SYS_ADMIN for the launcher, or user namespaces: sysctl "
     "user.max_user_namespaces > 0, kernel.unprivileged_userns_clone = 1 "
     "(Debian), kernel.apparmor_restrict_unprivileged_userns = 0 (Ubuntu); in "
     "a pod hostUsers: false and procMount: Unmasked"},
    {LAYER_CGROUP,
     "a folder of control groups that the service may write to: Delegate=yes "
     "in the unit, or a writable cgroup2 in the container; cgroups: auto in "
     "tipstaff.yaml"},
    {LAYER_NET_NS, "as namespaces"},
    {LAYER_PRIVATE_TMP, "as namespaces"},
    {LAYER_OWN_PROC, "as namespaces; in a container /proc must not be masked "
                     "(procMount: Unmasked)"},
    {LAYER_KEYRING,
     "a seccomp profile of the container that allows keyctl; where it says "
     "EDQUOT, more keys of a user: sysctl kernel.keys.maxkeys "
     "(/proc/key-users shows who has how many); tools cannot call it in any "
     "case"},
    {LAYER_NO_WX, "needs Linux 6.3"},
    {LAYER_OWN_FILTER, "as seccomp"},
    {LAYER_METADATA,
     "the kernel does not tell of stopped calls (gVisor), or the "
     "container's own filter does: give the service root's "
     "rights, so that tools get a user of their own"},
};

const char *doctor_remedy(uint32_t layer)
{
    for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++) {
        if (remedies[i].layer == layer)
            return remedies[i].what;
    }
    return "";
}
