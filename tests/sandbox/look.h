#ifndef TESTS_SANDBOX_LOOK_H
#define TESTS_SANDBOX_LOOK_H

#include "harness.h"

/* What a launcher holds, and must hold again when its tools have ended. */
struct look {
    int fds, children, mounts, scratch;
};

struct look look_at(const struct box *b);
void look_same(struct look now, struct look before);

#endif
