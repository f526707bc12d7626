#ifndef SIDECAR_SANDBOX_COND_H
#define SIDECAR_SANDBOX_COND_H

#include "sidecar/sandbox/model.h"

/*
 * Conditions on the arguments of a call, as text:
 *
 *     arg1 in TCGETS TIOCGWINSZ 0x5421
 *     arg0 == AF_UNIX and arg1 & 0xf in SOCK_STREAM SOCK_SEQPACKET
 *     arg1 & O_CREAT|__O_TMPFILE == 0
 *     u64 arg3 & ~0xff != 0
 *
 * An argument, counted from 0; a mask if wanted (~ complements all of it);
 * == or !=, or "in" or "not in" and several values; "and" joins, lines of a
 * list mean "or". Values are numbers (decimal, 0x hex, 0o octal) or names of
 * the headers,
 * "|" joins. As many bits are compared as the kernel reads of this argument;
 * for calls that the table of sandbox_arg_bits() lacks u32 or u64 must say it.
 */
#define SANDBOX_WHY_MAX 200

struct sandbox_why {
    char text[SANDBOX_WHY_MAX];
};

/* On TS_E_FORMAT *reterr says what is wrong and what would be right. */
TS_NODISCARD ts_err sandbox_cond_parse(const char *call, struct ts_str text,
                                       struct ts_arena *arena,
                                       struct sandbox_clause *ret,
                                       struct sandbox_why *reterr);

/* A number or a name of the headers. */
bool sandbox_constant(struct ts_str word, uint64_t *ret);
/* The nearest name, or NULL. */
const char *sandbox_constant_near(struct ts_str word);
/* An errno: a number from 1 to 4095, or its name. */
bool sandbox_errno(struct ts_str word, uint32_t *ret);

/* The condition as it would be written, for `sandbox show`. Returns its length;
 * what does not fit is cut. */
size_t sandbox_clause_print(const struct sandbox_clause *c, char *out,
                            size_t cap);

#endif
