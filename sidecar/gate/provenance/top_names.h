#ifndef SIDECAR_GATE_PROVENANCE_TOP_NAMES_H
#define SIDECAR_GATE_PROVENANCE_TOP_NAMES_H

#include "proto/base/ts_str.h"

/*
 * The last part of a host's name: those of the root zone (IANA, 2023-02), and
 * "example", "invalid" and "onion". A clear one says that "a.b" is a host. A
 * vague one is as often the suffix of a file, a word of a program or a unit
 * (README.md, user.name, 20.kg): more must say so. Which are clear is a choice:
 * two letters but for some, the first generic ones, and those that spam has
 * most often.
 */
enum top_name {
    TOP_NONE = 0,
    TOP_VAGUE,
    TOP_CLEAR
};
/* label: ASCII in lower case, no space. "xn--..." is clear. */
#define TOP_LABEL_MAX 63
enum top_name top_name_of(struct ts_str label);

#endif
