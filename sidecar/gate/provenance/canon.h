#ifndef SIDECAR_GATE_PROVENANCE_CANON_H
#define SIDECAR_GATE_PROVENANCE_CANON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"

/*
 * The form in which values are compared (provenance design, 0.5): characters as
 * fold.h takes them, so letters in lower case, nothing that cannot be seen, and
 * "evil[.]example" is "evil.example"; a run of white space is one space, none
 * at the ends, no "http://", "https://", "hxxp://" or "hxxps://", no "/" at the
 * end. The text of hostile tools and models; any bytes are fine.
 */
TS_NODISCARD ts_err canon_text(struct ts_str in, struct ts_buf *out);

/* The words of canonical text: a run of [a-z0-9], or one character beyond
 * ASCII. False after the last; *at is where to go on, 0 to begin. */
struct canon_word {
    size_t at, len;
};
bool canon_word_next(struct ts_str canonical, size_t *at,
                     struct canon_word *ret);
bool canon_is_alnum(char c); /* [a-z0-9] */

/*
 * Another address is no part of an address: "smith@x.example" does not stand in
 * "anna.smith@x.example", nor "bank.example" in "my-bank.example", nor
 * "acme.co" in "acme.co.uk". canon_edges_of() says how a value begins and ends,
 * canon_edges_fit() whether it stands at p of a text by itself. A NUL must be
 * somewhere before p and one behind the text.
 */
struct canon_edges {
    bool address_begins; /* a local part and "@" */
    bool host_begins;    /* a name with a dot */
    bool host_ends;      /* an address or host ends it */
};
struct canon_edges canon_edges_of(struct ts_str canonical);
bool canon_edges_fit(const struct canon_edges *e, const char *p, size_t len);

/* The exact decimal of a number's text: 1200, 1,200, 1200.00 and 1.2e3 are one.
 * False: not a number that is compared as one (then it is text). */
struct canon_number {
    bool negative;
    uint8_t digits[40]; /* without leading and trailing zeros */
    uint8_t count;
    int32_t exponent; /* value = 0.digits x 10^exponent */
};
bool canon_number(struct ts_str in, struct canon_number *ret);
bool canon_number_same(const struct canon_number *a,
                       const struct canon_number *b);

/* How it is written in texts: 1200, 1,200, 1200.0, 1200.00, 1200.5, 1200.50.
 * The number of spellings, each NUL-terminated. */
#define CANON_SPELLINGS    8
#define CANON_SPELLING_MAX 96
uint32_t canon_number_spell(const struct canon_number *n,
                            char ret[CANON_SPELLINGS][CANON_SPELLING_MAX]);

#endif
