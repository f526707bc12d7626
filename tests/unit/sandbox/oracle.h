#ifndef TESTS_UNIT_SANDBOX_ORACLE_H
#define TESTS_UNIT_SANDBOX_ORACLE_H

#include "sidecar/sandbox/bpf.h"

/*
 * The same model through libseccomp, as an oracle. libseccomp has no order of
 * rules and no "differs" with a mask, so not every call can be said in it:
 * those are told in said[] and compared no further.
 */
struct oracle {
    struct sandbox_bpf program;
    bool said[SANDBOX_NR_END];
    uint32_t said_count;
};
TS_NODISCARD ts_err oracle_make(const struct sandbox_model *m,
                                struct ts_arena *arena, struct oracle *ret);

#endif
