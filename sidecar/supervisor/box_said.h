#ifndef SIDECAR_SUPERVISOR_BOX_SAID_H
#define SIDECAR_SUPERVISOR_BOX_SAID_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_str.h"
#include "proto/msg/order.h"
#include "proto/wire/limits.h"

/* What a launcher that was asked (START with check_only) says of its boxes, in
 * a STATUS for each level (sidecar/launcher/trials.h). */
#define BOX_SAID_TEXT 96

struct box_said { /* one level of one profile */
    char profile[BOX_SAID_TEXT];
    enum box_level level;
    bool offered;  /* host and privileges suffice */
    bool given;    /* and the canary found nothing */
    bool expected; /* not given, as the profile asks for */
    uint32_t layers, weakened;
    char step[BOX_SAID_TEXT]; /* "canary:..." if it was taken away, else "" */
};
#define BOXES_SAID_MAX (TS_LAUNCHERS_MAX * 4)

/* False: the text is not one, and *ret is untouched. */
TS_NODISCARD bool box_said_parse(struct ts_str text, struct box_said *ret);

struct boxes_said { /* of all launchers, by rank */
    struct box_said list[BOXES_SAID_MAX];
    uint32_t rank[BOXES_SAID_MAX];
    uint32_t count;
};
/* Adds what that text says, if it is one and there is room, behind all that
 * have no higher rank: launchers are ready in any order. */
void boxes_said_add(struct boxes_said *b, uint32_t rank, struct ts_str text);
/* To standard output: for each level the profiles that are served at it
 * and the layers that all of them have, and for the others why not. */
void boxes_said_print(const struct boxes_said *b);

#endif
