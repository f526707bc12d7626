/* Linked into a launcher of its own with --wrap=child_spawn: a tool keeps the
 * launcher's user. */
#include "sidecar/launcher/start/child.h"

ts_err __real_child_spawn(const struct child_plan *plan,
                          const struct child_place *place, struct watch *watch,
                          pid_t *ret_pid, const char **reterr_step,
                          int *reterr_errno);
ts_err __wrap_child_spawn(const struct child_plan *plan,
                          const struct child_place *place, struct watch *watch,
                          pid_t *ret_pid, const char **reterr_step,
                          int *reterr_errno);

ts_err __wrap_child_spawn(const struct child_plan *plan,
                          const struct child_place *place, struct watch *watch,
                          pid_t *ret_pid, const char **reterr_step,
                          int *reterr_errno)
{
    struct child_plan p = *plan;

    p.uid = 0;
    return __real_child_spawn(&p, place, watch, ret_pid, reterr_step,
                              reterr_errno);
}
