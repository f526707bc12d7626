#ifndef SIDECAR_SANDBOX_MODEL_H
#define SIDECAR_SANDBOX_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/sandbox/calls.h"

/*
 * What a profile says, for one architecture: for each number of a system call
 * a list of clauses, of which the first that matches decides, and an action for
 * when none does. This is what a filter means; bpf.h turns it into one, and
 * tests compare the two over all numbers and many arguments.
 *
 * Actions are return values of a filter (linux/seccomp.h).
 */
#define SANDBOX_ALLOW    0x7fff0000u
#define SANDBOX_KILL     0x80000000u /* the process, with SIGSYS */
#define SANDBOX_ERRNO(n) (0x00050000u | (uint32_t)(n))
#define SANDBOX_ABSENT   SANDBOX_ERRNO(38) /* ENOSYS */

#define SANDBOX_ARGS        6
#define SANDBOX_CONDS_MAX   6  /* of one clause */
#define SANDBOX_VALUES_MAX  64 /* of one condition */
#define SANDBOX_CLAUSES_MAX 96 /* of one call */

struct sandbox_cond { /* holds if (argument & mask) is one of the values */
    uint8_t arg;
    bool is32;    /* the upper half of the register is not looked at */
    bool differs; /* holds if it is none of them */
    /* The value is a secret: 64 bits and one value, not differs. Those of a
     * clause that stand together are compared as one, so that the time a
     * refusal takes tells of no part of them whether it was right. */
    bool secret;
    uint64_t mask;
    const uint64_t *values;
    uint32_t count;
};

struct sandbox_clause { /* matches if every condition holds */
    const struct sandbox_cond *conds;
    uint32_t count;
    uint32_t action;
};

struct sandbox_call {
    const struct sandbox_clause *clauses;
    uint32_t count;
    uint32_t action; /* when no clause matches */
};

struct sandbox_model {
    enum sandbox_arch arch;
    const struct sandbox_call *by_nr[SANDBOX_NR_END]; /* NULL: absent */
};

bool sandbox_cond_holds(const struct sandbox_cond *c,
                        const uint64_t args[SANDBOX_ARGS]);

uint32_t sandbox_call_eval(const struct sandbox_call *c,
                           const uint64_t args[SANDBOX_ARGS]);

/*
 * What happens to a call of any architecture (audit is AUDIT_ARCH_*): another
 * one's kills, and so does x32; number -1 is what a tracer leaves of a call
 * that it took away, and absent like every number that the profile does not
 * name.
 */
uint32_t sandbox_model_eval(const struct sandbox_model *m, uint32_t audit,
                            uint32_t nr, const uint64_t args[SANDBOX_ARGS]);

/* Puts a clause before those of this number. */
TS_NODISCARD ts_err sandbox_model_prepend(struct sandbox_model *m, uint32_t nr,
                                          const struct sandbox_clause *clause,
                                          struct ts_arena *arena);

/* Same clauses with the same actions. */
bool sandbox_call_equal(const struct sandbox_call *a,
                        const struct sandbox_call *b);

#endif
