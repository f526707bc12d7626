#include "sidecar/broker/privilege.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define READ_SEARCH                                                            \
    (1u << CAP_DAC_READ_SEARCH) /* in the first of two words                   \
                                 */
_Static_assert(CAP_DAC_READ_SEARCH < 32, "in the first word");

static ts_err get(struct __user_cap_data_struct d[2])
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};

    return syscall(SYS_capget, &h, d) == 0 ? TS_OK : ts_err_from_errno(errno);
}

static ts_err set(uint32_t permitted, uint32_t effective)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2] = {{effective, permitted, 0}, {0, 0, 0}};

    return syscall(SYS_capset, &h, d) == 0 ? TS_OK : ts_err_from_errno(errno);
}

ts_err privilege_take(void)
{
    struct __user_cap_data_struct d[2] = {{0, 0, 0}, {0, 0, 0}};
    ts_err e = get(d);

    if (e != TS_OK)
        return e;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
        return ts_err_from_errno(errno);
    return set(d[0].permitted & READ_SEARCH, 0);
}

void privilege_raise(bool on)
{
    struct __user_cap_data_struct d[2] = {{0, 0, 0}, {0, 0, 0}};

    if (get(d) == TS_OK && (d[0].permitted & READ_SEARCH) != 0)
        (void)set(READ_SEARCH, on ? READ_SEARCH : 0); /* else it stays shut */
}

ts_err privilege_drop(void)
{
    struct __user_cap_data_struct d[2] = {{1, 1, 1}, {1, 1, 1}};
    ts_err e = set(0, 0);

    if (e == TS_OK)
        e = get(d);
    if (e != TS_OK)
        return e;
    for (int i = 0; i < 2; i++) {
        if ((d[i].permitted | d[i].effective | d[i].inheritable) != 0)
            return TS_E_STATE;
    }
    return TS_OK;
}
