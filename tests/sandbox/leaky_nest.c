/* Linked into a launcher of its own with --wrap=child_spawn: a box that is used
 * again is not entered, while each that is made for a tool is whole. */
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

    if (p.space != NULL && p.space->nest_kinds != 0)
        p.space = NULL;
    return __real_child_spawn(&p, place, watch, ret_pid, reterr_step,
                              reterr_errno);
}
