#ifndef TESTS_UNIT_LAUNCHER_ORDER_RECODE_H
#define TESTS_UNIT_LAUNCHER_ORDER_RECODE_H

#include "tests/lib/recode.h"

/* Every body between gate, recorder and launcher, with every field set. */
extern const struct recode_set order_bodies;

#endif
