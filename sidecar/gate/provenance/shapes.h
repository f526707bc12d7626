#ifndef SIDECAR_GATE_PROVENANCE_SHAPES_H
#define SIDECAR_GATE_PROVENANCE_SHAPES_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/ts_str.h"

/*
 * What in a text is known by its shape. Links, addresses and accounts say who
 * and where whatever argument they stand in (provenance design, 3.4); codes and
 * cards are secrets wherever they come from. Characters are taken as fold.h
 * says, so that an invisible one, a full-width dot or "[.]" hides nothing.
 *
 * URL      letters "://" and something, of any scheme; https:/x and http:\\x;
 *          www. and something; javascript:x, vbscript:x, blob:x, magnet:?x;
 *          data:...,x; tel:5, sms:5, callto:5 ("+" as well); mailto: with "%40"
 * EMAIL    local@name.name; the last name has a letter
 * ACCOUNT  IBAN: two letters, two digits, 11 to 30 letters or digits, at least
 *          ten digits in all; in groups of four with a space between each, if
 *          its check digits are right
 * WALLET   0x and 40 hex digits; base58check of 25 bytes and bech32, if their
 *          checksums are right
 * HOST     name.name that begins no other of these, and is not behind a name, a
 *          single "/", "\" or "."; its last name is one of top_names.h, without
 *          "_" in the last two. When that name is clear, that is enough. When
 *          it is vague, or has no ASCII letter: behind "//" ("\\", ...), or
 *          with "/" or "?" and a letter, digit, "%", "~" or what is beyond
 *          ASCII behind it (a port may be between). An IPv4 address: behind
 *          "//", or with a port, or with "/" and a letter, "%" or "~".
 *          "[2001:db8::1]" with a port or "/". Port and path are part of it.
 *          A sentence may go on without a space: "pay.example.Then" is
 *          "pay.example".
 * CARD     four groups of four digits, the same one of space, "-" or nothing
 *          between; Luhn is not asked
 * CODE     six digits that stand alone: a one-time code
 *
 * What a URL or path ends at: a byte up to space, ' " < > ) - but not between
 * the name of a user and the host behind "@".
 */
enum shape {
    SHAPE_URL = 1,
    SHAPE_EMAIL,
    SHAPE_ACCOUNT,
    SHAPE_WALLET,
    SHAPE_HOST,
    SHAPE_CARD,
    SHAPE_CODE
};
const char *shape_name(enum shape s);
bool shape_is_link(enum shape s); /* not CARD and CODE */

/* False ends the search. text borrows from the input; . , ; : ! ? * _ ~ ` ] } |
 * at its end are taken off. */
typedef bool (*shape_found)(void *ctx, enum shape s, struct ts_str text);
/* From left to right, none inside another. Linear. Any bytes are fine. How many
 * bytes were looked at: one as often as it was. */
size_t shapes_in(struct ts_str text, shape_found found, void *ctx);
/* Cards and codes alone, also those inside of links. */
size_t shapes_secret_in(struct ts_str text, shape_found found, void *ctx);

#endif
