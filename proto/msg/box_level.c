#include "proto/msg/order.h"

static const char *const names[] = {
    [BOX_ANY] = "any",   [BOX_BARE] = "bare",     [BOX_UID] = "uid",
    [BOX_FULL] = "full", [BOX_STRICT] = "strict",
};
#define NAMES (sizeof(names) / sizeof(names[0]))

const char *box_level_name(enum box_level l)
{
    return (size_t)l < NAMES ? names[l] : "unknown";
}

bool box_level_parse(struct ts_str name, enum box_level *ret)
{
    for (size_t i = 0; i < NAMES; i++) {
        if (ts_str_eq_c(name, names[i])) {
            *ret = (enum box_level)i;
            return true;
        }
    }
    return false;
}
