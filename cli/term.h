#ifndef CLI_TERM_H
#define CLI_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "proto/base/ts_str.h"

/* Colour codes, or empty strings when standard output is no terminal, TERM is
 * dumb, or NO_COLOR is set. */
struct term {
    const char *bold, *dim, *red, *green, *yellow, *cyan, *reset;
};

struct term term_stdout(void);
/* The same for any descriptor. */
struct term term_of(int fd);
/* Whether the locale's character set is UTF-8 (LC_ALL, LC_CTYPE, LANG): box
 * drawing and check marks, or ASCII. */
bool term_utf8(void);

/* Writes s escaped (control, bidi and zero-width characters made visible). */
void term_put(FILE *f, struct ts_str s);
/* The same to standard output. */
void term_print(struct ts_str s);

/* "2026-11-22T10:00:00Z"; out holds at least 32 bytes. */
void term_time(char *out, size_t cap, unsigned long long unix_s);

#endif
