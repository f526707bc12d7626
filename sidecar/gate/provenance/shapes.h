#ifndef SIDECAR_GATE_PROVENANCE_SHAPES_H
#define SIDECAR_GATE_PROVENANCE_SHAPES_H

#include <stdbool.h>

#include "proto/base/ts_str.h"

/*
 * What in a text is known by its shape. Links, addresses and accounts say who
 * and where whatever argument they stand in (provenance design, 3.4); codes and
 * cards are secrets wherever they come from.
 */
enum shape {
    SHAPE_URL = 1, /* http(s)://..., www....; ends before space ' " < > ) */
    SHAPE_EMAIL,   /* local@domain with a dot in it */
    SHAPE_ACCOUNT, /* IBAN: two letters, two digits, 11 to 30 letters or digits,
                      at least ten digits in all */
    SHAPE_CARD,    /* four groups of four digits, the same one of space, "-" or
                      nothing between; Luhn is not asked */
    SHAPE_CODE     /* six digits that stand alone: a one-time code */
};
const char *shape_name(enum shape s);
bool shape_is_link(enum shape s); /* URL, EMAIL, ACCOUNT */

/* False ends the search. text borrows from the input; ".", ",", ";" and ":" at
 * its end are taken off. */
typedef bool (*shape_found)(void *ctx, enum shape s, struct ts_str text);
/* From left to right, none inside another. Linear. Any bytes are fine. */
void shapes_in(struct ts_str text, shape_found found, void *ctx);

#endif
