#ifndef POLICY_CORE_UNICODE_H
#define POLICY_CORE_UNICODE_H

#include "policy/cedar.h"

/*
 * What a person cannot see in a text: controls that reorder it on a screen, and
 * letters of other scripts that look alike (UAX #24 scripts, augmented as in
 * UTS #39; tables by script/unicode-tables). All texts are strict UTF-8.
 */

/* The first character that overrides or isolates direction (U+202A to U+202E,
 * U+2066 to U+2069), as Cedar's validator lists them; false: there is none. */
bool cedar_find_bidi(struct ts_str text, uint32_t *ret);
/* Whether one script, or one writing system such as Japanese, could have
 * written all of it; digits, punctuation and ASCII letters alone always do. */
bool cedar_single_script(struct ts_str text);
/* The first character that UTS #39 does not recommend for identifiers; ASCII
 * that prints is fine. False: there is none. */
bool cedar_find_odd_identifier(struct ts_str text, uint32_t *ret);

#endif
