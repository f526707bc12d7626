/* Which boxes this launcher can give, from what it may and what the host has.
 */
#include <string.h>

#include "sidecar/common/log.h"
#include "sidecar/launcher/launcher.h"
#include "sidecar/sandbox/profile.h"

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

/* What the profile demands is of a box with namespaces of its own: none below
 * is made then, nor tried.
 *
 * Tools never run as uid 0: a launcher that does can only give boxes that
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
    if (l->metadata != NULL)
        layers |= LAYER_METADATA;
    if (l->self_uid != 0 && l->offer.demands == 0)
        give(&l->offer, BOX_BARE, layers, weak);
}

static void offer_uid(struct launcher *l)
{
    uint32_t layers = l->layers.held & BARE_LAYERS;

    if (!l->caps.uids || l->uids.count == 0 || l->offer.demands != 0)
        return;
    if (l->gives_keyring)
        layers |= LAYER_KEYRING;
    /* tools that write share a user */
    give(&l->offer, BOX_UID,
         layers | (uint32_t)LAYER_UID | (uint32_t)LAYER_METADATA,
         LAYER_METADATA);
}

bool offer_has_full(const struct launcher *l)
{
    return l->offer.given[BOX_FULL];
}

/* The shared namespaces, if none is missing that a full box must have. */
static bool make_shared(struct launcher *l)
{
    const char *step = "";
    int err = 0;

    space_try(&l->key, l->caps.in_user_ns, &l->space_caps);
    if (!l->space_caps.templates || !l->space_caps.private_tmp ||
        !l->space_caps.empty_net) {
        log_event(LOG_INFO, "no_full_boxes step=%s error=\"%s\"",
                  l->space_caps.step != NULL ? l->space_caps.step : "-",
                  strerror(l->space_caps.sys_errno));
        return false;
    }
    if (space_shared_make(&l->key, &l->shared, &step, &err) != TS_OK) {
        log_event(LOG_ERROR, "no_full_boxes step=%s error=\"%s\"", step,
                  strerror(err));
        return false;
    }
    return l->shared.net_ns >= 0;
}

static bool has_init(struct launcher *l)
{
    int err = 0;

    if (inits_refill(&l->inits, 1, &l->place, &l->watch, &err) == TS_OK &&
        l->inits.count > 0)
        return true;
    log_event(LOG_ERROR, "no_full_boxes step=pid_ns error=\"%s\"",
              strerror(err));
    return false;
}

static void offer_full(struct launcher *l, const struct control_start *start)
{
    uint32_t layers = l->layers.held & BARE_LAYERS;
    bool uids = l->caps.uids && l->uids.count > 0;

    if (!l->caps.spaces || (l->self_uid == 0 && !uids) || !make_shared(l) ||
        !has_init(l))
        return;
    l->builder = (struct space_builder){
        .key = l->key,
        .uid_first = start->sandbox.uid_first,
        .uid_count = start->sandbox.uid_count,
        .gid = l->self_gid,
        /* with nothing above it, tools would see the one below */
        .proc_below = l->caps.in_user_ns && l->space_caps.own_proc};
    layers |= (uint32_t)LAYER_NAMESPACES | (uint32_t)LAYER_NET_NS |
              (uint32_t)LAYER_PRIVATE_TMP | (uint32_t)LAYER_METADATA;
    if (l->space_caps.own_proc)
        layers |= LAYER_OWN_PROC;
    if (uids ? l->gives_keyring : l->has_keyring)
        layers |= LAYER_KEYRING;
    if (uids)
        layers |= LAYER_UID;
    give(&l->offer, BOX_FULL, layers,
         uids || l->layers.process_limit ? 0 : (uint32_t)LAYER_RLIMITS);
    if (l->strict_prog.filter == NULL || !l->has_no_wx)
        return;
    layers |= LAYER_OWN_FILTER;
    if (!l->profile->options.needs_write_exec)
        layers |= LAYER_NO_WX;
    give(&l->offer, BOX_STRICT, layers, l->offer.weakened[BOX_FULL]);
}

void offer_make(struct launcher *l, const struct control_start *start)
{
    memset(&l->offer, 0, sizeof(l->offer));
    l->offer.demands = (l->needs.net_ns ? (uint32_t)LAYER_NET_NS : 0) |
                       (l->needs.ipc_ns ? (uint32_t)LAYER_NAMESPACES : 0);
    l->level_most = start->sandbox.most;
    uids_init(&l->uids, start->sandbox.uid_first, start->sandbox.uid_count,
              start->launchers, start->launcher_index);
    offer_bare(l);
    if (l->level_most == BOX_ANY || l->level_most >= BOX_UID)
        offer_uid(l);
    if (l->level_most == BOX_ANY || l->level_most >= BOX_FULL)
        offer_full(l, start);
    if (start->sandbox.cgroups)
        groups_offer(l);
    for (int i = BOX_BARE; i < LEVEL_COUNT; i++) {
        if (l->offer.given[i])
            log_event(LOG_DEBUG, "box_given level=%s layers=%x weakened=%x",
                      box_level_name((enum box_level)i), l->offer.layers[i],
                      l->offer.weakened[i]);
    }
}
