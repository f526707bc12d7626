#ifndef SIDECAR_LAUNCHER_TOOLS_LEVEL_H
#define SIDECAR_LAUNCHER_TOOLS_LEVEL_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/msg/order.h"

/*
 * Which box a launch gets. What a manifest or a policy demands is a least, what
 * tipstaff.yaml says is a most; in between it is the best that this host gives,
 * short of BOX_STRICT, which ordinary programs do not survive and which is
 * therefore given on demand only. Layers that are demanded may lead to a
 * stronger box too. What cannot be given is refused, never weakened. Pure.
 */
#define LEVEL_COUNT (BOX_STRICT + 1)

struct level_offer { /* of a launcher, by enum box_level */
    bool given[LEVEL_COUNT];
    uint32_t layers[LEVEL_COUNT];   /* what a tool then has */
    uint32_t weakened[LEVEL_COUNT]; /* a subset: holds less than it says */
    /* what every box must have, whoever asks: a profile with sockets is no box
     * in the host's network, and need not be named "net" for that */
    uint32_t demands;
    /* of every level, but only for who demands them: they cost too much */
    uint32_t on_demand;
    uint32_t on_demand_weakened; /* a subset */
};

struct level_want {
    enum box_level least[2]; /* manifest's and order's; BOX_ANY: no demand */
    enum box_level most;     /* of tipstaff.yaml; BOX_ANY: no limit */
    uint32_t require;        /* layer_bit that must hold */
};

/* TS_E_UNSUPPORTED: *reterr_missing is the first layer_bit that is missing. */
TS_NODISCARD ts_err level_choose(const struct level_offer *offer,
                                 const struct level_want *want,
                                 enum box_level *ret, uint32_t *reterr_missing);

/* What a tool then has: with this level, and these demands. */
uint32_t level_gives(const struct level_offer *o, enum box_level level,
                     uint32_t require, uint32_t *ret_weakened);

/* What makes a level: the layers without which it must not be called so. */
uint32_t level_layers(enum box_level level);

#endif
