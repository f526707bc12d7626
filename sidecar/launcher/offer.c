/* Which boxes this launcher can give, from what it may and what the host has.
 */
#include <string.h>

#include "sidecar/common/log.h"
#include "sidecar/launcher/launcher.h"

#define BARE_LAYERS                                                            \
    (LAYER_FLOOR | (uint32_t)LAYER_LANDLOCK_NET |                              \
     (uint32_t)LAYER_LANDLOCK_SCOPE)

static void give(struct level_offer *o, enum box_level level, uint32_t layers,
                 uint32_t weakened)
{
    o->given[level] = true;
    o->layers[level] = layers;
    o->weakened[level] = weakened & layers;
}

/* Tools never run as uid 0: a launcher that does can only give boxes that
 * change the uid. */
static void offer_bare(struct launcher *l)
{
    uint32_t layers = l->layers.held & BARE_LAYERS;
    uint32_t weak = 0;

    if (l->has_keyring) { /* one for all of them, and no call to reach it */
        layers |= LAYER_KEYRING;
        weak |= LAYER_KEYRING;
    }
    if (!l->layers.process_limit)
        weak |= LAYER_RLIMITS;
    if (l->self_uid != 0)
        give(&l->offer, BOX_BARE, layers, weak);
}

static void offer_uid(struct launcher *l)
{
    uint32_t layers = l->layers.held & BARE_LAYERS;

    if (!l->caps.uids || l->uids.count == 0)
        return;
    if (l->has_keyring)
        layers |= LAYER_KEYRING;
    give(&l->offer, BOX_UID, layers | LAYER_UID, 0);
}

void offer_make(struct launcher *l)
{
    memset(&l->offer, 0, sizeof(l->offer));
    offer_bare(l);
    offer_uid(l);
    for (int i = BOX_BARE; i < LEVEL_COUNT; i++) {
        if (l->offer.given[i])
            log_event(LOG_DEBUG, "box_given level=%s layers=%x weakened=%x",
                      box_level_name((enum box_level)i), l->offer.layers[i],
                      l->offer.weakened[i]);
    }
}
