#include "sidecar/launcher/tools/level.h"

#include <stddef.h>

#include "sidecar/common/layer.h"

uint32_t level_layers(enum box_level level)
{
    const uint32_t full =
        LAYER_FLOOR | (uint32_t)LAYER_NAMESPACES | (uint32_t)LAYER_NET_NS |
        (uint32_t)LAYER_PRIVATE_TMP; /* the uid is not a user namespace's */

    switch (level) {
    case BOX_UID:
        return LAYER_FLOOR | (uint32_t)LAYER_UID;
    case BOX_FULL:
        return full;
    case BOX_STRICT:
        return full | (uint32_t)LAYER_NO_WX | (uint32_t)LAYER_OWN_FILTER;
    case BOX_ANY:
    case BOX_BARE:
        break;
    }
    return LAYER_FLOOR;
}

static uint32_t required(const struct level_offer *o,
                         const struct level_want *w)
{
    return o->demands | w->require;
}

static enum box_level least_of(const struct level_want *w)
{
    return w->least[0] > w->least[1] ? w->least[0] : w->least[1];
}

static bool is_given(const struct level_offer *o, const struct level_want *w,
                     enum box_level level)
{
    return o->given[level] && (w->most == BOX_ANY || level <= w->most);
}

static uint32_t first_of(uint32_t bits)
{
    return bits & (~bits + 1);
}

/* By what falls short: the best box there is, beside what was asked for. */
static uint32_t missing_of(const struct level_offer *o,
                           const struct level_want *w)
{
    uint32_t wanted = level_layers(least_of(w)) | required(o, w), has = 0;

    for (int i = BOX_BARE; i < LEVEL_COUNT; i++)
        if (is_given(o, w, (enum box_level)i))
            has = o->layers[i] | o->on_demand;
    if ((o->demands & ~has) != 0)
        return first_of(o->demands & ~has);
    if ((wanted & ~has) != 0)
        return first_of(wanted & ~has);
    /* all of its layers, and yet it is not given: its last one is the name */
    return least_of(w) == BOX_STRICT ? (uint32_t)LAYER_OWN_FILTER
           : least_of(w) == BOX_FULL ? (uint32_t)LAYER_NAMESPACES
           : least_of(w) == BOX_UID  ? (uint32_t)LAYER_UID
                                     : (uint32_t)LAYER_NO_NEW_PRIVS;
}

uint32_t level_gives(const struct level_offer *o, enum box_level level,
                     uint32_t require, uint32_t *ret_weakened)
{
    uint32_t more = require & o->on_demand;

    *ret_weakened = o->weakened[level] | (more & o->on_demand_weakened);
    return o->layers[level] | more;
}

ts_err level_choose(const struct level_offer *offer,
                    const struct level_want *want, enum box_level *ret,
                    uint32_t *reterr_missing)
{
    /* in this order: a weaker box may have what the best one has not (a user
     * namespace has no uid of its own), and is weaker by demand then */
    static const enum box_level order[] = {BOX_FULL, BOX_UID, BOX_BARE,
                                           BOX_STRICT};

    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        enum box_level at = order[i];

        if (at < least_of(want) || !is_given(offer, want, at) ||
            (required(offer, want) & ~(offer->layers[at] | offer->on_demand)) !=
                0)
            continue;
        *ret = at;
        return TS_OK;
    }
    *reterr_missing = missing_of(offer, want);
    return TS_E_UNSUPPORTED;
}
