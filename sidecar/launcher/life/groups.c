/* Control groups of tools: limits of a whole tool, and one more way to end it.
 */
#include <string.h>

#include "sidecar/common/fds.h"
#include "sidecar/common/layer.h"
#include "sidecar/common/log.h"
#include "sidecar/launcher/launcher.h"

/* Joining costs little, or thousands of microseconds (space/cgroups.h): then
 * only a tool that demands the layer pays for it. */
void groups_offer(struct launcher *l)
{
    const char *step = "";
    uint32_t weak;
    uint64_t us;
    int err = 0;

    if (space_groups_new(LAUNCHER_FD_CGROUP, l->index, &l->key, &l->groups,
                         &step, &err) != TS_OK) {
        l->groups = NULL;
        log_event(LOG_INFO, "no_cgroups step=\"%s\" error=\"%s\"", step,
                  strerror(err));
        return;
    }
    us = space_groups_join_us(l->groups);
    weak = space_groups_weakened(l->groups) ? (uint32_t)LAYER_CGROUP : 0;
    log_event(LOG_DEBUG, "cgroups power=%x join_us=%llu",
              space_groups_power(l->groups), (unsigned long long)us);
    if (us >= SPACE_GROUPS_JOIN_US) {
        l->offer.on_demand = LAYER_CGROUP;
        l->offer.on_demand_weakened = weak;
        log_event(LOG_INFO,
                  "cgroups_on_demand join_us=%llu text=\"only tools that "
                  "require: [cgroup] get one; mount the hierarchy with "
                  "favordynmods to make it cheap\"",
                  (unsigned long long)us);
        return;
    }
    for (int i = BOX_BARE; i < LEVEL_COUNT; i++) {
        if (!l->offer.given[i])
            continue;
        l->offer.layers[i] |= LAYER_CGROUP;
        l->offer.weakened[i] |= weak;
    }
}

bool groups_end(struct launcher *l, const struct active_run *r)
{
    return r->has_group && space_groups_kill(l->groups, r->group) == TS_OK;
}

void groups_give(struct launcher *l, struct active_run *r)
{
    if (r->has_group)
        space_groups_give(l->groups, r->group);
    r->has_group = false;
}
