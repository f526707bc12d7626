#ifndef TESTS_BENCH_POLICY_FLOOR_H
#define TESTS_BENCH_POLICY_FLOOR_H

#include "tests/bench/policy/data.h"

/*
 * What no engine that is handed names can go below: the request's three
 * entities found in one bare hash table, each confirmed byte by byte, and one
 * word of each read. No policy is looked at.
 */
struct bench_floor {
    const struct cedar_uid **slots; /* open addressing, at most half full */
    size_t mask;
};

bool bench_floor_make(struct bench_data *d, struct bench_floor *ret);
uint64_t bench_floor_one(const struct bench_floor *f,
                         const struct cedar_request *req);
/* ns of one dependent 64-bit multiplication and addition: the machine's. */
double bench_clock_ns(void);

#endif
