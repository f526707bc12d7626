#ifndef TESTS_UNIT_EGRESS_EGRESS_RECODE_H
#define TESTS_UNIT_EGRESS_EGRESS_RECODE_H

#include "tests/lib/recode.h"

/* Every body that the broker says or hears, with every field set. */
extern const struct recode_set egress_bodies;

#endif
