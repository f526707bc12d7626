#ifndef SIDECAR_SANDBOX_BPF_H
#define SIDECAR_SANDBOX_BPF_H

#include <linux/filter.h>

#include "sidecar/sandbox/model.h"

/*
 * A model as instructions for seccomp(2): the architecture, the number by
 * comparisons that halve the range (each number costs the kernel a walk when a
 * filter is installed, so depth is what installing costs), then the conditions
 * of that number. libseccomp's output is not used: its default order takes
 * twenty times the steps, and its optimiser does not end for some rules.
 */
struct sandbox_bpf { /* lives in the arena */
    struct sock_filter *insns;
    uint32_t count;
};

/* TS_E_LIMIT: longer than a filter may be (BPF_MAXINSNS). */
TS_NODISCARD ts_err sandbox_bpf_compile(const struct sandbox_model *m,
                                        struct ts_arena *arena,
                                        struct sandbox_bpf *ret);

/*
 * What must come on top of a process that has base already, so that the two
 * together mean m: numbers on which both agree are let through at once. m may
 * take away, not give: where base refuses, it stays refused.
 */
TS_NODISCARD ts_err sandbox_bpf_compile_over(const struct sandbox_model *base,
                                             const struct sandbox_model *m,
                                             struct ts_arena *arena,
                                             struct sandbox_bpf *ret);

/* What the kernel would do; for tests, and for figures. ret_steps may be NULL;
 * a program that the kernel would refuse kills. */
uint32_t sandbox_bpf_run(const struct sandbox_bpf *p, uint32_t audit,
                         uint32_t nr, const uint64_t args[SANDBOX_ARGS],
                         uint32_t *ret_steps);

/*
 * What installing it costs: the instructions that the kernel walks to find the
 * numbers that are always let through (seccomp_cache_prepare of Linux: each
 * number below numbers, up to the first look at an argument).
 */
uint32_t sandbox_bpf_steps(const struct sandbox_bpf *p, uint32_t audit,
                           uint32_t numbers);

#endif
