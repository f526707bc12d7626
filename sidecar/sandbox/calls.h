#ifndef SIDECAR_SANDBOX_CALLS_H
#define SIDECAR_SANDBOX_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"

/*
 * The system calls there are, by name, with their number on each architecture.
 * libseccomp knows them; names newer than the library are a table here. Both
 * architectures are known on every host, so that a profile for arm64 is
 * compiled and checked on x86-64.
 */
enum sandbox_arch {
    SANDBOX_X86_64,
    SANDBOX_ARM64,
    SANDBOX_ARCHS
};
#define SANDBOX_NR_END   512 /* above every number that is known */
#define SANDBOX_NAME_MAX 31  /* bytes of a call's name */
#define SANDBOX_X32_BIT  0x40000000u

struct sandbox_call_name {
    char name[SANDBOX_NAME_MAX + 1];
    int16_t nr[SANDBOX_ARCHS]; /* -1: not on this one */
};

struct sandbox_calls { /* sorted by name; lives in the arena */
    struct sandbox_call_name *list;
    uint32_t count;
};

TS_NODISCARD ts_err sandbox_calls_make(struct ts_arena *arena,
                                       struct sandbox_calls *ret);
/* Its index, or -1. */
int sandbox_calls_find(const struct sandbox_calls *c, struct ts_str name);
/* The name on this architecture, or NULL. */
const char *sandbox_calls_name(const struct sandbox_calls *c,
                               enum sandbox_arch arch, uint32_t nr);
/* The nearest name of a call or a set for a mistyped one, or NULL. */
const char *sandbox_calls_near(const struct sandbox_calls *c,
                               struct ts_str name);
/* Whether a is at most two edits from b, or a third of its length. */
bool sandbox_is_near(struct ts_str a, struct ts_str b, uint32_t *io_best);

uint32_t sandbox_arch_audit(enum sandbox_arch arch); /* AUDIT_ARCH_* */
const char *sandbox_arch_name(enum sandbox_arch arch);
enum sandbox_arch sandbox_arch_native(void);

/*
 * How many bits of an argument the kernel reads: 32, 64, or 0 if the table does
 * not know. A filter that compares more or fewer than the kernel reads lets a
 * call through that means something else (CVE-2019-7303, CVE-2019-10063).
 */
unsigned sandbox_arg_bits(const char *call, unsigned arg);

#endif
