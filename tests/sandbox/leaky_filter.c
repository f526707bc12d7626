/* Linked into a launcher of its own with --wrap=filter_install, and of its
 * variant: it believes that it has a filter. */
#include <sys/prctl.h>

#include "sidecar/launcher/layers/filter_notify.h"

ts_err __wrap_filter_install(const struct sandbox_profile *profile,
                             const struct filter_key *key);

ts_err __wrap_filter_install(const struct sandbox_profile *profile,
                             const struct filter_key *key)
{
    (void)profile;
    (void)key;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? TS_OK : TS_E_SYSTEM;
}

ts_err __wrap_filter_install_notify(const struct sandbox_profile *profile,
                                    const struct filter_key *key,
                                    int *ret_listener);

ts_err __wrap_filter_install_notify(const struct sandbox_profile *profile,
                                    const struct filter_key *key,
                                    int *ret_listener)
{
    (void)profile;
    (void)key;
    (void)ret_listener;
    return TS_E_UNSUPPORTED; /* then the other one is asked for */
}
