#include "sidecar/gate/people/sensitivity.h"

#include "sidecar/gate/people/snapshot_priv.h"

static const struct ts_str names[] = {
    GATE_STR("public"),
    GATE_STR("internal"),
    GATE_STR("confidential"),
    GATE_STR("secret"),
};

bool sensitivity_parse(struct ts_str name, uint32_t *ret)
{
    for (uint32_t i = 0; i <= SENSITIVITY_SECRET; i++)
        if (ts_str_eq(name, names[i])) {
            *ret = i;
            return true;
        }
    return false;
}

struct ts_str sensitivity_name(uint32_t level)
{
    return names[level < SENSITIVITY_SECRET ? level : SENSITIVITY_SECRET];
}
