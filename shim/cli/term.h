#ifndef SHIM_CLI_TERM_H
#define SHIM_CLI_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "shim/tipstaff.h"

/* The outer world of the program: signals as a descriptor, and writing that a
 * signal can end although our standard output does not move. */
struct term {
    int sig_fd;  /* owned; readable when SIGINT or SIGTERM came */
    int signal;  /* the first one that came, or 0 */
    bool broken; /* nobody reads our output any more */
};

TS_NODISCARD ts_err term_init(struct term *t);
void term_done(struct term *t);
/* Takes a signal that has come, without waiting. True if there was one. */
bool term_take_signal(struct term *t);
/* Writes all to fd (not made non-blocking: it is shared with others), waiting
 * as long as it takes. After a signal or once broken the rest is dropped. */
void term_write(struct term *t, int fd, const void *p, size_t len);
/* One line on standard error, control characters escaped by the caller. */
TS_PRINTF(1, 2) void term_say(const char *fmt, ...);
/*
 * "WORD [code] decision ID: text" on standard error, escaped, line by line.
 * A text of the sidecar that begins so itself ("DENIED [code] decision ID: ",
 * whatever its word) is printed as it is. decision_id is 16 bytes, or NULL when
 * the sidecar did not say it.
 */
void term_verdict(const char *word, struct tipstaff_str code,
                  const uint8_t *decision_id, struct tipstaff_str text);
/* Says why, and returns the exit code that a status stands for. */
int term_failed(enum tipstaff_status s, const char *message);

#endif
